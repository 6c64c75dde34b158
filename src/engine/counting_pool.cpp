#include "engine/counting_pool.h"

#include <arrow/memory_pool.h>
#include <malloc.h>

namespace pulk {

namespace {

// Measured on 10 million rows, one lane: malloc keeps 100 MiB for a pool that never holds more than 25, mimalloc 65,
// jemalloc 35, all at the same processor time.
arrow::MemoryPool* tightest_pool() {
  arrow::MemoryPool* pool = nullptr;
  if (arrow::jemalloc_memory_pool(&pool).ok() || arrow::mimalloc_memory_pool(&pool).ok()) return pool;
  return arrow::system_memory_pool();
}

}  // namespace

arrow::MemoryPool* counting_pool() {
  // A proxy counts what passes through it; the pool below counts for the whole process.
  static arrow::ProxyMemoryPool pool(tightest_pool());
  return &pool;
}

void tune_malloc() {
  // By default glibc raises the threshold with every large block that is freed and then keeps such blocks.
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  // One arena per lane would multiply what is kept free.
  mallopt(M_ARENA_MAX, 4);
}

}  // namespace pulk

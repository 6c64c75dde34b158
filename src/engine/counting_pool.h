// The memory pool that Arrow and Parquet allocate from: the allocator that keeps least
// beyond what is in use, with the bytes counted.
#pragma once

#include <memory>

namespace arrow {
class MemoryPool;
}

namespace pulk {

// The one pool of the process.
arrow::MemoryPool* counting_pool();

// Makes malloc return large blocks to the system at once, so that one huge row does not stay in RSS. Call once at start.
void tune_malloc();

}  // namespace pulk

// Columns of text and of bytes. Long cells are written by the driver straight into the column's buffer.
#pragma once

#include <memory>

#include "catalog/moment_text.h"
#include "source/odbc/column_sink.h"

namespace pulk::odbc {

// UTF-16 to UTF-8.
std::unique_ptr<ColumnSink> make_utf16_sink(const ColumnPlan& plan, arrow::MemoryPool* pool);
// Text that is UTF-8 already; bytes that are bound as SQL_C_BINARY.
std::unique_ptr<ColumnSink> make_text_sink(const ColumnPlan& plan, arrow::MemoryPool* pool);
std::unique_ptr<ColumnSink> make_raw_bytes_sink(const ColumnPlan& plan, arrow::MemoryPool* pool);

// Times and moments that `take` writes as their canonical text.
using TakeMomentText = std::string_view (*)(const Cell&, const ColumnPlan&, MomentBuffer&, std::string_view&);
std::unique_ptr<ColumnSink> make_moment_sink(TakeMomentText take, const ColumnPlan& plan, arrow::MemoryPool* pool);

// Cells as SQLite's driver hands them over.
std::unique_ptr<ColumnSink> make_variable_sink(sqlite::CellForm form, const ColumnPlan& plan, arrow::MemoryPool* pool);

}  // namespace pulk::odbc

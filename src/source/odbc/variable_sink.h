// Columns of text and of bytes. Long cells are written by the driver straight into the column's buffer.
#pragma once

#include <memory>

#include "source/odbc/column_sink.h"

namespace pulk::odbc {

std::unique_ptr<ColumnSink> make_variable_sink(sqlite::CellForm form, const ColumnPlan& plan, arrow::MemoryPool* pool);

}  // namespace pulk::odbc

// Columns of a server's rows: C values as the driver hands them over, and texts that are parsed strictly.
#pragma once

#include <memory>

#include "source/odbc/column_sink.h"
#include "source/odbc/server_dialect.h"

namespace pulk::odbc {

std::unique_ptr<ColumnSink> make_native_sink(NativeForm form, const ColumnPlan& plan, arrow::MemoryPool* pool);

// The buffer that cells of this column are bound to.
CellWidth native_width(const NativeColumn& column);

}  // namespace pulk::odbc

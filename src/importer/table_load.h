// Rows into a table, all of them or none, exactly once: the mark protocol with one partition and no ledger. The run is
// named after what is loaded, so the same command, started again, finds what became of it: it goes on, or learns that
// the rows are in. When it has seen the end of a load it removes the marks, so that the next such command loads again.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/cancel.h"
#include "catalog/table_plan.h"
#include "stage/stage.h"
#include "warehouse/warehouse.h"

namespace pulk {

struct TableLoad {
  std::string run;
  TablePlan plan;  // with its one partition
  PublishMode mode = PublishMode::append;
  std::int64_t rows = 0;
  std::string spool;    // a folder
  std::string give_up;  // another load of this table that is not to go on; "" for none
  int tries = 3;
  // Writes all rows to the stage.
  std::function<std::vector<StagedFile>(Stage&, const std::string& prefix)> stage_files;
};

struct TableLoaded {
  std::int64_t rows = 0;
  bool already = false;  // by an earlier process, which did not say so
};

// Throws Error. Then nothing of the load is in the table, or the message says that it is not known; the same command
// finds out.
TableLoaded load_table(Warehouse& warehouse, const TableLoad& load, CancelToken& cancel);

}  // namespace pulk

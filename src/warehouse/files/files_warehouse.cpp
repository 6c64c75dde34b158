#include "warehouse/files/files_warehouse.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "base/error.h"
#include "stage/local/local_stage.h"
#include "warehouse/choose_type.h"
#include "warehouse/files/files_session.h"
#include "warehouse/files/layout.h"

namespace pulk {

namespace {

class FilesWarehouse : public Warehouse {
 public:
  explicit FilesWarehouse(const std::string& root)
      : root_(std::filesystem::absolute(root).lexically_normal().string()) {
    while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
  }

  std::string kind() const override { return "files"; }
  std::string location() const override { return root_; }
  bool exists() const override { return std::filesystem::exists(files::marks_path(root_)); }
  void check_location() const override {
    namespace fs = std::filesystem;
    fs::path place = root_;
    while (!fs::exists(place) && place.has_relative_path()) place = place.parent_path();
    if (!fs::is_directory(place))
      throw Error(ErrorKind::usage, place == root_ ? "is not a folder" : place.string() + " is not a folder", root_,
                  "name a folder in the connections file, or one that can be made");
    if (::access(place.c_str(), W_OK | X_OK) != 0)
      throw Error(ErrorKind::usage, "no right to write to " + place.string(), root_, "check who may write to it");
  }
  // Nothing folds the name of a folder: it stays as written.
  NameRule name_rule() const override { return NameRule::ignore_case; }

  std::optional<StoredType> stored_type(const std::string& type) const override { return stored_sql_type(type); }

  TypeChoice choose_type(const LogicalType& logical, const std::string& column, const std::string& mapped,
                         const std::string& deployed) const override {
    (void)column;
    return choose_sql_type(logical, mapped, deployed, "");
  }

  QualifiedName resolve(const WrittenName& database, const WrittenName& schema,
                        const WrittenName& table) const override {
    // The folder is the database, whatever the workflow calls it: only schema and table tell tables apart.
    (void)database;
    QualifiedName name{"", schema.empty() ? "main" : schema.text, table.text};
    for (const std::string* part : {&name.schema, &name.table}) {
      if (part->find('\0') != std::string::npos)
        throw Error(ErrorKind::refused, "a table name cannot contain a NUL character", name.display());
    }
    return name;
  }

  std::string column_name(const WrittenName& name) const override { return name.text; }
  bool same_column(const std::string& a, const std::string& b) const override { return a == b; }

  std::unique_ptr<Stage> stage(const std::string& run, const TablePlan& plan, const std::string& spool) override {
    (void)spool;
    return make_local_stage(files::stage_folder(root_, plan.target, run));
  }

  std::unique_ptr<WarehouseSession> open(std::chrono::milliseconds wait, std::int64_t memory, bool create,
                                         CancelToken* cancel) override {
    (void)memory;  // only footers are read
    return std::make_unique<files::FilesSession>(root_, wait, create, cancel);
  }

 private:
  std::string root_;
};

}  // namespace

std::unique_ptr<Warehouse> make_files_warehouse(const FilesConnection& connection) {
  return std::make_unique<FilesWarehouse>(connection.path);
}

}  // namespace pulk

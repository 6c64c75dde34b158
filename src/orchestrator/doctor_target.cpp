#include "orchestrator/doctor_target.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <variant>

#include "adbc/adbc.h"
#include "adbc/snowflake/library.h"
#include "base/error.h"
#include "orchestrator/doctor_choice.h"
#include "orchestrator/doctor_probes.h"
#include "orchestrator/doctor_token.h"
#include "orchestrator/prepare.h"
#include "warehouse/duckdb/duckdb_file.h"

namespace pulk {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTargetMemory = 64LL << 20;

void check_snowflake(DoctorChecks& checks, const SnowflakeTarget& target, LookedAtTarget& found) {
  found.in_cloud = true;
  if (!checks.check("snowflake driver", "pip install adbc-driver-snowflake",
                    [] { return passed(snowflake::driver_library()); }))
    return checks.skip("target login", "the driver cannot be used");
  if (const SnowflakeConnection connection = resolve_snowflake(target);
      connection.entra.given() && !checks.check("target token", "check tenant, client and secret",
                                                [&] { return look_at_token(connection.entra, ""); }))
    return checks.skip("target login", "there is no token of Entra ID");
  if (!checks.check("target login", "check the connection's settings", [&] {
        found.session = found.warehouse->open(std::chrono::milliseconds(0), kTargetMemory, false, &checks.cancel());
        return passed(found.session->about());
      }))
    return;
  bool sound = true;
  for (const Warehouse::StageLook& one : found.warehouse->stage_looks()) {
    if (!sound) {
      checks.skip(one.name, "the check before it failed");
      continue;
    }
    sound = checks.check(one.name, "see docs/snowflake.md, \"A bucket of yours\"", [&] {
      const auto seen = one.look();
      return seen.advice.empty() ? passed(seen.detail) : warned(seen.detail, seen.advice);
    });
  }
}

}  // namespace

LookedAtTarget check_target(DoctorChecks& checks, const ConnectionsFile* connections, const std::string& wanted) {
  LookedAtTarget found;
  const auto skip_all = [&](const std::string& why) {
    for (const char* name : {"target folder", "target"}) checks.skip(name, why);
    return LookedAtTarget{};
  };
  if (connections == nullptr) {
    checks.skip("target connection", "the connections file cannot be used");
    return skip_all("the connections file cannot be used");
  }
  bool duckdb = false;
  const SnowflakeTarget* snowflake = nullptr;
  if (!checks.check("target connection", "name a target of the connections file with --target", [&] {
        const auto& [name, connection] =
            choose_connection(connections->targets, connections->unsupported_targets, wanted, "target");
        duckdb = std::holds_alternative<DuckdbConnection>(connection);
        snowflake = std::get_if<SnowflakeTarget>(&connection);
        found.warehouse = open_target(connections->path, name, checks.cancel());
        return passed(name + ": " + found.warehouse->location());
      }))
    return skip_all("there is no target connection");
  if (snowflake != nullptr) {
    check_snowflake(checks, *snowflake, found);
    return found;
  }

  const bool library =
      !duckdb || checks.check("duckdb library", "set PULK_DUCKDB_LIBRARY to the path of libduckdb.so", [&] {
        const std::string path = duckdb_library();
        if (!fs::exists(path)) throw Error(ErrorKind::usage, "there is no such file", path);
        adbc::Database database(path, "duckdb_adbc_init", {{"path", ":memory:"}, {"threads", "1"}});
        adbc::Connection connection(database);
        return passed(fmt::format("DuckDB {} in {}", connection.query("SELECT version()").text(0, 0), path));
      });

  const std::string location = found.warehouse->location();
  const std::string folder = duckdb ? fs::absolute(location).parent_path().string() : probe::nearest_folder(location);
  const bool writable = checks.check("target folder", "choose another folder", [&] {
    if (duckdb && !fs::is_directory(folder))
      throw Error(ErrorKind::usage, "the folder of the DuckDB file does not exist", folder, "mkdir -p " + folder);
    probe::try_writing(folder);
    return passed(folder + " can be written to");
  });
  if (!library) {
    checks.skip("target", "the DuckDB library cannot be used");
    return found;
  }
  checks.check("target", "see what else uses the target", [&] {
    std::error_code ignored;
    if (!fs::exists(location, ignored)) {
      if (!writable) throw Error(ErrorKind::usage, "does not exist and cannot be made", location, "see target folder");
      return passed(location + " will be made");
    }
    found.session = found.warehouse->open(std::chrono::milliseconds(0), kTargetMemory, false, &checks.cancel());
    return passed(location + " opens, no other process holds it");
  });
  return found;
}

}  // namespace pulk

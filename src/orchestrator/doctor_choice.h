// The connection that a run would take, by the rules of --source and --target. Called by the doctor only.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/strings.h"

namespace pulk {

// One of the connections of a side ("source" or "target"). Throws Error(usage) or Error(refused) with those that there
// are.
template <typename Map>
const typename Map::value_type& choose_connection(const Map& map, const std::set<std::string>& unsupported,
                                                  const std::string& wanted, const std::string& side) {
  std::vector<std::string> names;
  for (const auto& [name, connection] : map) names.push_back(name);
  const std::string here = map.empty() ? "" : "; there are: " + join(names, ", ");
  if (!wanted.empty()) {
    if (const auto found = map.find(wanted); found != map.end()) return *found;
    if (unsupported.contains(wanted))
      throw Error(ErrorKind::refused, "connections of the kind " + wanted + " are not in this version" + here);
    throw Error(ErrorKind::usage, "there is no connection named " + wanted + here);
  }
  if (map.size() == 1) return *map.begin();
  if (map.size() > 1)
    throw Error(ErrorKind::usage, "there are several: " + join(names, ", "), "", "choose one by --" + side);
  if (!unsupported.empty())
    throw Error(ErrorKind::refused, "connections of the kind " + *unsupported.begin() + " are not in this version");
  throw Error(ErrorKind::usage, "none is configured", "", "add a [connections." + side + ".…] table");
}

}  // namespace pulk

// Runs another program and hands over what it says, line by line. Called by the demo only; one thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pulk::demo {

struct ChildCommand {
  std::vector<std::string> argv;           // argv[0] is the path of the program
  std::string folder;                      // where it runs; "" = here
  std::map<std::string, std::string> set;  // changes to the environment
  std::vector<std::string> unset;
};

struct ChildEnd {
  int exit_code = -1;  // -1: ended by a signal
  int signal = 0;
};

using OnLine = std::function<void(std::string_view line)>;

// Returns when the program has ended. When a callback throws, the program is killed first. Throws Error(usage) when
// the program cannot be started.
ChildEnd run_child(const ChildCommand& command, const OnLine& on_output, const OnLine& on_error);

}  // namespace pulk::demo

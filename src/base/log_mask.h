// The net below the rule that secrets stay out of messages (I4): what a server or a driver repeats of them is taken out
// of every log line. Thread-safe.
#pragma once

#include <functional>
#include <string>

namespace pulk {

// Behind those that are there.
void add_log_mask(std::function<std::string(std::string)> mask);

// The text as it may be shown; log() does this itself, with the message and with the fields.
std::string masked(std::string text);

}  // namespace pulk

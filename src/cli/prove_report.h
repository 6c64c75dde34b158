// What `pulk doctor --prove` prints: lines for people, or one JSON object.
#pragma once

#include <vector>

#include "orchestrator/prove/prove.h"

namespace pulk::prove {

void print_intent(const Intent& intent);
void print_result(const Result& result);
void print_closing(const std::vector<Result>& results, double seconds);
void print_json(const Intent& intent, const std::vector<Result>& results);

}  // namespace pulk::prove

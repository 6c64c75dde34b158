// The loop over probes, whatever they ask. Called by prove() and prove_sqlserver(), on one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"
#include "orchestrator/known_secrets.h"
#include "orchestrator/prove/prove.h"

namespace pulk::prove {

// All, or those with these numbers. Throws Error(usage) with every number that is unknown.
template <typename ProbeType>
std::vector<const ProbeType*> chosen(const std::vector<ProbeType>& all, const std::vector<int>& only) {
  Problems problems;
  for (const int number : only)
    if (std::none_of(all.begin(), all.end(), [&](const ProbeType& p) { return p.number == number; }))
      problems.add("--only", "there is no probe " + std::to_string(number), "docs/prove.md lists them");
  problems.throw_if_any();
  std::vector<const ProbeType*> list;
  for (const ProbeType& probe : all)
    if (only.empty() || std::find(only.begin(), only.end(), probe.number) != only.end()) list.push_back(&probe);
  return list;
}

// `is_answer`: whether an error is the service's answer to the probe, or came in between. The bench is settled behind
// each probe.
template <typename ProbeType, typename BenchType>
Result run_probe(const ProbeType& probe, BenchType& bench, bool (*is_answer)(const Error&), CancelToken& cancel) {
  using Clock = std::chrono::steady_clock;
  Result result;
  result.probe = &probe;
  const auto start = Clock::now();
  bool failed = false;
  try {
    Finding finding = probe.look(bench);
    result.outcome = finding.outcome;
    result.seen = std::move(finding.seen);
  } catch (const Error& error) {
    cancel.check();
    failed = true;
    const bool answer = is_answer(error);
    result.outcome = answer ? Outcome::fail : Outcome::undecided;
    if (!answer) result.error = error.kind();
    result.seen = (answer ? "the service refused: " : "an error came in between: ") + error.message();
  }
  bench.settle(failed);
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

template <typename ProbeType, typename BenchType>
std::vector<Result> run_probes(const std::vector<const ProbeType*>& list, BenchType& bench,
                               bool (*is_answer)(const Error&), CancelToken& cancel, const KnownSecrets& secrets,
                               const Listener& listener) {
  std::vector<Result> results;
  for (const ProbeType* probe : list) {
    cancel.check();
    results.push_back(run_probe(*probe, bench, is_answer, cancel));
    results.back().seen = secrets.without(results.back().seen);
    listener.on_result(results.back());
  }
  return results;
}

}  // namespace pulk::prove

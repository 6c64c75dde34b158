// The place that exports go to, from what a person wrote: a flag, or S3_BUCKET_NAME of the environment or of `.env`.
#pragma once

#include <memory>
#include <string>

#include "base/cancel.h"
#include "exporter/destination.h"

namespace pulk {

// Reads `.env` (or `env_file`) and says what is odd about it; what is secret of the environment is kept out of the log.
// Before there are threads; a second call does nothing.
void read_env_file(const std::string& env_file);

// `url` may be "" when `flag`, which names it in messages, was not given; `flag` is "" where there is none.
// Throws Error(usage).
std::unique_ptr<Destination> open_place(const std::string& url, const std::string& flag, CancelToken& cancel,
                                        WhenCancelled when = WhenCancelled::clean_up);

}  // namespace pulk

// The two kinds of destination; made by make_destination() only.
#pragma once

#include <memory>
#include <string>

#include "exporter/destination.h"

namespace pulk {

// See Destination::remove_left().
inline constexpr double kLeftAfterSeconds = 24 * 3600;

std::unique_ptr<Destination> make_s3_destination(const std::string& bucket, std::string prefix,
                                                 const std::string& where, const CancelToken* cancel,
                                                 Problems& problems, WhenCancelled when);
// `folder` is an absolute path. `ends` stops listing too; it may be null and must outlive it.
std::unique_ptr<Destination> make_local_destination(std::string folder, const CancelToken* ends);

}  // namespace pulk

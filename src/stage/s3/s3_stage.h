// A stage in a bucket. Objects are written by multipart uploads, so a name on the stage always means a whole file; what
// a killed writer leaves is invisible, listed by list() and ended by remove(). No local disk is used.
//
// Memory: kS3FileMemory per open file.
#pragma once

#include <memory>
#include <string>

#include "stage/s3/part_upload.h"
#include "stage/s3/s3_client.h"
#include "stage/stage.h"

namespace pulk {

// Its parts, and connections of about 1 MiB for each of them that is on its way.
inline constexpr std::int64_t kS3FileMemory = kS3ObjectBytes + (std::int64_t{kS3PartsOnTheirWay} << 20);

// Nothing is asked of the service yet: create() tells what is wrong with bucket, rights and credentials.
// Its streams throw Error, and never return a failed Status. A file must not outlive the client's cancel; it may
// outlive the stage. `keep`: whole files are neither listed nor removed, only uploads that nobody completed are.
// `location` is what location() says, where a warehouse has a name of its own for the place; "" is s3://bucket/prefix.
std::unique_ptr<Stage> make_s3_stage(std::shared_ptr<S3Client> client, const std::string& prefix, bool keep = false,
                                     std::string location = "");

}  // namespace pulk

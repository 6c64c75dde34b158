// A stage in a bucket. Objects are written by multipart uploads, so a name on the stage always means a whole file; what
// a killed writer leaves is invisible, listed by list() and ended by remove(). No local disk is used.
//
// Memory: kS3ObjectBytes per open file (part_upload.h), and connections of about 1 MiB for each part on its way.
#pragma once

#include <memory>
#include <string>

#include "stage/s3/s3_settings.h"
#include "stage/stage.h"

namespace pulk {

// Nothing is asked of the service yet: create() tells what is wrong with bucket, rights and credentials.
// Throws Error(usage) with all that is wrong with the settings. Its streams throw Error, and never return a failed
// Status. A file must not outlive cancel; it may outlive the stage.
std::unique_ptr<Stage> make_s3_stage(const S3Settings& settings, const std::string& bucket, const std::string& prefix);

}  // namespace pulk

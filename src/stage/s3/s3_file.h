// One object while it is written: a multipart upload that nobody sees before publish().
#pragma once

#include <memory>
#include <string>

#include "stage/s3/s3_client.h"
#include "stage/stage.h"

namespace pulk {

// Starts the upload at once, so that a missing bucket or right is told before any row is read.
std::unique_ptr<OutputFile> create_s3_file(std::shared_ptr<S3Client> client, const std::string& key, std::string name);
// The same under a key that an object may have already: readers see the old one until publish(), which goes on when the
// run is cancelled, because files that belong together must not stay half named.
std::unique_ptr<OutputFile> replace_s3_file(std::shared_ptr<S3Client> client, const std::string& key,
                                            const std::string& content_type);

}  // namespace pulk

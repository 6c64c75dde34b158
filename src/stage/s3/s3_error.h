// What an answer of S3 that is not a success means for the person and for the next attempt. Source: "Error responses",
// Amazon S3 API Reference.
#pragma once

#include <string>

#include "base/error.h"
#include "http/http.h"

namespace pulk {

// The code of the document, else what the status says where there is none (answers to HEAD).
std::string s3_code(const HttpResponse& answer);

// Another attempt of the same request may succeed by itself.
bool s3_passes(const HttpResponse& answer);

// The keys are known to the service but their time is over.
bool s3_expired(const HttpResponse& answer);

// `subject`: the object or the bucket as s3://…; `origin`: where the credentials come from.
Error s3_error(const HttpResponse& answer, const std::string& doing, const std::string& subject,
               const std::string& region, const std::string& origin);

}  // namespace pulk

#include "orchestrator/place.h"

#include <utility>

#include "base/environment.h"
#include "base/error.h"
#include "base/log.h"
#include "config/dotenv.h"
#include "orchestrator/known_secrets.h"

namespace pulk {

void read_env_file(const std::string& env_file) {
  static bool done = false;
  if (std::exchange(done, true)) return;
  const std::string path = env_file.empty() ? find_dotenv() : env_file;
  if (!path.empty())
    for (const std::string& warning : load_dotenv(path)) log_warning(warning);
  KnownSecrets known;
  known.learn_environment();
  known.hide_in_log();
}

std::unique_ptr<Destination> open_place(const std::string& url, const std::string& flag, CancelToken& cancel,
                                        WhenCancelled when) {
  const std::string bucket = environment("S3_BUCKET_NAME");
  if (url.empty() && bucket.empty())
    throw Error(ErrorKind::usage, "is not set, and nothing else says where", "S3_BUCKET_NAME",
                "set S3_BUCKET_NAME in the environment or in .env" +
                    (flag.empty() ? "" : ", or write " + flag + " s3://BUCKET"));
  Problems problems;
  auto place = make_destination(url.empty() ? "s3://" + bucket : url, url.empty() ? "S3_BUCKET_NAME" : flag, &cancel,
                                problems, when);
  problems.throw_if_any();
  return place;
}

}  // namespace pulk

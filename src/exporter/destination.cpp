#include "exporter/destination.h"

#include <arrow/io/interfaces.h>

#include "exporter/destinations.h"

namespace pulk {

std::unique_ptr<Destination> make_destination(const std::string& url, const std::string& where,
                                              const CancelToken* cancel, Problems& problems,
                                              WhenCancelled when) {
  constexpr std::string_view kS3 = "s3://", kFile = "file://";
  if (url.starts_with(kS3)) {
    const std::string rest = url.substr(kS3.size());
    const std::size_t slash = rest.find('/');
    return make_s3_destination(rest.substr(0, slash), slash == std::string::npos ? "" : rest.substr(slash + 1), where,
                               cancel, problems, when);
  }
  if (url.starts_with("file:///")) 
    return make_local_destination(url.substr(kFile.size()), when == WhenCancelled::end_all ? cancel : nullptr);
  problems.add(where, "\"" + url + "\" is no place for files",
               "write s3://BUCKET, s3://BUCKET/PREFIX or file:///FOLDER");
  return nullptr;
}

std::unique_ptr<OutputFile> sealed_text(Destination& destination, const std::string& path, const std::string& content,
                                        const std::string& content_type) {
  auto file = destination.create(path, content_type);
  if (!file->stream()->Write(content.data(), static_cast<std::int64_t>(content.size())).ok())
    throw Error(ErrorKind::retryable, "cannot write", destination.url_of(path));
  file->seal();
  return file;
}

void put_text(Destination& destination, const std::string& path, const std::string& content,
              const std::string& content_type) {
  sealed_text(destination, path, content, content_type)->publish();
}

}  // namespace pulk

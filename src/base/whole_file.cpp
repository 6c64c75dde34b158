#include "base/whole_file.h"

#include <cstdio>
#include <fstream>

#include "base/error.h"

namespace pulk {

void write_whole_file(const std::string& path, const std::string& content, const std::string& what) {
  const std::string temporary = path + ".tmp";
  std::ofstream file(temporary, std::ios::binary);
  file << content;
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0)
    throw Error(ErrorKind::usage, what + " cannot be written", path, "check the folder and who may write to it");
}

}  // namespace pulk

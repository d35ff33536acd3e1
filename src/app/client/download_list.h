// Which files `mas get` fetches and where each goes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mas/core/ids.h"
#include "mas/core/result.h"

namespace mas::app {

struct Wanted {
  Hash hash;
  std::string path;  // below the output directory; "" for the record's name
};

// Lines of `mas put` or sha256sum. Errors (invalid_argument): a line of another form, with its
// number; a path that would leave the output directory.
[[nodiscard]] Result<std::vector<Wanted>> parse_download_list(std::string_view text);

// `path` as one below a directory: leading slashes and "./" dropped. Errors (invalid_argument): has
// "..", or nothing is left.
[[nodiscard]] Result<std::string> contained_path(std::string_view path);

// A file name made of a record's name: its last component; the hash, if that is nothing usable
// ("", "..", starts with a dot or a dash, over 200 bytes).
[[nodiscard]] std::string safe_file_name(std::string_view record_name, const Hash& hash);

}  // namespace mas::app

#include "app/client/download_list.h"

#include "app/client/local_files.h"
#include "app/client/output.h"

namespace mas::app {

Result<std::string> contained_path(std::string_view path) {
  std::string out;
  for (std::string_view rest = path; !rest.empty();) {
    std::size_t slash = std::min(rest.find('/'), rest.size());
    std::string_view component = rest.substr(0, slash);
    rest.remove_prefix(std::min(slash + 1, rest.size()));
    if (component.empty() || component == ".") continue;
    if (component == ".." || component.find('\0') != std::string_view::npos) {
      return Error(Code::invalid_argument, "the path " + printable(path) + " is not allowed");
    }
    out += (out.empty() ? "" : "/") + std::string(component);
  }
  if (out.empty()) return Error(Code::invalid_argument, "a path is empty");
  return out;
}

std::string safe_file_name(std::string_view record_name, const Hash& hash) {
  std::string name = base_name(record_name);
  bool usable = !name.empty() && name.size() <= 200 && name[0] != '.' && name[0] != '-' &&
                name.find('/') == std::string::npos && name.find('\0') == std::string::npos;
  return usable ? name : hash.hex();
}

Result<std::vector<Wanted>> parse_download_list(std::string_view text) {
  std::vector<Wanted> list;
  std::size_t number = 0;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty()) continue;
    auto [hash_text, path] = parse_checksum_line(line);
    auto hash = Hash::parse(hash_text);
    if (!hash) {
      return Error(Code::invalid_argument,
                   "line " + std::to_string(number) + " is not \"HASH  PATH\"");
    }
    auto contained = contained_path(path);
    if (contained.has_error()) {
      return contained.error().with_context("line " + std::to_string(number));
    }
    list.push_back({*hash, *contained});
  }
  return list;
}

}  // namespace mas::app

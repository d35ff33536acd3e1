#include "mas/fs/directories.h"

namespace mas::fs {

std::string parent_of(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

Result<void> make_durable_directory(Fs& fs, const std::string& path) {
  MAS_CHECK(fs.make_directories(path));
  std::string above = parent_of(path);
  MAS_CHECK(fs.sync_directory(above));
  // Those above may be new too. What cannot be synced further up was not made here.
  while (above != "/" && above != ".") {
    above = parent_of(above);
    if (fs.sync_directory(above).has_error()) break;
  }
  return {};
}

}  // namespace mas::fs

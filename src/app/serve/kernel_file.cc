#include "app/serve/kernel_file.h"

#include <array>

namespace mas::app {

std::string kernel_text(fs::Fs& fs, const std::string& path) {
  auto file = fs.open(path, {});
  if (file.has_error()) return "";
  std::array<std::uint8_t, 4096> bytes{};
  auto count = (*file)->read_at(0, bytes);
  if (count.has_error()) return "";
  return std::string(as_text(ByteView(bytes.data(), *count)));
}

}  // namespace mas::app

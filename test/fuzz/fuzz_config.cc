// Any text is a configuration or a one-line error; a configuration, printed, means the same again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "config/keys.h"
#include "mas/config/config.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::string print(const mas::config::Config& config) {
  std::string text;
  for (const auto& key : mas::config::keys()) {
    text += key.name;
    text += " = " + print_field(key.field, config) + "\n";
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  auto parsed = mas::config::parse(text, "f");
  if (parsed.has_error()) {
    const mas::Error error = parsed.error();
    const std::string& message = error.message();
    require(message.starts_with("f:") && message.find('\n') == std::string::npos);
    require(message.size() < 1000);
    return 0;
  }
  std::string printed = print(*parsed);
  auto again = mas::config::parse(printed, "again");
  require(again.has_value());
  require(print(*again) == printed);
  return 0;
}

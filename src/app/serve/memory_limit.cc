#include "app/serve/memory_limit.h"

#include <algorithm>
#include <charconv>

#include "app/serve/kernel_file.h"

namespace mas::app {
namespace {

// No machine has that much: version 1 says "no limit" so.
constexpr std::uint64_t kNoLimit = 1ULL << 60;

std::optional<std::uint64_t> limit_in(fs::Fs& fs, const std::string& path) {
  const std::string text = kernel_text(fs, path);
  std::uint64_t limit = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (problem != std::errc() || limit >= kNoLimit) return std::nullopt;
  return limit;
}

}  // namespace

MemoryGroup memory_group(std::string_view membership) {
  MemoryGroup group{true, "/"};
  while (!membership.empty()) {
    const std::size_t end = std::min(membership.find('\n'), membership.size());
    const std::string_view line = membership.substr(0, end);
    membership.remove_prefix(std::min(end + 1, membership.size()));
    const std::size_t first = line.find(':');
    if (first == std::string_view::npos) continue;
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string controllers =
        "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    const std::string_view path = line.substr(second + 1);
    if (!path.starts_with('/')) continue;
    if (controllers.find(",memory,") != std::string::npos) return {false, std::string(path)};
    if (controllers == ",,") group.path = path;
  }
  return group;
}

std::optional<std::uint64_t> control_group_memory(fs::Fs& fs, const ControlGroupFiles& files) {
  const MemoryGroup group = memory_group(kernel_text(fs, files.membership));
  const std::string mount = files.mount + (group.unified ? "" : "/memory");
  const std::string name = group.unified ? "/memory.max" : "/memory.limit_in_bytes";
  std::optional<std::uint64_t> lowest = limit_in(fs, mount + name);
  std::string path = group.path;
  while (path.size() > 1) {
    const auto limit = limit_in(fs, mount + path + name);
    if (limit) lowest = std::min(lowest.value_or(*limit), *limit);
    path.erase(path.rfind('/'));
  }
  return lowest;
}

}  // namespace mas::app

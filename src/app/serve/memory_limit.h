// How much memory this process may have before the kernel ends it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mas/fs/fs.h"

namespace mas::app {

// Where the kernel shows control groups; another place in tests.
struct ControlGroupFiles {
  std::string membership = "/proc/self/cgroup";
  std::string mount = "/sys/fs/cgroup";
};

// The lowest memory limit of the control groups this process is in, in bytes; nullopt if there is
// none. Version 2 has its limits in memory.max below the mount, version 1 in
// memory/memory.limit_in_bytes (a value near 2^63 is none); a group has the limits of those above
// it, too. In a container the files of its own group often stand at the mount itself.
[[nodiscard]] std::optional<std::uint64_t> control_group_memory(fs::Fs& fs,
                                                                const ControlGroupFiles& files);

// The path of this process's memory group from the text of /proc/self/cgroup, "/" if it tells
// none: the line of the controller `memory` (version 1), or the line without a controller.
struct MemoryGroup {
  bool unified = true;  // version 2
  std::string path;     // begins with '/'
};
[[nodiscard]] MemoryGroup memory_group(std::string_view membership);

}  // namespace mas::app

// Files that the kernel makes up: /proc, control groups.
#pragma once

#include <string>

#include "mas/fs/fs.h"

namespace mas::app {

// Its text, the first 4 KiB of it; "" if it cannot be read. Such files have no size, so one read up
// to a bound takes all.
[[nodiscard]] std::string kernel_text(fs::Fs& fs, const std::string& path);

}  // namespace mas::app

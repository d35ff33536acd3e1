// Directories that must still be there after a power loss.
#pragma once

#include <string>
#include <string_view>

#include "mas/fs/fs.h"

namespace mas::fs {

// All but the last component of a path: "." for a bare name.
[[nodiscard]] std::string parent_of(std::string_view path);
// Makes a directory and what is missing above it, all of it durable; fine if it exists. Errors: as
// make_directories; io if the directory above it cannot be synced.
Result<void> make_durable_directory(Fs& fs, const std::string& path);

}  // namespace mas::fs

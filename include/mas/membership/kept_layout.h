// What a pod knows of its cluster before it has heard of anybody.
#pragma once

#include <cstddef>
#include <string>

#include "mas/core/result.h"
#include "mas/fs/fs.h"

namespace mas::membership {

// Active members of the newest layout that the pod kept below `directory` (Dependencies::directory
// of its membership); 0 if it kept none. Blocking. Errors: io, corrupt.
[[nodiscard]] Result<std::size_t> kept_members(fs::Fs& fs, const std::string& directory);

}  // namespace mas::membership

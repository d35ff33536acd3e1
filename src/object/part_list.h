// The parts of an upload: all of them, and which are missing.
#pragma once

#include <optional>
#include <vector>

#include "object/context.h"

namespace mas::object {

Task<Result<std::vector<meta::Part>>> all_parts(Context& context, Id128 upload);

// Numbers from 1 to the highest of `parts` (or to `count`, if the client said how many there are)
// that are not there, at most 1,000 of them. If the client said how large the whole is and parts
// are all there but too small together, the next number is missing too.
[[nodiscard]] std::vector<std::uint32_t> missing_parts(const std::vector<meta::Part>& parts,
                                                       std::optional<std::uint32_t> count,
                                                       std::optional<std::uint64_t> size);

[[nodiscard]] std::uint64_t total_size(const std::vector<meta::Part>& parts);

}  // namespace mas::object

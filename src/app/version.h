// Which mas this is.
#pragma once

#include <string_view>

namespace mas::app {

[[nodiscard]] std::string_view version();  // "0.1.0"

}  // namespace mas::app

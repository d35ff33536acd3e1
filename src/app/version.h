// Which mas this is.
#pragma once

#include <string_view>

namespace mas::app {

[[nodiscard]] std::string_view version();  // "0.2.0"

}  // namespace mas::app

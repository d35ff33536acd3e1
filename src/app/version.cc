#include "app/version.h"

namespace mas::app {

std::string_view version() { return MAS_VERSION; }

}  // namespace mas::app

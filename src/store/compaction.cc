#include "store/volume.h"

namespace mas::store {

Task<Result<bool>> Volume::compact_one() { co_return false; }

}  // namespace mas::store

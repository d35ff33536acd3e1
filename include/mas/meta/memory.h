// MetaStore in memory: for simulation and tests. Same meaning as the other adapters, nothing kept.
#pragma once

#include <memory>

#include "mas/meta/meta_store.h"

namespace mas::meta {

// Thread-safe; calls finish without waiting.
[[nodiscard]] std::unique_ptr<MetaStore> make_memory_meta();

}  // namespace mas::meta

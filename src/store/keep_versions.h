// Where the versions of a store go on at its start, and how their bound is kept by all directories.
#pragma once

#include <memory>
#include <vector>

#include "store/versions.h"
#include "store/volume.h"
#include "store/volume_set.h"

namespace mas::store {

// Begins `versions` above everything that the directories of the set can hold, also those that are
// not open and what cannot be read, and writes what each keeps of the set where that has changed.
// `known`: what the files of `volumes` say, in the same order. All but `known` outlive `versions`.
// Blocking. Errors: io.
[[nodiscard]] Result<void> begin_versions(Versions& versions, const VolumeSet& set, fs::Fs& fs,
                                          const std::vector<std::unique_ptr<Volume>>& volumes,
                                          const std::vector<VolumeIdentity>& known);

}  // namespace mas::store

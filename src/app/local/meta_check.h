// The embedded metadata of a stopped pod, compared with what its store holds.
#pragma once

#include <string>
#include <vector>

#include "app/local/compare.h"
#include "mas/fs/fs.h"

namespace mas::app {

// Opens the metadata below `directory` (the first of node.data) to be read only, and compares. The
// metadata of a cluster is not here: then that is a note and nothing is compared. Metadata that is
// missing or cannot be read is a problem. Blocking.
[[nodiscard]] Comparison check_metadata(fs::Fs& fs, const std::string& directory,
                                        const std::vector<store::CheckedRecord>& inventory);

}  // namespace mas::app

// Whether the embedded metadata of a stopped pod can be read.
#pragma once

#include <cstdint>
#include <string>

#include "mas/fs/fs.h"

namespace mas::app {

struct MetadataReport {
  std::uint64_t objects = 0;  // live and condemned records read
  std::string problem;        // "" for none
};

// Opens the metadata below `directory` and reads every record of an object. A directory that does
// not exist is a problem. Blocking.
[[nodiscard]] MetadataReport check_metadata(fs::Fs& fs, const std::string& directory);

}  // namespace mas::app

// What a data directory holds for the store and who it is: `volume` (text: format, ids), `lock`,
// `segments/`, `index/`. Other modules may keep files of their own beside them.
#pragma once

#include <optional>
#include <string>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/fs/fs.h"

namespace mas::store {

struct VolumeIdentity {
  Id128 volume;  // of this directory
  Id128 set;     // shared by all directories of one pod: its incarnation
};

struct VolumePaths {
  explicit VolumePaths(const std::string& directory);
  std::string directory;
  std::string identity;
  std::string lock;
  std::string segments;
  std::string index;
};

[[nodiscard]] std::string format_volume_file(const VolumeIdentity& identity);
// Errors: corrupt (not such a file, or of a format this program does not know).
[[nodiscard]] Result<VolumeIdentity> parse_volume_file(const std::string& text);

// nullopt if the directory (or its volume file) does not exist. Errors: io; corrupt, also where
// segments lie without the file that says whose they are.
[[nodiscard]] Result<std::optional<VolumeIdentity>> read_identity(fs::Fs& fs,
                                                                  const VolumePaths& paths);
// Makes the directories and, last, the volume file; durable. Errors: io, disk_full.
[[nodiscard]] Result<void> found_volume(fs::Fs& fs, const VolumePaths& paths,
                                        const VolumeIdentity& identity);

}  // namespace mas::store

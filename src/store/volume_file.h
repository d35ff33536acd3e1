// What a data directory holds for the store and who it is: `volume` and `volume.copy` (text:
// format, ids, what it knows of the other directories), `lock`, `segments/`, `index/`. Other
// modules may keep files of their own beside them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/fs/fs.h"

namespace mas::store {

// One directory of a pod, as all of them know it.
struct SetMember {
  Id128 volume;
  std::string path;  // where it was last opened; for people
  friend bool operator==(const SetMember&, const SetMember&) = default;
};

struct VolumeIdentity {
  Id128 volume;  // of this directory
  Id128 set;     // shared by all directories of one pod: its incarnation
  // Since format 2; in a file of format 1 zero and empty.
  std::uint64_t versions = 0;      // every version given in the whole set so far is lower
  std::uint64_t revision = 0;      // of `members`: the highest of a set's directories counts
  std::vector<SetMember> members;  // in order of joining
  // As read: the file or its copy is missing, damaged or older, and is to be written again.
  bool needs_writing = false;
  friend bool operator==(const VolumeIdentity&, const VolumeIdentity&) = default;
};

struct VolumePaths {
  explicit VolumePaths(const std::string& directory);
  std::string directory;
  std::string identity;
  std::string identity_copy;
  std::string lock;
  std::string segments;
  std::string index;
};

// In the newest format.
[[nodiscard]] std::string format_volume_file(const VolumeIdentity& identity);
// Errors: corrupt (not such a file, or of a format this program does not know).
[[nodiscard]] Result<VolumeIdentity> parse_volume_file(const std::string& text);

// From the file, or from its copy where that is missing, damaged or cannot be read. nullopt if the
// directory (or both) does not exist. Errors: io; corrupt, also where segments lie without a file
// that says whose they are.
[[nodiscard]] Result<std::optional<VolumeIdentity>> read_identity(fs::Fs& fs,
                                                                  const VolumePaths& paths);
// Replaces the volume file and its copy, which is never the older of the two; durable. Errors: io,
// disk_full.
[[nodiscard]] Result<void> write_identity(fs::Fs& fs, const VolumePaths& paths,
                                          const VolumeIdentity& identity);
// Makes the directories and, last, the volume file; durable. Errors: io, disk_full.
[[nodiscard]] Result<void> found_volume(fs::Fs& fs, const VolumePaths& paths,
                                        const VolumeIdentity& identity);

}  // namespace mas::store

// The directories of a pod as a set: which belong together, which are missing, empty or new.
//
// Each directory keeps the list of all of them (volume_file.h). Rules: a directory that has no
// volume file is new if more are listed than were known; else it stands for a known one that was
// emptied, the one last opened at its path if there is such. A crash while the list changes leaves
// lists of different revisions; the highest counts.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mas/store/directories.h"
#include "store/volume_file.h"

namespace mas::store {

// One that is to be opened.
struct OpeningVolume {
  VolumePaths paths;
  std::unique_ptr<fs::FileLock> lock;
  std::optional<VolumeIdentity> identity;  // nullopt: to be founded
};

class VolumeSet {
 public:
  VolumeSet(const Dependencies& dependencies, const Directories& directories)
      : dependencies_(dependencies), directories_(directories) {}

  // Locks and looks at the directories, decides, and says in the log what is not as it was.
  // Blocking. Errors: see store::open.
  Result<std::vector<OpeningVolume>> prepare();

  // Founds one without an identity, as a new member. Blocking. Errors: io, disk_full.
  Result<void> found(OpeningVolume& opening);
  // `directory` cannot be used in this life.
  void leave_out(const std::string& directory, const Error& error);
  // A member is open, at this path.
  void note_open(const Id128& volume, const std::string& path);

  // What each member is to keep from now on.
  [[nodiscard]] VolumeIdentity identity_of(const Id128& volume, std::uint64_t versions) const;
  // Of what the directories keep: every version ever given is lower; 0: none keeps it.
  [[nodiscard]] std::uint64_t versions() const noexcept { return versions_; }
  // A member of the set is not open.
  [[nodiscard]] bool is_incomplete() const noexcept { return !absent_.empty(); }
  [[nodiscard]] const std::vector<std::string>& absent() const noexcept { return absent_; }
  [[nodiscard]] const Id128& id() const noexcept { return set_; }

 private:
  struct Failed {
    std::string directory;
    Error error;
  };
  Result<std::optional<OpeningVolume>> look_at(const std::string& directory, bool is_only);
  Result<void> recognise(const std::vector<OpeningVolume>& opening);
  [[nodiscard]] std::vector<SetMember> lost_members(
      const std::vector<OpeningVolume>& opening) const;
  Result<void> settle_blank(std::vector<OpeningVolume>& opening, std::vector<SetMember> lost,
                            const std::vector<std::string>& directories);
  [[nodiscard]] bool is_given_up(const SetMember& member) const;
  void give_up(const SetMember& member);
  void miss(const std::string& sentence);

  const Dependencies& dependencies_;
  const Directories directories_;
  Id128 set_;
  std::uint64_t revision_ = 0;
  std::uint64_t versions_ = 0;
  bool is_known_ = false;  // some directory keeps the list
  std::vector<SetMember> members_;
  std::vector<Failed> failed_;
  std::vector<std::string> absent_;
};

}  // namespace mas::store

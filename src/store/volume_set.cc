#include "store/volume_set.h"

#include <algorithm>

#include "mas/observe/log.h"
#include "store/versions.h"

namespace mas::store {
namespace {

// Without the slashes at its end.
std::string plain(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string name_of(const SetMember& member) {
  if (member.path.empty()) return "volume " + member.volume.hex();
  return member.path;
}

}  // namespace

Result<std::vector<OpeningVolume>> VolumeSet::prepare() {
  const std::vector<std::string>& directories = directories_.paths;
  std::vector<OpeningVolume> opening;
  if (directories.empty()) return Error(Code::invalid_argument, "No data directory is given.");
  for (const std::string& directory : directories) {
    MAS_TRY(auto next, look_at(directory, directories.size() == 1));
    if (next) opening.push_back(*std::move(next));
  }
  if (opening.empty()) return failed_.back().error;
  MAS_CHECK(recognise(opening));
  if (set_.is_zero()) set_ = dependencies_.rng.id();
  MAS_CHECK(settle_blank(opening, lost_members(opening), directories));
  return opening;
}

// nullopt: its disk does not answer, and there are others.
Result<std::optional<OpeningVolume>> VolumeSet::look_at(const std::string& directory,
                                                        bool is_only) {
  OpeningVolume next{VolumePaths(directory), nullptr, std::nullopt};
  auto prepare = [&]() -> Result<void> {
    MAS_CHECK(dependencies_.fs.make_directories(directory));
    MAS_TRY(next.lock, dependencies_.fs.lock(next.paths.lock));
    MAS_TRY(next.identity, read_identity(dependencies_.fs, next.paths));
    return {};
  };
  Result<void> prepared = prepare();
  if (prepared.has_value()) return std::optional<OpeningVolume>(std::move(next));
  const Error failure = prepared.error().with_context(directory);
  // A dead disk among several is a repair, not an outage; anything else is a mistake.
  if (failure.code() != Code::io || is_only) return failure;
  leave_out(directory, failure);
  return std::optional<OpeningVolume>();
}

void VolumeSet::leave_out(const std::string& directory, const Error& error) {
  failed_.push_back({directory, error});
  log::error("store_volume_unusable", {{"directory", directory}, {"error", error}});
  absent_.push_back(directory + ": This data directory cannot be used: " + error.message());
}

// Whose directories these are, and what they know of the set.
Result<void> VolumeSet::recognise(const std::vector<OpeningVolume>& opening) {
  for (const OpeningVolume& next : opening) {
    if (!next.identity) continue;
    if (!set_.is_zero() && set_ != next.identity->set) {
      return Error(Code::corrupt, next.paths.directory +
                                      ": It belongs to another pod's store than the "
                                      "directories listed before it.");
    }
    set_ = next.identity->set;
    versions_ = std::max(versions_, next.identity->versions);
    if (next.identity->members.empty() || next.identity->revision < revision_) continue;
    is_known_ = true;
    revision_ = next.identity->revision;
    members_ = next.identity->members;
  }
  return {};
}

// Members that none of the directories is, nor can be one whose disk does not answer.
std::vector<SetMember> VolumeSet::lost_members(const std::vector<OpeningVolume>& opening) const {
  std::vector<SetMember> lost;
  for (const SetMember& member : members_) {
    const bool is_there = std::any_of(opening.begin(), opening.end(), [&](const auto& next) {
      return next.identity && next.identity->volume == member.volume;
    });
    if (!is_there) lost.push_back(member);
  }
  for (const Failed& failed : failed_) {
    auto same = std::find_if(lost.begin(), lost.end(), [&](const SetMember& member) {
      return plain(member.path) == plain(failed.directory);
    });
    if (same == lost.end()) same = lost.begin();
    if (same != lost.end()) lost.erase(same);
  }
  return lost;
}

bool VolumeSet::is_given_up(const SetMember& member) const {
  return std::any_of(directories_.accept_lost.begin(), directories_.accept_lost.end(),
                     [&](const std::string& word) {
                       return plain(word) == plain(member.path) || word == member.volume.hex();
                     });
}

void VolumeSet::give_up(const SetMember& member) {
  log::warn("store.directory_given_up",
            {{"directory", member.path}, {"volume", member.volume.hex()}});
  std::erase(members_, member);
  ++revision_;
}

void VolumeSet::miss(const std::string& sentence) {
  log::error("store.directory_missing", {{"what", sentence}});
  absent_.push_back(sentence);
}

// What the directories without an identity are.
Result<void> VolumeSet::settle_blank(std::vector<OpeningVolume>& opening,
                                     std::vector<SetMember> lost,
                                     const std::vector<std::string>& directories) {
  // How many of them may be new.
  const std::size_t known = members_.size();
  std::size_t added = directories.size() > known ? directories.size() - known : 0;
  std::vector<OpeningVolume> kept;
  const auto take = [&](const SetMember& member) {
    give_up(member);
    std::erase(lost, member);
  };
  auto at_path = [&](const std::string& path) {
    return std::find_if(lost.begin(), lost.end(),
                        [&](const SetMember& member) { return plain(member.path) == plain(path); });
  };
  const std::string first = directories.front();
  for (OpeningVolume& next : opening) {
    const std::string directory = next.paths.directory;
    auto same = at_path(directory);
    const bool is_blank = !next.identity && is_known_;
    if (is_blank && same == lost.end() && added > 0) {
      --added;
    } else if (is_blank && !lost.empty()) {
      const SetMember member = same != lost.end() ? *same : lost.front();
      const auto& words = directories_.accept_lost;
      const bool is_accepted =
          is_given_up(member) || std::any_of(words.begin(), words.end(), [&](const auto& word) {
            return plain(word) == plain(directory);
          });
      if (!is_accepted && directories_.on_emptied == OnEmptied::leave_out) {
        const std::string sentence =
            directory + ": This data directory is empty, but it was one of the " +
            std::to_string(known) + " that hold what is stored (" + name_of(member) +
            "). Is its disk mounted? It is left alone until it is back, or until `mas serve "
            "--accept-lost " +
            directory + "` says that it is lost for good.";
        std::erase(lost, member);
        if (directory == first) return Error(Code::refused, sentence);
        miss(sentence);
        continue;
      }
      log::warn("store.directory_emptied", {{"directory", directory}, {"was", name_of(member)}});
      take(member);
    }
    kept.push_back(std::move(next));
  }
  opening = std::move(kept);
  const std::vector<SetMember> left = lost;
  for (const SetMember& member : left) {
    if (is_given_up(member)) {
      take(member);
      continue;
    }
    miss(name_of(member) + ": This data directory is not listed any more, but was one of the " +
         std::to_string(known) +
         " that hold what is stored. List it in node.data, or say once with `mas serve "
         "--accept-lost " +
         name_of(member) + "` that it is gone for good.");
  }
  return {};
}

Result<void> VolumeSet::found(OpeningVolume& opening) {
  VolumeIdentity identity;
  identity.volume = dependencies_.rng.id();
  identity.set = set_;
  members_.push_back({identity.volume, opening.paths.directory});
  ++revision_;
  if (versions_ == 0) versions_ = kVersionBlock;
  opening.identity = identity_of(identity.volume, versions_);
  Result<void> founded = found_volume(dependencies_.fs, opening.paths, *opening.identity);
  if (founded.has_error()) members_.pop_back();
  return founded;
}

void VolumeSet::note_open(const Id128& volume, const std::string& path) {
  auto same = std::find_if(members_.begin(), members_.end(),
                           [&](const SetMember& member) { return member.volume == volume; });
  if (same == members_.end()) {
    // Founded by a version that kept no list, or given up once and back.
    if (is_known_) log::warn("store.directory_returned", {{"directory", path}});
    members_.push_back({volume, path});
    ++revision_;
  } else if (same->path != path) {
    same->path = path;
    ++revision_;
  }
}

VolumeIdentity VolumeSet::identity_of(const Id128& volume, std::uint64_t versions) const {
  return {volume, set_, versions, revision_, members_};
}

}  // namespace mas::store

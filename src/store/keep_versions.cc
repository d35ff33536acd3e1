#include "store/keep_versions.h"

#include <algorithm>

#include "mas/observe/log.h"

namespace mas::store {
namespace {

using Volumes = std::vector<std::unique_ptr<Volume>>;

void note_failure(const Volume& volume, const Error& error) {
  log::error("store.volume_file_not_written",
             {{"directory", volume.directory()}, {"error", error}});
}

// A volume that cannot keep the bound takes no records whose versions are above it.
Result<void> keep(const VolumeSet& set, fs::Fs& fs, const Volumes& volumes, std::uint64_t bound) {
  Result<void> result = Error(Code::io, "No data directory can be written to.");
  for (const auto& volume : volumes) {
    if (!volume->is_healthy()) continue;
    Result<void> written =
        write_identity(fs, volume->paths(), set.identity_of(volume->id(), bound));
    if (written.has_value()) {
      result = written;
      continue;
    }
    if (written.error().code() == Code::disk_full) return written;
    note_failure(*volume, written.error());
    volume->writer().halt(written.error());
  }
  return result;
}

}  // namespace

Result<void> begin_versions(Versions& versions, const VolumeSet& set, fs::Fs& fs,
                            const Volumes& volumes, const std::vector<VolumeIdentity>& known) {
  std::uint64_t next = 1;
  bool is_lost = set.is_incomplete();
  for (const auto& volume : volumes) {
    next = std::max(next, volume->next_version());
    is_lost = is_lost || volume->has_lost_versions();
  }
  if (is_lost) next = set.versions() > 0 ? std::max(next, set.versions()) : next + kVersionGap;
  const std::uint64_t bound = Versions::bound_for(next, set.versions());
  std::uint64_t kept = bound;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const VolumeIdentity wanted = set.identity_of(volumes[i]->id(), bound);
    if (wanted == known[i]) continue;
    Result<void> written = write_identity(fs, volumes[i]->paths(), wanted);
    if (written.has_value()) continue;
    if (volumes.size() == 1 && written.error().code() != Code::disk_full) return written;
    note_failure(*volumes[i], written.error());
    kept = set.versions();
  }
  auto keep_it = [&set, &fs, &volumes](std::uint64_t raised) {
    return keep(set, fs, volumes, raised);
  };
  versions.begin(next, kept, std::move(keep_it));
  return {};
}

}  // namespace mas::store

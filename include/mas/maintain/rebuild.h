// Rebuilding the metadata store out of what the pods hold: manifests, and the records of objects in
// the headers of their only stripe. For a store that was lost, or that came back from a backup.
//
// What is found is merged into what the store holds, hash by hash: deletions come back as deleted
// records, then the highest generation whose content is whole. No record of a higher generation is
// ever replaced, no unfinished upload is published, nothing is removed. Every step may be repeated:
// a run that was interrupted is simply done again. The layout is written last; by it the other pods
// see that the store can be trusted again. Memory is a page for each pod and a batch of files.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mas/membership/cluster_view.h"
#include "mas/meta/meta_store.h"
#include "mas/object/objects.h"
#include "mas/peer/transport.h"
#include "mas/runtime/clock.h"

namespace mas::maintain {

struct RebuildOptions {
  // Of new data, if it is fixed; its m is how many members may be away. Else what the layout's
  // number of members gives.
  std::optional<Profile> profile = {};
  // Reads every file in the end and compares its bytes with its hash.
  bool verify = false;
};

struct RebuildDependencies {
  meta::MetaStore& meta;
  peer::PeerTransport& transport;
  // The layout in the present view must be the highest that any pod kept.
  const membership::ViewBoard& view;
  Clock& clock;
  object::Objects* objects = nullptr;  // reads files to be verified; without it none are
};

enum class RebuildPhase : std::uint8_t {
  manifests = 1,  // deletions, and files of more than one stripe, in order of hash
  headers = 2,    // files of one stripe, in order of extent
  check = 3,      // whether all that the store names is whole, in order of hash
  settle = 4,     // the counter of generations and the layout
  verify = 5,     // bytes against hashes, in order of hash
  done = 6,
};
[[nodiscard]] const char* name_of(RebuildPhase phase);

// A file that is not there as it should be, and why: one sentence.
struct NotRestored {
  Hash hash;
  std::uint64_t generation = 0;
  std::string why;
  friend bool operator==(const NotRestored&, const NotRestored&) = default;
};

struct RebuildReport {
  static constexpr std::size_t kMostListed = 1000;

  RebuildPhase phase = RebuildPhase::manifests;
  double progress = 0;  // of the phase, 0 to 1
  bool running = false;
  std::string error;  // why the last run failed; "" if it did not

  std::uint64_t found = 0;         // records of files and deletions that pods hold, once each
  std::uint64_t restored = 0;      // files that were put into the store
  std::uint64_t deletions = 0;     // deleted records that were
  std::uint64_t files = 0;         // live ones that the store holds in the end
  std::uint64_t verified = 0;      // of these, with bytes that were read and have their hash
  std::uint64_t not_restored = 0;  // and of those the first ones:
  std::vector<NotRestored> failures;
  std::vector<std::string> away;     // slots that did not take part
  std::uint64_t generation = 0;      // the highest that was found
  std::uint64_t layout_version = 0;  // that the store has now
};

class Rebuild {
 public:
  virtual ~Rebuild() = default;
  // Once. Errors: refused (this pod is no member, the store is another cluster's, too many members
  // are away: the message says which), busy (somebody goes by a newer layout), closed (stop() was
  // called), and those of the store. After an error it can be done again, by another Rebuild.
  virtual Task<Result<void>> run() = 0;
  // Makes run() end soon. Thread-safe.
  virtual void stop() = 0;
  // How far it is. Thread-safe.
  [[nodiscard]] virtual RebuildReport report() const = 0;
};

// What `deps` refers to outlives it. run() may be awaited on any executor of one thread.
[[nodiscard]] std::unique_ptr<Rebuild> make_rebuild(RebuildOptions options,
                                                    const RebuildDependencies& deps);

// One rebuild at a time in the background of a pod, asked for by operators.
class RebuildService {
 public:
  virtual ~RebuildService() = default;
  // Errors: busy (one is running, or the pod is stopping).
  virtual Result<void> start(RebuildOptions options) = 0;
  // Of the run under way or else the last one; nullopt if there was none since the pod started.
  [[nodiscard]] virtual std::optional<RebuildReport> report() const = 0;
  // Ends what is running.
  virtual Task<void> close() = 0;
};

struct RebuildHooks {
  // Before a run begins: takes care that the view shows the highest layout that any pod kept. An
  // error ends the run. Null: nothing is done.
  std::function<Task<Result<void>>()> before;
  // After each attempt; `done`: it had no errors.
  std::function<Task<Result<void>>(bool done)> after;
};
// Runs on `executor`.
[[nodiscard]] std::unique_ptr<RebuildService> make_rebuild_service(const RebuildDependencies& deps,
                                                                   RebuildHooks hooks,
                                                                   Executor executor);

}  // namespace mas::maintain

// Whether what a pod has found out about shards holds: only the newest layout says where they are.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "mas/meta/meta_store.h"
#include "mas/runtime/sync.h"

namespace mas::object {

struct Context;

// The version of the newest layout. Those who ask while the metadata store is being asked share the
// next call to it, so there is never more than one however many downloads miss pieces; and nobody
// is given what was asked for before he came, as pieces may have moved since.
class NewestLayout {
 public:
  explicit NewestLayout(meta::MetaStore& meta) : meta_(meta) {}

  // 0: there is none. Errors: those of MetaStore::current_layout.
  Task<Result<std::uint64_t>> version();

 private:
  struct Ticket {
    Event ready;
    bool leads = false;  // woken to make the call, not to take its result
    Result<std::uint64_t> version = Error(Code::internal, "The layout was not asked for.");
  };

  Task<Result<std::uint64_t>> lead();
  static Task<Result<std::uint64_t>> ask(meta::MetaStore& meta);

  meta::MetaStore& meta_;
  std::mutex mutex_;
  bool calling_ = false;
  std::vector<std::shared_ptr<Ticket>> waiting_;
};

// To be asked after a look that went by layout `version` and found too few shards, before anything
// is concluded from that. False if there is a newer layout by now, which this pod has yet to hear
// of or had not heard of when it looked: shards may be with members that it did not ask. False,
// too, if the metadata store does not say.
Task<bool> went_by_newest_layout(Context& context, std::uint64_t version);

}  // namespace mas::object

// PeerTransport: shard calls between pods. A call to this pod's own store goes straight there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/layout/layout.h"
#include "mas/runtime/task.h"
#include "mas/store/store.h"

namespace mas::peer {

// The record of an object as a pod's store carries it: a manifest, or the copy in the header of a
// shard of an object's only stripe.
struct Carried {
  RecordKey key;       // what it stands in
  std::string object;  // encoded (meta::decode_object); "" where what is stored cannot be read
  friend bool operator==(const Carried&, const Carried&) = default;
};
// One bounded page, in order of keys.
struct CarriedPage {
  std::vector<Carried> records;
  std::optional<RecordKey> next;  // where the next page goes on after; nullopt: that was all
};

// Errors of all calls: those of the store behind it, and closed/timeout (the peer cannot be
// reached; of a put: maybe_happened unless nothing was sent), stale_layout, refused. Thread-safe.
class PeerTransport {
 public:
  virtual ~PeerTransport() = default;
  // Durable at that member when it resumes without error.
  virtual Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version,
                                 RecordKey key, std::vector<Slice> pieces) = 0;
  // As Store::read. Errors also: not_found.
  virtual Task<Result<Slice>> read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                                   std::uint32_t length) = 0;
  // Which of `keys` that member holds (unmarked), in order.
  virtual Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                               std::vector<RecordKey> keys) = 0;
  // Tells that member that its bytes under this key are wrong: it forgets them. Fine if absent.
  virtual Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) = 0;
  // Object records among that member's records with keys > `after`. A page looks at some hundreds
  // of records and ends after 256 KiB, so it may be empty and still have a `next`.
  virtual Task<Result<CarriedPage>> carried(layout::MemberIndex member,
                                            std::optional<RecordKey> after) = 0;
};

// All members in this process: stores[i] belongs to member i. A null store, or one that is not
// there, is a dead pod (closed; certainly did not happen). Pointers may be set to null between
// calls, to drop one. `stores` outlives the transport.
[[nodiscard]] std::unique_ptr<PeerTransport> make_in_process_transport(
    std::vector<store::Store*>& stores);

}  // namespace mas::peer

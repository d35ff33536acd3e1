// PeerTransport: shard calls between pods. A call to this pod's own store goes straight there.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/layout/layout.h"
#include "mas/peer/recall.h"
#include "mas/runtime/task.h"
#include "mas/store/store.h"

namespace mas::peer {

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
  // put() and read() of calls that may be taken back; without a `recall` just these. A transport
  // that cannot take calls back lets them run to their end, as these do.
  virtual Task<Result<void>> put_unless(std::shared_ptr<Recall> recall, layout::MemberIndex member,
                                        std::uint64_t layout_version, RecordKey key,
                                        std::vector<Slice> pieces);
  virtual Task<Result<Slice>> read_unless(std::shared_ptr<Recall> recall,
                                          layout::MemberIndex member, RecordKey key,
                                          std::uint64_t offset, std::uint32_t length);
  // Which of `keys` that member holds (unmarked), in order.
  virtual Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                               std::vector<RecordKey> keys) = 0;
  // Tells that member that its bytes under this key were found wrong: it reads them again and
  // forgets them if they are. Fine if they are absent, or good (they may have been made anew).
  virtual Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) = 0;
};

// All members in this process: stores[i] belongs to member i. A null store, or one that is not
// there, is a dead pod (closed; certainly did not happen). Pointers may be set to null between
// calls, to drop one. `stores` outlives the transport.
[[nodiscard]] std::unique_ptr<PeerTransport> make_in_process_transport(
    std::vector<store::Store*>& stores);

}  // namespace mas::peer

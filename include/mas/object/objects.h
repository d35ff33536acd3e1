// Objects: put, parts, get and delete over stripes. The heart of mas; it knows neither HTTP nor
// tokens.
//
// An acknowledged put is durable on the write quorum and published; whatever fails publishes
// nothing. Memory per call is bounded by stripes in flight x stripe x (k + m) / k, and over all
// calls by config::Object::buffer_budget.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mas/config/config.h"
#include "mas/core/ids.h"
#include "mas/membership/cluster_view.h"
#include "mas/membership/membership.h"
#include "mas/meta/meta_store.h"
#include "mas/object/repair.h"
#include "mas/observe/metrics.h"
#include "mas/peer/transport.h"
#include "mas/runtime/byte_stream.h"
#include "mas/runtime/clock.h"
#include "mas/runtime/pool.h"
#include "mas/runtime/rng.h"

namespace mas::object {

// What the caller of an upload is told about durability.
struct Receipt {
  meta::Object object;
  int durable = 0;   // shards durable, worst stripe
  int meant = 0;     // shards meant
  int survives = 0;  // pods that may be lost now without losing this file
};

struct PutRequest {
  std::optional<Hash> hash = {};  // nullopt: the content names itself
  // "": the hash. Asked once, when the body was read to its end and before anything is published,
  // because a form may say the name after its file; an error of it is put()'s. Empty: no name.
  std::function<Result<std::string>()> name = {};
  std::optional<std::uint64_t> size = {};  // if declared; another length is wrong_length
  std::uint64_t max_size = UINT64_MAX;
  // Set to how many bytes of the content were stored for nothing, as put() failed or somebody else
  // had published the same meanwhile; outlives the call.
  std::uint64_t* in_vain = nullptr;
};

struct SessionKey {
  Hash hash;
  std::string session;
};

// An open upload as its clients see it.
struct SessionStatus {
  meta::Upload upload;
  std::vector<meta::Part> parts;       // numbers and sizes; in order
  std::vector<std::uint32_t> missing;  // holes below the highest part, at most 1,000
};

// init: either the object is there already, or a session is open.
struct InitResult {
  std::optional<meta::Object> stored;
  std::optional<meta::Upload> upload;
};

struct PartRequest {
  std::uint32_t number = 0;  // 1 to limits.parts
  std::optional<std::uint64_t> size = {};
  std::uint64_t max_size = UINT64_MAX;   // of this part
  std::uint64_t max_total = UINT64_MAX;  // of all parts
  std::optional<Hash> digest = {};       // Content-Digest sha-256 of the part: body is checked
  Id128 sender = {};                     // fingerprint of the caller's token
};

struct PartResult {
  std::uint32_t part_count = 0;  // parts stored so far
  std::uint64_t stored = 0;
};

// Of one sender's parts, those that were stored for nothing.
struct SentInVain {
  Id128 sender;
  std::uint64_t bytes = 0;
};

struct FinishRequest {
  std::optional<std::uint64_t> size = {};   // of the whole, if the client says
  std::optional<std::uint32_t> parts = {};  // number of parts, if the client says
  std::string name = {};                    // "": the session's
  Id128 sender = {};                        // fingerprint of the caller's token
  // Called if the file was stored already, so that the parts are given up; on any thread, perhaps
  // after finish() has returned. Of those who wait for one finish together the first one's.
  std::function<void(const std::vector<SentInVain>&)> in_vain = {};
};

struct FinishResult {
  std::optional<Receipt> receipt;      // published (now or before)
  std::vector<std::uint32_t> missing;  // else: the parts to send, at most 1,000
  std::vector<SentInVain> in_vain = {};
};

struct Dependencies {
  meta::MetaStore& meta;
  peer::PeerTransport& transport;
  const membership::ViewBoard& view;
  Pools pools;
  Clock& clock;
  Rng& rng;
  observe::Metrics& metrics;
  Executor background;                           // where work goes on after its caller has left
  membership::GenerationWatch* watch = nullptr;  // null: the metadata store is always believed
};

// A pod that finishes an upload touches it (its `touches` rises) at least every kFinishTouch.
inline constexpr Duration kFinishTouch = std::chrono::seconds(15);
inline constexpr Duration kAbandonedAfter = 4 * kFinishTouch;

class Objects {
 public:
  virtual ~Objects() = default;

  // The live record; condemned ones are no_such_file. `fresh`: ask the metadata store, else a
  // cached one up to config::Object::record_cache old may do. Errors: no_such_file,
  // metadata_unavailable.
  virtual Task<Result<meta::Object>> find(Hash hash, bool fresh) = 0;
  // From now on no record is used that was asked for before this, not even while the metadata store
  // cannot be reached.
  virtual void forget_records() = 0;

  // Reads `body` to its end and publishes it. Content already stored is verified all the same, and
  // then deduplicated. Errors: hash_mismatch, wrong_length, body_too_large, already those of
  // `body`, disk_full, busy, too_few_pods_write, metadata_unavailable.
  virtual Task<Result<Receipt>> put(PutRequest request, ByteSource& body) = 0;
  // The receipt of an object that is stored already (instant upload).
  virtual Task<Result<Receipt>> receipt_of(meta::Object object) = 0;

  // Opens or continues a session. With `instant` a stored object is returned instead.
  virtual Task<Result<InitResult>> init(SessionKey key, std::string name, bool instant) = 0;
  // Errors: upload_not_open.
  virtual Task<Result<SessionStatus>> session(SessionKey key) = 0;
  // Reads `body` to its end as one part. Errors: upload_not_open, hash_mismatch (digest), as put.
  virtual Task<Result<PartResult>> put_part(SessionKey key, PartRequest request,
                                            ByteSource& body) = 0;
  // Verifies the whole and publishes it. One runs per session, repeats join it; it goes on if the
  // caller leaves. Where parts of several senders are not the whole, or more than the caller says,
  // those that the caller did not send are dropped and named as missing, if the rest is not the
  // whole. Errors: busy (not done within finish_wait), hash_mismatch and wrong_length (parts kept),
  // upload_not_open.
  virtual Task<Result<FinishResult>> finish(SessionKey key, FinishRequest request) = 0;
  // Drops the session; fine if there is none.
  virtual Task<Result<void>> abort(SessionKey key) = 0;

  // Bytes [from, from + length) of `object`, verified, into `sink`. Nothing is written before the
  // first bytes are verified. Errors: damaged, too_few_pods_read, those of `sink`.
  virtual Task<Result<void>> get(meta::Object object, std::uint64_t from, std::uint64_t length,
                                 ByteSink& sink) = 0;

  virtual Task<Result<meta::ObjectPage>> list(meta::ListQuery query) = 0;
  // Errors: no_such_file.
  virtual Task<Result<void>> remove(Hash hash) = 0;

  // Whether nothing that was written under a layout older than `version` is known to this pod
  // alone: no such write is at work, and what it stored is in a record, in place under `version`,
  // or given up. A body that is still on its way is no obstacle: what came of it so far is brought
  // to its place in the background. On one thread, again and again; false before the view shows
  // `version`.
  [[nodiscard]] virtual bool writes_drained(std::uint64_t version) = 0;
  // Finishes or reopens what a crash left sealed; called once at start, before serving, by a pod
  // that is alone: in a cluster another pod may be at work on it.
  virtual Task<Result<void>> recover() = 0;
  // The same for one upload that no pod has touched for kAbandonedAfter. Nothing if this pod itself
  // is finishing it.
  virtual Task<Result<void>> take_over(meta::Upload sealed) = 0;
  // Keeps what is stored whole. Not after close().
  virtual Upkeep& upkeep() = 0;
  // Waits for work that went on without its caller.
  virtual Task<void> close() = 0;
};

[[nodiscard]] std::unique_ptr<Objects> make_objects(const config::Object& options,
                                                    const config::Limits& limits,
                                                    const Dependencies& dependencies,
                                                    const config::Write& write = {},
                                                    const config::Read& read = {});

}  // namespace mas::object

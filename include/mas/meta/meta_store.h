// MetaStore: the records behind objects and uploads, with compare-and-set where two may race.
//
// Every call has a deadline. Errors of all calls: metadata_unavailable (Error::maybe_happened tells
// whether a write may have taken effect), busy, corrupt. Reads are linearizable. A finished write
// is durable.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mas/layout/layout.h"
#include "mas/meta/records.h"
#include "mas/runtime/task.h"

namespace mas::meta {

struct CommitResult {
  bool committed = false;         // false: `current` stands, nothing was changed
  std::optional<Object> current;  // what the store holds now (the new one if committed)
};

struct PutPartResult {
  Part winner;                // what is recorded now; equal size and sum keep the earlier extents
  std::vector<Extent> freed;  // listed as freed by this call: the loser's or the replaced ones
  std::uint64_t stored = 0;   // bytes of all recorded parts
  std::uint32_t part_count = 0;
};

// One bounded page of `list`.
struct ObjectPage {
  std::vector<Object> objects;
  std::optional<Hash> next;  // pass as `after`; nullopt at the end
};

struct ListQuery {
  std::optional<Hash> after;  // exclusive
  std::string hex_prefix;     // of the hash, lower-case hex, may be odd
  std::string name_contains;  // bytes; "" for all
  std::uint32_t limit = 100;
  bool include_condemned = false;
};

class MetaStore {
 public:
  virtual ~MetaStore() = default;

  // ---- Objects ----
  // Condemned ones too: callers look at `state`.
  virtual Task<Result<std::optional<Object>>> find(Hash hash) = 0;
  // Creates `object`, or replaces the record whose generation is `expected` (0: there must be none,
  // or a condemned one). A live, undamaged record of other extents wins and is returned in
  // `current`; one with these very extents counts as committed (a repeat). A generation that is not
  // above the replaced record's loses too (a deletion came later than the generation was taken):
  // take a new one and try again. In the same step upload `from` (if given) is published, which
  // ends its record: its extents belong to the object, others it still had are freed; and the
  // extents of a replaced record are freed, as of `object.created`, with all manifests of the hash
  // of generations below the new one. Errors: upload_not_open (`from` is gone, or an extent is not
  // its own), conflict (an extent is already freed or another's).
  virtual Task<Result<CommitResult>> commit(Object object, std::uint64_t expected,
                                            std::optional<Id128> from) = 0;
  // live -> condemned if the generation is `generation`; the record takes `deletion` as its new
  // one, and a repeat returns it. Errors: conflict (another generation), no_such_file.
  virtual Task<Result<Object>> condemn(Hash hash, std::uint64_t generation, std::uint64_t deletion,
                                       std::int64_t now) = 0;
  // Errors: conflict (another generation), no_such_file (none, or condemned).
  virtual Task<Result<void>> set_damaged(Hash hash, std::uint64_t generation, bool damaged) = 0;
  // First half of a condemned record's end: its extents and all manifests of the hash of
  // generations below `generation`, the record's own, are freed as of `now`. The record stays and
  // refers to nothing. Fine if that was done before, or if there is none. Errors: conflict.
  virtual Task<Result<void>> release(Hash hash, std::uint64_t generation, std::int64_t now) = 0;
  // Second half: removes a released record of that generation and frees the manifests of the
  // deletion itself as of `now`. Fine if there is none. Errors: conflict (also while what it
  // released is on the freed list: not every slot has collected it).
  virtual Task<Result<void>> erase(Hash hash, std::uint64_t generation, std::int64_t now) = 0;
  // For rebuilding metadata out of what is stored: puts `object` as it is, live or condemned,
  // unless its hash has a record of the same or a higher generation; returns what stands then.
  // Extents that uploads still have are taken from them, which ends those uploads as their own
  // commit would; what they had beyond that, and what a replaced record leaves behind, is freed as
  // of `now`; where a live object takes a record's place, so are the manifests of generations
  // below its own. Extents of a condemned object that are freed or another's are left out of it.
  // Errors: conflict (an extent of a live object is).
  virtual Task<Result<Object>> restore(Object object, std::int64_t now) = 0;
  // In hash order. A page may hold fewer than `limit` objects and still have a `next`.
  virtual Task<Result<ObjectPage>> list(ListQuery query) = 0;
  // Condemned records whose condemned_at is before `before`, oldest first; not released ones.
  virtual Task<Result<std::vector<Object>>> condemned(std::int64_t before, std::uint32_t limit) = 0;
  // Released records whose last entry on the freed list has a sequence below `before`, in that
  // order.
  virtual Task<Result<std::vector<Object>>> released(std::uint64_t before, std::uint32_t limit) = 0;
  // For each of `hashes`, in order: the record there is. At most 1,000.
  virtual Task<Result<std::vector<RecordVersion>>> versions(std::vector<Hash> hashes) = 0;

  // ---- Freed extents and manifests ----
  // Extents that something refers to are left alone.
  virtual Task<Result<void>> free(std::vector<Extent> extents, std::int64_t now) = 0;
  // A range that the record of its hash is in is left alone.
  virtual Task<Result<void>> free_manifests(std::vector<ManifestRange> manifests,
                                            std::int64_t now) = 0;
  // For each of `extents`, in order: whether an object (condemned ones too) or an upload (its parts
  // and registered extents) refers to it.
  virtual Task<Result<std::vector<bool>>> referenced(std::vector<Id128> extents) = 0;
  // In order of sequence, > after.
  virtual Task<Result<std::vector<FreedEntry>>> freed(std::uint64_t after, std::uint32_t limit) = 0;
  // `slot` has removed what it had of all entries up to `past`; those that every slot in `slots`
  // has passed leave the list.
  virtual Task<Result<void>> collected(std::string slot, std::uint64_t past,
                                       std::vector<std::string> slots) = 0;

  // ---- Uploads ----
  // Creates `upload` (its id, `expires`, `touches` and all that a new one has). For kind session,
  // an open or sealed one of the same (hash, session) is touched and returned instead; its name is
  // replaced if `upload.name` is not empty.
  virtual Task<Result<Upload>> open(Upload upload) = 0;
  virtual Task<Result<std::optional<Upload>>> find_upload(Id128 id) = 0;
  // The open or sealed session of (hash, session).
  virtual Task<Result<std::optional<Upload>>> find_session(Hash hash, std::string session) = 0;
  // Before an extent's first shard is written. Errors: upload_not_open, body_too_large (the upload
  // has kMostExtents).
  virtual Task<Result<void>> register_extent(Id128 upload, Extent extent) = 0;
  // The writer of a registered extent says how many plain bytes of it, from its start without a
  // hole, are durable now; less than before changes nothing but `touches`. Fine if the extent is
  // not registered any more. Errors: upload_not_open (gone or sealed).
  virtual Task<Result<void>> progress(Id128 upload, Id128 extent, std::uint64_t durable) = 0;
  // Records `part` (extents registered before; their final lengths come with this call) and touches
  // the upload. A part of equal size and sum wins over the new one but takes its sender, unless its
  // extents are `lost`: those of the part that the caller found lost under this number. Replacing
  // a part within the hash run resets the run. `max_total`: body_too_large if all parts would
  // exceed it. Errors: upload_not_open (gone or sealed), conflict (an extent is not registered).
  virtual Task<Result<PutPartResult>> put_part(Id128 upload, Part part, std::int64_t expires,
                                               std::uint64_t max_total, std::int64_t now,
                                               std::vector<Extent> lost = {}) = 0;
  // Removes those of `parts` that are recorded still (their extents say so) and frees their
  // extents; resets the hash run if it is over one of them. Errors: upload_not_open (gone or
  // sealed).
  virtual Task<Result<void>> drop_parts(Id128 upload, std::vector<Part> parts,
                                        std::int64_t now) = 0;
  // Extents given up before they became part of anything: unregistered and freed. Those that a part
  // or an object refers to by now are left alone; fine if the upload is gone.
  virtual Task<Result<void>> discard(Id128 upload, std::vector<Extent> extents,
                                     std::int64_t now) = 0;
  // In order of number, > after.
  virtual Task<Result<std::vector<Part>>> parts(Id128 upload, std::uint32_t after,
                                                std::uint32_t limit) = 0;
  // The run goes from `expected` to `next`, which is `expected` and part `next.parts`: `extents`
  // must be the recorded part's, and the chain what follows from it. An empty `next` (no extents)
  // starts the run again. True also if the run is `next` already (an answer that was lost); false
  // if it is neither, or `next` does not follow: somebody else has changed the run or the part.
  virtual Task<Result<bool>> advance_hash(Id128 upload, HashRun expected, HashRun next,
                                          std::vector<Extent> extents) = 0;
  // Raises `touches`, and `expires` to at least this. Errors: upload_not_open (gone).
  virtual Task<Result<void>> touch(Id128 upload, std::int64_t expires) = 0;
  // open -> sealed; fails with conflict unless parts 1 to `part_count` are all there and no others.
  // Sealed already: fine. Errors also: upload_not_open (gone).
  virtual Task<Result<Upload>> seal(Id128 upload, std::uint32_t part_count) = 0;
  // sealed -> open. Fine if open. Errors: upload_not_open (gone).
  virtual Task<Result<void>> reopen(Id128 upload) = 0;
  // Drops an open (or, with `even_sealed`, a sealed) upload: its parts and registered extents are
  // freed. Fine if it is gone. Errors: conflict (sealed).
  virtual Task<Result<void>> close(Id128 upload, bool even_sealed, std::int64_t now) = 0;
  // open -> expired, which ends the record as close does, if its `touches` is this still; false
  // (and nothing is changed) if it is not, or the upload is sealed or gone. Who asks has seen it so
  // for as long as a session lives.
  virtual Task<Result<bool>> expire(Id128 upload, std::uint64_t touches, std::int64_t now) = 0;
  // Sealed uploads, for whoever finishes what a crash left.
  virtual Task<Result<std::vector<Upload>>> sealed(std::uint32_t limit) = 0;
  // Open and sealed uploads in order of id, > after: for workers that walk all that is stored.
  // Fewer than `limit` only at the end.
  virtual Task<Result<std::vector<Upload>>> uploads(std::optional<Id128> after,
                                                    std::uint32_t limit) = 0;

  // ---- Cluster ----
  virtual Task<Result<std::optional<layout::Layout>>> current_layout() = 0;
  // Errors: conflict, if the stored version is not `expected` (0: none).
  virtual Task<Result<void>> propose_layout(std::uint64_t expected, layout::Layout next) = 0;
  // `member` (a slot) has taken over layout `version`. A lower one than before changes nothing.
  virtual Task<Result<void>> acknowledge_layout(std::string member, std::uint64_t version) = 0;
  // The highest version each slot acknowledged, in order of slot; those of former members too.
  virtual Task<Result<std::vector<LayoutAck>>> layout_acknowledgements() = 0;
  // Numbers that grow for ever and are never given twice: the first of `count` of them, from 1.
  Task<Result<std::uint64_t>> next_generation(std::uint32_t count) {
    return next_generation_after(0, count);
  }
  // The same of a store that has given `known`. Errors: refused, if it has not: it is an older one
  // then, and gives none, so that no asking ever brings its numbers up to `known`.
  virtual Task<Result<std::uint64_t>> next_generation_after(std::uint64_t known,
                                                            std::uint32_t count) = 0;

  // Reachable and able to write.
  virtual Task<Result<void>> ping() = 0;
  // Stops taking calls, finishes what is queued.
  virtual Task<void> close_store() = 0;
};

}  // namespace mas::meta

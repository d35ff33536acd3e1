#include "maintain/rebuild/carried_walk.h"

#include <algorithm>

namespace mas::maintain::rebuild {
namespace {

// No shard has a key above this one, and no manifest one below it.
RecordKey last_of_shards() {
  RecordKey key;
  key.kind = RecordKind::shard;
  key.id.fill(0xff);
  key.major = UINT64_MAX;
  key.minor = UINT16_MAX;
  return key;
}

bool same_id(const RecordKey& a, const RecordKey& b) { return a.kind == b.kind && a.id == b.id; }

// The manifests of one hash that one member has, in order of generation.
Task<void> collect(Pods& pods, layout::MemberIndex member, Hash hash,
                   std::vector<peer::Carried>& copies, Result<void>& failed) {
  const RecordKey first = RecordKey::manifest(hash, 0, 0);
  // Generations start from 1.
  std::optional<RecordKey> after = first;
  while (after && same_id(*after, first)) {
    auto page = co_await pods.carried(member, after);
    if (page.has_error()) failed = page.error();
    if (page.has_error() || !*page) co_return;
    for (peer::Carried& record : (*page)->records) {
      if (!same_id(record.key, first)) co_return;
      copies.push_back(std::move(record));
    }
    after = (*page)->next;
  }
}

}  // namespace

CarriedWalk::CarriedWalk(Pods& pods, RecordKind kind) : pods_(pods), kind_(kind) {
  for (layout::MemberIndex member : pods.present()) {
    Source source{member, {}, {}, false};
    if (kind == RecordKind::manifest) source.after = last_of_shards();
    sources_.push_back(std::move(source));
  }
}

Task<void> CarriedWalk::fill_one(Source& source) {
  while (source.records.empty() && !source.ended) {
    auto page = co_await pods_.carried(source.member, source.after);
    if (page.has_error()) failed_ = page.error();
    if (page.has_error() || !*page) {
      source.ended = true;
      co_return;
    }
    source.after = (*page)->next;
    source.ended = !source.after || source.after->kind > kind_;
    for (peer::Carried& record : (*page)->records) {
      if (record.key.kind == kind_) source.records.push_back(std::move(record));
    }
  }
}

Task<Result<void>> CarriedWalk::fill() {
  std::vector<Task<void>> tasks;
  for (Source& source : sources_) {
    if (source.records.empty() && !source.ended) tasks.push_back(fill_one(source));
  }
  if (!tasks.empty()) co_await run_side_by_side(std::move(tasks));
  co_return failed_;
}

Task<Result<std::vector<peer::Carried>>> CarriedWalk::next() {
  std::vector<peer::Carried> group;
  std::optional<RecordKey> id;
  for (;;) {
    MAS_CO_CHECK(co_await fill());
    if (!id) {
      for (const Source& source : sources_) {
        if (source.records.empty()) continue;
        if (!id || source.records.front().key < *id) id = source.records.front().key;
      }
      if (!id) co_return group;
      progress_ = (id->id[0] * 256 + id->id[1]) / 65536.0;
    }
    bool taken = false;
    for (Source& source : sources_) {
      while (!source.records.empty() && same_id(source.records.front().key, *id)) {
        group.push_back(std::move(source.records.front()));
        source.records.pop_front();
        taken = true;
      }
    }
    // A page may have ended within the group.
    auto unsure = [](const Source& source) { return source.records.empty() && !source.ended; };
    bool more = taken && std::any_of(sources_.begin(), sources_.end(), unsure);
    if (!more) co_return group;
  }
}

Task<Result<std::vector<peer::Carried>>> manifests_of(Pods& pods, Hash hash) {
  std::vector<peer::Carried> copies;
  Result<void> failed;
  std::vector<Task<void>> tasks;
  for (layout::MemberIndex member : pods.present()) {
    tasks.push_back(collect(pods, member, hash, copies, failed));
  }
  co_await run_side_by_side(std::move(tasks));
  MAS_CO_CHECK(std::move(failed));
  co_return copies;
}

}  // namespace mas::maintain::rebuild

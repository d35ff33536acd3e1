#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>

#include "fixture.h"

using namespace mas;
using namespace mas::test;
using meta::MetaStore;
using meta::Object;

namespace {

constexpr std::size_t kWriters = 8;
constexpr std::size_t kThreads = 4;
constexpr std::size_t kRounds = 20;

// Counts what the writers saw; a test reads it when they have ended.
struct Tally {
  std::atomic<int> won{0};
  std::atomic<int> lost{0};
  std::atomic<int> failed{0};
};

void count(Tally& tally, bool won) { won ? ++tally.won : ++tally.lost; }

Task<void> try_commit(MetaStore& store, Object object, std::uint64_t expected, Tally& tally) {
  auto result = co_await store.commit(object, expected, std::nullopt);
  if (result.has_error()) {
    ++tally.failed;
  } else {
    count(tally, result->committed);
  }
}

Task<void> try_condemn(MetaStore& store, Object object, std::uint64_t deletion, Tally& tally) {
  auto result = co_await store.condemn(object.hash, object.generation, deletion, 1);
  count(tally, result.has_value());
}

Task<void> try_propose(MetaStore& store, layout::Layout next, Tally& tally) {
  auto result = co_await store.propose_layout(next.version - 1, next);
  count(tally, result.has_value());
}

struct Numbers {
  std::mutex mutex;
  std::set<std::uint64_t> seen;
  bool twice = false;
  bool shrank = false;
};

Task<void> draw_generations(MetaStore& store, Numbers& numbers, std::uint32_t count) {
  std::uint64_t before = 0;
  for (int i = 0; i < 50; ++i) {
    auto first = co_await store.next_generation(count);
    if (first.has_error()) continue;
    std::lock_guard lock(numbers.mutex);
    numbers.shrank |= *first <= before;
    before = *first;
    for (std::uint32_t n = 0; n < count; ++n) {
      numbers.twice |= !numbers.seen.insert(*first + n).second;
    }
  }
}

}  // namespace

TEST_CASE("of writers racing to create an object one wins") {
  MetaFixture f;
  for (std::size_t round = 0; round < kRounds; ++round) {
    Hash hash = f.hash();
    std::vector<Object> objects;
    for (std::size_t i = 0; i < kWriters; ++i) objects.push_back(f.object(hash));
    Tally tally;
    auto make = [&](std::size_t i) { return try_commit(f.store(), objects[i], 0, tally); };
    run_side_by_side(kWriters, kThreads, make);
    REQUIRE(tally.won == 1);
    REQUIRE(tally.lost == kWriters - 1);
    auto stored = f.get(f.store().find(hash));
    REQUIRE(std::count(objects.begin(), objects.end(), *stored) == 1);
  }
}

TEST_CASE("of writers racing to replace one generation one wins") {
  MetaFixture f;
  Object current = f.object();
  f.get(f.store().commit(current, 0, std::nullopt));
  for (std::size_t round = 0; round < kRounds; ++round) {
    std::vector<Object> objects;
    for (std::size_t i = 0; i < kWriters; ++i) objects.push_back(f.object(current.hash));
    Tally tally;
    auto make = [&](std::size_t i) {
      return try_commit(f.store(), objects[i], current.generation, tally);
    };
    run_side_by_side(kWriters, kThreads, make);
    REQUIRE(tally.won == 1);
    REQUIRE(tally.lost == kWriters - 1);
    current = *f.get(f.store().find(current.hash));
  }
  CHECK(f.freed().size() == kRounds);
}

TEST_CASE("of writers racing to delete one object one wins") {
  MetaFixture f;
  for (std::size_t round = 0; round < kRounds; ++round) {
    Object object = f.object();
    f.get(f.store().commit(object, 0, std::nullopt));
    std::uint64_t deletion = f.get(f.store().next_generation(kWriters));
    Tally tally;
    auto make = [&](std::size_t i) { return try_condemn(f.store(), object, deletion + i, tally); };
    run_side_by_side(kWriters, kThreads, make);
    REQUIRE(tally.won == 1);
  }
}

TEST_CASE("of writers racing to change the layout one wins each version") {
  MetaFixture f;
  for (std::uint64_t version = 1; version <= kRounds; ++version) {
    layout::Layout next = layout::found(Id128{}, {layout::Member{"mas-0", Id128{}, "", 1}});
    next.version = version;
    Tally tally;
    auto make = [&](std::size_t) { return try_propose(f.store(), next, tally); };
    run_side_by_side(kWriters, kThreads, make);
    REQUIRE(tally.won == 1);
  }
}

TEST_CASE("no generation is given twice, and each writer sees them grow") {
  MetaFixture f;
  Numbers numbers;
  auto make = [&](std::size_t i) {
    return draw_generations(f.store(), numbers, i % 2 == 0 ? 1 : 300);
  };
  run_side_by_side(kWriters, kThreads, make);
  CHECK_FALSE(numbers.twice);
  CHECK_FALSE(numbers.shrank);
  CHECK(numbers.seen.size() == 4 * 50 * 1 + 4 * 50 * 300);
}

namespace {

struct Winners {
  std::mutex mutex;
  std::vector<meta::Part> parts;
  std::vector<Id128> sessions;
};

Task<void> send_part(MetaStore& store, Id128 upload, meta::Part part, Winners& winners) {
  auto registered = co_await store.register_extent(upload, part.extents[0]);
  if (registered.has_error()) co_return;
  auto result = co_await store.put_part(upload, part, 2000, UINT64_MAX, 5);
  if (result.has_error()) co_return;
  std::lock_guard lock(winners.mutex);
  winners.parts.push_back(result->winner);
}

// As clients do: what was not taken in time, many being at the same upload, is sent again.
Task<void> send_until_taken(MetaStore& store, Id128 upload, meta::Part part, Winners& winners) {
  constexpr int kAttempts = 20;
  std::size_t taken = 0;
  for (int attempt = 0; attempt < kAttempts && taken == 0; ++attempt) {
    Winners own;
    co_await send_part(store, upload, part, own);
    taken = own.parts.size();
    std::lock_guard lock(winners.mutex);
    winners.parts.insert(winners.parts.end(), own.parts.begin(), own.parts.end());
  }
}

Task<void> open_session(MetaStore& store, meta::Upload upload, Winners& winners) {
  auto opened = co_await store.open(upload);
  if (opened.has_error()) co_return;
  std::lock_guard lock(winners.mutex);
  winners.sessions.push_back(opened->id);
}

Task<void> advance(MetaStore& store, Id128 upload, meta::Part part, std::size_t who, Tally& tally) {
  const meta::HashRun none;
  meta::HashRun run{1, part.size, "state " + std::to_string(who), meta::chain_after({}, part)};
  auto done = co_await store.advance_hash(upload, none, run, part.extents);
  count(tally, done.has_value() && *done);
}

}  // namespace

TEST_CASE("writers racing to open a session all get the same one") {
  MetaFixture f;
  Hash hash = f.hash();
  std::vector<meta::Upload> asked;
  for (std::size_t i = 0; i < kWriters; ++i) {
    asked.push_back(f.upload());
    asked.back().hash = hash;
  }
  Winners winners;
  auto make = [&](std::size_t i) { return open_session(f.store(), asked[i], winners); };
  run_side_by_side(kWriters, kThreads, make);
  REQUIRE(winners.sessions.size() == kWriters);
  CHECK(std::set<Id128>(winners.sessions.begin(), winners.sessions.end()).size() == 1);
  CHECK(f.get(f.store().uploads(std::nullopt, 100)).size() == 1);
}

TEST_CASE("the same part posted by many at once is kept once, and all are told which") {
  MetaFixture f;
  meta::Upload upload = f.get(f.store().open(f.upload()));
  Winners winners;
  std::vector<meta::Part> sent;
  for (std::size_t i = 0; i < kWriters; ++i) {
    meta::Part part;
    part.number = 1;
    part.size = 10;
    part.extents = {f.extent(10)};
    sent.push_back(part);
  }
  auto make = [&](std::size_t i) { return send_part(f.store(), upload.id, sent[i], winners); };
  run_side_by_side(kWriters, kThreads, make);
  REQUIRE(winners.parts.size() == kWriters);
  meta::Part recorded = f.get(f.store().parts(upload.id, 0, 10)).at(0);
  for (const meta::Part& winner : winners.parts) CHECK(winner == recorded);
  CHECK(f.freed().size() == kWriters - 1);
  CHECK(f.get(f.store().find_upload(upload.id))->stored == 10);
}

TEST_CASE("parts posted at once are all counted") {
  MetaFixture f;
  meta::Upload upload = f.get(f.store().open(f.upload()));
  Winners winners;
  std::vector<meta::Part> sent;
  for (std::uint32_t i = 0; i < 64; ++i) {
    meta::Part part;
    part.number = i + 1;
    part.size = 10 + i;
    part.extents = {f.extent(10 + i)};
    sent.push_back(part);
  }
  auto make = [&](std::size_t i) {
    return send_until_taken(f.store(), upload.id, sent[i], winners);
  };
  run_side_by_side(sent.size(), kThreads, make);
  CHECK(winners.parts.size() == sent.size());
  meta::Upload now = f.get(f.store().seal(upload.id, 64));
  CHECK(now.part_count == 64);
  CHECK(now.stored == 64 * 10 + 63 * 64 / 2);
  CHECK(f.get(f.store().parts(upload.id, 0, 100)) == sent);
}

TEST_CASE("of those who would advance the hash by the same part one does") {
  MetaFixture f;
  meta::Upload upload = f.get(f.store().open(f.upload()));
  meta::Part part = f.part(upload.id, 1, 10);
  f.put(upload.id, part);
  Tally tally;
  auto make = [&](std::size_t i) { return advance(f.store(), upload.id, part, i, tally); };
  run_side_by_side(kWriters, kThreads, make);
  CHECK(tally.won == 1);
  CHECK(tally.lost == kWriters - 1);
}

namespace {

constexpr int kHalf = kWriters / 2;

// A call whose outcome is counted: won if it succeeded.
template <class T>
Task<void> tally_up(Task<Result<T>> call, Tally& tally) {
  auto result = co_await std::move(call);
  count(tally, result.has_value());
}

Task<void> tally_commit(Task<Result<meta::CommitResult>> call, Tally& tally) {
  auto result = co_await std::move(call);
  count(tally, result.has_value() && result->committed);
}

}  // namespace

TEST_CASE("of uploads racing to register one extent one gets it") {
  MetaFixture f;
  meta::Extent extent = f.extent();
  std::vector<meta::Upload> uploads;
  for (std::size_t i = 0; i < kWriters; ++i) uploads.push_back(f.get(f.store().open(f.upload())));
  Tally tally;
  auto make = [&](std::size_t i) {
    return tally_up(f.store().register_extent(uploads[i].id, extent), tally);
  };
  run_side_by_side(kWriters, kThreads, make);
  CHECK(tally.won == 1);
  check_places(f, {extent.id});
}

TEST_CASE("an extent that is published and given up at once is one of both") {
  MetaFixture f;
  for (std::size_t round = 0; round < kRounds; ++round) {
    Object object = f.object();
    Tally published, given_up;
    auto make = [&](std::size_t i) {
      return i % 2 == 0 ? tally_commit(f.store().commit(object, 0, std::nullopt), published)
                        : tally_up(f.store().free(object.extents, 1), given_up);
    };
    run_side_by_side(kWriters, kThreads, make);
    CHECK(given_up.won == kHalf);
    bool there = f.get(f.store().find(object.hash)).has_value();
    CHECK(published.won == (there ? kHalf : 0));
    check_places(f, {object.extents[0].id});
  }
}

TEST_CASE("an upload that is published and closed by many at once ends in one way") {
  MetaFixture f;
  for (std::size_t round = 0; round < kRounds / 2; ++round) {
    meta::Upload upload = f.get(f.store().open(f.upload()));
    meta::Part part = f.part(upload.id, 1, 10);
    f.put(upload.id, part);
    f.get(f.store().seal(upload.id, 1));
    Object object = f.object(upload.hash);
    object.extents = part.extents;
    Tally published, closed;
    auto make = [&](std::size_t i) {
      return i % 2 == 0 ? tally_commit(f.store().commit(object, 0, upload.id), published)
                        : tally_up(f.store().close(upload.id, true, 1), closed);
    };
    run_side_by_side(kWriters, kThreads, make);
    bool there = f.get(f.store().find(object.hash)).has_value();
    CHECK(published.won == (there ? kHalf : 0));
    CHECK(closed.won == kHalf);
    CHECK_FALSE(f.get(f.store().find_upload(upload.id)));
    check_places(f, {part.extents[0].id});
  }
}

TEST_CASE("an object released, and an extent discarded, by many at once are freed once") {
  MetaFixture f;
  Object object = f.object();
  f.get(f.store().commit(object, 0, std::nullopt));
  std::uint64_t deletion = f.generation();
  f.get(f.store().condemn(object.hash, object.generation, deletion, 1));
  meta::Upload upload = f.get(f.store().open(f.upload()));
  meta::Extent loose = f.extent();
  must(f.run(f.store().register_extent(upload.id, loose)));
  Tally tally;
  auto make = [&](std::size_t i) {
    return i % 2 == 0 ? tally_up(f.store().release(object.hash, deletion, 2), tally)
                      : tally_up(f.store().discard(upload.id, {loose}, 2), tally);
  };
  run_side_by_side(kWriters, kThreads, make);
  CHECK(tally.won == int{kWriters});
  CHECK(f.freed().size() == 2);
  CHECK(f.freed_manifests().size() == 1);
  check_places(f, {object.extents[0].id, loose.id});
}

TEST_CASE("a part that comes while its upload is sealed is in it or refused") {
  MetaFixture f;
  for (std::size_t round = 0; round < kRounds / 2; ++round) {
    meta::Upload upload = f.get(f.store().open(f.upload()));
    f.put(upload.id, f.part(upload.id, 1, 10));
    meta::Part late = f.part(upload.id, 2, 10);
    Tally sealed, put;
    auto make = [&](std::size_t i) {
      return i % 2 == 0 ? tally_up(f.store().seal(upload.id, 1), sealed)
                        : tally_up(f.store().put_part(upload.id, late, 9, UINT64_MAX, 1), put);
    };
    run_side_by_side(kWriters, kThreads, make);
    bool is_sealed = f.get(f.store().find_upload(upload.id))->state == meta::UploadState::sealed;
    CHECK(sealed.won == (is_sealed ? kHalf : 0));
    CHECK(put.won == (is_sealed ? 0 : kHalf));
    CHECK(f.get(f.store().parts(upload.id, 0, 10)).size() == (is_sealed ? 1 : 2));
  }
}

// A process that ends between any two commands of an operation on MongoDB, with the last one
// carried out or not: another process finds the operation done or not done, never half, is told the
// same by all calls, and can repeat it.
#include <algorithm>
#include <atomic>
#include <functional>

#include "fixture.h"
#include "mongo_rig.h"

using namespace mas;
using namespace mas::test;
using meta::Extent;
using meta::MetaStore;
using meta::mongo::Hook;

namespace {

// What becomes of the process at its last command.
struct Ending {
  Hook::Fate fate;
  bool lives;  // only that one command fails
  const char* text;
};
constexpr Ending kEndings[] = {{Hook::Fate::unsent, false, "not sent"},
                               {Hook::Fate::unanswered, false, "not answered"},
                               {Hook::Fate::unanswered, true, "not answered, others are"}};

// Ends a process at its command number `at` (from 0): nothing reaches the server after it.
class Crash {
 public:
  Crash(int at, const Ending& ending) : left_(at), ending_(ending) {}
  [[nodiscard]] Hook hook() {
    return Hook{[this](std::string_view) {
      if (happened_) return ending_.lives ? Hook::Fate::pass : Hook::Fate::unsent;
      if (left_-- > 0) return Hook::Fate::pass;
      happened_ = true;
      return ending_.fate;
    }};
  }
  [[nodiscard]] bool happened() const { return happened_; }

 private:
  std::atomic<int> left_;
  const Ending& ending_;
  std::atomic<bool> happened_{false};
};

// One operation on state of its own.
struct Case {
  std::function<Task<Result<void>>(MetaStore&)> act;  // may be repeated, also after it happened
  std::function<bool()> happened;                     // as the survivor sees it
  std::vector<Id128> used;                            // extents that are in one place afterwards
};
using Prepare = std::function<Case(MetaFixture&)>;

template <class T>
Task<Result<void>> dropping(Task<Result<T>> call) {
  auto result = co_await std::move(call);
  if (result.has_error()) co_return result.error();
  co_return Result<void>();
}

Task<Result<void>> committing(Task<Result<meta::CommitResult>> call) {
  auto result = co_await std::move(call);
  if (result.has_error()) co_return result.error();
  if (!result->committed) co_return Error(Code::conflict, "lost");
  co_return Result<void>();
}

std::vector<Id128> ids(const std::vector<Extent>& extents) {
  std::vector<Id128> all;
  for (const Extent& extent : extents) all.push_back(extent.id);
  return all;
}

bool is_freed(MetaFixture& f, const Extent& extent) {
  auto freed = f.freed();
  return std::count(freed.begin(), freed.end(), extent.id) == 1;
}

void crash_once(MetaFixture& f, const Case& c, Crash& crash) {
  MongoView victim(mongo_url(), database_of(f.backend()), crash.hook());
  auto result = run_blocking_for(c.act(victim.store()));
  bool happened = c.happened();
  if (result.has_value()) {
    CHECK(happened);
  } else {
    INFO(result.error().message());
    CHECK(result.error().code() == Code::metadata_unavailable);
    if (!result.error().maybe_happened()) CHECK_FALSE(happened);
  }
}

void crash_everywhere(const Prepare& prepare) {
  for (const Ending& ending : kEndings) {
    bool crashed = true;
    for (int at = 0; crashed; ++at) {
      INFO("command " << at << ": " << ending.text);
      REQUIRE(at < 30);
      MetaFixture f;
      Case c = prepare(f);
      Crash crash(at, ending);
      crash_once(f, c, crash);
      crashed = crash.happened();
      must(f.run(c.act(f.store())));
      REQUIRE(c.happened());
      check_places(f, c.used);
    }
  }
}

// An upload with parts 1 and 2 and one extent in no part.
struct Sent {
  meta::Upload upload;
  std::vector<meta::Part> parts;
  Extent loose;
  [[nodiscard]] std::vector<Id128> used() const {
    return {parts[0].extents[0].id, parts[1].extents[0].id, loose.id};
  }
};

Sent send(MetaFixture& f) {
  Sent sent;
  sent.upload = f.get(f.store().open(f.upload()));
  for (std::uint32_t number : {1U, 2U}) {
    sent.parts.push_back(f.part(sent.upload.id, number, 10));
    f.put(sent.upload.id, sent.parts.back());
  }
  sent.loose = f.extent();
  must(f.run(f.store().register_extent(sent.upload.id, sent.loose)));
  return sent;
}

}  // namespace

TEST_CASE("a crash while a session is opened leaves it open or not") {
  crash_everywhere([](MetaFixture& f) {
    meta::Upload upload = f.upload();
    return Case{[=](MetaStore& store) { return dropping(store.open(upload)); },
                [=, &f] { return f.get(f.store().find_session(upload.hash, "")).has_value(); },
                {}};
  });
}

TEST_CASE("a crash while an extent is registered leaves it registered or not") {
  crash_everywhere([](MetaFixture& f) {
    meta::Upload upload = f.get(f.store().open(f.upload()));
    Extent extent = f.extent();
    return Case{[=](MetaStore& store) { return store.register_extent(upload.id, extent); },
                [=, &f] { return f.get(f.store().find_upload(upload.id))->registered.size() == 1; },
                {extent.id}};
  });
}

TEST_CASE("a crash while a part takes another's place leaves one of them") {
  crash_everywhere([](MetaFixture& f) {
    Sent sent = send(f);
    meta::Part next = f.part(sent.upload.id, 1, 30, 9);
    auto used = sent.used();
    used.push_back(next.extents[0].id);
    return Case{[=](MetaStore& store) {
                  return dropping(store.put_part(sent.upload.id, next, 5000, UINT64_MAX, 5));
                },
                [=, &f] {
                  bool there = f.get(f.store().parts(sent.upload.id, 0, 1)).at(0) == next;
                  CHECK(is_freed(f, sent.parts[0].extents[0]) == there);
                  return there;
                },
                used};
  });
}

TEST_CASE("a crash while the same part is recorded again frees its extents once") {
  crash_everywhere([](MetaFixture& f) {
    Sent sent = send(f);
    meta::Part again = f.part(sent.upload.id, 2, 10);
    auto used = sent.used();
    used.push_back(again.extents[0].id);
    // The repeat of a call whose extents went: they are registered no longer.
    return Case{[=, &f](MetaStore& store) -> Task<Result<void>> {
                  auto done = co_await store.put_part(sent.upload.id, again, 5000, UINT64_MAX, 5);
                  bool gone = done.has_error() && done.error().code() == Code::conflict;
                  if (done.has_error() && !(gone && is_freed(f, again.extents[0]))) {
                    co_return done.error();
                  }
                  co_return Result<void>();
                },
                [=, &f] { return is_freed(f, again.extents[0]); }, used};
  });
}

TEST_CASE("a crash while a small object is published leaves it there or not") {
  crash_everywhere([](MetaFixture& f) {
    meta::Object object = f.object();
    object.extents.push_back(f.extent());
    return Case{[=](MetaStore& store) { return committing(store.commit(object, 0, std::nullopt)); },
                [=, &f] { return f.get(f.store().find(object.hash)).has_value(); },
                ids(object.extents)};
  });
}

TEST_CASE("a crash while an object takes another's place leaves one of them") {
  crash_everywhere([](MetaFixture& f) {
    meta::Object first = f.object();
    f.get(f.store().commit(first, 0, std::nullopt));
    meta::Object second = f.object(first.hash);
    return Case{[=](MetaStore& store) {
                  return committing(store.commit(second, first.generation, std::nullopt));
                },
                [=, &f] {
                  bool there = *f.get(f.store().find(first.hash)) == second;
                  CHECK(is_freed(f, first.extents[0]) == there);
                  return there;
                },
                {first.extents[0].id, second.extents[0].id}};
  });
}

TEST_CASE("a crash while an upload is published leaves it sealed or an object") {
  crash_everywhere([](MetaFixture& f) {
    Sent sent = send(f);
    f.get(f.store().seal(sent.upload.id, 2));
    meta::Object object = f.object(sent.upload.hash);
    object.extents = {sent.parts[0].extents[0], sent.parts[1].extents[0]};
    return Case{
        [=](MetaStore& store) { return committing(store.commit(object, 0, sent.upload.id)); },
        [=, &f] {
          bool there = f.get(f.store().find(object.hash)).has_value();
          auto upload = f.get(f.store().find_upload(sent.upload.id));
          CHECK(upload.has_value() != there);
          CHECK(is_freed(f, sent.loose) == there);
          return there;
        },
        sent.used()};
  });
}

TEST_CASE("a crash while an object is deleted or released leaves it whole or not") {
  crash_everywhere([](MetaFixture& f) {
    meta::Object object = f.object();
    f.get(f.store().commit(object, 0, std::nullopt));
    std::uint64_t deletion = f.generation();
    return Case{[=](MetaStore& store) {
                  return dropping(store.condemn(object.hash, object.generation, deletion, 5));
                },
                [=, &f] {
                  return f.get(f.store().find(object.hash))->state == meta::ObjectState::condemned;
                },
                ids(object.extents)};
  });
  crash_everywhere([](MetaFixture& f) {
    meta::Object object = f.object();
    f.get(f.store().commit(object, 0, std::nullopt));
    std::uint64_t deletion = f.generation();
    f.get(f.store().condemn(object.hash, object.generation, deletion, 5));
    return Case{[=](MetaStore& store) { return store.release(object.hash, deletion, 6); },
                [=, &f] {
                  bool done = f.get(f.store().find(object.hash))->released > 0;
                  CHECK(is_freed(f, object.extents[0]) == done);
                  CHECK(f.freed_manifests().size() == (done ? 1 : 0));
                  CHECK(f.get(f.store().condemned(100, 10)).empty() == done);
                  CHECK(f.get(f.store().released(UINT64_MAX, 10)).empty() != done);
                  return done;
                },
                ids(object.extents)};
  });
}

TEST_CASE("a crash while a deleted object is erased leaves its record or its freed manifests") {
  crash_everywhere([](MetaFixture& f) {
    meta::Object object = f.object();
    f.get(f.store().commit(object, 0, std::nullopt));
    std::uint64_t deletion = f.generation();
    f.get(f.store().condemn(object.hash, object.generation, deletion, 5));
    must(f.run(f.store().release(object.hash, deletion, 6)));
    f.collect_all();
    return Case{[=](MetaStore& store) { return store.erase(object.hash, deletion, 7); },
                [=, &f] {
                  bool gone = !f.get(f.store().find(object.hash));
                  const auto freed = f.freed_manifests();
                  CHECK(freed.size() == (gone ? 1 : 0));
                  return gone;
                },
                {}};
  });
}

TEST_CASE("a crash while manifests are freed frees all or none") {
  crash_everywhere([](MetaFixture& f) {
    std::vector<meta::ManifestRange> ranges{{f.hash(), 1, 2}, {f.hash(), 3, 3}};
    // Not a second time where the first one happened: a repeat lists them again.
    return Case{[=, &f](MetaStore& store) -> Task<Result<void>> {
                  if (!f.freed_manifests().empty()) co_return Result<void>();
                  co_return co_await store.free_manifests(ranges, 5);
                },
                [=, &f] {
                  const auto freed = f.freed_manifests();
                  CHECK((freed.empty() || freed == ranges));
                  return !freed.empty();
                },
                {}};
  });
}

TEST_CASE("a crash while extents are freed frees all or none") {
  crash_everywhere([](MetaFixture& f) {
    std::vector<Extent> extents{f.extent(), f.extent()};
    return Case{[=](MetaStore& store) { return store.free(extents, 5); },
                [=, &f] {
                  CHECK(is_freed(f, extents[0]) == is_freed(f, extents[1]));
                  return is_freed(f, extents[0]);
                },
                ids(extents)};
  });
  crash_everywhere([](MetaFixture& f) {
    Sent sent = send(f);
    return Case{[=](MetaStore& store) { return store.discard(sent.upload.id, {sent.loose}, 5); },
                [=, &f] {
                  bool gone = f.get(f.store().find_upload(sent.upload.id))->registered.empty();
                  CHECK(is_freed(f, sent.loose) == gone);
                  return gone;
                },
                sent.used()};
  });
}

TEST_CASE("a crash while an upload is closed or expires leaves it open or gone") {
  crash_everywhere([](MetaFixture& f) {
    Sent sent = send(f);
    return Case{[=](MetaStore& store) { return store.close(sent.upload.id, false, 5); },
                [=, &f] {
                  bool gone = !f.get(f.store().find_upload(sent.upload.id));
                  CHECK(f.get(f.store().find_session(sent.upload.hash, "")).has_value() != gone);
                  CHECK(is_freed(f, sent.parts[1].extents[0]) == gone);
                  return gone;
                },
                sent.used()};
  });
  crash_everywhere([](MetaFixture& f) {
    Sent sent = send(f);
    const std::uint64_t touches = f.get(f.store().find_upload(sent.upload.id))->touches;
    return Case{
        [=](MetaStore& store) { return dropping(store.expire(sent.upload.id, touches, 5)); },
        [=, &f] { return !f.get(f.store().find_upload(sent.upload.id)); }, sent.used()};
  });
}

TEST_CASE("a crash while parts are dropped drops all or none") {
  crash_everywhere([](MetaFixture& f) {
    Sent sent = send(f);
    return Case{[=](MetaStore& store) { return store.drop_parts(sent.upload.id, sent.parts, 5); },
                [=, &f] {
                  bool gone = f.get(f.store().parts(sent.upload.id, 0, 10)).empty();
                  CHECK(f.get(f.store().find_upload(sent.upload.id))->part_count == (gone ? 0 : 2));
                  CHECK(is_freed(f, sent.parts[0].extents[0]) == gone);
                  CHECK(is_freed(f, sent.parts[1].extents[0]) == gone);
                  return gone;
                },
                sent.used()};
  });
}

TEST_CASE("a crash while an upload's writer tells how far it is leaves that told or not") {
  crash_everywhere([](MetaFixture& f) {
    Sent sent = send(f);
    return Case{[=](MetaStore& store) { return store.progress(sent.upload.id, sent.loose.id, 7); },
                [=, &f] {
                  return f.get(f.store().find_upload(sent.upload.id))->registered.at(0).durable ==
                         7;
                },
                sent.used()};
  });
}

TEST_CASE("a crash while a hash is taken further leaves it there or where it was") {
  crash_everywhere([](MetaFixture& f) {
    Sent sent = send(f);
    meta::HashRun next{1, 10, "a state", meta::chain_after({}, sent.parts[0])};
    return Case{
        [=](MetaStore& store) -> Task<Result<void>> {
          const meta::HashRun none;
          auto done =
              co_await store.advance_hash(sent.upload.id, none, next, sent.parts[0].extents);
          if (done.has_error()) co_return done.error();
          // A repeat after it happened is told that it did.
          if (!*done) co_return Error(Code::conflict, "lost");
          co_return Result<void>();
        },
        [=, &f] { return f.get(f.store().find_upload(sent.upload.id))->run == next; }, sent.used()};
  });
}

TEST_CASE("a crash while an upload is sealed leaves it open or sealed") {
  crash_everywhere([](MetaFixture& f) {
    Sent sent = send(f);
    return Case{[=](MetaStore& store) { return dropping(store.seal(sent.upload.id, 2)); },
                [=, &f] {
                  return f.get(f.store().find_upload(sent.upload.id))->state ==
                         meta::UploadState::sealed;
                },
                sent.used()};
  });
}

TEST_CASE("a crash while the list of freed extents is cut leaves it cut or not") {
  crash_everywhere([](MetaFixture& f) {
    Extent extent = f.extent();
    must(f.run(f.store().free({extent}, 5)));
    must(f.run(f.store().free_manifests({{f.hash(), 1, 2}}, 5)));
    std::uint64_t last = f.get(f.store().freed(0, 1000)).back().sequence;
    return Case{[=](MetaStore& store) { return store.collected("mas-0", last, {"mas-0"}); },
                [=, &f] { return !is_freed(f, extent) && f.freed_manifests().empty(); },
                {}};
  });
}

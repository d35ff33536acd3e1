#include <catch2/catch.hpp>

#include "mas/object/repair.h"
#include "rebuild_rig.h"

using namespace mas;
using namespace mas::test;
using maintain::RebuildOptions;
using maintain::RebuildPhase;

namespace {

// Manifests that are records of their own, on all pods.
std::vector<std::pair<std::size_t, RecordKey>> manifests_of(RebuildRig& rig, const Hash& hash,
                                                            std::size_t pods) {
  std::vector<std::pair<std::size_t, RecordKey>> all;
  for (std::size_t pod = 0; pod < pods; ++pod) {
    for (const RecordKey& key : rig.objects.store(pod).keys()) {
      if (key.kind == RecordKind::manifest && key.hash() == hash) all.emplace_back(pod, key);
    }
  }
  return all;
}

bool is_listed(const maintain::RebuildReport& report, const Hash& hash) {
  for (const auto& failure : report.failures) {
    if (failure.hash == hash) return !failure.why.empty();
  }
  return false;
}

}  // namespace

TEST_CASE("an emptied store gets everything back, and only that") {
  RebuildRig rig;
  rig.put_some(1, 3);
  rig.put("");
  Hash gone = rig.put(make_content(250'000, 91));
  Hash gone_small = rig.put(make_content(2'000, 92));
  rig.remove(gone);
  rig.remove(gone_small);
  std::uint64_t before = rig.next_generation();
  rig.lose_metadata();
  CHECK(rig.live().empty());

  auto report = must(rig.rebuild());
  CHECK(report.phase == RebuildPhase::done);
  CHECK(report.restored == rig.files.size());
  CHECK(report.files == rig.files.size());
  CHECK(report.deletions == 2);
  CHECK(report.not_restored == 0);
  CHECK(report.away.empty());
  CHECK(report.verified == 0);
  rig.check_files();
  for (const Hash& hash : {gone, gone_small}) {
    CHECK_FALSE(rig.objects.find(hash).has_value());
    auto record = rig.record(hash);
    REQUIRE(record);
    CHECK(record->state == meta::ObjectState::condemned);
  }
  CHECK(rig.next_generation() > before);
  auto layout = rig.stored_layout();
  REQUIRE(layout);
  CHECK(layout->version > rig.layout().version);
  CHECK(layout->version == report.layout_version);
  CHECK(layout->rows == rig.layout().rows);
  CHECK(layout->cluster == rig.layout().cluster);
}

TEST_CASE("records come back as they were") {
  RebuildRig rig;
  rig.put_some(1);
  std::vector<meta::Object> before = rig.live();
  rig.lose_metadata();
  must(rig.rebuild());
  CHECK(rig.live() == before);
}

TEST_CASE("what was uploaded and deleted after a backup stays so") {
  RebuildRig rig;
  rig.put_some(1);
  Hash deleted = rig.put(make_content(260'000, 50));
  Hash deleted_small = rig.put(make_content(1'000, 51));
  Hash again = rig.put(make_content(270'000, 52));
  Hash again_small = rig.put(make_content(1'100, 53));
  auto backup = rig.backup();
  rig.remove(deleted);
  rig.remove(deleted_small);
  for (const Hash& hash : {again, again_small}) {
    std::string content = rig.files[hash];
    rig.remove(hash);
    rig.put(content);
  }
  rig.put_some(20);
  std::uint64_t before = rig.next_generation();
  rig.use(std::move(backup));
  CHECK(rig.objects.find(deleted).has_value());

  auto report = must(rig.rebuild());
  CHECK(report.not_restored == 0);
  rig.check_files();
  CHECK_FALSE(rig.objects.find(deleted).has_value());
  CHECK_FALSE(rig.objects.find(deleted_small).has_value());
  CHECK(rig.next_generation() > before);
}

TEST_CASE("a file that was deleted and sent again comes back to an emptied store") {
  RebuildRig rig;
  for (std::size_t size : {1'000, 90'000, 280'000}) {
    Hash hash = rig.put(make_content(size, size));
    std::string content = rig.files[hash];
    for (int i = 0; i < 3; ++i) {
      rig.remove(hash);
      rig.put(content);
    }
  }
  rig.lose_metadata();
  must(rig.rebuild());
  rig.check_files();
}

TEST_CASE("a file sent again after its deletion was forgotten is not taken for deleted") {
  RebuildRig rig;
  Hash hash = rig.put(make_content(280'000, 5));
  std::string content = rig.files[hash];
  rig.remove(hash);
  meta::Object record = *rig.record(hash);
  rig.objects.forget_deleted(hash);
  // The deletion's manifest still lies where it was, from a pod whose clock was ahead.
  record.condemned_at += 100'000;
  for (const auto& [pod, key] : manifests_of(rig, hash, 6)) {
    if (key.major != record.generation) continue;
    std::vector<Slice> bytes{Slice::copy_of(as_bytes(meta::encode(record)))};
    must(run_blocking_for(rig.objects.store(pod).put(key, bytes)));
  }
  rig.put(content);
  CHECK(rig.record(hash)->replaces == 0);
  rig.lose_metadata();
  must(rig.rebuild());
  rig.check_files();
}

TEST_CASE("unfinished uploads are not published") {
  RebuildRig rig;
  rig.put_some(1);
  const std::string content = make_content(400'000, 70);
  const object::SessionKey key{hash_of(content), "s"};
  must(rig.objects.init(key));
  must(rig.objects.part(key, 1, content.substr(0, 200'000)));
  must(rig.objects.part(key, 2, content.substr(200'000)));
  const std::string single = make_content(50'000, 71);
  const object::SessionKey small{hash_of(single), "s"};
  must(rig.objects.init(small));
  must(rig.objects.part(small, 1, single));
  rig.lose_metadata();
  auto report = must(rig.rebuild());
  CHECK(report.not_restored == 0);
  CHECK_FALSE(rig.record(key.hash));
  CHECK_FALSE(rig.record(small.hash));
  rig.check_files();
}

TEST_CASE("uploads that a backup has and that are still open go on") {
  RebuildRig rig;
  const std::string content = make_content(400'000, 70);
  const object::SessionKey key{hash_of(content), "s"};
  must(rig.objects.init(key));
  must(rig.objects.part(key, 1, content.substr(0, 200'000)));
  auto backup = rig.backup();
  rig.put_some(1);
  rig.use(std::move(backup));
  must(rig.rebuild());
  must(rig.objects.part(key, 2, content.substr(200'000)));
  REQUIRE(must(rig.objects.finish(key)).receipt);
  rig.files[key.hash] = content;
  rig.check_files();
}

TEST_CASE("an upload that was open in the backup and finished since is a file") {
  RebuildRig rig;
  const std::string content = make_content(400'000, 70);
  const object::SessionKey key{hash_of(content), "s"};
  must(rig.objects.init(key));
  must(rig.objects.part(key, 1, content.substr(0, 200'000)));
  must(rig.objects.part(key, 2, content.substr(200'000)));
  auto backup = rig.backup();
  REQUIRE(must(rig.objects.finish(key)).receipt);
  rig.files[key.hash] = content;
  rig.use(std::move(backup));
  must(rig.rebuild());
  rig.check_files();
  CHECK(rig.objects.open_uploads().empty());
  CHECK(rig.objects.unexplained().empty());
}

TEST_CASE("pods may be away, up to what the profile survives") {
  RebuildRig rig;
  rig.put_some(1);
  Hash gone = rig.put(make_content(250'000, 91));
  rig.remove(gone);
  std::size_t pod = GENERATE(0U, 1U, 3U, 5U);
  rig.go_down((pod + 1) % 6);
  SECTION("one") {}
  SECTION("two") { rig.go_down((pod + 3) % 6); }
  rig.lose_metadata();
  auto report = must(rig.rebuild());
  CHECK_FALSE(report.away.empty());
  CHECK(report.not_restored == 0);
  rig.check_files();
  CHECK_FALSE(rig.objects.find(gone).has_value());
}

TEST_CASE("with more away it refuses, says who, and changes nothing") {
  RebuildRig rig;
  rig.put_some(1);
  rig.lose_metadata();
  SECTION("known to be down") {
    for (std::size_t pod : {1, 2, 4}) rig.go_down(pod);
  }
  SECTION("found out on the way") {
    for (std::size_t pod : {1, 2, 4}) rig.objects.drop(pod);
  }
  SECTION("with a disk that is not rebuilt yet") {
    rig.go_down(1);
    rig.go_down(2);
    rig.view().layout.members[4].fresh = true;
    rig.publish();
  }
  auto refused = rig.rebuild();
  REQUIRE(refused.has_error());
  CHECK(refused.error().code() == Code::refused);
  for (const char* slot : {"mas-1", "mas-2", "mas-4"}) {
    CHECK(refused.error().message().find(slot) != std::string::npos);
  }
  CHECK(refused.error().message().find("mas-3") == std::string::npos);
  CHECK(rig.live().empty());
  CHECK_FALSE(rig.stored_layout());
}

TEST_CASE("a pod alone whose disk was replaced has nobody to wait for") {
  RebuildRig rig(1);
  rig.view().layout.members[0].fresh = true;
  rig.publish();
  rig.put_some(1);
  rig.lose_metadata();
  CHECK(must(rig.rebuild()).not_restored == 0);
  rig.check_files();
}

TEST_CASE("another cluster's store is left alone") {
  RebuildRig rig;
  rig.put_some(1);
  auto other = meta::make_memory_meta();
  layout::Layout theirs = layout::found(Id128{{9}}, rig.layout().members);
  must(run_blocking_for(other->propose_layout(0, theirs)));
  rig.use(std::move(other));
  auto refused = rig.rebuild();
  REQUIRE(refused.has_error());
  CHECK(refused.error().code() == Code::refused);
  CHECK(refused.error().message().find(theirs.cluster.hex()) != std::string::npos);
  CHECK(rig.live().empty());
}

TEST_CASE("it waits for the newest layout") {
  RebuildRig rig;
  rig.put_some(1);
  SECTION("that the store has") {
    layout::Layout next = rig.layout();
    next.version += 1;
    must(run_blocking_for(rig.objects.meta().propose_layout(rig.layout().version, next)));
  }
  SECTION("that another pod has") {
    rig.lose_metadata();
    rig.view().pods[3].last.layout_version += 1;
    rig.publish();
  }
  auto refused = rig.rebuild();
  REQUIRE(refused.has_error());
  CHECK(refused.error().code() == Code::busy);
}

TEST_CASE("a pod that is no member refuses") {
  RebuildRig rig;
  rig.lose_metadata();
  rig.view().self = layout::kNobody;
  rig.publish();
  auto refused = rig.rebuild();
  REQUIRE(refused.has_error());
  CHECK(refused.error().code() == Code::refused);
}

TEST_CASE("twice is harmless") {
  RebuildRig rig;
  rig.put_some(1);
  Hash gone = rig.put(make_content(250'000, 91));
  rig.remove(gone);
  rig.lose_metadata();
  auto first = must(rig.rebuild());
  std::vector<meta::Object> after = rig.live();
  rig.view().layout = *rig.stored_layout();
  rig.publish();
  auto second = must(rig.rebuild());
  CHECK(second.restored == 0);
  CHECK(second.deletions == 0);
  CHECK(second.not_restored == 0);
  CHECK(second.files == first.files);
  CHECK(rig.live() == after);
  CHECK_FALSE(rig.objects.find(gone).has_value());
  rig.check_files();
}

TEST_CASE("a healthy store keeps its records, and all pods hear of the rebuild") {
  RebuildRig rig;
  rig.put_some(1);
  Hash gone = rig.put(make_content(2'500, 91));
  rig.remove(gone);
  std::vector<meta::Object> before = rig.live();
  auto report = must(rig.rebuild());
  CHECK(report.restored + report.deletions + report.not_restored == 0);
  CHECK(rig.live() == before);
  CHECK(rig.stored_layout()->version > rig.layout().version);
  CHECK(rig.objects.unexplained().empty());
}

TEST_CASE("manifests that are damaged on some pods are read from the others") {
  RebuildRig rig;
  Hash hash = rig.put(make_content(300'000, 3));
  Hash gone = rig.put(make_content(310'000, 4));
  rig.remove(gone);
  for (const Hash& each : {hash, gone}) {
    std::set<std::uint64_t> spared;
    for (const auto& [pod, key] : manifests_of(rig, each, 6)) {
      // One copy of each generation stays good.
      if (spared.insert(key.major).second) continue;
      REQUIRE(rig.objects.store(pod).corrupt(key, 0, 0xff));
    }
  }
  rig.lose_metadata();
  CHECK(must(rig.rebuild()).not_restored == 0);
  rig.check_files();
  CHECK_FALSE(rig.objects.find(gone).has_value());
}

TEST_CASE("a manifest that nobody can read is reported, and nothing older comes back for it") {
  RebuildRig rig;
  rig.put_some(1);
  Hash deleted = rig.put(make_content(300'000, 3));
  Hash deleted_small = rig.put(make_content(3'000, 4));
  rig.remove(deleted);
  rig.remove(deleted_small);
  for (const Hash& hash : {deleted, deleted_small}) {
    std::uint64_t deletion = rig.record(hash)->generation;
    for (const auto& [pod, key] : manifests_of(rig, hash, 6)) {
      if (key.major == deletion) REQUIRE(rig.objects.store(pod).corrupt(key, 0, 0xff));
    }
  }
  rig.lose_metadata();
  auto report = must(rig.rebuild());
  CHECK(report.not_restored == 2);
  CHECK(is_listed(report, deleted));
  CHECK(is_listed(report, deleted_small));
  CHECK_FALSE(rig.objects.find(deleted).has_value());
  CHECK_FALSE(rig.objects.find(deleted_small).has_value());
  rig.check_files();
}

TEST_CASE("a file without enough shards is reported and not put back") {
  RebuildRig rig;
  rig.put_some(1);
  for (std::size_t size : {100'000, 300'000}) {
    Hash lost = rig.put(make_content(size, size));
    meta::Extent extent = rig.record(lost)->extents[0];
    int spared = 0;
    for (std::size_t pod = 0; pod < 6; ++pod) {
      for (const RecordKey& key : rig.objects.store(pod).keys()) {
        bool mine = key.kind == RecordKind::shard && key.extent() == extent.id && key.major == 0;
        // One less than it takes.
        if (mine && ++spared > 3) REQUIRE(rig.objects.store(pod).lose(key));
      }
    }
    rig.files.erase(lost);
    rig.lose_metadata();
    auto report = must(rig.rebuild());
    CHECK(is_listed(report, lost));
    CHECK_FALSE(rig.record(lost));
    rig.check_files();
  }
}

TEST_CASE("a record whose content is gone is marked and reported") {
  RebuildRig rig;
  Hash lost = rig.put(make_content(300'000, 7));
  auto backup = rig.backup();
  // Deleted after the backup, and all of it removed.
  meta::Extent extent = rig.record(lost)->extents[0];
  for (std::size_t pod = 0; pod < 6; ++pod) {
    for (const RecordKey& key : rig.objects.store(pod).keys()) rig.objects.store(pod).lose(key);
  }
  rig.use(std::move(backup));
  auto report = must(rig.rebuild());
  CHECK(is_listed(report, lost));
  CHECK(rig.record(lost)->damaged);
  CHECK(rig.record(lost)->extents[0] == extent);
}

TEST_CASE("verifying reads every file, and finds one whose bytes are not its own") {
  RebuildRig rig;
  rig.put_some(1);
  // A manifest that names another file's content, as no bit that flips could make it.
  Hash wrong = hash_of("something else");
  meta::Object object = *rig.record(rig.put(make_content(300'000, 7)));
  meta::Object forged = object;
  forged.hash = wrong;
  forged.generation = rig.next_generation();
  for (const auto& [pod, key] : manifests_of(rig, object.hash, 6)) rig.objects.store(pod).lose(key);
  rig.lose_metadata();
  for (std::uint16_t copy = 0; copy < 3; ++copy) {
    std::vector<Slice> bytes{Slice::copy_of(as_bytes(meta::encode(forged)))};
    must(run_blocking_for(
        rig.objects.store(copy).put(RecordKey::manifest(wrong, forged.generation, copy), bytes)));
  }
  auto report = must(rig.rebuild(RebuildOptions{.profile = {}, .verify = true}));
  CHECK(is_listed(report, wrong));
  CHECK(report.not_restored == 1);
  CHECK(rig.record(wrong)->damaged);
  CHECK(report.verified == report.files - 1);
}

TEST_CASE("one pod alone gets its records back") {
  RebuildRig rig(1);
  rig.put_some(1);
  Hash gone = rig.put(make_content(4'000, 91));
  rig.remove(gone);
  rig.lose_metadata();
  CHECK(must(rig.rebuild()).not_restored == 0);
  rig.check_files();
  CHECK_FALSE(rig.objects.find(gone).has_value());
}

TEST_CASE("interrupted at any call, it is completed by the next run") {
  RebuildRig rig;
  rig.put_some(1, 1);
  Hash again = rig.put(make_content(270'000, 52));
  std::string content = rig.files[again];
  Hash gone = rig.put(make_content(1'000, 51));
  rig.remove(gone);
  auto old = rig.backup();
  rig.remove(again);
  rig.put(content);
  Hash gone_later = rig.put(make_content(250'000, 54));
  rig.remove(gone_later);
  // From a call on nobody can be reached any more; or one call fails, before or after its effect.
  enum class Fault { outage, refused, hidden };
  Fault fault = GENERATE(Fault::outage, Fault::refused, Fault::hidden);
  bool empty = GENERATE(false, true);
  auto lose = [&] {
    auto next = meta::make_memory_meta();
    if (!empty) must(run_blocking_for(meta::hand_over(*old, *next)));
    rig.use(std::move(next));
  };
  CallFaults& faults = rig.objects.faults;
  int interrupted = 0;
  for (std::uint64_t nth = 0;; ++nth) {
    lose();
    bool hit = false;
    auto begin_outage = [&faults, &hit]() -> Task<void> {
      hit = true;
      faults.refuse_all(true);
      co_return;
    };
    if (fault == Fault::outage) {
      faults.after_nth(nth, begin_outage);
    } else {
      faults.fail_nth(nth, fault == Fault::hidden);
    }
    auto first = rig.rebuild();
    hit = hit || (fault != Fault::outage && faults.hit());
    faults.refuse_all(false);
    faults.clear();
    if (!hit) break;
    INFO("call " << nth);
    interrupted += first.has_error() ? 1 : 0;
    if (first.has_error()) must(rig.rebuild());
    rig.check_files();
    CHECK_FALSE(rig.objects.find(gone).has_value());
    CHECK_FALSE(rig.objects.find(gone_later).has_value());
    CHECK(rig.objects.unexplained().empty());
  }
  if (fault == Fault::outage) CHECK(interrupted > 10);
}

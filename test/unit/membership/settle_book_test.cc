// Whose walks are believed, and when what was walked does not count any more.
#include "membership/settle_book.h"

#include <catch2/catch.hpp>

#include "beats.h"

namespace mas::membership::test {
namespace {

constexpr std::uint64_t kVersion = 9;

// A cluster as pod `self` sees it.
struct Look {
  explicit Look(int count, int self = 0)
      : layout(founded(count)), own(key(self)), pods(own, kBeat, kSilence) {
    layout.version = kVersion;
    pods.expect(keys(count), at(now));
  }

  // Pod `number` beats; what it found is as of that layout version.
  void hear(int number, std::optional<Settling> settling) {
    Heartbeat heard = beat(number);
    heard.sequence = ++sequence;
    heard.settling = std::move(settling);
    pods.hear(heard, at(now));
  }
  void hear_acknowledged(int number, std::uint64_t version = kVersion) {
    Settling settling;
    settling.acknowledged = version;
    hear(number, settling);
  }
  // Those who are silent fall, and are found down.
  void fall(const std::vector<int>& silent, int count) {
    const Instant before = at(now);
    now += kSilence * 2;
    for (int i = 0; i < count; ++i) {
      const bool falls = std::find(silent.begin(), silent.end(), i) != silent.end();
      const PodEntry* entry = pods.find(key(i));
      if (!falls && entry != nullptr) pods.hear(entry->last, at(now));
    }
    for (int round = 0; round < 3; ++round) {
      for (const PodKey& pod : pods.due(at(now), false, 100)) {
        pods.probed(pod, false, before, at(now), false);
      }
      now += kSilence;
      for (int i = 0; i < count; ++i) {
        const bool falls = std::find(silent.begin(), silent.end(), i) != silent.end();
        const PodEntry* entry = pods.find(key(i));
        if (!falls && entry != nullptr) pods.hear(entry->last, at(now));
      }
    }
    for (int pod : silent) REQUIRE(pods.is_down(key(pod)));
  }
  SettleBook::Scene scene() const { return {layout, pods, own, acknowledged}; }
  std::optional<SettleBook::Agreement> look() { return book.look(scene()); }
  WalkedSlices others() const { return book.found_by_others(scene()); }

  layout::Layout layout;
  PodKey own;
  PodTable pods;
  std::uint64_t acknowledged = kVersion;
  SettleBook book;
  std::uint64_t sequence = 0;  // of the last heartbeat heard, of all pods
  Duration now = seconds(100);
};

SliceSet slices(std::size_t from, std::size_t to) {
  SliceSet set;
  for (std::size_t i = from; i < to; ++i) set.set(i);
  return set;
}

Settling found(std::size_t from, std::size_t to, std::vector<Missing> without = {},
               std::uint64_t version = kVersion) {
  Settling settling;
  settling.acknowledged = version;
  settling.layout_version = version;
  settling.without = std::move(without);
  settling.found.uploads = slices(0, kSlices);
  settling.found.objects = slices(from, to);
  return settling;
}

TEST_CASE("nobody walks before every member that is alive has acknowledged the layout") {
  Look look(3);
  CHECK_FALSE(look.look());
  CHECK(look.book.waiting_for() == std::vector<std::string>{slot(1), slot(2)});
  look.hear_acknowledged(1);
  look.hear_acknowledged(2, kVersion - 1);
  CHECK_FALSE(look.look());
  CHECK(look.book.waiting_for() == std::vector<std::string>{slot(2)});
  // It says what it acknowledged: the store knows no better.
  CHECK_FALSE(look.book.store_may_know());
  look.hear_acknowledged(2);
  auto agreement = look.look();
  REQUIRE(agreement);
  CHECK(agreement->version == kVersion);
  CHECK(agreement->without.empty());
  CHECK(look.look()->round == agreement->round);
  // Oneself counts as well.
  look.acknowledged = kVersion - 1;
  CHECK_FALSE(look.look());
  CHECK(look.book.waiting_for() == std::vector<std::string>{slot(0)});
}

TEST_CASE("what pods of 0.1.0 acknowledged is known to the store alone") {
  Look look(3);
  look.hear_acknowledged(1);
  look.hear(2, std::nullopt);
  CHECK_FALSE(look.look());
  CHECK(look.book.store_may_know());
  look.book.read(look.layout, {{slot(2), kVersion}, {"stranger", kVersion}});
  REQUIRE(look.look());
  CHECK_FALSE(look.book.store_may_know());
  CHECK(look.others() == WalkedSlices{});
}

TEST_CASE("a pod that starts again takes no acknowledgement back") {
  Look look(2);
  look.hear_acknowledged(1);
  auto agreement = look.look();
  REQUIRE(agreement);
  look.hear_acknowledged(1, 0);
  REQUIRE(look.look());
  CHECK(look.look()->round == agreement->round);
  // An empty directory in its slot is another pod.
  look.layout = layout::taken_over(look.layout, slot(1), id(77));
  look.layout.version = kVersion;
  look.pods.expect({key(0), {slot(1), id(77)}}, at(look.now));
  CHECK_FALSE(look.look());
}

TEST_CASE("under another layout everything begins anew") {
  Look look(2);
  look.hear(1, found(0, 10));
  REQUIRE(look.look());
  CHECK(look.others().objects == slices(0, 10));
  ++look.layout.version;
  look.acknowledged = look.layout.version;
  CHECK_FALSE(look.look());
  look.hear_acknowledged(1, kVersion + 1);
  REQUIRE(look.look());
  CHECK(look.others() == WalkedSlices{});
  look.hear(1, found(0, 10));  // of the version before, still
  REQUIRE(look.look());
  CHECK(look.others() == WalkedSlices{});
}

TEST_CASE("what others found adds up, whether they are alive or not") {
  Look look(3);
  look.hear(1, found(0, 100));
  look.hear(2, found(50, 200));
  REQUIRE(look.look());
  CHECK(look.others().objects == slices(0, 200));
  look.fall({2}, 3);
  auto agreement = look.look();
  REQUIRE(agreement);
  CHECK(agreement->without.empty());  // it had acknowledged
  CHECK(look.others().objects == slices(0, 200));
  // Started again, it has forgotten.
  look.hear_acknowledged(2);
  REQUIRE(look.look());
  CHECK(look.others().objects == slices(0, 100));
}

TEST_CASE("who is down is gone without, and the walk is another when it has acknowledged") {
  Look look(3);
  look.hear_acknowledged(1);
  look.hear_acknowledged(2, kVersion - 1);
  const std::uint64_t last = look.sequence;
  look.fall({2}, 3);
  auto agreement = look.look();
  REQUIRE(agreement);
  CHECK(agreement->without == std::vector<Missing>{{2, last}});
  CHECK(look.book.store_may_know());
  look.hear(1, found(0, 100, {{2, last}}));
  REQUIRE(look.look());
  CHECK(look.look()->round == agreement->round);
  CHECK(look.others().objects == slices(0, 100));

  SECTION("it comes back, with writes of old, and acknowledges") {
    look.hear_acknowledged(2, kVersion - 1);
    CHECK_FALSE(look.look());
    CHECK(look.others() == WalkedSlices{});
    look.hear_acknowledged(2);
    auto next = look.look();
    REQUIRE(next);
    CHECK(next->round != agreement->round);
    CHECK(next->without.empty());
    // Pod 1 has not heard of it yet: what it found is from before.
    CHECK(look.others() == WalkedSlices{});
    look.hear(1, found(0, 5));
    REQUIRE(look.look());
    CHECK(look.others().objects == slices(0, 5));
  }
  SECTION("it comes back and goes again, between two looks") {
    look.hear_acknowledged(2, kVersion - 1);
    look.fall({2}, 3);
    auto next = look.look();
    REQUIRE(next);
    CHECK(next->round != agreement->round);
  }
  SECTION("it had acknowledged, as the store knows") {
    look.book.read(look.layout, {{slot(2), kVersion}});
    auto next = look.look();
    REQUIRE(next);
    CHECK(next->round != agreement->round);
    CHECK(look.others() == WalkedSlices{});
  }
}

TEST_CASE("a walk that went without nobody is believed by those who know of fewer") {
  // Pod 1 heard of pod 2's acknowledgement before it went down; this pod did not.
  Look look(3);
  look.hear(1, found(0, 100));
  look.fall({2}, 3);
  auto agreement = look.look();
  REQUIRE(agreement);
  CHECK(agreement->without == std::vector<Missing>{{2, 0}});
  CHECK(look.others().objects == slices(0, 100));
}

TEST_CASE("a walk is not believed that began before somebody came back, and went again") {
  Look look(4);
  look.hear_acknowledged(1);
  look.hear_acknowledged(2);
  look.hear_acknowledged(3, kVersion - 1);
  const std::uint64_t last = look.sequence;
  look.fall({3}, 4);
  look.hear(1, found(0, 100, {{3, last}}));
  REQUIRE(look.look());
  CHECK(look.others().objects == slices(0, 100));
  // Pod 1 dies; pod 3 comes back, may record what it wrote long ago, and goes as well.
  look.fall({1, 3}, 4);
  REQUIRE(look.look());
  CHECK(look.others().objects == slices(0, 100));
  look.hear_acknowledged(3, kVersion - 1);
  const std::uint64_t later = look.sequence;
  look.fall({1, 3}, 4);
  REQUIRE(look.look());
  CHECK(look.look()->without == std::vector<Missing>{{3, later}});
  CHECK(look.others() == WalkedSlices{});
  look.hear(2, found(100, 200, {{3, later}}));
  REQUIRE(look.look());
  CHECK(look.others().objects == slices(100, 200));
}

TEST_CASE("what others heard of those who are missing is taken over") {
  Look look(3);
  look.hear_acknowledged(1);
  look.hear_acknowledged(2, kVersion - 1);
  const std::uint64_t last = look.sequence;
  look.fall({2}, 3);
  const auto before = look.look();
  REQUIRE(before);
  // Pod 1 heard one more, so what is walked here may have begun before that.
  look.hear(1, found(0, 100, {{2, last + 1}}));
  const auto after = look.look();
  REQUIRE(after);
  CHECK(after->round != before->round);
  CHECK(after->without == std::vector<Missing>{{2, last + 1}});
  CHECK(look.others().objects == slices(0, 100));
  // Who says less again takes nothing back, and is not believed.
  look.hear(1, found(0, 100, {{2, last}}));
  REQUIRE(look.look());
  CHECK(look.look()->round == after->round);
  CHECK(look.others() == WalkedSlices{});
  // A number that no member has is passed over.
  look.hear(1, found(0, 100, {{7, last}}));
  REQUIRE(look.look());
  CHECK(look.others() == WalkedSlices{});
}

TEST_CASE("with too many missing nobody walks") {
  const int count = static_cast<int>(kMostWithout) + 2;
  Look look(3);
  look.layout.members.clear();
  std::vector<PodKey> all;
  for (int i = 0; i < count; ++i) {
    Id128 incarnation = id(0);
    incarnation.bytes[1] = static_cast<std::uint8_t>(i % 256);
    incarnation.bytes[2] = static_cast<std::uint8_t>(i / 256);
    const bool self = i == 0;
    look.layout.members.push_back({slot(i), self ? look.own.incarnation : incarnation, "", 1});
    all.push_back({slot(i), look.layout.members.back().incarnation});
  }
  look.pods.expect(all, at(look.now));
  look.now += kSilence * 2;
  (void)look.pods.due(at(look.now), false, 1000);
  CHECK_FALSE(look.look());
  CHECK(look.book.waiting_for().empty());
  // One less is not too many.
  Heartbeat heard;
  heard.slot = all.back().slot;
  heard.incarnation = all.back().incarnation;
  heard.settling.emplace().acknowledged = kVersion;
  look.pods.hear(heard, at(look.now));
  REQUIRE(look.look());
  CHECK(look.look()->without.size() == kMostWithout);
}

}  // namespace
}  // namespace mas::membership::test

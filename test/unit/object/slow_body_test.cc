// A client that sends slowly while the layout changes: the pod acknowledges the new layout all the
// same, and what the body left with previous holders is brought to the new ones.

#include "support/stripes.h"
#include "support/ticking.h"

namespace mas::object {
namespace {

using std::chrono::seconds;
using test::make_content;
using test::ObjectRig;

constexpr std::size_t kPiece = 1024;

// Sends 1 KiB a second, and calls `each` before every piece with how much was sent.
class SlowSource final : public ByteSource {
 public:
  SlowSource(std::string bytes, test::FakeClock& clock, std::function<void(std::size_t)> each)
      : bytes_(std::move(bytes)), clock_(clock), each_(std::move(each)) {}

  Task<Result<std::size_t>> read(MutableBytes into) override {
    each_(at_);
    clock_.advance(seconds(1));
    const std::size_t size = std::min({into.size(), bytes_.size() - at_, kPiece});
    std::copy_n(bytes_.data() + at_, size, into.data());
    at_ += size;
    co_return size;
  }

 private:
  const std::string bytes_;
  test::FakeClock& clock_;
  std::function<void(std::size_t)> each_;
  std::size_t at_ = 0;
};

// Member `leaver` of the rig's cluster drains: its rows change.
void drain(ObjectRig& rig, std::size_t leaver) {
  membership::ClusterView view = *rig.board().current();
  std::vector<layout::Member> members = view.layout.members;
  members[leaver].state = layout::MemberState::draining;
  view.layout = layout::next(view.layout, members);
  rig.board().publish(std::move(view));
}

// Asks as membership does: now and then, without moving the body on.
bool drains(ObjectRig& rig, test::FakeClock& clock, std::uint64_t version) {
  for (int i = 0; i < 20'000; ++i) {
    if (rig.objects().writes_drained(version)) return true;
    if (i % 1000 == 999) clock.advance(seconds(10));
    std::this_thread::yield();
  }
  return false;
}

int held(ObjectRig& rig, const StripeRef& stripe) {
  std::vector<StripeRef> one{stripe};
  return run_blocking_for(rig.objects().upkeep().inspect(one)).front().held;
}

TEST_CASE("an hour of a body at 1 KiB/s holds no layout up") {
  test::FakeClock clock;
  ObjectRig rig({.pods = 7, .clock = &clock});
  const std::string content = make_content(3600 * kPiece);
  const std::uint64_t version = rig.board().current()->layout.version + 1;
  bool drained = false;
  std::size_t moved = 0;
  SlowSource source(content, clock, [&](std::size_t sent) {
    if (sent != 1200 * kPiece) return;
    CHECK_FALSE(rig.objects().writes_drained(version));  // the view does not show it yet
    drain(rig, 2);
    drained = drains(rig, clock, version);
    // No walk sees these extents: all that was stored under the old layout is in place now.
    const auto uploads = rig.open_uploads();
    REQUIRE(uploads.size() == 1);
    for (const meta::Registered& one : uploads[0].registered) {
      const meta::Extent& extent = one.extent;
      for (std::uint64_t number = 0; number < stripe_count(extent); ++number) {
        const StripeRef stripe{extent, number};
        const int there = held(rig, stripe);
        if (there == 0) continue;  // not written yet
        CHECK(there == 6);
        moved += test::holder_of(rig, stripe, 0) != 2 ? 1 : 0;
      }
    }
  });
  Receipt receipt = must(run_blocking_for(rig.objects().put({}, source)));
  CHECK(drained);
  CHECK(moved > 5);
  // The previous holder is let go, and nothing is missing.
  rig.drop(2);
  CHECK(must(run_blocking_for(rig.objects().receipt_of(receipt.object))).durable == 6);
  const bool same = must(rig.get(receipt.object)) == content;
  CHECK(same);
}

TEST_CASE("a part that arrives slowly holds no layout up") {
  test::FakeClock clock;
  ObjectRig rig({.pods = 7, .clock = &clock});
  const std::string content = make_content(700 * kPiece);
  SessionKey key{test::hash_of(content), ""};
  must(rig.init(key));
  const std::uint64_t version = rig.board().current()->layout.version + 1;
  bool drained = false;
  SlowSource source(content, clock, [&](std::size_t sent) {
    if (sent != 600 * kPiece) return;
    drain(rig, 4);
    drained = drains(rig, clock, version);
  });
  must(run_blocking_for(rig.objects().put_part(key, {.number = 1}, source)));
  CHECK(drained);
  rig.drop(4);
  FinishResult finished = must(rig.finish(key));
  REQUIRE(finished.receipt.has_value());
  CHECK(finished.receipt->durable == 6);
}

TEST_CASE("a layout is not acknowledged before a body's stripes are in place under it") {
  test::FakeClock clock;
  ObjectRig rig({.pods = 7, .clock = &clock});
  const std::uint64_t version = rig.board().current()->layout.version + 1;
  bool asked = false;
  SlowSource source(make_content(600 * kPiece), clock, [&](std::size_t sent) {
    if (sent != 500 * kPiece) return;
    asked = true;
    drain(rig, 2);
    // Somebody who is to have shards stores nothing: what the leaver has must not be let go.
    for (std::size_t pod = 0; pod < 7; ++pod) {
      rig.store(pod).inject(
          {.op = test::MemoryStore::Op::put, .error = Error(Code::disk_full, "full")});
    }
    CHECK_FALSE(drains(rig, clock, version));
    for (std::size_t pod = 0; pod < 7; ++pod) rig.store(pod).clear_faults();
    CHECK(drains(rig, clock, version));
  });
  // A stripe that was under way when the pods stored nothing may be tried again later, with nobody
  // but this to let the time pass: the source is not read meanwhile.
  const test::Ticking ticking(clock);
  must(run_blocking_for(rig.objects().put({}, source)));
  CHECK(asked);
}

TEST_CASE("what a body has lost beyond repair keeps no layout from being acknowledged") {
  test::FakeClock clock;
  ObjectRig rig({.pods = 7, .clock = &clock});
  const std::uint64_t version = rig.board().current()->layout.version + 1;
  bool drained = false;
  SlowSource source(make_content(600 * kPiece), clock, [&](std::size_t sent) {
    if (sent != 500 * kPiece) return;
    const StripeRef stripe{rig.open_uploads().at(0).registered.at(0).extent, 0};
    for (int shard = 0; shard < 4; ++shard) REQUIRE(test::lose(rig, stripe, shard));
    drain(rig, 2);
    drained = drains(rig, clock, version);
  });
  (void)run_blocking_for(rig.objects().put({}, source));
  CHECK(drained);
}

}  // namespace
}  // namespace mas::object

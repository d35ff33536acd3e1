// Pods that hang or die in the middle of an upload or a download, which must go on without them.
#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::MemorySource;
using test::ObjectRig;
using test::RigOptions;
using Way = test::StallingTransport::Way;

constexpr std::size_t kPods = 6;

// Short waits; who was silent is skipped for the rest of the test.
RigOptions impatient() {
  RigOptions options;
  options.pods = kPods;
  options.write.straggler_wait = std::chrono::milliseconds(20);
  options.write.skip_for = std::chrono::hours(1);
  options.read.hedge_min = std::chrono::milliseconds(1);
  options.read.hedge_max = std::chrono::milliseconds(5);
  return options;
}

std::size_t shards_at(ObjectRig& rig, std::size_t pod) { return rig.store(pod).keys().size(); }

// Takes bytes and does something once, after `at` of them.
class TurningSink final : public ByteSink {
 public:
  TurningSink(std::size_t at, std::function<void()> action) : at_(at), action_(std::move(action)) {}
  Task<Result<void>> write(std::span<const Slice> pieces) override {
    for (const Slice& piece : pieces) bytes += as_text(piece.view());
    if (action_ && bytes.size() >= at_) std::exchange(action_, nullptr)();
    co_return Result<void>();
  }
  std::string bytes;

 private:
  std::size_t at_;
  std::function<void()> action_;
};

// Puts while `pod` hangs, which goes on once the put has ended: its holders are asked before the
// receipt, and a call that hangs is not over before that.
Receipt put_while_silent(ObjectRig& rig, layout::MemberIndex pod, std::string content) {
  rig.stalls().set(pod, Way::hangs);
  std::optional<Result<Receipt>> put;
  auto upload = [&]() -> Task<void> {
    MemorySource source(content);
    auto putting = rig.objects().put({}, source);
    put = co_await std::move(putting);
    rig.stalls().set(pod, Way::runs);
  };
  std::vector<Task<void>> tasks;
  tasks.push_back(upload());
  test::run_together(std::move(tasks));
  return must(*put);
}

// ---- Writes ----

TEST_CASE("a pod that hangs is left to repair, and gets nothing more for a while") {
  for (std::size_t hung = 0; hung < kPods; ++hung) {
    ObjectRig rig(impatient());
    rig.stalls().set(hung, Way::hangs);
    Receipt receipt = must(rig.put(make_content(700'000)));
    CHECK(receipt.durable == 5);
    CHECK(receipt.meant == 6);
    CHECK(receipt.survives == 1);
    CHECK(shards_at(rig, hung) == 0);
    // Nothing was left hanging: the calls were taken back.
    CHECK(rig.stalls().hanging(hung) == 0);
    double stragglers = rig.counter("mas_object_stragglers_total");
    CHECK(stragglers >= 1);
    // No more than what was on its way when the first one was given up.
    CHECK(stragglers <= test::small_options().stripes_in_flight);
    CHECK(rig.counter("mas_object_skipped_total") >= 1);
    std::size_t calls = rig.stalls().calls(hung);
    must(rig.put(make_content(400'000, 2)));
    CHECK(rig.stalls().calls(hung) == calls);
    rig.stalls().set(hung, Way::runs);
    bool same = must(rig.get(receipt.object)) == make_content(700'000);
    CHECK(same);
  }
}

TEST_CASE("what a silent pod missed is repaired once it is asked again") {
  RigOptions options = impatient();
  options.write.skip_for = Duration(0);
  ObjectRig rig(options);
  Receipt receipt = put_while_silent(rig, 3, make_content(300'000));
  CHECK(receipt.durable == 5);
  int mended = 0;
  while (auto hint = rig.objects().upkeep().next_hint()) {
    if (hint->key.kind != RecordKind::shard) continue;
    StripeRef stripe{*hint->extent, hint->key.major};
    mended += must(run_blocking_for(rig.objects().upkeep().repair(stripe, Care::thorough))).rebuilt;
  }
  CHECK(mended == 3);
  CHECK(must(run_blocking_for(rig.objects().receipt_of(receipt.object))).durable == 6);
}

TEST_CASE("what a skipped pod missed is not tried again before it is asked again") {
  ObjectRig rig(impatient());
  rig.stalls().set(3, Way::hangs);
  must(rig.put(make_content(300'000)));
  CHECK(!rig.objects().upkeep().next_hint());
}

TEST_CASE("a skipped pod gets its pieces where too few are left without it") {
  ObjectRig rig(impatient());
  rig.stalls().set(2, Way::hangs);
  must(rig.put(make_content(300'000)));
  rig.stalls().set(2, Way::runs);
  SECTION("another one is known to be dead from its answers") { rig.stalls().set(4, Way::dies); }
  SECTION("another one's disk is full") {
    rig.store(4).inject({.error = Error(Code::disk_full, "full")});
  }
  Receipt receipt = must(rig.put(make_content(300'000, 2)));
  CHECK(receipt.durable == 5);
  CHECK(shards_at(rig, 2) > 0);
}

TEST_CASE("at most a third of the pods are skipped at once") {
  ObjectRig rig(impatient());
  for (layout::MemberIndex pod : {1, 2, 3}) {
    (void)put_while_silent(rig, pod, make_content(300'000, pod));
  }
  // Two are skipped, so one of them is needed for five pieces, and all are asked.
  Receipt receipt = must(rig.put(make_content(300'000, 9)));
  CHECK(receipt.durable >= 5);
}

TEST_CASE("with two pods one that hangs stops nothing") {
  RigOptions options = impatient();
  options.pods = 2;
  ObjectRig rig(options);
  rig.stalls().set(1, Way::hangs);
  Receipt receipt = must(rig.put(make_content(700'000)));
  CHECK(receipt.durable == 1);
  CHECK(receipt.meant == 2);
  CHECK(receipt.survives == 0);
}

TEST_CASE("a pod that hangs is not waited for when a session is finished") {
  ObjectRig rig(impatient());
  std::string content = make_content(500'000);
  SessionKey key{hash_of(content), ""};
  must(rig.init(key));
  must(rig.part(key, 1, content.substr(0, 250'000)));
  must(rig.part(key, 2, content.substr(250'000)));
  rig.stalls().set(5, Way::hangs);
  FinishResult result = must(rig.finish(key));
  REQUIRE(result.receipt);
  // It holds its pieces, but did not say so.
  CHECK(result.receipt->durable == 5);
  CHECK(rig.stalls().hanging(5) > 0);
  rig.stalls().set(5, Way::runs);
  bool same = must(rig.download(key.hash)) == content;
  CHECK(same);
}

TEST_CASE("a download that the end of the server cuts off says nothing about the file") {
  ObjectRig rig({.pods = 6});
  const std::string content = make_content(500'000, 3);
  const Receipt receipt = must(rig.put(content));
  run_blocking(rig.objects().close());
  CHECK(code_of(rig.get(receipt.object)) == Code::too_few_pods_read);
  CHECK_FALSE(must(run_blocking_for(rig.meta().find(receipt.object.hash)))->damaged);
}

TEST_CASE("an upload goes on when a pod hangs or dies in the middle of it") {
  std::string content = make_content(900'000);
  for (Way way : {Way::hangs, Way::dies}) {
    for (std::size_t at : {0u, 150'000u, 450'000u, 890'000u}) {
      ObjectRig rig(impatient());
      MemorySource source(content, 10'000);
      source.when(at, [&]() -> Task<void> {
        rig.stalls().set(3, way);
        co_return;
      });
      Receipt receipt = must(rig.put_from(source));
      CHECK(receipt.durable == 5);
      CHECK(receipt.survives == 1);
      bool same = must(rig.get(receipt.object)) == content;
      CHECK(same);
      rig.stalls().set(3, Way::runs);
      same = must(rig.get(receipt.object)) == content;
      CHECK(same);
    }
  }
}

// ---- write.min_survives ----

TEST_CASE("with write.min_survives 0 as many pieces as the file needs are enough") {
  RigOptions options = impatient();
  options.write.min_survives = 0;
  ObjectRig rig(options);
  rig.drop(1);
  rig.drop(4);
  for (std::size_t size : {5'000u, 100'000u, 700'000u}) {
    Receipt receipt = must(rig.put(make_content(size)));
    CHECK(receipt.meant - receipt.durable <= 2);
    bool same = must(rig.get(receipt.object)) == make_content(size);
    CHECK(same);
    if (receipt.meant != 6) continue;
    CHECK(receipt.durable == 4);
    CHECK(receipt.survives == 0);
  }
  rig.drop(2);
  Result<Receipt> failed = rig.put(make_content(700'000, 5));
  REQUIRE(code_of(failed) == Code::too_few_pods_write);
  CHECK(failed.error().message().find("so 1 is missing") != std::string::npos);
}

TEST_CASE("an upload that too few pods can store says how many are missing") {
  ObjectRig rig(impatient());
  for (std::size_t pod : {0u, 1u, 2u}) rig.drop(pod);
  Result<Receipt> failed = rig.put(make_content(700'000));
  REQUIRE(code_of(failed) == Code::too_few_pods_write);
  CHECK(failed.error().message() ==
        "Only 3 of 6 pods could store this; at least 5 must, so 2 are missing. Try again when more "
        "pods are up.");
}

// ---- Reads ----

TEST_CASE("a download goes on when a pod hangs or dies in the middle of it") {
  std::string content = make_content(900'000);
  for (Way way : {Way::hangs, Way::dies}) {
    // Another pod's: this one reads its own store without the transport.
    for (std::size_t pod = 1; pod < kPods; ++pod) {
      ObjectRig rig(impatient());
      Receipt receipt = must(rig.put(content));
      TurningSink sink(200'000, [&] { rig.stalls().set(pod, way); });
      must(run_blocking_for(rig.objects().get(receipt.object, 0, content.size(), sink)));
      bool same = sink.bytes == content;
      CHECK(same);
      CHECK(rig.stalls().hanging(pod) == 0);
    }
  }
}

TEST_CASE("everything is read with any two other pods hanging") {
  for (std::size_t size : {3000u, 20'000u, 300'000u}) {
    ObjectRig rig(impatient());
    std::string content = make_content(size);
    Receipt receipt = must(rig.put(content));
    for (std::size_t first = 1; first < kPods; ++first) {
      for (std::size_t second = first + 1; second < kPods; ++second) {
        rig.restart(test::small_options());
        rig.stalls().set(first, Way::hangs);
        rig.stalls().set(second, Way::hangs);
        bool same = must(rig.get(receipt.object)) == content;
        CHECK(same);
        std::string part = must(rig.get(receipt.object, size / 2, 100));
        CHECK(part == content.substr(size / 2, 100));
        rig.stalls().set(first, Way::runs);
        rig.stalls().set(second, Way::runs);
      }
    }
    // A copy may lie on this pod itself.
    if (size > 8 * kKiB) CHECK(rig.counter("mas_object_read_hedges_total") >= 1);
  }
}

TEST_CASE("without hedging a silent pod is worked around all the same") {
  RigOptions options = impatient();
  options.read.hedge_max = Duration(0);
  ObjectRig rig(options);
  std::string content = make_content(300'000);
  Receipt receipt = must(rig.put(content));
  rig.stalls().set(1, Way::hangs);
  rig.stalls().set(2, Way::hangs);
  bool same = must(rig.get(receipt.object)) == content;
  CHECK(same);
  CHECK(rig.counter("mas_object_read_hedges_total") == 0);
  CHECK(rig.counter("mas_object_skipped_total") >= 1);
  // Skipped pods are not asked while others have it all.
  std::size_t calls = rig.stalls().calls(1) + rig.stalls().calls(2);
  same = must(rig.get(receipt.object)) == content;
  CHECK(same);
  CHECK(rig.stalls().calls(1) + rig.stalls().calls(2) == calls);
}

TEST_CASE("a skipped pod is asked where nobody else has it") {
  RigOptions options = impatient();
  ObjectRig rig(options);
  std::string content = make_content(300'000);
  Receipt receipt = must(rig.put(content));
  rig.stalls().set(0, Way::hangs);
  must(rig.put(make_content(300'000, 2)));
  rig.stalls().set(0, Way::runs);
  rig.drop(4);
  rig.drop(5);
  bool same = must(rig.get(receipt.object)) == content;
  CHECK(same);
}

TEST_CASE("while all is well no read is asked for twice, and ranges fetch what they need") {
  RigOptions options = impatient();
  options.read.hedge_min = options.read.hedge_max = std::chrono::minutes(1);
  ObjectRig rig(options);
  std::string content = make_content(900'000, 3);
  Receipt receipt = must(rig.put(content));
  std::uint64_t before = rig.reads();
  CHECK(must(rig.get(receipt.object, 500'000, 10)) == content.substr(500'000, 10));
  // A header from wherever it is nearest, and the one data shard, whose header comes first.
  CHECK(rig.reads() - before <= 3);
  before = rig.reads();
  bool same = must(rig.get(receipt.object)) == content;
  CHECK(same);
  // Of each of seven stripes: a header, and four data shards with one header each.
  CHECK(rig.reads() - before <= 7 * (1 + 2 * 4));
  CHECK(rig.counter("mas_object_read_hedges_total") == 0);
  CHECK(rig.counter("mas_object_degraded_reads_total") == 0);
}

TEST_CASE("copies are read from this pod, then from its zone, then from others") {
  RigOptions options = impatient();
  options.zones = {"a", "b", "a", "b", "c", "c"};
  options.read.hedge_min = options.read.hedge_max = std::chrono::minutes(1);
  ObjectRig rig(options);
  int own = 0;
  int near = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    meta::Object object = must(rig.put(make_content(3000, seed))).object;
    auto view = rig.board().current();
    const auto& row = view->layout.row(layout::partition_of(object.extents[0].id, 0));
    std::vector<std::size_t> before;
    for (std::size_t pod = 0; pod < kPods; ++pod) before.push_back(rig.stalls().calls(pod));
    must(rig.get(object));
    auto asked = [&](std::size_t pod) { return rig.stalls().calls(pod) > before[pod]; };
    auto holds = [&](layout::MemberIndex pod) {
      return std::find(row.begin(), row.begin() + 3, pod) != row.begin() + 3;
    };
    if (holds(0)) {
      ++own;
      CHECK(asked(0));
    } else if (holds(2)) {
      ++near;
      CHECK(asked(2));
    }
    std::size_t sum = 0;
    for (std::size_t pod = 0; pod < kPods; ++pod) sum += asked(pod) ? 1 : 0;
    CHECK(sum == 1);
  }
  CHECK(own > 0);
  CHECK(near > 0);
}

}  // namespace
}  // namespace mas::object

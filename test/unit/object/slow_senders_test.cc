// More clients that send little than there is memory for: what has come of their bodies is stored,
// and their memory goes to others.

#include "support/object_rig.h"
#include "support/ticking.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::MemorySource;
using test::ObjectRig;
using test::RigOptions;

// Gives `piece` bytes at a time, the first of them and every one after byte `stop` only once
// `go_on` is set.
class SlowSource final : public ByteSource {
 public:
  SlowSource(std::string bytes, std::size_t stop, Event& go_on)
      : bytes_(std::move(bytes)), stop_(stop), go_on_(go_on) {}

  Task<Result<std::size_t>> read(MutableBytes into) override {
    if (at_ == stop_) co_await go_on_.wait();
    const std::size_t until = at_ < stop_ ? stop_ : bytes_.size();
    const std::size_t size = std::min({into.size(), until - at_, std::size_t{30'000}});
    std::copy_n(bytes_.data() + at_, size, into.data());
    at_ += size;
    co_return size;
  }
  [[nodiscard]] bool ready() override { return at_ != stop_ && at_ % 3 != 0; }

 private:
  const std::string bytes_;
  const std::size_t stop_;
  Event& go_on_;
  std::size_t at_ = 0;
};

RigOptions little_memory(std::size_t pods) {
  RigOptions options;
  options.pods = pods;
  options.object.stripe = 256 * kKiB;
  options.object.extent = 2 * kMiB;
  // Eight small buffers of plain bytes, fewer with parity.
  options.object.buffer_budget = 4 * kMiB;
  return options;
}

struct Sender {
  std::string content;
  std::unique_ptr<SlowSource> source;
  PutRequest request;
  Result<Receipt> result = Error(Code::internal, "not run");
};

// Twenty who stop at byte `stop`, and one who does not. With `known` the content is there already.
void check(std::size_t pods, std::size_t stop, bool known) {
  ObjectRig rig(little_memory(pods));
  Event go_on;
  std::vector<Sender> senders(20);
  for (std::size_t i = 0; i < senders.size(); ++i) {
    Sender& sender = senders[i];
    sender.content = make_content(600'000, i + 10);
    if (known) {
      must(rig.put(sender.content));
      sender.request.hash = hash_of(sender.content);
    }
    if (i % 2 == 1) sender.request.size = sender.content.size();
    sender.source = std::make_unique<SlowSource>(sender.content, stop, go_on);
  }
  auto slow = [&](Sender& sender) -> Task<void> {
    sender.result = co_await rig.objects().put(sender.request, *sender.source);
  };
  const std::string other = make_content(1'500'000, 77);
  auto quick = [&]() -> Task<void> {
    MemorySource source(other);
    PutRequest request;
    must(co_await rig.objects().put(request, source));
    go_on.set();
  };
  std::vector<Task<void>> tasks;
  for (Sender& sender : senders) tasks.push_back(slow(sender));
  tasks.push_back(quick());
  test::run_together(std::move(tasks));
  bool same = must(rig.download(hash_of(other))) == other;
  CHECK(same);
  for (Sender& sender : senders) {
    same = must(rig.get(must(std::move(sender.result)).object)) == sender.content;
    CHECK(same);
  }
  rig.stop();
  CHECK(rig.unexplained().empty());
  CHECK(rig.open_uploads().empty());
}

TEST_CASE("senders that stop before a first byte keep nobody from sending") {
  check(1, 0, false);
  check(6, 0, false);
}

TEST_CASE("senders that stop within their first buffer keep nobody from sending") {
  check(1, 50'000, false);
  check(6, 50'000, false);
}

TEST_CASE("senders that stop later keep nobody from sending") {
  check(1, 350'000, false);
  check(6, 350'000, false);
}

TEST_CASE("senders that stop before the end keep nobody from sending") { check(1, 600'000, false); }

TEST_CASE("senders of what is stored already that stop keep nobody from sending") {
  check(1, 50'000, true);
  check(6, 350'000, true);
}

TEST_CASE("a part whose sender stops is whole in the end, and a large buffer is not kept for it") {
  test::FakeClock clock;
  RigOptions options = little_memory(1);
  options.clock = &clock;
  ObjectRig rig(options);
  const std::string content = make_content(1'000'000);
  SessionKey key{hash_of(content), ""};
  must(rig.init(key));
  // Ten seconds for each piece.
  class Dribble final : public ByteSource {
   public:
    Dribble(std::string bytes, test::FakeClock& clock) : bytes_(std::move(bytes)), clock_(clock) {}
    Task<Result<std::size_t>> read(MutableBytes into) override {
      if (at_ >= 200'000) clock_.advance(std::chrono::seconds(10));
      const std::size_t size = std::min({into.size(), bytes_.size() - at_, std::size_t{10'000}});
      std::copy_n(bytes_.data() + at_, size, into.data());
      at_ += size;
      co_return size;
    }
    [[nodiscard]] bool ready() override { return at_ < 200'000; }

   private:
    const std::string bytes_;
    test::FakeClock& clock_;
    std::size_t at_ = 0;
  };
  Dribble source(content, clock);
  {
    const test::Ticking ticking(clock);
    must(run_blocking_for(rig.objects().put_part(key, {.number = 1}, source)));
  }
  FinishResult finished = must(rig.finish(key));
  REQUIRE(finished.receipt.has_value());
  const bool same = must(rig.get(finished.receipt->object)) == content;
  CHECK(same);
  const auto& extents = finished.receipt->object.extents;
  CHECK(extents.front().stripe_size == 256 * kKiB);
  CHECK(extents.back().stripe_size == 64 * kKiB);
}

}  // namespace
}  // namespace mas::object

// Bodies that arrive for hours keep their uploads alive.
#include <boost/asio/post.hpp>

#include "support/fake_clock.h"
#include "support/object_rig.h"

namespace mas::object {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::hash_of;
using test::make_content;
using test::ObjectRig;

// A body whose bytes come in two steps, with time between them in which somebody touches the
// upload.
class Slow final : public ByteSource {
 public:
  Slow(ObjectRig& rig, test::FakeClock& clock, const std::string& bytes, std::size_t pause_at)
      : rig_(rig), clock_(clock), bytes_(bytes), pause_at_(pause_at) {}

  Task<Result<std::size_t>> read(MutableBytes into) override {
    if (at_ == pause_at_ && !waited_) {
      waited_ = true;
      for (const Duration pause : {Duration(seconds(5)), Duration(hours(3)), Duration(hours(3))}) {
        co_await pass(pause);
      }
    }
    const std::size_t end = at_ < pause_at_ ? pause_at_ : bytes_.size();
    const std::size_t size = std::min(into.size(), end - at_);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), size,
                reinterpret_cast<char*>(into.data()));
    at_ += size;
    co_return size;
  }
  [[nodiscard]] int touched() const { return touched_; }

 private:
  std::uint64_t touches() {
    auto uploads = rig_.open_uploads();
    return uploads.empty() ? 0 : uploads.front().touches;
  }
  Task<void> pass(Duration pause) {
    const std::uint64_t before = touches();
    for (int turn = 0; turn < 10'000 && clock_.waiting() == 0; ++turn) {
      co_await boost::asio::post(boost::asio::use_awaitable);
    }
    clock_.advance(pause);
    for (int turn = 0; turn < 1000; ++turn) {
      co_await boost::asio::post(boost::asio::use_awaitable);
      if (touches() == before) continue;
      ++touched_;
      break;
    }
  }

  ObjectRig& rig_;
  test::FakeClock& clock_;
  const std::string& bytes_;
  std::size_t pause_at_;
  std::size_t at_ = 0;
  bool waited_ = false;
  int touched_ = 0;
};

TEST_CASE("a part that arrives for hours touches its upload, from its start on") {
  for (std::size_t pause_at : {std::size_t{0}, std::size_t{300'000}}) {
    test::FakeClock clock;
    ObjectRig rig({.clock = &clock});
    const std::string content = make_content(600'000);
    const SessionKey key{hash_of(content), ""};
    must(rig.init(key));
    Slow source(rig, clock, content, pause_at);
    PartRequest request;
    request.number = 1;
    must(run_blocking_for(rig.objects().put_part(key, request, source)));
    CHECK(source.touched() == 3);
    CHECK(must(rig.finish(key)).receipt.has_value());
  }
}

TEST_CASE("a single upload that arrives for hours touches its own") {
  test::FakeClock clock;
  ObjectRig rig({.clock = &clock});
  const std::string content = make_content(600'000);
  Slow source(rig, clock, content, 300'000);
  must(run_blocking_for(rig.objects().put({}, source)));
  CHECK(source.touched() == 3);
  CHECK(must(rig.download(hash_of(content))) == content);
}

// Ends the upload in the middle of its body, as one pod ends what another writes to no more.
class Ending final : public ByteSource {
 public:
  Ending(ObjectRig& rig, test::FakeClock& clock, std::string bytes)
      : rig_(rig), clock_(clock), bytes_(std::move(bytes)) {}
  Task<Result<std::size_t>> read(MutableBytes into) override {
    if (at_ >= 300'000 && !ended_) {
      ended_ = true;
      must(co_await rig_.meta().close(rig_.open_uploads().front().id, true, 1));
      for (int turn = 0; turn < 1000; ++turn) {
        if (turn == 500) clock_.advance(hours(3));
        co_await boost::asio::post(boost::asio::use_awaitable);
      }
    }
    const std::size_t size = std::min({into.size(), bytes_.size() - at_, std::size_t{100'000}});
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), size,
                reinterpret_cast<char*>(into.data()));
    at_ += size;
    co_return size;
  }
  [[nodiscard]] std::size_t taken() const { return at_; }

 private:
  ObjectRig& rig_;
  test::FakeClock& clock_;
  std::string bytes_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

TEST_CASE("a body whose upload has ended is not read to its end") {
  test::FakeClock clock;
  ObjectRig rig({.clock = &clock});
  const std::string content = make_content(6'000'000);
  const SessionKey key{hash_of(content), ""};
  must(rig.init(key));
  Ending source(rig, clock, content);
  PartRequest request;
  request.number = 1;
  CHECK(code_of(run_blocking_for(rig.objects().put_part(key, request, source))) ==
        Code::upload_not_open);
  CHECK(source.taken() < content.size() / 2);
}

}  // namespace
}  // namespace mas::object

// Finishing in sight of other pods: who is at work, and who leaves it to whom.
#include <boost/asio/post.hpp>

#include "support/fake_clock.h"
#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::ObjectRig;

// A session with two parts, ready to be finished.
meta::Upload send_two(ObjectRig& rig, const SessionKey& key, const std::string& content) {
  must(rig.init(key));
  must(rig.part(key, 1, content.substr(0, content.size() / 2)));
  must(rig.part(key, 2, content.substr(content.size() / 2)));
  return must(rig.session(key)).upload;
}

void finish(ObjectRig& rig, const SessionKey& key) {
  FinishResult result = must(rig.finish(key));
  REQUIRE(result.receipt.has_value());
}

TEST_CASE("a pod takes over nothing that it is finishing itself") {
  for (std::uint64_t n = 0; n < 10; ++n) {
    INFO("after call " << n);
    ObjectRig rig;
    std::string content = make_content(300'000);
    SessionKey key{hash_of(content), ""};
    send_two(rig, key, content);
    std::uint64_t made = 0;
    rig.faults.after_nth(n, [&]() -> Task<void> {
      auto sealed = must(co_await rig.meta().sealed(10));
      const std::uint64_t before = rig.faults.calls();
      for (const meta::Upload& upload : sealed) must(co_await rig.objects().take_over(upload));
      made = rig.faults.calls() - before;
    });
    finish(rig, key);
    CHECK(made == 0);
  }
}

TEST_CASE("a finish that takes long shows others that somebody is at work") {
  test::FakeClock clock;
  config::Object options = test::small_options();
  options.finish_wait = std::chrono::hours(1);
  ObjectRig rig({.object = options, .clock = &clock});
  std::string content = make_content(300'000);
  SessionKey key{hash_of(content), ""};
  const meta::Upload upload = send_two(rig, key, content);
  int touched = 0;
  // While its parts' shards are asked for.
  rig.faults.after_nth(7, [&]() -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      auto before = must(co_await rig.meta().find_upload(upload.id));
      // Who asked for it waits on one timer, what touches on another.
      for (int turn = 0; turn < 100'000 && clock.waiting() < 2; ++turn) {
        co_await boost::asio::post(boost::asio::use_awaitable);
      }
      clock.advance(kFinishTouch);
      for (int turn = 0; turn < 1000; ++turn) {
        co_await boost::asio::post(boost::asio::use_awaitable);
        auto now = must(co_await rig.meta().find_upload(upload.id));
        if (now->touches == before->touches) continue;
        ++touched;
        break;
      }
    }
  });
  finish(rig, key);
  CHECK(touched == 3);
  CHECK(rig.open_uploads().empty());
  CHECK(clock.waiting() == 0);
}

TEST_CASE("what is told to be stored is not stored once more after it was deleted") {
  std::string content = make_content(200'000);
  int told = 0;
  for (std::uint64_t call = 0; call < 30; ++call) {
    INFO("call " << call << " fails");
    ObjectRig rig;
    SessionKey key{hash_of(content), "another"};
    must(rig.init(key, false));
    must(rig.part(key, 1, content));
    must(rig.put(content));
    rig.faults.fail_nth(call, false);
    const Result<FinishResult> result = rig.finish(key);
    rig.faults.clear();
    if (result.has_error() || !result->receipt) continue;
    ++told;
    must(rig.remove(key.hash));
    for (meta::Upload& upload : must(run_blocking_for(rig.meta().sealed(10)))) {
      must(run_blocking_for(rig.objects().take_over(std::move(upload))));
    }
    CHECK(code_of(rig.find(key.hash)) == Code::no_such_file);
  }
  CHECK(told > 0);
}

}  // namespace
}  // namespace mas::object

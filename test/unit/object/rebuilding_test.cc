// Memory of downloads that make missing pieces anew.
#include <boost/asio/post.hpp>

#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::make_content;
using test::MemorySink;
using test::ObjectRig;
using test::RigOptions;
using Way = test::StallingTransport::Way;

constexpr std::size_t kReaders = 10;

RigOptions for_two_rebuilds() {
  RigOptions options;
  options.pods = 6;
  // Nobody is asked because another one is late.
  options.read.hedge_min = options.read.hedge_max = Duration(0);
  options.write.straggler_wait = std::chrono::hours(1);
  // At 4+2 a unit takes four windows of its size.
  options.object.buffer_budget = 16 * 2 * 4 * options.object.unit;
  return options;
}

// Nothing goes on by itself any more when no holder was asked anything for so many turns.
Task<void> until_all_wait(const test::StallingTransport& stalls) {
  Executor home = co_await boost::asio::this_coro::executor;
  std::size_t before = 0;
  for (int turns = 0; turns < 2000; ++turns) {
    co_await boost::asio::post(home, boost::asio::use_awaitable);
    std::size_t calls = 0;
    for (layout::MemberIndex pod = 0; pod < 6; ++pod) calls += stalls.calls(pod);
    if (std::exchange(before, calls) != calls) turns = 0;
  }
}

TEST_CASE("as many downloads make missing pieces anew at a time as there is memory for") {
  ObjectRig rig(for_two_rebuilds());
  const std::string content = make_content(100'000);
  const meta::Object object = must(rig.put(content)).object;
  // The first data shard is gone, and of the five others two are slow to answer.
  const auto view = rig.board().current();
  const auto& row = view->layout.row(layout::partition_of(object.extents.front().id, 0));
  rig.store(row[0]).lose(RecordKey::shard(object.extents.front().id, 0, 0));
  std::vector<layout::MemberIndex> slow;
  for (std::size_t shard = 5; slow.size() < 2; --shard) {
    // Its own shard a pod reads first, and without asking anybody.
    if (row[shard] != 0) slow.push_back(row[shard]);
  }
  std::size_t waiting = 0;
  std::size_t same = 0;
  auto read = [&]() -> Task<void> {
    MemorySink sink;
    must(co_await rig.objects().get(object, 0, 1000, sink));
    same += sink.bytes() == content.substr(0, 1000) ? 1 : 0;
  };
  auto watch = [&]() -> Task<void> {
    co_await until_all_wait(rig.stalls());
    waiting = std::max(rig.stalls().hanging(slow[0]), rig.stalls().hanging(slow[1]));
    for (const auto pod : slow) rig.stalls().set(pod, Way::runs);
  };
  for (const auto pod : slow) rig.stalls().set(pod, Way::hangs);
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < kReaders; ++i) tasks.push_back(read());
  tasks.push_back(watch());
  test::run_together(std::move(tasks));
  CHECK(waiting > 0);
  CHECK(waiting <= 2);
  CHECK(same == kReaders);
}

}  // namespace
}  // namespace mas::object

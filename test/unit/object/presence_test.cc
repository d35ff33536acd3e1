// What is acknowledged is there: whoever sends content is told that it is stored only by what its
// holders have at that moment.
#include "support/fake_clock.h"
#include "support/stripes.h"

namespace mas::object {
namespace {

using test::FakeClock;
using test::hash_of;
using test::make_content;
using test::MemorySource;
using test::ObjectRig;
using test::RigOptions;
using test::stripes_of;
using Way = test::StallingTransport::Way;

constexpr std::size_t kPods = 6;

void empty_disk(ObjectRig& rig, std::size_t pod) {
  for (const RecordKey& key : rig.store(pod).keys()) rig.store(pod).lose(key);
}
void empty_disks(ObjectRig& rig, std::size_t pods) {
  for (std::size_t pod = 0; pod < pods; ++pod) empty_disk(rig, pod);
}

// Shards of the stripe that has the fewest, as the disks have them.
int fewest(ObjectRig& rig, const meta::Object& object) {
  int worst = INT_MAX;
  for (const StripeRef& stripe : stripes_of(object)) {
    int there = 0;
    for (int shard = 0; shard < stripe.extent.profile.width(); ++shard) {
      std::size_t pod = test::holder_of(rig, stripe, shard);
      there += rig.store(pod).payload(test::key_of(stripe, shard)) ? 1 : 0;
    }
    worst = std::min(worst, there);
  }
  return worst;
}

// `receipt` says what the disks have, and the file can be read.
void check_true(ObjectRig& rig, const Receipt& receipt, const std::string& content) {
  CHECK(receipt.durable == fewest(rig, receipt.object));
  bool same = must(rig.download(hash_of(content))) == content;
  CHECK(same);
}

PutRequest under(const std::string& content, bool named) {
  PutRequest request;
  if (named) request.hash = hash_of(content);
  return request;
}

RigOptions impatient() {
  RigOptions options;
  options.pods = kPods;
  options.write.straggler_wait = std::chrono::milliseconds(20);
  options.write.skip_for = std::chrono::hours(1);
  return options;
}

void send(ObjectRig& rig, const SessionKey& key, const std::string& content) {
  const std::size_t half = content.size() / 2;
  must(rig.part(key, 1, content.substr(0, half)));
  must(rig.part(key, 2, content.substr(half)));
}

// ---- Content sent again ----

TEST_CASE("content whose shards were lost is stored anew when it is sent again") {
  for (std::size_t size : {5'000u, 100'000u, 600'000u}) {
    for (bool named : {false, true}) {
      INFO("size " << size << " named " << named);
      ObjectRig rig({.pods = kPods});
      const std::string content = make_content(size);
      Receipt first = must(rig.put(content));
      empty_disks(rig, size == 5'000 ? kPods : 3);
      Receipt again = must(rig.put(content, under(content, named)));
      CHECK(again.object.replaces == first.object.generation);
      CHECK(again.durable == again.meant);
      check_true(rig, again, content);
      CHECK(rig.counter("mas_object_stored_again_total") == 1);
      // Once more, and it is there.
      Receipt third = must(rig.put(content, under(content, named)));
      CHECK(third.object == again.object);
      CHECK(rig.unexplained().empty());
      CHECK(rig.open_uploads().empty());
    }
  }
}

TEST_CASE("content of which a little is missing is not stored twice") {
  ObjectRig rig({.pods = kPods});
  const std::string content = make_content(600'000);
  Receipt first = must(rig.put(content));
  empty_disk(rig, 2);
  for (bool named : {false, true}) {
    Receipt again = must(rig.put(content, under(content, named)));
    CHECK(again.object == first.object);
    CHECK(again.durable == 5);
    CHECK(again.survives == 1);
    check_true(rig, again, content);
  }
}

TEST_CASE("one pod down refuses no content that is stored already") {
  for (std::size_t pods : {2u, 3u, 5u, 6u}) {
    for (std::size_t down = 0; down < pods; ++down) {
      INFO("pod " << down << " of " << pods);
      ObjectRig rig({.pods = pods});
      const std::string content = make_content(300'000);
      const std::string small = make_content(3'000);
      Receipt first = must(rig.put(content));
      must(rig.put(small));
      must(rig.put(""));
      rig.drop(down);
      for (bool named : {false, true}) {
        Receipt again = must(rig.put(content, under(content, named)));
        CHECK(again.object == first.object);
        must(rig.put(small, under(small, named)));
        must(rig.put("", under("", named)));
      }
      CHECK(must(rig.init({hash_of(content), ""})).stored == first.object);
    }
  }
}

TEST_CASE("content that silent pods may hold is stored anew by those who have it") {
  // At 1+0 its only holder is away; two more pods have joined since.
  ObjectRig rig({.pods = 3});
  auto view = *rig.board().current();
  const membership::ClusterView three = view;
  std::vector<layout::Member> one{view.layout.members.front()};
  view.layout = layout::found(Id128{{1}}, one);
  rig.board().publish(view);
  const std::string content = make_content(300'000);
  Receipt first = must(rig.put(content));
  REQUIRE(first.meant == 1);
  view.layout = layout::settled(layout::next(view.layout, three.layout.members));
  rig.board().publish(view);
  rig.drop(0);
  CHECK_FALSE(must(rig.init({hash_of(content), "one"})).stored.has_value());
  Receipt again = must(rig.put(content, under(content, true)));
  CHECK(again.meant == 3);
  CHECK(again.object.replaces == first.object.generation);
  bool same = must(rig.download(hash_of(content))) == content;
  CHECK(same);
  CHECK(must(rig.init({hash_of(content), "two"})).stored == again.object);
}

TEST_CASE("a silent pod does not hold up what the others can decide") {
  ObjectRig rig(impatient());
  const std::string content = make_content(600'000);
  Receipt first = must(rig.put(content));
  rig.stalls().set(4, Way::hangs);
  std::optional<Result<Receipt>> again;
  std::optional<Result<InitResult>> init;
  // The call that hangs ends only when the pod goes on.
  auto ask = [&]() -> Task<void> {
    MemorySource source(content);
    auto putting = rig.objects().put(under(content, true), source);
    again = co_await std::move(putting);
    auto asking = rig.objects().init({hash_of(content), ""}, "name", true);
    init = co_await std::move(asking);
    rig.stalls().set(4, Way::runs);
  };
  std::vector<Task<void>> tasks;
  tasks.push_back(ask());
  test::run_together(std::move(tasks));
  CHECK(must(*again).object == first.object);
  CHECK(must(*again).durable == 5);
  CHECK(must(*init).stored == first.object);
}

TEST_CASE("content that goes missing while it is sent again is not acknowledged") {
  ObjectRig rig({.pods = kPods});
  const std::string content = make_content(600'000);
  must(rig.put(content));
  MemorySource source(content, 50'000);
  source.when(400'000, [&]() -> Task<void> {
    empty_disks(rig, 3);
    co_return;
  });
  CHECK(code_of(rig.put_from(source, under(content, true))) == Code::busy);
  check_true(rig, must(rig.put(content, under(content, true))), content);
}

TEST_CASE("an empty file is there if its manifest is, and is written again where it is not") {
  ObjectRig rig({.pods = kPods});
  Receipt first = must(rig.put(""));
  CHECK(first.durable == 3);
  empty_disks(rig, kPods);
  CHECK(must(run_blocking_for(rig.objects().receipt_of(first.object))).durable == 0);
  CHECK(must(rig.put("")).durable == 3);
  CHECK(must(run_blocking_for(rig.objects().receipt_of(first.object))).durable == 3);
  empty_disks(rig, kPods);
  for (std::size_t pod = 0; pod < kPods; ++pod) rig.drop(pod);
  CHECK(code_of(rig.put("")) == Code::too_few_pods_write);
}

// ---- Uploads ----

TEST_CASE("a long upload that loses shards meanwhile is mended or refused, never told whole") {
  for (std::size_t lost = 1; lost <= 3; ++lost) {
    INFO("disks lost " << lost);
    ObjectRig rig({.pods = kPods});
    const std::string content = make_content(2'000'000);
    MemorySource source(content, 50'000);
    source.when(1'000'000, [&]() -> Task<void> {
      empty_disks(rig, lost);
      co_return;
    });
    auto put = rig.put_from(source);
    if (lost == 3) {
      CHECK(code_of(put) == Code::too_few_pods_write);
      CHECK(code_of(rig.find(hash_of(content))) == Code::no_such_file);
      CHECK(rig.open_uploads().empty());
      CHECK(rig.unexplained().empty());
      put = rig.put(content);
    }
    Receipt receipt = must(put);
    // One short is enough; two short are made anew before anybody is told.
    CHECK(receipt.durable == (lost == 1 ? 5 : 6));
    check_true(rig, receipt, content);
  }
}

TEST_CASE("a finish mends what is short, and its receipt is what stands") {
  ObjectRig rig({.pods = kPods});
  const std::string content = make_content(700'000);
  const SessionKey key{hash_of(content), ""};
  must(rig.init(key));
  send(rig, key, content);
  empty_disks(rig, 2);
  FinishResult finished = must(rig.finish(key));
  REQUIRE(finished.receipt.has_value());
  CHECK(finished.receipt->durable == 6);
  check_true(rig, *finished.receipt, content);
}

TEST_CASE("a finish names the parts that are lost for certain though another pod is silent") {
  ObjectRig rig({.pods = kPods});
  const std::string content = make_content(400'000);
  const SessionKey key{hash_of(content), ""};
  meta::Upload upload = *must(rig.init(key)).upload;
  send(rig, key, content);
  auto parts = must(run_blocking_for(rig.meta().parts(upload.id, 0, 10)));
  for (const StripeRef& stripe : stripes_of(parts[1].extents)) {
    for (int shard = 0; shard < 6; ++shard) REQUIRE(test::lose(rig, stripe, shard));
  }
  rig.drop(3);
  CHECK(must(rig.finish(key)).missing == std::vector<std::uint32_t>{2});
  // What two who are away decide is no missing part.
  must(rig.part(key, 2, content.substr(200'000)));
  rig.drop(4);
  CHECK(code_of(rig.finish(key)) == Code::too_few_pods_write);
  rig.bring_back(3);
  rig.bring_back(4);
  REQUIRE(must(rig.finish(key)).receipt.has_value());
}

TEST_CASE("a part that was lost is not kept for an equal one that is sent again") {
  ObjectRig rig({.pods = kPods});
  const std::string content = make_content(400'000);
  const SessionKey key{hash_of(content), ""};
  must(rig.init(key));
  send(rig, key, content);
  empty_disks(rig, 3);
  CHECK(must(rig.finish(key)).missing == std::vector<std::uint32_t>{1, 2});
  send(rig, key, content);
  FinishResult finished = must(rig.finish(key));
  REQUIRE(finished.receipt.has_value());
  CHECK(finished.receipt->durable == 6);
  check_true(rig, *finished.receipt, content);
  CHECK(rig.unexplained().empty());
}

TEST_CASE("a finish of content whose other record has lost it publishes its own parts") {
  ObjectRig rig({.pods = kPods});
  const std::string content = make_content(300'000);
  Receipt first = must(rig.put(content));
  const SessionKey key{hash_of(content), ""};
  must(rig.init(key, false));
  for (const StripeRef& stripe : stripes_of(first.object)) {
    for (int shard = 0; shard < 4; ++shard) REQUIRE(test::lose(rig, stripe, shard));
  }
  send(rig, key, content);
  FinishResult finished = must(rig.finish(key));
  REQUIRE(finished.receipt.has_value());
  CHECK(finished.receipt->object.replaces == first.object.generation);
  check_true(rig, *finished.receipt, content);
  CHECK(rig.unexplained().empty());
}

TEST_CASE("a finish that is repeated tells what stands now") {
  ObjectRig rig({.pods = kPods});
  const std::string content = make_content(300'000);
  const SessionKey key{hash_of(content), ""};
  must(rig.init(key));
  send(rig, key, content);
  must(rig.finish(key));
  empty_disk(rig, 0);
  CHECK(must(rig.finish(key)).receipt->durable == 5);
  empty_disk(rig, 1);
  CHECK(must(rig.finish(key)).receipt->durable == 6);  // mended before it was told
  rig.drop(2);
  rig.drop(3);
  CHECK(code_of(rig.finish(key)) == Code::too_few_pods_write);
  rig.bring_back(2);
  rig.bring_back(3);
  empty_disks(rig, 3);
  // It can be sent again, and finished.
  CHECK(code_of(rig.finish(key)) == Code::upload_not_open);
}

// ---- Instant upload ----

TEST_CASE("who is told to send what has a record can send and finish it") {
  ObjectRig rig({.pods = kPods});
  const std::string content = make_content(300'000);
  Receipt first = must(rig.put(content));
  const SessionKey key{hash_of(content), ""};
  CHECK(must(rig.init(key)).stored == first.object);
  rig.restart(test::small_options());  // forgets what it saw a moment ago
  empty_disks(rig, 3);
  InitResult init = must(rig.init(key));
  CHECK_FALSE(init.stored.has_value());
  REQUIRE(init.upload.has_value());
  send(rig, key, content);
  FinishResult finished = must(rig.finish(key));
  REQUIRE(finished.receipt.has_value());
  check_true(rig, *finished.receipt, content);
  CHECK(must(rig.init(key)).stored == finished.receipt->object);
}

TEST_CASE("those who ask at the same time share one look, which is remembered for seconds") {
  FakeClock clock;
  RigOptions options;
  options.pods = kPods;
  options.clock = &clock;
  ObjectRig rig(options);
  const std::string content = make_content(2'000'000);
  Receipt receipt = must(rig.put(content));
  const SessionKey key{hash_of(content), ""};
  const std::size_t before = rig.stalls().calls(0);
  // The first one's questions wait; the others wait for it.
  rig.stalls().set(0, Way::hangs);
  int told = 0;
  Gate gate;
  auto ask = [&]() -> Task<void> {
    auto asking = rig.objects().init(key, "name", true);
    Result<InitResult> init = co_await std::move(asking);
    told += init.has_value() && init->stored ? 1 : 0;
  };
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(ask());
  auto let_go = [&]() -> Task<void> {
    rig.stalls().set(0, Way::runs);
    co_return;
  };
  tasks.push_back(let_go());
  test::run_together(std::move(tasks));
  CHECK(told == 20);
  CHECK(rig.stalls().calls(0) == before + 1);
  CHECK(must(rig.init(key)).stored.has_value());
  CHECK(rig.stalls().calls(0) == before + 1);

  // What throws the bytes away asks anew.
  empty_disks(rig, 3);
  CHECK(must(rig.init(key)).stored == receipt.object);
  Receipt again = must(rig.put(content, under(content, true)));
  CHECK(again.object.replaces == receipt.object.generation);
  // So does everybody after some seconds, or about another record.
  CHECK(must(rig.init(key)).stored == again.object);
  empty_disks(rig, 3);
  clock.advance(std::chrono::seconds(10));
  CHECK_FALSE(must(rig.init(key)).stored.has_value());
}

// ---- Rows that change ----

TEST_CASE("what a new holder does not have yet counts with the one before it") {
  ObjectRig rig({.pods = 7});
  auto view = *rig.board().current();
  std::vector<layout::Member> members = view.layout.members;
  std::vector<layout::Member> six(members.begin(), members.begin() + 6);
  view.layout = layout::found(Id128{{1}}, six);
  rig.board().publish(view);
  const std::string content = make_content(2'000'000);
  Receipt first = must(rig.put(content));
  // One shard of many stripes moves to the newcomer, which has nothing yet; another is lost.
  view.layout = layout::next(view.layout, members);
  rig.board().publish(view);
  empty_disk(rig, 0);
  Receipt again = must(rig.put(content, under(content, true)));
  CHECK(again.object == first.object);
  CHECK(again.durable == 5);
  CHECK(again.survives <= 1);
  CHECK(must(rig.init({hash_of(content), ""})).stored == first.object);
}

}  // namespace
}  // namespace mas::object

// What was deleted goes at an operator's word, but for what somebody reads.
#include "mas/fs/fault_fs.h"
#include "mas/maintain/freed_board.h"
#include "rig.h"
#include "support/inline_pool.h"

using namespace mas;
using namespace mas::test;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr Duration kAge = seconds(7);  // of records

struct Fixture : MaintainRig {
  Fixture() { start(); }
  void start() {
    maintain::MarksFile file{*disk, "/freed-marks", pool};
    maintain::FreedWords words{board, [this](layout::MemberIndex member) { return ask(member); },
                               [this] { told_at_forgetting.push_back(board.quiet().up_to); }};
    worker = maintain::make_collect_worker(options, deps(), nullptr, std::move(file), words);
  }
  void watch(Duration time) { step_for(*worker, time); }
  meta::Object deleted() {
    meta::Object object = put_object();
    condemn(object);
    return object;
  }
  std::size_t shards_of(const meta::Object& object) {
    return MaintainRig::shards_of(object.extents[0]);
  }
  Task<Result<std::string>> ask(layout::MemberIndex member) {
    ++asked;
    CHECK(member == 1);
    co_return theirs;
  }
  // A second member, whose pod answers `theirs`.
  void join() {
    membership::ClusterView two = alone();
    two.layout.members.push_back({"mas-1", rng->id(), "", 1});
    view.publish(two);
    watch(seconds(1));
  }
  void they_say(std::uint64_t up_to, std::vector<Id128> held = {}) {
    theirs = maintain::with_quiet("{\"v\":1}", {up_to, std::move(held)});
  }

  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(1);
  InlinePool pool;
  maintain::FreedBoard board{metrics, clock, kAge};
  Result<std::string> theirs = Error(Code::closed, "gone");
  int asked = 0;
  std::vector<std::uint64_t> told_at_forgetting;  // when records were forgotten
  std::unique_ptr<maintain::Worker> worker;
};

}  // namespace

TEST_CASE("at a word all that is deleted by then goes once no record can name it, later ones not") {
  Fixture f;
  const meta::Object first = f.deleted(), second = f.deleted(), stored = f.put_object();
  f.watch(hours(1));
  REQUIRE(f.board.ask_now(std::nullopt));
  f.watch(seconds(1));
  CHECK_FALSE(f.board.told().empty());
  const meta::Object later = f.deleted();
  f.watch(seconds(9));
  CHECK(f.shards_of(first) == 4);
  f.watch(seconds(10));
  CHECK(f.shards_of(first) == 0);
  CHECK(f.shards_of(second) == 0);
  CHECK(f.shards_of(later) == 4);
  CHECK(f.shards_of(stored) == 4);
  CHECK(f.board.told().empty());
  CHECK(f.board.outlook().bytes == 100);
  // Before it was said that none of them will be used.
  CHECK(f.told_at_forgetting == std::vector<std::uint64_t>{0});
  // What was deleted stays known for the whole grace, and late writes of it go then.
  f.put_shards(first.extents[0]);
  f.watch(hours(20));
  CHECK(f.get(f.meta->find(first.hash)));
  CHECK(f.shards_of(first) == 4);
  f.watch(hours(10));
  CHECK(f.shards_of(first) == 0);
  CHECK(f.shards_of(later) == 0);
  CHECK(f.shards_of(stored) == 4);
}

TEST_CASE("what a download reads stays until it ends, and the rest goes") {
  Fixture f;
  const meta::Object read = f.put_object(), other = f.put_object();
  {
    auto reading = f.board.begin_read(read);
    f.condemn(read);
    f.condemn(other);
    REQUIRE(f.board.ask_now(std::nullopt));
    f.watch(minutes(5));
    CHECK(f.shards_of(other) == 0);
    CHECK(f.shards_of(read) == 4);
    CHECK(f.board.told().find("running") != std::string::npos);
  }
  f.watch(seconds(10));
  CHECK(f.shards_of(read) == 0);
  CHECK(f.board.told().empty());
}

TEST_CASE("a word for one file leaves the others to the grace") {
  Fixture f;
  const meta::Object before = f.deleted();
  meta::Object wide = f.put_object();
  f.watch(minutes(20));
  const meta::Object named = f.deleted();
  const meta::Object after = f.deleted();
  f.condemn(wide);
  f.watch(minutes(20));
  REQUIRE(f.board.ask_now(named.hash));
  f.watch(minutes(1));
  CHECK(f.shards_of(named) == 0);
  for (const meta::Object& kept : {before, wide, after}) CHECK(f.shards_of(kept) == 4);
  // A process that begins anew hears it again.
  f.put_shards(named.extents[0]);
  f.start();
  f.watch(minutes(1));
  CHECK(f.shards_of(named) == 0);
  for (const meta::Object& kept : {before, wide, after}) CHECK(f.shards_of(kept) == 4);
}

TEST_CASE("asking again and again does not put off what is under way") {
  Fixture f;
  const meta::Object first = f.deleted();
  f.watch(minutes(1));
  for (int asks = 0; asks < 12; ++asks) {
    REQUIRE(f.board.ask_now(std::nullopt));
    f.watch(seconds(5));
  }
  CHECK(f.shards_of(first) == 0);
  f.watch(minutes(2));
  CHECK(f.board.told().empty());
}

TEST_CASE("a word that was taken is not forgotten for others, and too many are refused") {
  Fixture f;
  std::vector<meta::Object> all;
  for (int i = 0; i < 100; ++i) all.push_back(f.deleted());
  f.watch(minutes(1));
  std::size_t asked = 0;
  while (asked < all.size() && f.board.ask_now(all[asked].hash)) ++asked;
  CHECK(asked == 64);
  // They are on the list now, and not done with.
  f.watch(seconds(3));
  CHECK_FALSE(f.board.ask_now(all[asked].hash));
  f.watch(minutes(5));
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO(i);
    CHECK(f.shards_of(all[i]) == (i < asked ? 0 : 4));
  }
  CHECK(f.board.ask_now(all.back().hash));
}

TEST_CASE("every member has to say what it reads, and that stays") {
  Fixture f;
  f.join();
  const meta::Object mine = f.deleted(), read_there = f.deleted();
  REQUIRE(f.board.ask_now(std::nullopt));
  f.watch(minutes(1));
  CHECK(f.asked > 0);
  f.they_say(1);  // has not heard of it
  f.watch(minutes(1));
  f.theirs = "{\"v\":1}";  // an earlier version
  f.watch(minutes(1));
  CHECK(f.shards_of(mine) == 4);
  CHECK(f.board.told().find("mas-1") != std::string::npos);
  f.they_say(1'000, {read_there.extents[0].id});
  f.watch(minutes(1));
  CHECK(f.shards_of(mine) == 0);
  CHECK(f.shards_of(read_there) == 4);
  f.they_say(1'000);
  f.watch(minutes(1));
  CHECK(f.shards_of(read_there) == 0);
}

TEST_CASE("this pod tells others what it reads of what was freed, and nothing else") {
  Fixture f;
  CHECK(f.board.quiet().up_to == 0);
  const meta::Object gone = f.put_object(), stored = f.put_object();
  std::optional<maintain::FreedBoard::Reading> one(f.board.begin_read(gone));
  const auto two = f.board.begin_read(stored);
  f.condemn(gone);
  REQUIRE(f.board.ask_now(std::nullopt));
  f.watch(minutes(1));
  maintain::Quiet said = must(maintain::quiet_in(maintain::with_quiet("{}", f.board.quiet())));
  CHECK(said.up_to > 0);
  CHECK(said.held == std::vector<Id128>{gone.extents[0].id});
  one.reset();
  CHECK(f.board.quiet().held.empty());
  CHECK(f.board.quiet().up_to == said.up_to);
  CHECK(code_of(maintain::quiet_in("{\"quiet\":1}")) == Code::corrupt);
  CHECK(code_of(maintain::quiet_in("{\"quiet\":1,\"held\":[\"xy\"]}")) == Code::corrupt);
  CHECK(code_of(maintain::quiet_in("no")) == Code::corrupt);
}

TEST_CASE("a word waits while the pod must not remove anything, or a member is down") {
  Fixture f;
  f.join();
  f.they_say(1'000);
  membership::ClusterView view = *f.view.current();
  for (const layout::Member& member : view.layout.members) {
    membership::Pod pod;
    pod.last.slot = member.slot;
    pod.last.incarnation = member.incarnation;
    view.pods.push_back(pod);
  }
  view.pods[1].alive = false;
  f.view.publish(view);
  const meta::Object object = f.deleted();
  REQUIRE(f.board.ask_now(std::nullopt));
  f.watch(minutes(2));
  CHECK(f.shards_of(object) == 4);
  view.pods[1].alive = true;
  view.frozen_why = "The broker is away.";
  f.view.publish(view);
  f.watch(minutes(2));
  CHECK(f.shards_of(object) == 4);
  view.frozen_why.clear();
  // A pod that cannot be asked what it reads.
  view.pods.push_back(view.pods[1]);
  view.pods[2].last.slot = "mas-2";
  f.view.publish(view);
  f.watch(minutes(12));
  CHECK(f.shards_of(object) == 4);
  CHECK(f.board.told().find("mas-2") != std::string::npos);
  view.pods[2].alive = false;
  f.view.publish(view);
  f.watch(minutes(2));
  CHECK(f.shards_of(object) == 0);
}

TEST_CASE("no entry of the list is taken for a word, and a word names no manifest") {
  Fixture f;
  const meta::Object object = f.put_object();
  REQUIRE(f.board.ask_now(std::nullopt));
  REQUIRE(f.board.ask_now(object.hash));
  f.watch(hours(30));
  CHECK(f.manifests_of(object.hash) == 1);
  CHECK(f.shards_of(object) == 4);
}

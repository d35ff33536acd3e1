// Freezing, this pod's standing, and whom to probe through whom.
#include <catch2/catch.hpp>
#include <map>

#include "beats.h"
#include "mas/layout/leavers.h"
#include "mas/runtime/io_threads.h"
#include "membership/freeze.h"
#include "membership/probe_round.h"
#include "membership/standing.h"

using namespace mas;
using namespace mas::membership;
using namespace mas::membership::test;
using Catch::Matchers::Contains;

namespace {

std::vector<Instant> times(std::initializer_list<int> list) {
  std::vector<Instant> result;
  for (int time : list) result.push_back(at(seconds(time)));
  return result;
}

// Members 1 to count - 1, heard at 0, as seen by 0.
PodTable table(int count) {
  PodTable pods(key(0), kBeat, kSilence);
  pods.expect(keys(count), at(seconds(0)));
  for (int i = 1; i < count; ++i) pods.hear(beat(i), at(seconds(0)));
  return pods;
}

void put_down(PodTable& pods, int number, int time) {
  pods.due(at(seconds(time)), false, 100);
  for (const auto& [pod, entry] : pods.pods()) {
    if (pod != key(number) && entry.liveness == Liveness::suspect) {
      pods.hear(beat(pod.slot.back() - '0'), at(seconds(time)));
    }
  }
  pods.probed(key(number), false, at(seconds(time)), at(seconds(time)), false);
}

}  // namespace

TEST_CASE("more than a quarter, and at least two, within the window are too many") {
  const Duration window = seconds(30);
  CHECK_FALSE(vanished_together(times({}), 6, window));
  CHECK_FALSE(vanished_together(times({5}), 1, window));
  CHECK_FALSE(vanished_together(times({5}), 2, window));
  CHECK(vanished_together(times({5, 6}), 6, window));
  CHECK(vanished_together(times({5, 6}), 7, window));
  CHECK_FALSE(vanished_together(times({5, 6}), 8, window));
  CHECK(vanished_together(times({5, 6, 7}), 11, window));
  CHECK_FALSE(vanished_together(times({5, 6, 7}), 12, window));
  CHECK(vanished_together(times({35, 5}), 6, window));
  CHECK_FALSE(vanished_together(times({36, 5}), 6, window));
  CHECK(vanished_together(times({1000, 500, 501, 2000}), 6, window));
}

TEST_CASE(
    "members that went down together freeze, strangers and the broker's loss are told apart") {
  layout::Layout layout = founded(6);
  PodTable pods = table(6);
  CHECK(frozen_reason(layout, pods, false, seconds(30)).empty());
  CHECK_THAT(frozen_reason(layout, pods, true, seconds(30)), Contains("broker"));
  put_down(pods, 1, 10);
  CHECK(frozen_reason(layout, pods, false, seconds(30)).empty());
  put_down(pods, 2, 21);
  CHECK_THAT(frozen_reason(layout, pods, false, seconds(30)), Contains("2 of 6 pods"));
  // One of them is replaced.
  layout = layout::taken_over(layout, slot(2), id(99));
  CHECK(frozen_reason(layout, pods, false, seconds(30)).empty());
}

TEST_CASE("together is when pods were last seen, not when their probes have failed") {
  layout::Layout layout = founded(6);
  PodTable pods = table(6);
  put_down(pods, 1, 10);
  pods.due(at(seconds(10)), false, 9);
  // 2 fell silent with 1; its probe hangs for long.
  PodTable late = table(6);
  late.due(at(seconds(10)), false, 9);
  for (int i : {3, 4, 5}) late.hear(beat(i), at(seconds(10)));
  late.probed(key(1), false, at(seconds(10)), at(seconds(12)), false);
  late.probed(key(2), false, at(seconds(10)), at(seconds(500)), false);
  CHECK_FALSE(frozen_reason(layout, late, false, seconds(30)).empty());
  // 2 was seen until later.
  pods.hear(beat(2), at(seconds(50)));
  put_down(pods, 2, 60);
  CHECK(frozen_reason(layout, pods, false, seconds(30)).empty());
}

TEST_CASE("a pod knows what it is in the layout") {
  PodTable pods = table(3);
  layout::Layout layout = founded(3);
  CHECK(standing_of(key(0), {}, pods, false).role == Role::joining);
  Standing mine = standing_of(key(0), layout, pods, true);
  CHECK(mine.role == Role::member);
  CHECK(mine.index == 0);
  CHECK(standing_of(key(7), layout, pods, false).role == Role::joining);
}

TEST_CASE("a data directory that is not this slot's is refused, and the pod says why") {
  layout::Layout layout = founded(3);
  PodTable pods(key(9), kBeat, kSilence);
  pods.expect(keys(3), at(seconds(0)));
  Standing copy = standing_of({slot(7), id(1)}, layout, pods, false);
  CHECK(copy.role == Role::silent);
  CHECK_THAT(copy.reason, Contains("copy of mas-1's"));
  Standing replaced = standing_of({slot(1), id(50)}, layout, pods, true);
  CHECK(replaced.role == Role::silent);
  CHECK_THAT(replaced.reason, Contains("empty it"));
  Standing dropped = standing_of(key(7), layout, pods, true);
  CHECK(dropped.role == Role::silent);

  Standing taken = standing_of({slot(1), id(50)}, layout, pods, false);
  CHECK(taken.role == Role::silent);
  CHECK_THAT(taken.reason, Contains("mas-1"));
  pods.due(at(kSilence), false, 9);
  CHECK(standing_of({slot(1), id(50)}, layout, pods, false).role == Role::joining);

  layout::Layout without = layout::next(layout, {member(0), member(2)});
  CHECK(standing_of({slot(1), id(50)}, without, pods, false).role == Role::joining);
  layout::Layout released = layout::given_up(without, layout::sources(without));
  Standing left = standing_of(key(1), released, pods, true);
  CHECK(left.role == Role::silent);
  CHECK_THAT(left.reason, Contains("empty it"));
}

TEST_CASE("a data directory that left and was not given up is a source, whoever has its slot now") {
  layout::Layout layout = founded(3);
  PodTable pods(key(9), kBeat, kSilence);
  pods.expect(keys(3), at(seconds(0)));
  layout::Layout without = layout::next(layout, {member(0), member(2)});
  Standing left = standing_of(key(1), without, pods, true);
  CHECK(left.role == Role::returned);
  CHECK(left.index == layout::kNobody);
  CHECK_THAT(left.reason, Contains("has left the layout"));
  layout::Layout taken = layout::taken_over(layout, slot(1), id(50));
  CHECK(standing_of(key(1), taken, pods, true).role == Role::returned);
  CHECK(standing_of({slot(1), id(50)}, taken, pods, true).role == Role::member);
  // Under another name it is a copy.
  CHECK(standing_of({slot(7), id(1)}, taken, pods, true).role == Role::silent);
}

namespace {

class ScriptedProber final : public Prober {
 public:
  Task<Result<Identity>> ping(std::string address, Duration) override {
    asked.push_back(address);
    co_return answer(address);
  }
  Task<Result<Identity>> ping_through(std::string via, std::string target, Duration) override {
    asked.push_back(via + ">" + target);
    co_return answer(via);
  }
  std::map<std::string, Identity> answers;
  std::vector<std::string> asked;

 private:
  Result<Identity> answer(const std::string& by) const {
    auto found = answers.find(by);
    if (found == answers.end()) return Error(Code::timeout, "No answer.");
    return found->second;
  }
};

}  // namespace

TEST_CASE("a pod is asked directly, then through two others that are alive") {
  PodTable pods = table(6);
  put_down(pods, 4, 10);
  ProbePlan plan = plan_probe(key(3), pods, id(200));
  CHECK(plan.target == "mas-3:7081");
  CHECK(plan.through == std::vector<std::string>{"mas-5:7081", "mas-1:7081"});
  ScriptedProber prober;
  CHECK_FALSE(run_blocking_for(probe(prober, plan, seconds(2))));
  CHECK(prober.asked ==
        std::vector<std::string>{"mas-3:7081", "mas-5:7081>mas-3:7081", "mas-1:7081>mas-3:7081"});
  prober.answers["mas-1:7081"] = {id(200), slot(3), id(3)};
  CHECK(run_blocking_for(probe(prober, plan, seconds(2))));
  prober.asked.clear();
  prober.answers["mas-3:7081"] = {id(200), slot(3), id(3)};
  CHECK(run_blocking_for(probe(prober, plan, seconds(2))));
  CHECK(prober.asked.size() == 1);
  CHECK_FALSE(run_blocking_for(probe(prober, plan_probe(key(9), pods, id(200)), seconds(2))));
}

TEST_CASE("an answer from another slot, incarnation or cluster is not the pod's") {
  ProbePlan plan{key(1), id(200), "a", {}};
  CHECK(is_answer_of(plan, {id(200), slot(1), id(1)}));
  CHECK_FALSE(is_answer_of(plan, {id(201), slot(1), id(1)}));
  CHECK_FALSE(is_answer_of(plan, {Id128{}, slot(1), id(1)}));
  CHECK_FALSE(is_answer_of(plan, {id(200), slot(1), id(2)}));
  CHECK_FALSE(is_answer_of(plan, {id(200), slot(2), id(1)}));
  plan.cluster = Id128{};  // no member: belongs to none yet
  CHECK(is_answer_of(plan, {Id128{}, slot(1), id(1)}));
}

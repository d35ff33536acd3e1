// A pod that does not know the newest layout yet does not know who has what: it takes nothing for
// lost because those whom it knows do not have it.
#include <algorithm>

#include "object/newest_layout.h"
#include "support/meta_calls.h"
#include "support/stripes.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::ObjectRig;

// Three pods, of which a pod that is behind knows two.
struct Grown {
  Grown() {
    layout::Layout all = rig.board().current()->layout;
    std::vector<layout::Member> members = all.members;
    older = layout::found(all.cluster, {members[0], members[1]});
    newer = layout::settled(layout::next(older, members));
    must(run_blocking_for(rig.meta().propose_layout(0, older)));
    layout::Layout next = layout::next(older, members);
    must(run_blocking_for(rig.meta().propose_layout(older.version, next)));
    must(run_blocking_for(rig.meta().propose_layout(next.version, newer)));
    go_by(newer);
  }
  void go_by(const layout::Layout& layout) {
    membership::ClusterView view = *rig.board().current();
    view.layout = layout;
    rig.board().publish(std::move(view));
  }
  // Within what 2+1 survives.
  void empty_first_disk() {
    for (const RecordKey& key : rig.store(0).keys()) rig.store(0).lose(key);
  }

  ObjectRig rig{{.pods = 3}};
  layout::Layout older;
  layout::Layout newer;
};

const std::string kContent = make_content(300'000);

TEST_CASE("a pod that is behind calls no file damaged for what newer members have") {
  Grown grown;
  ObjectRig& rig = grown.rig;
  const meta::Object object = must(rig.put(kContent)).object;
  REQUIRE(object.extents.front().profile == Profile{2, 1});
  grown.empty_first_disk();
  grown.go_by(grown.older);
  CHECK(code_of(rig.get(object)) == Code::too_few_pods_read);
  CHECK_FALSE(must(run_blocking_for(rig.meta().find(object.hash)))->damaged);
  for (const StripeRef& stripe : test::stripes_of(object)) {
    const auto mended = run_blocking_for(rig.objects().upkeep().repair(stripe, Care::quick));
    CHECK((mended.has_value() || mended.error().code() == Code::too_few_pods_read));
    if (mended.has_value()) CHECK_FALSE(mended->beyond_repair);
  }
  grown.go_by(grown.newer);
  const bool same = must(rig.download(object.hash)) == kContent;
  CHECK(same);
}

TEST_CASE("a pod that is behind asks nobody to send parts again that newer members have") {
  Grown grown;
  ObjectRig& rig = grown.rig;
  const SessionKey key{hash_of(kContent), "session"};
  must(rig.init(key));
  must(rig.part(key, 1, kContent));
  grown.empty_first_disk();
  grown.go_by(grown.older);
  CHECK(code_of(rig.finish(key)) == Code::too_few_pods_write);
  grown.go_by(grown.newer);
  const FinishResult finished = must(rig.finish(key));
  CHECK(finished.receipt);
  const bool same = must(rig.download(hash_of(kContent))) == kContent;
  CHECK(same);
}

// What the newest layout does not know either is damaged, and is said to be.
TEST_CASE("a pod that goes by the newest layout calls a file damaged that too many disks lost") {
  Grown grown;
  ObjectRig& rig = grown.rig;
  const meta::Object object = must(rig.put(kContent)).object;
  for (std::size_t pod = 0; pod < 2; ++pod) {
    for (const RecordKey& key : rig.store(pod).keys()) rig.store(pod).lose(key);
  }
  CHECK(code_of(rig.get(object)) == Code::damaged);
  CHECK(must(run_blocking_for(rig.meta().find(object.hash)))->damaged);
}

// Answers with what it had when it was asked, and only when the test lets it.
class Slow final : public test::MetaCalls<Slow> {
 public:
  using MetaCalls::MetaCalls;
  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    ++calls;
    Result<T> answer = co_await std::move(call);
    answered.set();
    co_await go_on.wait();
    co_return answer;
  }
  int calls = 0;
  Event answered, go_on;
};

// A damaged file that many download must not be a question to the store for each.
TEST_CASE("who asks for the newest layout meanwhile shares the next answer, never an earlier one") {
  auto memory = meta::make_memory_meta();
  const layout::Layout first = layout::found(Id128{}, {layout::Member{"a", Id128{{1}}, "", 1}});
  const layout::Layout second = layout::next(first, first.members);
  must(run_blocking_for(memory->propose_layout(0, first)));
  Slow store(*memory);
  NewestLayout newest(store);
  std::vector<std::uint64_t> told;
  auto ask = [&]() -> Task<void> {
    const Result<std::uint64_t> version = co_await newest.version();
    told.push_back(must(version));
  };
  auto change = [&]() -> Task<void> {
    co_await store.answered.wait();
    Result<void> changed = co_await memory->propose_layout(first.version, second);
    must(changed);
    store.go_on.set();
  };
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 100; ++i) tasks.push_back(ask());
  tasks.push_back(change());
  test::run_together(std::move(tasks));
  REQUIRE(told.size() == 100);
  CHECK(std::count(told.begin(), told.end(), first.version) == 1);
  CHECK(std::count(told.begin(), told.end(), second.version) == 99);
  CHECK(store.calls == 2);
}

}  // namespace
}  // namespace mas::object

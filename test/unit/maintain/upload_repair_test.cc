// Uploads that go on while disks are replaced: repair cares for what is durable of them.
#include "cluster_rig.h"

using namespace mas;
using namespace mas::test;

namespace {

// A body in pieces, between which something happens.
class Interrupted final : public ByteSource {
 public:
  using Act = std::pair<std::size_t, std::function<void()>>;
  Interrupted(std::string bytes, std::vector<Act> acts)
      : bytes_(std::move(bytes)), acts_(std::move(acts)) {}

  Task<Result<std::size_t>> read(MutableBytes into) override {
    while (!acts_.empty() && position_ >= acts_.front().first) {
      auto act = std::move(acts_.front().second);
      acts_.erase(acts_.begin());
      act();
    }
    std::size_t size = std::min({into.size(), bytes_.size() - position_, std::size_t{50'000}});
    if (size > 0) std::memcpy(into.data(), bytes_.data() + position_, size);
    position_ += size;
    co_return size;
  }

 private:
  std::string bytes_;
  std::vector<Act> acts_;
  std::size_t position_ = 0;
};

void replace_disk(ClusterRig& rig, std::size_t pod) {
  MemoryStore& store = rig.objects.store(pod);
  for (const RecordKey& key : store.keys()) store.lose(key);
  for (int i = 0; i < 2; ++i) rig.walk();
}

// Shards of the worst stripe, as the disks have them.
int fewest(ClusterRig& rig, const meta::Object& object) {
  int worst = INT_MAX;
  for (const object::StripeRef& stripe : stripes_of(object)) {
    int there = 0;
    for (int shard = 0; shard < stripe.extent.profile.width(); ++shard) {
      MemoryStore& store = rig.objects.store(rig.holder_of(stripe, shard));
      there += store.payload(key_of(stripe, shard)) ? 1 : 0;
    }
    worst = std::min(worst, there);
  }
  return worst;
}

}  // namespace

TEST_CASE("disks that are replaced one after the other cost a long upload nothing") {
  ClusterRig rig(6);
  const std::string content = make_content(4'000'000, 5);
  Interrupted source(content, {{1'000'000, [&] { replace_disk(rig, 0); }},
                               {2'000'000, [&] { replace_disk(rig, 1); }},
                               {3'000'000, [&] { replace_disk(rig, 2); }}});
  object::Receipt receipt = must(run_blocking_for(rig.objects.objects().put({}, source)));
  CHECK(receipt.durable >= 5);
  CHECK(receipt.durable == fewest(rig, receipt.object));
  bool same = must(rig.objects.get(receipt.object)) == content;
  CHECK(same);
}

TEST_CASE("a part whose body takes long is repaired before it is recorded") {
  ClusterRig rig(6);
  const std::string content = make_content(4'000'000, 5);
  const object::SessionKey key{hash_of(content), ""};
  must(rig.objects.init(key));
  Interrupted source(content, {{1'000'000, [&] { replace_disk(rig, 0); }},
                               {2'000'000, [&] { replace_disk(rig, 1); }},
                               {3'000'000, [&] { replace_disk(rig, 2); }}});
  object::PartRequest request;
  request.number = 1;
  must(run_blocking_for(rig.objects.objects().put_part(key, request, source)));
  object::FinishResult finished = must(rig.objects.finish(key));
  REQUIRE(finished.receipt.has_value());
  CHECK(finished.receipt->durable == fewest(rig, finished.receipt->object));
  bool same = must(rig.objects.get(finished.receipt->object)) == content;
  CHECK(same);
}

// A pod that stands still between two steps, while disks are lost and repair cannot know of what it
// has not recorded yet; and metadata calls that fail just there.
#include "support/fake_clock.h"
#include "support/meta_calls.h"
#include "support/object_rig.h"
#include "support/stripes.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::ObjectRig;

constexpr std::size_t kPods = 6;

// Does something before a commit or a list of parts, once; and can refuse to record a part.
class Standing final : public test::MetaCalls<Standing> {
 public:
  using MetaCalls::MetaCalls;

  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }
  Task<Result<meta::CommitResult>> commit(meta::Object object, std::uint64_t expected,
                                          std::optional<Id128> from) override {
    if (before_commit) std::exchange(before_commit, {})();
    return MetaCalls::commit(std::move(object), expected, from);
  }
  Task<Result<meta::PutPartResult>> put_part(Id128 upload, meta::Part part, std::int64_t expires,
                                             std::uint64_t max_total, std::int64_t now,
                                             std::vector<meta::Extent> lost) override {
    if (no_parts) co_return Error(Code::metadata_unavailable, "away");
    co_return co_await MetaCalls::put_part(upload, std::move(part), expires, max_total, now,
                                           std::move(lost));
  }

  Task<Result<std::vector<meta::Part>>> parts(Id128 upload, std::uint32_t after,
                                              std::uint32_t limit) override {
    if (before_parts) std::exchange(before_parts, {})();
    return MetaCalls::parts(upload, after, limit);
  }

  std::function<void()> before_commit;
  std::function<void()> before_parts;
  bool no_parts = false;
};

struct Rig {
  Rig() {
    auto own = std::make_unique<Standing>(*inner);
    meta = own.get();
    config::Object options = test::small_options();
    options.finish_wait = std::chrono::hours(24);  // the client is patient
    objects.replace_meta(std::move(own), options);
  }
  // The next commit comes an hour late, and `pods` disks have been replaced by then.
  void stand_still(std::size_t pods) {
    meta->before_commit = [this, pods] {
      clock.advance(std::chrono::hours(1));
      for (std::size_t pod = 0; pod < pods; ++pod) empty_disk(pod);
    };
  }
  void empty_disk(std::size_t pod) {
    for (const RecordKey& key : objects.store(pod).keys()) objects.store(pod).lose(key);
  }
  // Shards of the stripe that has the fewest, as the disks have them.
  int fewest(const meta::Object& object) {
    int worst = INT_MAX;
    for (const StripeRef& stripe : test::stripes_of(object)) {
      int there = 0;
      for (int shard = 0; shard < stripe.extent.profile.width(); ++shard) {
        std::size_t pod = test::holder_of(objects, stripe, shard);
        there += objects.store(pod).payload(test::key_of(stripe, shard)) ? 1 : 0;
      }
      worst = std::min(worst, there);
    }
    return worst;
  }
  // In one request, or in two parts that are finished.
  Result<Receipt> store(const std::string& content, bool in_parts) {
    if (!in_parts) return objects.put(content);
    const SessionKey key{hash_of(content), ""};
    MAS_CHECK(objects.init(key));
    const std::size_t half = content.size() / 2;
    MAS_CHECK(objects.part(key, 1, content.substr(0, half)));
    MAS_CHECK(objects.part(key, 2, content.substr(half)));
    MAS_TRY(FinishResult finished, objects.finish(key));
    REQUIRE(finished.receipt);
    return *std::move(finished.receipt);
  }

  std::unique_ptr<meta::MetaStore> inner = meta::make_memory_meta();
  test::FakeClock clock;
  Standing* meta = nullptr;
  ObjectRig objects{{.pods = kPods, .clock = &clock}};
};

TEST_CASE("a receipt says what is there after its pod stood still before the commit") {
  for (std::size_t size : {5'000u, 100'000u, 600'000u}) {
    for (bool in_parts : {false, true}) {
      INFO("size " << size << " in parts " << in_parts);
      Rig rig;
      const std::string content = make_content(size);
      rig.stand_still(1);
      Receipt receipt = must(rig.store(content, in_parts));
      CHECK(receipt.durable == rig.fewest(receipt.object));
      bool same = must(rig.objects.download(hash_of(content))) == content;
      CHECK(same);
    }
  }
}

TEST_CASE("what is lost while its pod stands still before the commit is not acknowledged") {
  for (std::size_t size : {5'000u, 100'000u, 600'000u}) {
    for (bool in_parts : {false, true}) {
      INFO("size " << size << " in parts " << in_parts);
      Rig rig;
      const std::string content = make_content(size);
      rig.stand_still(kPods);
      CHECK(code_of(rig.store(content, in_parts)) == Code::too_few_pods_write);
      // Sent again it is stored.
      Receipt receipt = must(rig.store(content, in_parts));
      CHECK(receipt.durable == rig.fewest(receipt.object));
      bool same = must(rig.objects.download(hash_of(content))) == content;
      CHECK(same);
    }
  }
}

TEST_CASE("a part stays until the one that takes its place is recorded") {
  Rig rig;
  const std::string content = make_content(400'000);
  const SessionKey key{hash_of(content), ""};
  meta::Upload upload = *must(rig.objects.init(key)).upload;
  must(rig.objects.part(key, 1, content.substr(0, 200'000)));
  must(rig.objects.part(key, 2, content.substr(200'000)));
  // Sent again, it is stored; then its holders fall silent, so that the first one may be lost; and
  // the new one cannot be recorded.
  rig.meta->before_parts = [&] {
    for (std::size_t pod : {0u, 1u, 2u}) rig.objects.drop(pod);
  };
  rig.meta->no_parts = true;
  CHECK(code_of(rig.objects.part(key, 1, content.substr(0, 200'000))) ==
        Code::metadata_unavailable);
  rig.meta->no_parts = false;
  for (std::size_t pod : {0u, 1u, 2u}) rig.objects.bring_back(pod);
  CHECK(must(run_blocking_for(rig.inner->parts(upload.id, 0, 10))).size() == 2);
  REQUIRE(must(rig.objects.finish(key)).receipt);
  bool same = must(rig.objects.download(hash_of(content))) == content;
  CHECK(same);
}

}  // namespace
}  // namespace mas::object

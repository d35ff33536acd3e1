// A metadata store that was set back: what it has may be deleted since.
#include <atomic>

#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::ObjectRig;
using test::RigOptions;

class Seen final : public membership::GenerationWatch {
 public:
  [[nodiscard]] std::uint64_t highest_generation() const override { return highest; }
  void note_generation(std::uint64_t generation) override { highest = generation; }
  void doubt_metadata(std::uint64_t) override { doubted = true; }
  [[nodiscard]] bool doubts_metadata() const override { return doubted; }

  std::atomic<std::uint64_t> highest = 0;
  std::atomic<bool> doubted = false;
};

struct Fixture {
  Seen seen;
  ObjectRig rig{RigOptions{.watch = &seen}};
  std::string content = make_content(100'000, 1);
  Hash hash = hash_of(content);

  Fixture() { must(rig.put(content, PutRequest{.hash = hash})); }
  // Generations that other pods gave are higher than what the store would give now.
  void set_back() { seen.highest = seen.highest + 1000; }
};

}  // namespace

TEST_CASE("nobody is told by a store that was set back that a file is stored") {
  Fixture f;
  const SessionKey key{f.hash, "one"};
  CHECK(must(run_blocking_for(f.rig.objects().init(key, "", true))).stored.has_value());
  f.set_back();
  SECTION("in one request") {
    CHECK(code_of(f.rig.put(f.content, PutRequest{.hash = f.hash})) == Code::metadata_unavailable);
  }
  SECTION("in one request that computes the hash") {
    CHECK(code_of(f.rig.put(f.content)) == Code::metadata_unavailable);
  }
  SECTION("at the start of a session") {
    auto opened = run_blocking_for(f.rig.objects().init(key, "", true));
    CHECK(code_of(opened) == Code::metadata_unavailable);
  }
  SECTION("at the end of a session that is closed") {
    auto finished = run_blocking_for(f.rig.objects().finish(key, FinishRequest{}));
    CHECK(code_of(finished) == Code::metadata_unavailable);
  }
  CHECK(f.seen.doubted);
}

TEST_CASE("a store that is as new as the pod is believed about what is stored") {
  Fixture f;
  CHECK(must(f.rig.put(f.content, PutRequest{.hash = f.hash})).object.hash == f.hash);
  const SessionKey key{f.hash, "one"};
  CHECK(must(run_blocking_for(f.rig.objects().finish(key, FinishRequest{}))).receipt.has_value());
  CHECK_FALSE(f.seen.doubted);
}

}  // namespace mas::object

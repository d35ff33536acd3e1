// Every call of a seam made to fail, one at a time: what was acknowledged is readable, what was not
// is absent or complete, and nothing is left that collection could not explain.
#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::ObjectRig;

constexpr std::uint64_t kMost = 500;

// Absent, or readable in full.
void check_absent_or_complete(ObjectRig& rig, const std::string& content) {
  Result<std::string> got = rig.download(hash_of(content));
  if (got.has_error()) {
    CHECK(got.error().code() == Code::no_such_file);
  } else {
    bool same = *got == content;
    CHECK(same);
  }
}

// Runs `operation` on a fresh rig with its Nth call failing, for every N until it makes fewer
// calls; `check` gets the rig and whether the operation was acknowledged. Gives back how many N
// there were.
template <class Prepare, class Operation, class Check>
std::uint64_t for_every_call(std::size_t pods, Prepare prepare, Operation operation, Check check) {
  std::uint64_t tried = 0;
  for (bool applied : {false, true}) {
    for (std::uint64_t nth = 0; nth < kMost; ++nth) {
      ObjectRig rig({.pods = pods});
      prepare(rig);
      rig.faults.fail_nth(nth, applied);
      bool acknowledged = operation(rig);
      bool hit = rig.faults.hit();
      rig.faults.clear();
      INFO("call " << nth << (applied ? " hidden" : " refused") << ", pods " << pods);
      check(rig, acknowledged);
      if (!hit) {
        CHECK(acknowledged);
        break;
      }
      ++tried;
    }
  }
  return tried;
}

void check_put(std::size_t pods, std::size_t size) {
  std::string content = make_content(size);
  auto prepare = [](ObjectRig&) {};
  auto put = [&](ObjectRig& rig) {
    return rig.put(content, {.hash = hash_of(content)}).has_value();
  };
  auto check = [&](ObjectRig& rig, bool acknowledged) {
    if (acknowledged) {
      bool same = must(rig.download(hash_of(content))) == content;
      CHECK(same);
    }
    check_absent_or_complete(rig, content);
    // A second try succeeds, whatever the first one left.
    must(rig.put(content, {.hash = hash_of(content)}));
    bool same = must(rig.download(hash_of(content))) == content;
    CHECK(same);
  };
  CHECK(for_every_call(pods, prepare, put, check) >= 6);
}

TEST_CASE("a put of one stripe with any of its calls failing") {
  check_put(1, 5000);
  check_put(1, 100'000);
  check_put(6, 5000);
  check_put(6, 100'000);
}

TEST_CASE("a put of many stripes with any of its calls failing") {
  check_put(1, 600'000);
  check_put(6, 600'000);
}

TEST_CASE("a put that fails leaves nothing that collection could not explain") {
  // The one call that gives space back may itself be what fails: then the record of the upload
  // expires, or, where there is none, the shards stay for the collector to report.
  std::string content = make_content(600'000);
  auto prepare = [](ObjectRig&) {};
  auto put = [&](ObjectRig& rig) { return rig.put(content).has_value(); };
  auto check = [&](ObjectRig& rig, bool) { CHECK(rig.unexplained().empty()); };
  for_every_call(1, prepare, put, check);
}

TEST_CASE("a session with any of its calls failing") {
  std::string content = make_content(400'000);
  SessionKey key{hash_of(content), ""};
  for (std::size_t pods : {1u, 6u}) {
    auto prepare = [](ObjectRig&) {};
    auto upload = [&](ObjectRig& rig) {
      if (rig.init(key).has_error()) return false;
      for (std::uint32_t number : {1u, 3u, 2u, 4u}) {
        std::string part = content.substr((number - 1) * 100'000, 100'000);
        if (rig.part(key, number, part).has_error()) return false;
      }
      Result<FinishResult> result = rig.finish(key);
      return result.has_value() && result->receipt.has_value();
    };
    auto check = [&](ObjectRig& rig, bool acknowledged) {
      rig.stop();
      rig.restart(test::small_options());
      must(run_blocking_for(rig.objects().recover()));
      if (acknowledged) {
        bool same = must(rig.download(key.hash)) == content;
        CHECK(same);
      }
      check_absent_or_complete(rig, content);
      CHECK(must(run_blocking_for(rig.meta().sealed(10))).empty());
      CHECK(rig.unexplained().empty());
      // The client goes on where it was.
      if (!must(rig.init(key)).stored) {
        REQUIRE(upload(rig));
      }
      bool same = must(rig.download(key.hash)) == content;
      CHECK(same);
    };
    CHECK(for_every_call(pods, prepare, upload, check) >= 30);
  }
}

TEST_CASE("a delete with any of its calls failing") {
  for (std::size_t size : {5000u, 300'000u}) {
    std::string content = make_content(size);
    Hash hash = hash_of(content);
    auto prepare = [&](ObjectRig& rig) { must(rig.put(content)); };
    auto remove = [&](ObjectRig& rig) { return rig.remove(hash).has_value(); };
    auto check = [&](ObjectRig& rig, bool acknowledged) {
      if (acknowledged) CHECK(code_of(rig.find(hash)) == Code::no_such_file);
      check_absent_or_complete(rig, content);
      must(rig.put(content));
      bool same = must(rig.download(hash)) == content;
      CHECK(same);
    };
    CHECK(for_every_call(1, prepare, remove, check) >= 6);
  }
}

TEST_CASE("a get with any of its calls failing gives an error or the right bytes") {
  std::string content = make_content(400'000);
  for (std::size_t pods : {1u, 6u}) {
    auto prepare = [&](ObjectRig& rig) { must(rig.put(content)); };
    auto get = [&](ObjectRig& rig) {
      Result<meta::Object> object = rig.find(hash_of(content));
      if (object.has_error()) return false;
      Result<std::string> got = rig.get(*object);
      if (got.has_error()) {
        CHECK(content.compare(0, rig.partial.size(), rig.partial) == 0);
        return false;
      }
      bool same = *got == content;
      CHECK(same);
      return true;
    };
    auto check = [&](ObjectRig& rig, bool) {
      CHECK(!must(rig.find(hash_of(content))).damaged);
      bool same = must(rig.download(hash_of(content))) == content;
      CHECK(same);
    };
    for_every_call(pods, prepare, get, check);
  }
}

TEST_CASE("at 4+2 a read with any one shard call failing succeeds") {
  std::string content = make_content(400'000);
  auto prepare = [&](ObjectRig& rig) { must(rig.put(content)); };
  auto check = [&](ObjectRig&, bool acknowledged) { CHECK(acknowledged); };
  auto get = [&](ObjectRig& rig) {
    meta::Object object = *must(run_blocking_for(rig.meta().find(hash_of(content))));
    return rig.get(object).has_value();
  };
  for_every_call(6, prepare, get, check);
}

}  // namespace
}  // namespace mas::object

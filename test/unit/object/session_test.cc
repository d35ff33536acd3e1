#include <algorithm>

#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::MemorySource;
using test::ObjectRig;

std::vector<std::string> cut(const std::string& content, std::size_t size) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < content.size(); at += size)
    parts.push_back(content.substr(at, size));
  return parts;
}

void send_all(ObjectRig& rig, const SessionKey& key, const std::vector<std::string>& parts) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    must(rig.part(key, static_cast<std::uint32_t>(i + 1), parts[i]));
  }
}

SessionKey open(ObjectRig& rig, const std::string& content, std::string session = "") {
  SessionKey key{hash_of(content), std::move(session)};
  must(rig.init(key));
  return key;
}

Receipt finished(Result<FinishResult> result) {
  FinishResult value = must(std::move(result));
  REQUIRE(value.missing.empty());
  REQUIRE(value.receipt.has_value());
  return *value.receipt;
}

// Finishes the upload; then `content` is what is downloaded.
void check_published(ObjectRig& rig, const SessionKey& key, const std::string& content) {
  finished(rig.finish(key));
  bool same = must(rig.download(key.hash)) == content;
  CHECK(same);
}

// Once the work in the background has ended, every extent is referred to or listed as freed.
void check_nothing_lost(ObjectRig& rig) {
  rig.stop();
  CHECK(rig.unexplained().empty());
}

TEST_CASE("a file sent in parts of any size is published as their concatenation") {
  for (std::size_t pods : {1u, 6u}) {
    for (std::size_t size : {1u, 5000u, 131'072u, 600'000u, 1'500'000u}) {
      for (std::size_t part : {7000u, 131'072u, 700'000u}) {
        if (size / part > 100) continue;
        ObjectRig rig({.pods = pods});
        INFO("pods " << pods << " size " << size << " part " << part);
        std::string content = make_content(size);
        SessionKey key{hash_of(content), ""};
        must(rig.init(key));
        send_all(rig, key, cut(content, part));
        Receipt receipt = finished(rig.finish(key));
        CHECK(receipt.object.size == size);
        CHECK(receipt.object.name == "name");
        CHECK(receipt.durable == receipt.meant);
        bool same = must(rig.download(key.hash)) == content;
        CHECK(same);
        CHECK(rig.open_uploads().empty());
        CHECK(rig.unexplained().empty());
      }
    }
  }
}

TEST_CASE("finishing a file whose parts came in order reads nothing back") {
  ObjectRig rig({.pods = 6});
  std::string content = make_content(1'000'000);
  SessionKey key = open(rig, content);
  send_all(rig, key, cut(content, 150'000));
  finished(rig.finish(key));
  CHECK(rig.reads() == 0);
  CHECK(rig.counter("mas_object_read_back_bytes_total") == 0);
}

TEST_CASE("parts in any order are hashed from their shards and published") {
  ObjectRig rig;
  std::string content = make_content(900'000);
  SessionKey key = open(rig, content, "s");
  std::vector<std::string> parts = cut(content, 100'000);
  for (std::uint32_t number : {9u, 3u, 1u, 2u, 7u, 8u, 4u, 6u, 5u}) {
    must(rig.part(key, number, parts[number - 1]));
  }
  check_published(rig, key, content);
  CHECK(rig.counter("mas_object_read_back_bytes_total") <= 700'000);
}

TEST_CASE("what came ahead is hashed while the upload goes on") {
  ObjectRig rig;
  std::string content = make_content(300'000);
  SessionKey key{hash_of(content), ""};
  meta::Upload upload = *must(rig.init(key)).upload;
  std::vector<std::string> parts = cut(content, 100'000);
  for (std::uint32_t number : {3u, 2u, 1u}) must(rig.part(key, number, parts[number - 1]));
  rig.stop();  // waits for the chaser
  CHECK(must(run_blocking_for(rig.meta().find_upload(upload.id)))->run.parts == 3);
}

TEST_CASE("parts sent at the same time are all stored") {
  ObjectRig rig({.pods = 6, .threads = true});
  std::string content = make_content(1'200'000);
  SessionKey key = open(rig, content);
  std::vector<std::string> parts = cut(content, 100'000);
  std::vector<MemorySource> sources;
  for (const std::string& part : parts) sources.emplace_back(part, 10'000);
  std::vector<Result<PartResult>> results(parts.size(), Error(Code::internal, "not run"));
  auto one = [&](std::size_t i) -> Task<void> {
    PartRequest request;
    request.number = static_cast<std::uint32_t>(i + 1);
    results[i] = co_await rig.objects().put_part(key, request, sources[i]);
  };
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < parts.size(); ++i) tasks.push_back(one(i));
  test::run_together(std::move(tasks));
  for (auto& result : results) must(std::move(result));
  check_published(rig, key, content);
  check_nothing_lost(rig);
}

TEST_CASE("a part sent again is success, and its second copy is given up") {
  ObjectRig rig;
  std::string content = make_content(300'000);
  SessionKey key = open(rig, content);
  std::vector<std::string> parts = cut(content, 100'000);
  must(rig.part(key, 1, parts[0]));
  must(rig.part(key, 2, parts[1]));
  PartResult again = must(rig.part(key, 1, parts[0]));
  CHECK(again.part_count == 2);
  CHECK(again.stored == 200'000);
  must(rig.part(key, 3, parts[2]));
  check_published(rig, key, content);
  CHECK(rig.reads() > 0);
  check_nothing_lost(rig);
}

TEST_CASE("the same part sent twice at once is kept once") {
  ObjectRig rig;
  std::string content = make_content(200'000);
  SessionKey key = open(rig, content);
  // While the outer one streams, the inner one is sent whole.
  MemorySource source(content, 50'000);
  source.when(100'000, [&]() -> Task<void> {
    MemorySource inner(content);
    PartRequest request;
    request.number = 1;
    PartResult result = must(co_await rig.objects().put_part(key, request, inner));
    CHECK(result.part_count == 1);
  });
  PartRequest request;
  request.number = 1;
  PartResult outer = must(run_blocking_for(rig.objects().put_part(key, request, source)));
  CHECK(outer.part_count == 1);
  CHECK(outer.stored == 200'000);
  check_published(rig, key, content);
  check_nothing_lost(rig);
}

TEST_CASE("a part replaced by other content counts with the new content") {
  ObjectRig rig;
  std::string content = make_content(300'000);
  SessionKey key = open(rig, content);
  std::vector<std::string> parts = cut(content, 100'000);
  must(rig.part(key, 1, make_content(100'000, 99)));
  must(rig.part(key, 2, parts[1]));
  must(rig.part(key, 3, make_content(7, 99)));
  CHECK(code_of(rig.finish(key)) == Code::hash_mismatch);
  CHECK(code_of(rig.finish(key)) == Code::hash_mismatch);
  CHECK(must(rig.session(key)).parts.size() == 3);
  must(rig.part(key, 1, parts[0]));
  must(rig.part(key, 3, parts[2]));
  check_published(rig, key, content);
  check_nothing_lost(rig);
}

TEST_CASE("a part replaced while the next one streams never leaves a hash over the old one") {
  ObjectRig rig;
  std::string content = make_content(200'000);
  std::string wrong = make_content(100'000, 99);
  SessionKey key = open(rig, content);
  std::vector<std::string> parts = cut(content, 100'000);
  must(rig.part(key, 1, parts[0]));
  MemorySource source(parts[1], 20'000);
  source.when(50'000, [&]() -> Task<void> {
    MemorySource other(wrong);
    PartRequest request;
    request.number = 1;
    must(co_await rig.objects().put_part(key, request, other));
  });
  PartRequest request;
  request.number = 2;
  must(run_blocking_for(rig.objects().put_part(key, request, source)));
  // The stored bytes are not the named ones, whatever was hashed on the way.
  CHECK(code_of(rig.finish(key)) == Code::hash_mismatch);
  must(rig.part(key, 1, parts[0]));
  check_published(rig, key, content);
}

TEST_CASE("finish with holes says which parts are missing and keeps the others") {
  ObjectRig rig;
  std::string content = make_content(600'000);
  SessionKey key = open(rig, content);
  std::vector<std::string> parts = cut(content, 100'000);
  CHECK(must(rig.finish(key)).missing == std::vector<std::uint32_t>{1});
  must(rig.part(key, 2, parts[1]));
  must(rig.part(key, 5, parts[4]));
  CHECK(must(rig.finish(key)).missing == std::vector<std::uint32_t>{1, 3, 4});
  CHECK(must(rig.session(key)).missing == std::vector<std::uint32_t>{1, 3, 4});
  for (std::uint32_t number : {1u, 3u, 4u}) must(rig.part(key, number, parts[number - 1]));
  CHECK(must(rig.finish(key, {.parts = 6})).missing == std::vector<std::uint32_t>{6});
  CHECK(must(rig.finish(key, {.size = 600'000})).missing == std::vector<std::uint32_t>{6});
  must(rig.part(key, 6, parts[5]));
  CHECK(code_of(rig.finish(key, {.size = 599'999})) == Code::wrong_length);
  CHECK(code_of(rig.finish(key, {.parts = 5})) == Code::wrong_length);
  Receipt receipt = finished(rig.finish(key, {.size = 600'000, .parts = 6, .name = "other"}));
  CHECK(receipt.object.name == "other");
}

TEST_CASE("finishing again gives the receipt again") {
  ObjectRig rig;
  std::string content = make_content(200'000);
  SessionKey key = open(rig, content);
  send_all(rig, key, cut(content, 100'000));
  Receipt first = finished(rig.finish(key));
  Receipt again = finished(rig.finish(key));
  CHECK(again.object == first.object);
  CHECK(again.durable == first.durable);
  CHECK(code_of(rig.part(key, 3, "late")) == Code::upload_not_open);
  CHECK(code_of(rig.finish({hash_of("nothing"), ""})) == Code::upload_not_open);
}

TEST_CASE("finishes at the same time are one") {
  ObjectRig rig({.pods = 6});
  std::string content = make_content(400'000);
  SessionKey key = open(rig, content);
  std::vector<std::string> parts = cut(content, 100'000);
  for (std::uint32_t number : {4u, 3u, 2u, 1u}) must(rig.part(key, number, parts[number - 1]));
  std::vector<Result<FinishResult>> results(5, Error(Code::internal, "not run"));
  auto one = [&](std::size_t i) -> Task<void> {
    FinishRequest request;
    results[i] = co_await rig.objects().finish(key, request);
  };
  std::vector<Task<void>> tasks;
  for (std::size_t i = 0; i < results.size(); ++i) tasks.push_back(one(i));
  test::run_together(std::move(tasks));
  Receipt first = finished(results[0]);
  for (const auto& result : results) CHECK(finished(result).object == first.object);
  CHECK(first.object.generation == 1);
}

TEST_CASE("a finish that joins another is not told of what was deleted before it came") {
  std::string content = make_content(200'000);
  int deleted = 0;
  for (std::uint64_t call = 0; call < 30; ++call) {
    INFO("deleted after call " << call);
    ObjectRig rig;
    must(rig.put(content));
    SessionKey key{hash_of(content), "another"};
    must(rig.init(key, false));
    send_all(rig, key, cut(content, 100'000));
    Gate gate;
    auto other = rig.make_other();
    bool removed = false;
    std::optional<Result<FinishResult>> second;
    auto join = [&]() -> Task<void> {
      auto finishing = rig.objects().finish(key, FinishRequest{});
      second = co_await std::move(finishing);
    };
    auto action = [&]() -> Task<void> {
      auto removing = other->remove(key.hash);
      removed = (co_await std::move(removing)).has_value();
      (void)spawn(rig.background(), gate, join(), "second finish");
    };
    rig.faults.after_nth(call, action);
    (void)rig.finish(key);
    run_blocking(gate.close());
    run_blocking(other->close());
    if (!removed || !second) continue;
    ++deleted;
    const bool told = second->has_value() && (*second)->receipt.has_value();
    if (told) CHECK(rig.find(key.hash).has_value());
  }
  CHECK(deleted > 0);
}

TEST_CASE("a finish that takes long answers busy and goes on") {
  config::Object options = test::small_options();
  options.finish_wait = std::chrono::milliseconds(1);
  ObjectRig rig({.object = options});
  std::string content = make_content(200'000);
  SessionKey key = open(rig, content);
  std::vector<std::string> parts = cut(content, 100'000);
  must(rig.part(key, 1, parts[0]));
  rig.store(0).hang(test::MemoryStore::Op::read);
  must(rig.part(key, 2, parts[1]));
  rig.store(0).release();
  rig.store(0).hang(test::MemoryStore::Op::put);
  CHECK(code_of(rig.finish(key)) == Code::busy);
  CHECK(code_of(rig.finish(key)) == Code::busy);
  rig.store(0).release();
  rig.stop();
  rig.restart(test::small_options());
  bool same = must(rig.download(key.hash)) == content;
  CHECK(same);
  CHECK(rig.open_uploads().empty());
}

TEST_CASE("two clients with sessions and parts of different sizes both succeed, one copy stays") {
  ObjectRig rig;
  std::string content = make_content(500'000);
  SessionKey one{hash_of(content), "one"};
  SessionKey two{hash_of(content), "two"};
  must(rig.init(one));
  must(rig.init(two));
  send_all(rig, one, cut(content, 100'000));
  send_all(rig, two, cut(content, 70'000));
  Receipt first = finished(rig.finish(one));
  Receipt second = finished(rig.finish(two));
  CHECK(first.object == second.object);
  CHECK(must(rig.init(two)).stored == first.object);
  CHECK(must(rig.init(two, false)).upload.has_value());
  must(rig.abort(two));
  rig.stop();
  CHECK(rig.open_uploads().empty());
  CHECK(rig.unexplained().empty());
}

TEST_CASE("the digest of a part is verified before it counts") {
  ObjectRig rig;
  std::string content = make_content(200'000);
  SessionKey key = open(rig, content);
  PartRequest wrong;
  wrong.digest = hash_of("else");
  CHECK(code_of(rig.part(key, 1, content, wrong)) == Code::hash_mismatch);
  CHECK(must(rig.session(key)).parts.empty());
  PartRequest right;
  right.digest = hash_of(content);
  must(rig.part(key, 1, content, right));
  finished(rig.finish(key));
  CHECK(rig.unexplained().empty());
}

TEST_CASE("limits on parts, their number and their sum are held") {
  ObjectRig rig;
  std::string content = make_content(200'000);
  SessionKey key{hash_of(content), ""};
  CHECK(code_of(rig.part(key, 1, content)) == Code::upload_not_open);
  must(rig.init(key));
  CHECK(code_of(rig.part(key, 0, content)) == Code::parameter_malformed);
  CHECK(code_of(rig.part(key, 10'001, content)) == Code::parameter_malformed);
  CHECK(code_of(rig.part(key, 1, content, {.max_size = 199'999})) == Code::body_too_large);
  CHECK(code_of(rig.part(key, 1, content, {.max_total = 199'999})) == Code::body_too_large);
  CHECK(code_of(rig.part(key, 1, content, {.size = 199'999})) == Code::wrong_length);
  must(rig.part(key, 1, content, {.max_total = 200'000}));
  CHECK(code_of(rig.part(key, 2, "x", {.max_total = 200'000})) == Code::body_too_large);
  CHECK(code_of(rig.part(key, 2, "x", {.size = 1, .max_total = 200'000})) == Code::body_too_large);
  // In place of itself it fits.
  must(rig.part(key, 1, make_content(200'000, 5), {.size = 200'000, .max_total = 200'000}));
  CHECK(must(rig.session(key)).parts.size() == 1);
  check_nothing_lost(rig);
}

TEST_CASE("a part whose client vanishes does not count and gives its space back") {
  ObjectRig rig;
  std::string content = make_content(600'000);
  SessionKey key = open(rig, content);
  for (std::size_t good : {0u, 10u, 131'072u, 599'999u}) {
    MemorySource source(content);
    source.break_off(good);
    PartRequest request;
    request.number = 1;
    CHECK(code_of(run_blocking_for(rig.objects().put_part(key, request, source))) ==
          Code::body_unreadable);
  }
  CHECK(must(rig.session(key)).parts.empty());
  CHECK(must(rig.session(key)).upload.registered.empty());
  CHECK(rig.unexplained().empty());
}

TEST_CASE("an empty file can be sent as no part, or as an empty one") {
  for (bool with_part : {false, true}) {
    ObjectRig rig;
    SessionKey key{hash_of(""), ""};
    must(rig.init(key));
    if (with_part) must(rig.part(key, 1, ""));
    Receipt receipt = finished(rig.finish(key));
    CHECK(receipt.object.size == 0);
    CHECK(must(rig.download(key.hash)).empty());
  }
}

TEST_CASE("an aborted session is gone, with its parts") {
  ObjectRig rig;
  std::string content = make_content(300'000);
  SessionKey key{hash_of(content), ""};
  must(rig.abort(key));
  must(rig.init(key));
  must(rig.part(key, 1, content));
  must(rig.abort(key));
  CHECK(code_of(rig.session(key)) == Code::upload_not_open);
  CHECK(code_of(rig.finish(key)) == Code::upload_not_open);
  CHECK(rig.open_uploads().empty());
  CHECK(rig.unexplained().empty());
}

TEST_CASE("init again keeps the parts and takes the newer name") {
  ObjectRig rig;
  std::string content = make_content(100'000);
  SessionKey key = open(rig, content);
  must(rig.part(key, 1, content));
  meta::Upload again = *must(run_blocking_for(rig.objects().init(key, "newer", true))).upload;
  CHECK(again.part_count == 1);
  CHECK(finished(rig.finish(key)).object.name == "newer");
}

TEST_CASE("parts whose shards were lost are named by finish") {
  ObjectRig rig;
  std::string content = make_content(300'000);
  SessionKey key{hash_of(content), ""};
  meta::Upload upload = *must(rig.init(key)).upload;
  send_all(rig, key, cut(content, 100'000));
  meta::Part second = must(run_blocking_for(rig.meta().parts(upload.id, 1, 1))).front();
  REQUIRE(rig.store(0).lose(RecordKey::shard(second.extents[0].id, 0, 0)));
  CHECK(must(rig.finish(key)).missing == std::vector<std::uint32_t>{2});
  CHECK(code_of(rig.find(key.hash)) == Code::no_such_file);
  CHECK(must(rig.session(key)).upload.state == meta::UploadState::open);
}

TEST_CASE("a part whose stored bytes turn out wrong when they are hashed is named by finish") {
  ObjectRig rig;
  std::string content = make_content(300'000);
  SessionKey key{hash_of(content), ""};
  meta::Upload upload = *must(rig.init(key)).upload;
  std::vector<std::string> parts = cut(content, 100'000);
  must(rig.part(key, 2, parts[1]));
  must(rig.part(key, 3, parts[2]));
  meta::Part second = must(run_blocking_for(rig.meta().parts(upload.id, 1, 1))).front();
  RecordKey shard = RecordKey::shard(second.extents[0].id, 0, 0);
  REQUIRE(rig.store(0).corrupt(shard, rig.store(0).payload(shard)->size() / 2));
  must(rig.part(key, 1, parts[0]));
  CHECK(must(rig.finish(key)).missing == std::vector<std::uint32_t>{2});
  CHECK(rig.store(0).quarantined() == 1);
}

TEST_CASE("a sealed upload found at start is finished if it is hashed, else reopened") {
  std::string content = make_content(300'000);
  std::vector<std::string> parts = cut(content, 100'000);
  for (bool hashed : {true, false}) {
    ObjectRig rig;
    SessionKey key{hash_of(content), ""};
    meta::Upload upload = *must(rig.init(key)).upload;
    if (hashed) {
      send_all(rig, key, parts);
    } else {
      // Nobody hashes ahead while reads hang, and the chaser gives up when they fail.
      rig.store(0).inject({.op = test::MemoryStore::Op::read});
      for (std::uint32_t number : {3u, 2u, 1u}) must(rig.part(key, number, parts[number - 1]));
    }
    rig.stop();
    rig.store(0).clear_faults();
    must(run_blocking_for(rig.meta().seal(upload.id, 3)));
    rig.restart(test::small_options());
    must(run_blocking_for(rig.objects().recover()));
    CHECK(code_of(rig.find(key.hash)) == (hashed ? Code::ok : Code::no_such_file));
    finished(rig.finish(key));
    bool same = must(rig.download(key.hash)) == content;
    CHECK(same);
    CHECK(must(run_blocking_for(rig.meta().sealed(10))).empty());
  }
}

TEST_CASE("a finish that a start elsewhere completes meanwhile has its receipt all the same") {
  // Up to the call for a generation: that has others of this pod wait, and here both are one pod.
  for (std::uint64_t n = 0; n < 10; ++n) {
    INFO("after call " << n);
    ObjectRig rig;
    std::string content = make_content(300'000);
    SessionKey key{hash_of(content), ""};
    must(rig.init(key));
    send_all(rig, key, cut(content, 150'000));
    rig.faults.after_nth(n, [&]() -> Task<void> { must(co_await rig.objects().recover()); });
    finished(rig.finish(key));
    bool same = must(rig.download(key.hash)) == content;
    CHECK(same);
    CHECK(rig.open_uploads().empty());
    CHECK(rig.unexplained().empty());
  }
}

}  // namespace
}  // namespace mas::object

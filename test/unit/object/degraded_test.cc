#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::MemorySource;
using test::MemoryStore;
using test::ObjectRig;

const std::vector<std::size_t> kSizes = {3000, 20'000, 131'072, 300'000, 700'000};

std::vector<Receipt> put_all(ObjectRig& rig) {
  std::vector<Receipt> receipts;
  for (std::size_t size : kSizes) receipts.push_back(must(rig.put(make_content(size))));
  return receipts;
}

bool reads_back(ObjectRig& rig, const meta::Object& object) {
  return must(rig.get(object)) == make_content(object.size);
}

TEST_CASE("at 4+2 everything is read back whichever two pods are away") {
  ObjectRig rig({.pods = 6});
  std::vector<Receipt> receipts = put_all(rig);
  for (std::size_t first = 0; first < 6; ++first) {
    for (std::size_t second = first + 1; second < 6; ++second) {
      INFO("without " << first << " and " << second);
      rig.drop(first);
      rig.drop(second);
      for (const Receipt& receipt : receipts) {
        CHECK(reads_back(rig, receipt.object));
        std::string part = must(rig.get(receipt.object, 2000, 900));
        bool same = part == make_content(receipt.object.size).substr(2000, 900);
        CHECK(same);
      }
      rig.bring_back(first);
      rig.bring_back(second);
    }
  }
}

TEST_CASE("with three pods away a read gives an error or the right bytes, never wrong ones") {
  ObjectRig rig({.pods = 6});
  std::vector<Receipt> receipts = put_all(rig);
  int failed = 0;
  for (std::size_t first = 0; first < 6; ++first) {
    rig.drop(first);
    rig.drop((first + 1) % 6);
    rig.drop((first + 3) % 6);
    for (const Receipt& receipt : receipts) {
      std::string content = make_content(receipt.object.size);
      Result<std::string> got = rig.get(receipt.object);
      if (got.has_value()) {
        // A small object whose copies lie elsewhere.
        CHECK(receipt.meant == 3);
        bool same = *got == content;
        CHECK(same);
        continue;
      }
      ++failed;
      CHECK(got.error().code() == Code::too_few_pods_read);
      CHECK(content.compare(0, rig.partial.size(), rig.partial) == 0);
      CHECK(!must(rig.find(receipt.object.hash)).damaged);
    }
    for (std::size_t pod = 0; pod < 6; ++pod) rig.bring_back(pod);
  }
  CHECK(failed >= 6 * 4);
}

TEST_CASE("at 4+2 a file can be put with one pod away, and says what was bought") {
  for (std::size_t away = 0; away < 6; ++away) {
    ObjectRig rig({.pods = 6});
    rig.drop(away);
    Receipt receipt = must(rig.put(make_content(700'000)));
    CHECK(receipt.durable == 5);
    CHECK(receipt.meant == 6);
    CHECK(receipt.survives == 1);
    CHECK(must(run_blocking_for(rig.objects().receipt_of(receipt.object))).durable == 5);
    rig.bring_back(away);
    rig.drop((away + 1) % 6);
    CHECK(reads_back(rig, receipt.object));
  }
}

TEST_CASE("at 4+2 two pods away stop writes, with an error and nothing published") {
  ObjectRig rig({.pods = 6});
  rig.drop(1);
  rig.drop(4);
  for (std::size_t size : {100'000u, 700'000u}) {
    std::string content = make_content(size);
    CHECK(code_of(rig.put(content)) == Code::too_few_pods_write);
    CHECK(code_of(rig.find(hash_of(content))) == Code::no_such_file);
  }
  CHECK(rig.unexplained().empty());
  CHECK(rig.open_uploads().empty());
}

TEST_CASE("with two pods one away does not stop writes, as copies") {
  ObjectRig rig({.pods = 2});
  rig.drop(0);
  Receipt receipt = must(rig.put(make_content(700'000)));
  CHECK(receipt.durable == 1);
  CHECK(receipt.meant == 2);
  CHECK(receipt.survives == 0);
  rig.bring_back(0);
  CHECK(reads_back(rig, receipt.object));
}

TEST_CASE("a pod lost in the middle of an upload is worked around") {
  ObjectRig rig({.pods = 6});
  std::string content = make_content(900'000);
  MemorySource source(content);
  source.when(400'000, [&]() -> Task<void> {
    rig.drop(2);
    co_return;
  });
  Receipt receipt = must(rig.put_from(source));
  CHECK(receipt.durable == 5);
  CHECK(receipt.survives == 1);
  rig.bring_back(2);
  CHECK(must(rig.get(receipt.object)) == content);
}

// Every shard of `object` in `store`.
std::vector<RecordKey> shards_in(MemoryStore& store, const meta::Object& object) {
  std::vector<RecordKey> found;
  for (const RecordKey& key : store.keys()) {
    if (key.kind != RecordKind::shard) continue;
    for (const meta::Extent& extent : object.extents) {
      if (key.extent() == extent.id) found.push_back(key);
    }
  }
  return found;
}

TEST_CASE("a shard with one wrong bit is worked around and quarantined") {
  for (std::size_t size : kSizes) {
    // Header, its middle, the first and the last byte of the data.
    for (std::size_t place : {0u, 1u, 2u, 3u}) {
      ObjectRig rig({.pods = 6});
      Receipt receipt = must(rig.put(make_content(size)));
      std::size_t corrupted = 0;
      for (std::size_t pod = 0; pod < 6 && corrupted < 2; ++pod) {
        for (const RecordKey& key : shards_in(rig.store(pod), receipt.object)) {
          codec::ShardHeader header =
              must(codec::parse_header(rig.store(pod).payload(key)->view()));
          std::size_t length = rig.store(pod).payload(key)->size();
          const std::size_t offsets[] = {5, 70, header.header_size, length - 1};
          REQUIRE(rig.store(pod).corrupt(key, offsets[place]));
        }
        if (!shards_in(rig.store(pod), receipt.object).empty()) ++corrupted;
      }
      INFO("size " << size << " place " << place);
      CHECK(reads_back(rig, receipt.object));
      CHECK(reads_back(rig, receipt.object));
      std::uint64_t quarantined = 0;
      for (std::size_t pod = 0; pod < 6; ++pod) quarantined += rig.store(pod).quarantined();
      // Parity is not read while all is well, and padding is nobody's byte.
      if (place < 2 && receipt.meant == 3) CHECK(quarantined >= 1);
      CHECK(rig.counter("mas_object_shards_bad_total") == static_cast<double>(quarantined));
      CHECK(!must(rig.find(receipt.object.hash)).damaged);
    }
  }
}

TEST_CASE("on one pod a wrong bit means damaged, not wrong bytes, and the record says so") {
  for (std::size_t size : kSizes) {
    ObjectRig rig;
    std::string content = make_content(size);
    Receipt receipt = must(rig.put(content));
    std::vector<RecordKey> shards = shards_in(rig.store(0), receipt.object);
    RecordKey last = shards.back();
    codec::ShardHeader header = must(codec::parse_header(rig.store(0).payload(last)->view()));
    REQUIRE(rig.store(0).corrupt(last, header.header_size + 10));
    CHECK(code_of(rig.get(receipt.object)) == Code::damaged);
    CHECK(content.compare(0, rig.partial.size(), rig.partial) == 0);
    if (shards.size() == 1) CHECK(rig.partial.empty());
    CHECK(rig.store(0).quarantined() == 1);
    CHECK(must(rig.find(receipt.object.hash)).damaged);
    // Sending it again mends it.
    Receipt again = must(rig.put(content, {.hash = receipt.object.hash}));
    CHECK(again.object.replaces == receipt.object.generation);
    CHECK(!again.object.damaged);
    CHECK(must(rig.get(again.object)) == content);
  }
}

TEST_CASE("a record under the wrong key is not served") {
  ObjectRig rig;
  Receipt one = must(rig.put(make_content(20'000, 1)));
  Receipt two = must(rig.put(make_content(20'000, 2)));
  RecordKey from = RecordKey::shard(one.object.extents[0].id, 0, 0);
  RecordKey to = RecordKey::shard(two.object.extents[0].id, 0, 0);
  must(run_blocking_for(rig.store(0).put(to, {*rig.store(0).payload(from)})));
  CHECK(code_of(rig.get(two.object)) == Code::damaged);
}

TEST_CASE("a disk that cannot be read is not taken for damage") {
  ObjectRig rig;
  Receipt receipt = must(rig.put(make_content(300'000)));
  rig.store(0).inject({.op = MemoryStore::Op::read, .error = Error(Code::io, "EIO")});
  CHECK(code_of(rig.get(receipt.object)) == Code::too_few_pods_read);
  CHECK(!must(rig.find(receipt.object.hash)).damaged);
  rig.store(0).clear_faults();
  CHECK(reads_back(rig, receipt.object));
}

TEST_CASE("shards that lie with other members than the layout says are found") {
  ObjectRig rig({.pods = 6});
  Receipt receipt = must(rig.put(make_content(300'000)));
  // Every shard moves to the pod behind its own.
  std::vector<std::vector<std::pair<RecordKey, Slice>>> moved(6);
  for (std::size_t pod = 0; pod < 6; ++pod) {
    for (const RecordKey& key : rig.store(pod).keys()) {
      moved[(pod + 1) % 6].emplace_back(key, *rig.store(pod).payload(key));
      rig.store(pod).lose(key);
    }
  }
  for (std::size_t pod = 0; pod < 6; ++pod) {
    for (auto& [key, payload] : moved[pod]) {
      must(run_blocking_for(rig.store(pod).put(key, {payload})));
    }
  }
  CHECK(reads_back(rig, receipt.object));
}

TEST_CASE("a reader with an old record goes on with the new one") {
  ObjectRig rig;
  std::string content = make_content(300'000);
  Receipt old = must(rig.put(content));
  must(rig.remove(old.object.hash));
  Receipt fresh = must(rig.put(content));
  for (const RecordKey& key : shards_in(rig.store(0), old.object)) rig.store(0).lose(key);
  CHECK(must(rig.get(old.object)) == content);
  CHECK(!must(rig.find(fresh.object.hash)).damaged);
}

TEST_CASE("a reader whose file is stored anew under it goes on with the new one, at any time") {
  const std::string content = make_content(300'000);
  std::uint64_t call = 0;
  bool is_damaged = false;
  for (; !is_damaged; ++call) {
    INFO("after call " << call);
    ObjectRig rig;
    const Receipt old = must(rig.put(content));
    for (const RecordKey& key : shards_in(rig.store(0), old.object)) rig.store(0).lose(key);
    rig.faults.after_nth(call, [&]() -> Task<void> {
      is_damaged = (*must(co_await rig.meta().find(old.object.hash))).damaged;
      if (is_damaged) co_return;
      MemorySource source(content);
      must(co_await rig.objects().remove(old.object.hash));
      must(co_await rig.objects().put(PutRequest(), source));
    });
    const Result<std::string> got = rig.get(old.object);
    if (is_damaged) {
      CHECK(code_of(got) == Code::damaged);
      continue;
    }
    CHECK(must(got) == content);
    CHECK(!must(rig.find(old.object.hash)).damaged);
  }
  CHECK(call > 3);
}

TEST_CASE("what was deleted and removed under a reader's hands is deleted, not damaged") {
  ObjectRig rig;
  Receipt receipt = must(rig.put(make_content(300'000)));
  must(rig.remove(receipt.object.hash));
  for (const RecordKey& key : shards_in(rig.store(0), receipt.object)) rig.store(0).lose(key);
  CHECK(code_of(rig.get(receipt.object)) == Code::no_such_file);
}

}  // namespace
}  // namespace mas::object

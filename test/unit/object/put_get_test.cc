#include "support/object_rig.h"

namespace mas::object {
namespace {

using test::hash_of;
using test::make_content;
using test::MemorySink;
using test::MemorySource;
using test::named;
using test::ObjectRig;
using test::RigOptions;

// Around every boundary of test::small_options().
const std::vector<std::size_t> kSizes = {0,      1,       4095,    4096,    8191,   8192,   8193,
                                         16383,  16384,   16385,   65535,   65536,  65537,  131071,
                                         131072, 131073,  262144,  393217,  524287, 524288, 524289,
                                         655360, 1048575, 1048576, 1048577, 1300000};

void check_ranges(ObjectRig& rig, const meta::Object& object, const std::string& content) {
  const std::uint64_t size = content.size();
  for (std::uint64_t from : {std::uint64_t{0}, std::uint64_t{1}, size / 3, size / 2, size - 1}) {
    for (std::uint64_t length : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{16385}, size}) {
      if (from > size) continue;
      length = std::min(length, size - from);
      bool same = must(rig.get(object, from, length)) == content.substr(from, length);
      INFO("from " << from << " length " << length);
      REQUIRE(same);
    }
  }
}

void check_round_trips(RigOptions options) {
  ObjectRig rig(std::move(options));
  for (std::size_t size : kSizes) {
    INFO("size " << size);
    std::string content = make_content(size, size + 1);
    PutRequest request;
    if (size % 2 == 0) request.hash = hash_of(content);
    if (size % 3 == 0) request.size = size;
    Receipt receipt = must(rig.put(content, request));
    CHECK(receipt.object.hash == hash_of(content));
    CHECK(receipt.object.size == size);
    CHECK(receipt.durable == receipt.meant);
    meta::Object found = must(rig.find(receipt.object.hash));
    CHECK(found == receipt.object);
    bool same = must(rig.get(found)) == content;
    CHECK(same);
    check_ranges(rig, found, content);
  }
  CHECK(rig.unexplained().empty());
  CHECK(rig.open_uploads().empty());
}

TEST_CASE("what is put is read back, whole and in ranges, on one pod") { check_round_trips({}); }

TEST_CASE("what is put is read back as copies on two pods") { check_round_trips({.pods = 2}); }

TEST_CASE("what is put is read back from six pods at 4+2") { check_round_trips({.pods = 6}); }

TEST_CASE("what is put is read back with an uneven profile") { check_round_trips({.pods = 5}); }

TEST_CASE("what is put is read back where no large buffer is to be had") {
  RigOptions options;
  // Half of the budget is for large stripes: less than one.
  options.object.stripe = 256 * kKiB;
  options.object.buffer_budget = 512 * kKiB;
  options.object.stripes_in_flight = 1;
  check_round_trips(options);
}

TEST_CASE("what is put is read back through real pools") {
  check_round_trips({.pods = 6, .threads = true});
}

TEST_CASE("the name is asked for when the body has ended, before anything is published") {
  for (std::size_t size : {std::size_t{0}, std::size_t{5000}, std::size_t{600'000}}) {
    INFO("size " << size);
    ObjectRig rig;
    std::string content = make_content(size);
    for (int round = 0; round < 2; ++round) {  // the second is deduplicated
      MemorySource source(content, 1000);
      std::size_t read_by_then = SIZE_MAX;
      bool stored_by_then = round == 0;
      PutRequest request;
      if (size % 10'000 == 0) request.hash = hash_of(content);
      request.name = [&]() -> Result<std::string> {
        read_by_then = source.position();
        stored_by_then = rig.find(hash_of(content)).has_value();
        return std::string("late");
      };
      CHECK(must(rig.put_from(source, request)).object.name == "late");
      CHECK(read_by_then == size);
      CHECK(stored_by_then == (round == 1));
    }
  }
}

TEST_CASE("a name that turns out malformed publishes nothing and leaves nothing behind") {
  for (std::size_t size : {std::size_t{0}, std::size_t{5000}, std::size_t{600'000}}) {
    INFO("size " << size);
    ObjectRig rig;
    std::string content = make_content(size);
    PutRequest request;
    request.hash = hash_of(content);
    request.name = [] { return Result<std::string>(Error(Code::parameter_malformed, "Bad.")); };
    CHECK(rig.put(content, request).error().code() == Code::parameter_malformed);
    CHECK(rig.find(hash_of(content)).error().code() == Code::no_such_file);
    CHECK(rig.open_uploads().empty());
    CHECK(rig.unexplained().empty());
    must(rig.put(content));
    CHECK(rig.put(content, request).error().code() == Code::parameter_malformed);
  }
}

TEST_CASE("a source that gives one byte at a time fills stripes all the same") {
  ObjectRig rig;
  std::string content = make_content(150'000);
  MemorySource source(content, 1);
  Receipt receipt = must(rig.put_from(source));
  bool same = must(rig.get(receipt.object)) == content;
  CHECK(same);
}

TEST_CASE("a small object is stored by one record a pod, with its manifest inside") {
  ObjectRig rig({.pods = 6});
  Receipt receipt = must(rig.put(make_content(5000), {.name = named("a.txt")}));
  CHECK(receipt.meant == 3);
  CHECK(receipt.survives == 2);
  std::size_t records = 0;
  for (std::size_t pod = 0; pod < 6; ++pod) {
    for (const RecordKey& key : rig.store(pod).keys()) {
      ++records;
      REQUIRE(key.kind == RecordKind::shard);
      codec::ShardHeader header = must(codec::parse_header(rig.store(pod).payload(key)->view()));
      CHECK(must(meta::decode_object(header.manifest)) == receipt.object);
    }
  }
  CHECK(records == 3);
}

TEST_CASE("an object of many stripes has its manifest beside the shards") {
  ObjectRig rig({.pods = 6});
  Receipt receipt = must(rig.put(make_content(700'000)));
  CHECK(receipt.object.extents.size() == 2);
  CHECK(receipt.meant == 6);
  std::size_t manifests = 0;
  for (std::size_t pod = 0; pod < 6; ++pod) {
    for (const RecordKey& key : rig.store(pod).keys()) {
      if (key.kind != RecordKind::manifest) continue;
      ++manifests;
      CHECK(key.hash() == receipt.object.hash);
      CHECK(key.major == receipt.object.generation);
      std::string bytes(as_text(rig.store(pod).payload(key)->view()));
      CHECK(must(meta::decode_object(bytes)) == receipt.object);
    }
  }
  CHECK(manifests == 3);
}

TEST_CASE("content that does not match its hash is not published and gives its space back") {
  ObjectRig rig;
  for (std::size_t size : {0u, 100u, 100'000u, 131'072u, 700'000u}) {
    std::string content = make_content(size);
    Hash other = hash_of(content + "x");
    std::uint64_t in_vain = 0;
    CHECK(code_of(rig.put(content, {.hash = other, .in_vain = &in_vain})) == Code::hash_mismatch);
    // What is shorter than a stripe is stored only once it is known to be right.
    CHECK(in_vain == (size >= 131'072 ? size : 0));
    CHECK(code_of(rig.find(other)) == Code::no_such_file);
    CHECK(code_of(rig.find(hash_of(content))) == Code::no_such_file);
  }
  CHECK(rig.unexplained().empty());
  CHECK(rig.open_uploads().empty());
}

TEST_CASE("a body of another length than declared is refused and leaves nothing") {
  ObjectRig rig;
  for (std::size_t size : {1u, 100u, 65'536u, 131'072u, 300'000u}) {
    std::string content = make_content(size);
    CHECK(code_of(rig.put(content, {.size = size - 1})) == Code::wrong_length);
    CHECK(code_of(rig.put(content, {.size = size + 1})) == Code::wrong_length);
    CHECK(code_of(rig.find(hash_of(content))) == Code::no_such_file);
  }
  CHECK(rig.unexplained().empty());
  CHECK(rig.open_uploads().empty());
}

TEST_CASE("a body over the limit is refused, before it is read where its size is declared") {
  ObjectRig rig;
  std::string content = make_content(300'000);
  CHECK(code_of(rig.put(content, {.max_size = 299'999})) == Code::body_too_large);
  MemorySource source(content);
  Result<Receipt> refused = rig.put_from(source, {.size = content.size(), .max_size = 299'999});
  CHECK(code_of(refused) == Code::body_too_large);
  CHECK(source.reads() == 0);
  must(rig.put(content, {.max_size = 300'000}));
}

TEST_CASE("a client that vanishes publishes nothing and gives its space back") {
  ObjectRig rig;
  std::string content = make_content(700'000);
  for (std::size_t good : {0u, 10u, 65'536u, 131'072u, 400'000u, 699'999u}) {
    MemorySource source(content);
    source.break_off(good);
    CHECK(code_of(rig.put_from(source)) == Code::body_unreadable);
  }
  CHECK(code_of(rig.find(hash_of(content))) == Code::no_such_file);
  CHECK(rig.unexplained().empty());
  CHECK(rig.open_uploads().empty());
}

TEST_CASE("content that is stored already is verified and kept once") {
  ObjectRig rig;
  for (std::size_t size : {0u, 500u, 100'000u, 700'000u}) {
    std::string content = make_content(size);
    Hash hash = hash_of(content);
    Receipt first = must(rig.put(content, {.hash = hash, .name = named("first")}));
    std::size_t records = rig.store(0).keys().size();
    std::uint64_t in_vain = 0;
    Receipt second =
        must(rig.put(content, {.hash = hash, .name = named("second"), .in_vain = &in_vain}));
    CHECK(in_vain == 0);
    CHECK(second.object == first.object);
    CHECK(second.durable == first.durable);
    CHECK(rig.store(0).keys().size() == records);
    std::string wrong = content + "x";
    CHECK(code_of(rig.put(wrong, {.hash = hash})) == Code::hash_mismatch);
    // Without a hash it is only known at the end; the second copy is given up.
    Receipt third = must(rig.put(content, {.name = named("third")}));
    CHECK(third.object == first.object);
  }
  CHECK(rig.unexplained().empty());
  CHECK(rig.open_uploads().empty());
}

TEST_CASE("what somebody else has published meanwhile was sent in vain") {
  ObjectRig rig;
  std::string content = make_content(700'000);
  Hash hash = hash_of(content);
  MemorySource source(content);
  source.when(500'000, [&]() -> Task<void> {
    MemorySource other(content);
    must(co_await rig.objects().put({.hash = hash}, other));
  });
  std::uint64_t in_vain = 0;
  must(rig.put_from(source, {.hash = hash, .in_vain = &in_vain}));
  CHECK(in_vain == content.size());
  CHECK(rig.unexplained().empty());
}

TEST_CASE("a file deleted while the same content is being verified has to be sent again") {
  ObjectRig rig;
  std::string content = make_content(700'000);
  Hash hash = hash_of(content);
  must(rig.put(content));
  MemorySource source(content);
  source.when(500'000, [&]() -> Task<void> { must(co_await rig.objects().remove(hash)); });
  CHECK(code_of(rig.put_from(source, {.hash = hash})) == Code::busy);
  must(rig.put(content, {.hash = hash}));
  bool same = must(rig.download(hash)) == content;
  CHECK(same);
}

TEST_CASE("a deleted file is gone at once, and can be put again") {
  config::Object cached = test::small_options();
  cached.record_cache = std::chrono::hours(1);
  ObjectRig rig({.pods = 6, .object = cached});
  for (std::size_t size : {0u, 500u, 100'000u, 700'000u}) {
    std::string content = make_content(size);
    Hash hash = hash_of(content);
    Receipt first = must(rig.put(content));
    must(rig.find(hash, false));
    must(rig.remove(hash));
    CHECK(code_of(rig.find(hash, false)) == Code::no_such_file);
    CHECK(code_of(rig.find(hash, true)) == Code::no_such_file);
    CHECK(code_of(rig.remove(hash)) == Code::no_such_file);
    Receipt second = must(rig.put(content));
    CHECK(second.object.generation > first.object.generation);
    CHECK(second.object.replaces > first.object.generation);
    bool same = must(rig.get(must(rig.find(hash, false)))) == content;
    CHECK(same);
  }
  CHECK(rig.unexplained().empty());
}

TEST_CASE("a look-up that a delete overtakes does not put the old record into the cache") {
  config::Object cached = test::small_options();
  cached.record_cache = std::chrono::hours(1);
  ObjectRig rig({.object = cached});
  Hash hash = must(rig.put(make_content(1000))).object.hash;
  rig.faults.after_nth(0, [&]() -> Task<void> { must(co_await rig.objects().remove(hash)); });
  must(rig.find(hash, false));
  CHECK(code_of(rig.find(hash, false)) == Code::no_such_file);
}

TEST_CASE("a commit or a deletion whose answer got lost is found to have happened") {
  ObjectRig rig;
  std::string content = make_content(1000);
  // Generation, look-up, shard, commit.
  rig.faults.fail_nth(3, true);
  Receipt receipt = must(rig.put(content));
  CHECK(rig.faults.hit());
  CHECK(must(rig.get(receipt.object)) == content);
  CHECK(must(run_blocking_for(rig.meta().freed(0, 10))).empty());
  // Look-up, generation, condemnation.
  rig.faults.fail_nth(2, true);
  must(rig.remove(receipt.object.hash));
  CHECK(rig.faults.hit());
  CHECK(code_of(rig.find(receipt.object.hash)) == Code::no_such_file);
}

TEST_CASE("content put while its record changes under it takes a later generation") {
  ObjectRig rig;
  std::string content = make_content(1000);
  Hash hash = hash_of(content);
  must(rig.put(content));
  must(rig.remove(hash));
  // After the second put has stored its shard, a third comes and is deleted again.
  rig.faults.after_nth(2, [&]() -> Task<void> {
    test::MemorySource source(content);
    PutRequest request;
    must(co_await rig.objects().put(request, source));
    must(co_await rig.objects().remove(hash));
  });
  Receipt receipt = must(rig.put(content));
  CHECK(receipt.object.generation == receipt.object.replaces + 1);
  CHECK(must(rig.download(hash)) == content);
  RecordKey key = RecordKey::shard(receipt.object.extents[0].id, 0, 0);
  codec::ShardHeader header = must(codec::parse_header(rig.store(0).payload(key)->view()));
  CHECK(must(meta::decode_object(header.manifest)) == receipt.object);
}

TEST_CASE("a cached record serves downloads while the metadata store is away") {
  config::Object cached = test::small_options();
  cached.record_cache = Duration::zero();
  ObjectRig rig({.object = cached});
  std::string content = make_content(1000);
  Receipt receipt = must(rig.put(content));
  must(rig.find(receipt.object.hash, false));
  rig.faults.fail_nth(0, false);
  CHECK(must(rig.find(receipt.object.hash, false)) == receipt.object);
  rig.faults.fail_nth(0, false);
  CHECK(code_of(rig.find(receipt.object.hash, true)) == Code::metadata_unavailable);
  // What they name may be freed now.
  rig.objects().forget_records();
  rig.faults.fail_nth(0, false);
  CHECK(code_of(rig.find(receipt.object.hash, false)) == Code::metadata_unavailable);
}

TEST_CASE("a reader that leaves stops the download, a range beyond the end is refused") {
  ObjectRig rig;
  std::string content = make_content(700'000);
  Receipt receipt = must(rig.put(content));
  MemorySink sink(100'000);
  Result<void> got = run_blocking_for(rig.objects().get(receipt.object, 0, content.size(), sink));
  CHECK(code_of(got) == Code::closed);
  CHECK(sink.bytes().size() < 150'000);
  CHECK(code_of(rig.get(receipt.object, content.size(), 1)) == Code::range_unsatisfiable);
  CHECK(code_of(rig.get(receipt.object, 1, content.size())) == Code::range_unsatisfiable);
  CHECK(must(rig.get(receipt.object, content.size(), 0)).empty());
}

TEST_CASE("a full disk refuses a file and says so") {
  ObjectRig rig;
  rig.store(0).inject(
      {.op = test::MemoryStore::Op::put, .error = Error(Code::disk_full, "The disk is full.")});
  CHECK(code_of(rig.put(make_content(100))) == Code::disk_full);
  CHECK(code_of(rig.put(make_content(700'000))) == Code::disk_full);
  CHECK(rig.open_uploads().empty());
  // Deleting works all the same.
  rig.store(0).clear_faults();
  Receipt receipt = must(rig.put(make_content(100)));
  rig.store(0).inject(
      {.op = test::MemoryStore::Op::put, .error = Error(Code::disk_full, "The disk is full.")});
  must(rig.remove(receipt.object.hash));
  CHECK(code_of(rig.find(receipt.object.hash)) == Code::no_such_file);
}

}  // namespace
}  // namespace mas::object

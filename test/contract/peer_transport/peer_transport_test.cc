#include <catch2/catch.hpp>
#include <thread>

#include "mas/codec/stripe.h"
#include "mas/meta/records.h"
#include "mas/peer/transport.h"
#include "mas/runtime/io_threads.h"
#include "pods.h"
#include "support/must.h"

using namespace mas;
using namespace mas::peer;
using namespace mas::peer::test;
using Op = mas::test::MemoryStore::Op;

namespace {

constexpr std::uint64_t kLayout = 1;

RecordKey key(std::uint64_t stripe) {
  Id128 extent;
  extent.bytes.fill(0xab);
  return RecordKey::shard(extent, stripe, 2);
}

std::vector<Slice> pieces(std::initializer_list<std::string_view> texts) {
  std::vector<Slice> result;
  for (std::string_view text : texts) result.push_back(Slice::copy_of(as_bytes(text)));
  return result;
}

std::unique_ptr<Pods> some_pods() {
  static const std::vector<PodsFactory> all = all_pods();
  std::size_t index = GENERATE(range(std::size_t{0}, all_pods().size()));
  CAPTURE(all[index].name);
  return all[index].make();
}

Result<void> put(Pods& pods, layout::MemberIndex member, RecordKey with,
                 std::initializer_list<std::string_view> texts) {
  return run_blocking_for(pods.transport().put(member, kLayout, with, pieces(texts)));
}

Result<Slice> read(Pods& pods, layout::MemberIndex member, RecordKey with, std::uint64_t offset,
                   std::uint32_t length) {
  return run_blocking_for(pods.transport().read(member, with, offset, length));
}

std::string text_of(const Result<Slice>& slice) { return std::string(as_text(must(slice).view())); }

}  // namespace

TEST_CASE("a put lies at its member and nowhere else, its pieces joined") {
  auto pods = some_pods();
  must(put(*pods, 1, key(1), {"header", "", "data"}));
  CHECK(as_text(pods->store(1).payload(key(1))->view()) == "headerdata");
  CHECK(pods->store(0).keys().empty());
  CHECK(pods->store(2).keys().empty());
}

TEST_CASE("a record of many megabytes goes through whole") {
  auto pods = some_pods();
  std::string large(5'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000) large[i] = static_cast<char>(i / 1000);
  must(put(*pods, 2, key(1), {"h", large}));
  CHECK(text_of(read(*pods, 2, key(1), 1, 6'000'000)) == large);
}

TEST_CASE("a manifest's key goes through as well as a shard's") {
  auto pods = some_pods();
  Hash hash;
  hash.bytes.fill(0xff);
  RecordKey manifest = RecordKey::manifest(hash, 0xfedcba9876543210, 65535);
  must(put(*pods, 0, manifest, {"m"}));
  CHECK(pods->store(0).keys() == std::vector<RecordKey>{manifest});
  CHECK(text_of(read(*pods, 0, manifest, 0, 10)) == "m");
}

TEST_CASE("a read gives the bytes asked for, cut at the record's end") {
  auto pods = some_pods();
  must(put(*pods, 1, key(1), {"0123456789"}));
  CHECK(text_of(read(*pods, 1, key(1), 0, 10)) == "0123456789");
  CHECK(text_of(read(*pods, 1, key(1), 3, 4)) == "3456");
  CHECK(text_of(read(*pods, 1, key(1), 8, 100)) == "89");
  CHECK(text_of(read(*pods, 1, key(1), 100, 100)).empty());
}

TEST_CASE("a record that is not there is not found") {
  auto pods = some_pods();
  must(put(*pods, 1, key(1), {"x"}));
  CHECK(code_of(read(*pods, 1, key(2), 0, 10)) == Code::not_found);
  CHECK(code_of(read(*pods, 0, key(1), 0, 10)) == Code::not_found);
}

TEST_CASE("a later put takes the earlier one's place") {
  auto pods = some_pods();
  must(put(*pods, 1, key(1), {"first"}));
  must(put(*pods, 1, key(1), {"second"}));
  CHECK(text_of(read(*pods, 1, key(1), 0, 10)) == "second");
}

TEST_CASE("a member says which of many keys it holds, in their order") {
  auto pods = some_pods();
  for (std::uint64_t stripe = 0; stripe < 100; stripe += 3) must(put(*pods, 1, key(stripe), {"x"}));
  std::vector<RecordKey> asked;
  for (std::uint64_t stripe = 100; stripe-- > 0;) asked.push_back(key(stripe));
  std::vector<bool> held = must(run_blocking_for(pods->transport().have(1, asked)));
  REQUIRE(held.size() == 100);
  for (std::size_t i = 0; i < 100; ++i) CHECK(held[i] == ((99 - i) % 3 == 0));
  CHECK(must(run_blocking_for(pods->transport().have(1, {}))).empty());
}

TEST_CASE("a quarantined record is gone, and quarantining again is fine") {
  auto pods = some_pods();
  must(put(*pods, 1, key(1), {"bad"}));
  must(put(*pods, 1, key(2), {"good"}));
  must(run_blocking_for(pods->transport().quarantine(1, key(1))));
  CHECK(code_of(read(*pods, 1, key(1), 0, 10)) == Code::not_found);
  CHECK(text_of(read(*pods, 1, key(2), 0, 10)) == "good");
  CHECK(pods->store(1).quarantined() == 1);
  must(run_blocking_for(pods->transport().quarantine(1, key(1))));
  CHECK(pods->store(1).quarantined() == 1);
}

codec::EncodedShard shard_of(const RecordKey& with, Profile profile) {
  codec::EncodeOptions options;
  options.profile = profile;
  std::string bytes(100'000, 'a');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 3);
  Buffer buffer = Buffer::allocate(bytes.size());
  std::copy(bytes.begin(), bytes.end(), buffer.data());
  codec::StripeId id{with.extent(), with.major};
  return must(codec::encode(id, std::move(buffer), bytes.size(), options)).shards.at(with.minor);
}

TEST_CASE("a quarantine that comes late leaves a good record alone") {
  auto pods = some_pods();
  // A piece of a coded stripe, and a whole one.
  for (Profile profile : {Profile{2, 1}, Profile{1, 2}}) {
    codec::EncodedShard shard = shard_of(key(1), profile);
    std::vector<Slice> good{shard.header, shard.data};
    must(run_blocking_for(pods->transport().put(1, kLayout, key(1), good)));
    std::uint64_t before = pods->store(1).quarantined();
    must(run_blocking_for(pods->transport().quarantine(1, key(1))));
    CHECK(pods->store(1).payload(key(1)).has_value());
    CHECK(pods->store(1).quarantined() == before);
    // Header, first and last byte of the data.
    std::size_t whole = shard.header.size() + shard.data.size();
    for (std::size_t place : {std::size_t{70}, shard.header.size(), whole - 1}) {
      REQUIRE(pods->store(1).corrupt(key(1), place));
      must(run_blocking_for(pods->transport().quarantine(1, key(1))));
      CHECK_FALSE(pods->store(1).payload(key(1)).has_value());
      CHECK(pods->store(1).quarantined() == ++before);
      must(run_blocking_for(pods->transport().put(1, kLayout, key(1), good)));
    }
    // Under another's key it is of no use to anybody.
    must(run_blocking_for(pods->transport().put(1, kLayout, key(9), good)));
    must(run_blocking_for(pods->transport().quarantine(1, key(9))));
    CHECK_FALSE(pods->store(1).payload(key(9)).has_value());
  }
}

TEST_CASE("a quarantine of a good manifest leaves it alone") {
  auto pods = some_pods();
  meta::Object object;
  object.hash.bytes.fill(7);
  object.generation = 12;
  std::string bytes = meta::encode(object);
  RecordKey with = RecordKey::manifest(object.hash, object.generation, 1);
  must(put(*pods, 2, with, {bytes}));
  must(run_blocking_for(pods->transport().quarantine(2, with)));
  CHECK(text_of(read(*pods, 2, with, 0, 10'000)) == bytes);
  must(put(*pods, 2, with, {bytes.substr(0, bytes.size() - 1)}));
  must(run_blocking_for(pods->transport().quarantine(2, with)));
  CHECK(code_of(read(*pods, 2, with, 0, 10)) == Code::not_found);
}

TEST_CASE("a store's errors come through with their codes") {
  auto pods = some_pods();
  must(put(*pods, 1, key(1), {"x"}));
  for (Code code : {Code::disk_full, Code::busy, Code::io}) {
    pods->store(1).inject({.error = Error(code, "The disk says no.")});
    CHECK(code_of(put(*pods, 1, key(2), {"x"})) == code);
    CHECK(code_of(read(*pods, 1, key(1), 0, 1)) == code);
    CHECK(code_of(run_blocking_for(pods->transport().have(1, {key(1)}))) == code);
    CHECK(code_of(run_blocking_for(pods->transport().quarantine(1, key(1)))) == code);
    pods->store(1).clear_faults();
  }
  CHECK(text_of(read(*pods, 1, key(1), 0, 1)) == "x");
}

TEST_CASE("a put that may have happened says so") {
  auto pods = some_pods();
  pods->store(1).inject({.op = Op::put, .error = Error(Code::io, "Lost."), .applied = true});
  Result<void> result = put(*pods, 1, key(1), {"x"});
  REQUIRE(result.has_error());
  CHECK(result.error().maybe_happened());
}

TEST_CASE("a pod that cannot be reached fails alone") {
  auto pods = some_pods();
  for (layout::MemberIndex i = 0; i < Pods::kPods; ++i) must(put(*pods, i, key(1), {"x"}));
  pods->kill(1);
  CHECK(code_of(put(*pods, 1, key(2), {"x"})) == Code::closed);
  CHECK(code_of(read(*pods, 1, key(1), 0, 1)) == Code::closed);
  CHECK(code_of(run_blocking_for(pods->transport().have(1, {key(1)}))) == Code::closed);
  CHECK(code_of(run_blocking_for(pods->transport().quarantine(1, key(1)))) == Code::closed);
  CHECK(text_of(read(*pods, 0, key(1), 0, 1)) == "x");
  CHECK(text_of(read(*pods, 2, key(1), 0, 1)) == "x");
}

TEST_CASE("a pod that was never there cannot be reached") {
  auto pods = some_pods();
  CHECK(code_of(put(*pods, Pods::kPods, key(1), {"x"})) == Code::closed);
}

TEST_CASE("calls from several threads do not disturb each other") {
  auto pods = some_pods();
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 50; ++i) {
        std::string text = std::to_string(t) + "/" + std::to_string(i);
        RecordKey own = key(t * 1000 + i);
        auto member = static_cast<layout::MemberIndex>(i % Pods::kPods);
        wrong[t] += put(*pods, member, own, {text}).has_error();
        Result<Slice> back = read(*pods, member, own, 0, 100);
        wrong[t] += back.has_error() || as_text(back->view()) != text;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

// ---- Object records ----

namespace {

// A shard whose header carries `record`.
void put_carrying(Pods& pods, layout::MemberIndex member, const Id128& extent, std::uint64_t stripe,
                  std::string_view record) {
  codec::initialise();
  Buffer plain = Buffer::allocate(4096);
  auto encoded = must(codec::encode({extent, stripe}, std::move(plain), 1000, {.profile = {1, 0}},
                                    as_bytes(record)));
  codec::EncodedShard& shard = encoded.shards[0];
  must(run_blocking_for(pods.transport().put(member, kLayout, RecordKey::shard(extent, stripe, 0),
                                             {shard.header, shard.data})));
}

Result<CarriedPage> carried(Pods& pods, layout::MemberIndex member,
                            std::optional<RecordKey> after = {}) {
  return run_blocking_for(pods.transport().carried(member, after));
}

}  // namespace

TEST_CASE("object records are told from manifests and the headers of first stripes, in key order") {
  auto pods = some_pods();
  const Id128 one{{1}};
  const Id128 two{{2}};
  const Id128 bad{{3}};
  put_carrying(*pods, 1, two, 0, "second");
  put_carrying(*pods, 1, one, 0, "first");
  put_carrying(*pods, 1, one, 1, "not looked at");
  put_carrying(*pods, 1, Id128{{4}}, 0, "");
  put_carrying(*pods, 2, Id128{{5}}, 0, "elsewhere");
  must(put(*pods, 1, RecordKey::shard(bad, 0, 0), {"no header"}));
  const RecordKey manifest = RecordKey::manifest(Hash{{6}}, 7, 2);
  must(put(*pods, 1, manifest, {"third"}));

  CarriedPage page = must(carried(*pods, 1));
  const std::vector<Carried> all{{RecordKey::shard(one, 0, 0), "first"},
                                 {RecordKey::shard(two, 0, 0), "second"},
                                 {RecordKey::shard(bad, 0, 0), ""},
                                 {manifest, "third"}};
  CHECK(page.records == all);
  CHECK_FALSE(page.next);
  page = must(carried(*pods, 1, all[1].key));
  CHECK(page.records == std::vector<Carried>(all.begin() + 2, all.end()));
  CHECK(must(carried(*pods, 1, manifest)).records.empty());
  CHECK(must(carried(*pods, 0)).records.empty());
  pods->kill(1);
  CHECK(carried(*pods, 1).error().code() == Code::closed);
}

TEST_CASE("pages of object records end, and together hold all of them once") {
  auto pods = some_pods();
  std::vector<RecordKey> keys;
  for (std::uint64_t i = 1; i <= 700; ++i) keys.push_back(RecordKey::manifest(Hash{{9}}, i, 0));
  const std::string large(20'000, 'm');
  for (const RecordKey& each : keys) {
    must(put(*pods, 2, each, {each.major < 40 ? std::string_view(large) : "small"}));
  }
  std::vector<RecordKey> found;
  std::optional<RecordKey> after;
  int pages = 0;
  do {
    CarriedPage page = must(carried(*pods, 2, after));
    for (const Carried& record : page.records) found.push_back(record.key);
    if (after && page.next) CHECK(*page.next > *after);
    after = page.next;
    REQUIRE(++pages < 20);
  } while (after);
  CHECK(found == keys);
  CHECK(pages > 3);
}

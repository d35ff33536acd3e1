#include "mas/codec/stripe.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "stripes.h"

using namespace mas;
using namespace mas::codec;
using namespace mas::codec::test;

namespace {

constexpr Kind kKinds[] = {Kind::noise, Kind::text, Kind::mixed, Kind::zeros};

std::size_t record_size(const EncodedShard& shard) {
  return shard.header.size() + shard.data.size();
}

}  // namespace

TEST_CASE("a stripe of any length comes back as it was") {
  std::vector<std::size_t> sizes = {1,      2,      7,      63,      64,       65,    127,
                                    4095,   4096,   4097,   65535,   65536,    65537, 100'000,
                                    262143, 262144, 262145, 400'000, 1'048'577};
  for (Kind kind : kKinds) {
    for (auto [k, m] : {std::pair(1, 0), {1, 2}, {2, 1}, {4, 2}, {10, 4}}) {
      for (std::size_t size : sizes) {
        std::string bytes = make_bytes(kind, size);
        EncodedStripe stripe = encode_bytes(bytes, options_of(k, m));
        INFO("kind " << static_cast<int>(kind) << " " << k << "+" << m << " size " << size);
        REQUIRE(stripe.shards.size() == static_cast<std::size_t>(k + m));
        REQUIRE(read_back(stripe).value() == bytes);
      }
    }
  }
}

TEST_CASE("every profile survives any m losses") {
  std::mt19937 random(7);
  for (int k = 1; k <= 16; ++k) {
    for (int m = 0; k + m <= 16; ++m) {
      std::string bytes = make_bytes(kKinds[random() % 4], 1 + random() % 300'000, random());
      EncodedStripe stripe = encode_bytes(bytes, options_of(k, m, 64 * 1024));
      for (int round = 0; round < 3; ++round) {
        std::vector<int> lost(k + m);
        std::iota(lost.begin(), lost.end(), 0);
        std::shuffle(lost.begin(), lost.end(), random);
        lost.resize(round == 0 ? m : random() % (m + 1));
        INFO(k << "+" << m << ", " << lost.size() << " lost");
        REQUIRE(read_back(stripe, lost).value() == bytes);
      }
    }
  }
}

TEST_CASE("any k shards of the widest profiles tell all the others") {
  for (auto [k, m] : {std::pair(12, 4), {8, 8}, {4, 2}, {3, 13}}) {
    EncodedStripe stripe = encode_bytes(make_bytes(Kind::noise, 64u * k), options_of(k, m));
    const unsigned width = k + m;
    for (unsigned set = 0; set < (1u << width); ++set) {
      if (__builtin_popcount(set) != k) continue;
      std::vector<Slice> have(width);
      std::vector<int> all(width);
      std::iota(all.begin(), all.end(), 0);
      for (unsigned i = 0; i < width; ++i) {
        if (set & (1u << i)) have[i] = stripe.shards[i].data;
      }
      REQUIRE(reconstruct(options_of(k, m).profile, have, all).has_value());
      bool same = true;
      for (unsigned i = 0; i < width; ++i) {
        same = same && std::ranges::equal(have[i].view(), stripe.shards[i].data.view());
      }
      if (!same) FAIL(k << "+" << m << " with the shards " << set);
    }
  }
}

TEST_CASE("one more loss than m is refused, not guessed") {
  EncodedStripe stripe = encode_bytes(make_bytes(Kind::noise, 10'000), options_of(4, 2));
  auto result = read_back(stripe, {0, 2, 5});
  REQUIRE(result.has_error());
  CHECK(result.error().code() == Code::invalid_argument);
}

TEST_CASE("rebuilding refuses shards that cannot belong together") {
  Profile profile{2, 1};
  std::vector<int> wanted = {2};
  Slice a = Slice::copy_of(as_bytes(std::string(64, 'a')));
  Slice shorter = Slice::copy_of(as_bytes(std::string(128, 'b')));
  Slice odd = Slice::copy_of(as_bytes(std::string(63, 'c')));
  auto code_of = [&](std::vector<Slice> have, std::vector<int> numbers, Profile with) {
    auto result = reconstruct(with, have, numbers);
    return result.has_error() ? result.error().code() : Code::ok;
  };
  CHECK(code_of({a, a, {}}, wanted, profile) == Code::ok);
  CHECK(code_of({a, shorter, {}}, wanted, profile) == Code::invalid_argument);
  CHECK(code_of({odd, odd, {}}, wanted, profile) == Code::invalid_argument);
  CHECK(code_of({a, a}, wanted, profile) == Code::invalid_argument);
  CHECK(code_of({a, a, {}}, {3}, profile) == Code::invalid_argument);
  CHECK(code_of({a, a, {}}, {-1}, profile) == Code::invalid_argument);
  CHECK(code_of({}, {}, Profile{0, 0}) == Code::invalid_argument);
  CHECK(code_of(std::vector<Slice>(17, a), {}, Profile{16, 1}) == Code::invalid_argument);
}

TEST_CASE("shards are rebuilt from memory at any address") {
  std::string bytes = make_bytes(Kind::noise, 50'000);
  EncodedStripe stripe = encode_bytes(bytes, options_of(4, 2));
  std::vector<Slice> have(6);
  for (int i : {1, 2, 4, 5}) {
    std::string shifted = std::string(i, '-') + std::string(as_text(stripe.shards[i].data.view()));
    Slice copy = Slice::copy_of(as_bytes(shifted));
    have[i] = copy.sub(i, shifted.size() - i);
  }
  std::vector<int> wanted = {0, 3, 3, 0};
  REQUIRE(reconstruct({4, 2}, have, wanted).has_value());
  CHECK(std::ranges::equal(have[0].view(), stripe.shards[0].data.view()));
  CHECK(std::ranges::equal(have[3].view(), stripe.shards[3].data.view()));
}

TEST_CASE("copies are whole and equal") {
  std::string bytes = make_bytes(Kind::text, 5000);
  EncodedStripe stripe = encode_bytes(bytes, options_of(1, 2));
  for (const EncodedShard& shard : stripe.shards) {
    CHECK(std::ranges::equal(shard.data.view(), stripe.shards[0].data.view()));
    CHECK(parse_header(shard.header.view()).value().joined_size == shard.data.size());
  }
}

TEST_CASE("one plain shard is the caller's own memory, padded behind it") {
  std::string bytes = make_bytes(Kind::noise, 300'001);
  Buffer buffer = buffer_of(bytes);
  const std::uint8_t* memory = buffer.data();
  auto stripe = encode(some_stripe(), std::move(buffer), bytes.size(), options_of(1, 0)).value();
  const EncodedShard& shard = stripe.shards.front();
  CHECK(shard.data.data() == memory);
  CHECK(shard.data.size() == round_up(bytes.size(), kBlockSize));
  CHECK(shard.header.size() % kBlockSize == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(shard.header.data()) % kBlockSize == 0);
  for (std::size_t i = bytes.size(); i < shard.data.size(); ++i) REQUIRE(shard.data.data()[i] == 0);
}

TEST_CASE("data shards are pieces of the caller's memory where it has room for padding") {
  std::string bytes = make_bytes(Kind::noise, 1'000'000);
  EncodeOptions options = options_of(4, 2);
  Buffer roomy = buffer_of(bytes, 4 * kBlockSize);
  const std::uint8_t* memory = roomy.data();
  auto stripe = encode(some_stripe(), std::move(roomy), bytes.size(), options).value();
  for (int i = 0; i < 4; ++i) {
    CHECK(stripe.shards[i].data.data() == memory + i * stripe.shards[0].data.size());
    CHECK(stripe.shards[i].data.size() % kBlockSize == 0);
  }
  auto tight = encode(some_stripe(), buffer_of(bytes), bytes.size(), options).value();
  for (int i = 0; i < 6; ++i) {
    CHECK(std::ranges::equal(tight.shards[i].data.view(), stripe.shards[i].data.view()));
    CHECK(std::ranges::equal(tight.shards[i].header.view(), stripe.shards[i].header.view()));
  }
}

TEST_CASE("a small object costs little more than its bytes") {
  EncodedStripe stripe = encode_bytes(make_bytes(Kind::noise, 4096), options_of(1, 0), "manifest");
  CHECK(record_size(stripe.shards.front()) == 4096 + 128);
  EncodedStripe text = encode_bytes(make_bytes(Kind::text, 4096), options_of(1, 0));
  CHECK(record_size(text.shards.front()) < 256);
}

TEST_CASE("units are compressed where that saves a tenth, and only there") {
  std::string bytes = make_bytes(Kind::text, 256 * 1024) + make_bytes(Kind::noise, 256 * 1024) +
                      make_bytes(Kind::zeros, 1000) + make_bytes(Kind::noise, 20);
  EncodedStripe stripe = encode_bytes(bytes, options_of(1, 0));
  ShardHeader header = parse_header(stripe.shards[0].header.view()).value();
  REQUIRE(header.units.size() == 3);
  CHECK(header.units[0].compressed());
  CHECK_FALSE(header.units[1].compressed());
  CHECK(header.units[2].compressed());
  CHECK(read_back(stripe).value() == bytes);

  EncodeOptions plain = options_of(1, 0);
  plain.compress = false;
  header = parse_header(encode_bytes(bytes, plain).shards[0].header.view()).value();
  for (const UnitInfo& unit : header.units) CHECK_FALSE(unit.compressed());

  std::string slight = make_bytes(Kind::noise, 9500) + make_bytes(Kind::zeros, 500);
  header = parse_header(encode_bytes(slight, options_of(1, 0)).shards[0].header.view()).value();
  CHECK_FALSE(header.units[0].compressed());
}

TEST_CASE("units, sizes, profiles and manifests out of range are refused") {
  auto code_of = [](std::size_t size, const EncodeOptions& options, std::size_t manifest = 0) {
    std::string text(manifest, 'm');
    auto result = encode(some_stripe(), buffer_of("four"), size, options, as_bytes(text));
    return result.has_error() ? result.error().code() : Code::ok;
  };
  CHECK(code_of(4, options_of(1, 0)) == Code::ok);
  CHECK(code_of(4, options_of(1, 0), kMaxManifest) == Code::ok);
  CHECK(code_of(0, options_of(1, 0)) == Code::invalid_argument);
  CHECK(code_of(4097, options_of(1, 0)) == Code::invalid_argument);
  CHECK(code_of(4, options_of(0, 2)) == Code::invalid_argument);
  CHECK(code_of(4, options_of(15, 2)) == Code::invalid_argument);
  CHECK(code_of(4, options_of(1, 0, 0)) == Code::invalid_argument);
  CHECK(code_of(257, options_of(1, 0, 1)) == Code::invalid_argument);
  CHECK(code_of(4, options_of(1, 0), kMaxManifest + 1) == Code::invalid_argument);
}

TEST_CASE("a flipped bit anywhere in a shard's data is found in its block") {
  std::string bytes = make_bytes(Kind::noise, 200'000);
  EncodedStripe stripe = encode_bytes(bytes, options_of(1, 0));
  ShardHeader header = parse_header(stripe.shards[0].header.view()).value();
  std::string data(as_text(stripe.shards[0].data.view()));
  REQUIRE(verify_blocks(header, 0, as_bytes(data)).has_value());
  for (std::size_t at : {std::size_t{0}, kChecksumBlock - 1, kChecksumBlock, data.size() - 1}) {
    std::string wrong = data;
    wrong[at] = static_cast<char>(wrong[at] ^ 0x10);
    CHECK(verify_blocks(header, 0, as_bytes(wrong)).has_error());
    for (std::size_t from = 0; from < data.size(); from += kChecksumBlock) {
      ByteView block = as_bytes(wrong).subspan(from, std::min(kChecksumBlock, data.size() - from));
      CHECK(verify_blocks(header, from, block).has_error() ==
            (at / kChecksumBlock * kChecksumBlock == from));
    }
  }
}

TEST_CASE("data that does not lie on whole blocks of the shard is refused") {
  EncodedStripe stripe = encode_bytes(make_bytes(Kind::noise, 200'000), options_of(1, 0));
  ShardHeader header = parse_header(stripe.shards[0].header.view()).value();
  ByteView data = stripe.shards[0].data.view();
  CHECK(verify_blocks(header, 0, data.first(kChecksumBlock)).has_value());
  CHECK(verify_blocks(header, 0, data.first(0)).has_value());
  CHECK(verify_blocks(header, data.size(), {}).has_error() == (data.size() % kChecksumBlock != 0));
  CHECK(verify_blocks(header, 0, data.first(1000)).has_error());
  CHECK(verify_blocks(header, 1000, data.first(kChecksumBlock)).has_error());
  CHECK(verify_blocks(header, kChecksumBlock, data).has_error());
  CHECK(verify_blocks(header, std::uint64_t{1} << 63, data.first(kChecksumBlock)).has_error());
}

TEST_CASE("a unit's bytes are believed only if they have its sum") {
  std::string bytes = make_bytes(Kind::text, 10'000);
  EncodedStripe stripe = encode_bytes(bytes, options_of(1, 0));
  ShardHeader header = parse_header(stripe.shards[0].header.view()).value();
  Slice stored = stripe.shards[0].data;
  REQUIRE(header.units[0].compressed());
  CHECK(as_text(decode_unit(header, 0, stored).value().view()) == bytes);
  std::vector<std::uint8_t> out(bytes.size());
  for (std::size_t at = 0; at < stored.size(); ++at) {
    std::string wrong(as_text(stored.view()));
    wrong[at] = static_cast<char>(wrong[at] ^ 0x81);
    CHECK(decode_unit(header, 0, as_bytes(wrong), out).has_error());
  }
  CHECK(decode_unit(header, 0, stored.view().first(stored.size() - 1), out).has_error());
  CHECK(decode_unit(header, 0, stored.view(), MutableBytes(out).first(9'999)).has_error());
}

TEST_CASE("an uncompressed unit is served from where it lies") {
  std::string bytes = make_bytes(Kind::noise, 100'000);
  EncodedStripe stripe = encode_bytes(bytes, options_of(1, 0));
  ShardHeader header = parse_header(stripe.shards[0].header.view()).value();
  Slice stored = stripe.shards[0].data.sub(0, bytes.size());
  CHECK(decode_unit(header, 0, stored).value().data() == stored.data());
  CHECK(decode_unit(header, 0, stored.sub(0, 99'999)).has_error());
  std::vector<std::uint8_t> out(bytes.size());
  CHECK(decode_unit(header, 0, stored.view(), out).has_value());
  CHECK(decode_unit(header, 0, stripe.shards[0].data.view(), out).has_error());  // with the padding
  bytes[5] = static_cast<char>(bytes[5] ^ 1);
  auto wrong = decode_unit(header, 0, Slice::copy_of(as_bytes(bytes)));
  REQUIRE(wrong.has_error());
  CHECK(wrong.error().code() == Code::corrupt);
}

TEST_CASE("parity and decoded units come from the pool that is given") {
  BufferPool pool(256 * 1024, 4);
  std::string bytes = make_bytes(Kind::noise, 500'000);
  EncodeOptions options = options_of(4, 2);
  options.buffers = &pool;
  const std::uint8_t* first = nullptr;
  for (int round = 0; round < 2; ++round) {
    EncodedStripe stripe = encode_bytes(bytes, options);
    CHECK(read_back(stripe, {0, 5}).value() == bytes);
    if (round == 0) first = stripe.shards[4].data.data();
    CHECK(stripe.shards[4].data.data() == first);
  }
}

TEST_CASE("a record is rebuilt only for a number and data of its stripe") {
  EncodedStripe stripe = encode_bytes(make_bytes(Kind::noise, 1000), options_of(2, 1));
  ShardHeader header = parse_header(stripe.shards[0].header.view()).value();
  Slice data = stripe.shards[0].data;
  CHECK(rebuild_record(header, 3, data).has_error());
  CHECK(rebuild_record(header, -1, data).has_error());
  CHECK(rebuild_record(header, 0, data.sub(0, data.size() - 1)).has_error());
}

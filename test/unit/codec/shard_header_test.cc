#include "codec/shard_header.h"

#include <catch2/catch.hpp>

#include "codec/shard_format.h"
#include "mas/codec/hash.h"
#include "mas/core/xxh3.h"
#include "stripes.h"

using namespace mas;
using namespace mas::codec;
using namespace mas::codec::test;

namespace {

std::string header_of(std::string_view bytes, const EncodeOptions& options, int shard = 0,
                      std::string_view manifest = "a manifest") {
  return std::string(as_text(encode_bytes(bytes, options, manifest).shards[shard].header.view()));
}

// Makes the prefix's check and the header's sum right again.
void sign(std::string& header) {
  auto check = static_cast<std::uint32_t>(xxh3_64(as_bytes(header).first(60)));
  std::memcpy(header.data() + 60, &check, sizeof(check));
  Sum128 sum = xxh3_128(as_bytes(header).first(header.size() - sizeof(Sum128)));
  std::memcpy(header.data() + header.size() - sizeof(sum), &sum, sizeof(sum));
}

Code code_of(std::string_view header) {
  auto parsed = parse_header(as_bytes(header));
  return parsed.has_error() ? parsed.error().code() : Code::ok;
}

// A well-signed header in which `field` was changed.
template <class T>
std::string with(std::string header, T format::ShardPrefix::*field, T value) {
  format::ShardPrefix prefix;
  std::memcpy(&prefix, header.data(), sizeof(prefix));
  prefix.*field = value;
  std::memcpy(header.data(), &prefix, sizeof(prefix));
  sign(header);
  return header;
}

}  // namespace

TEST_CASE("a header says what it was made from") {
  std::string bytes = make_bytes(Kind::mixed, 700'000);
  EncodedStripe stripe = encode_bytes(bytes, options_of(3, 2), "what it belongs to");
  for (int i = 0; i < 5; ++i) {
    ByteView raw = stripe.shards[i].header.view();
    ShardHeader header = parse_header(raw).value();
    CHECK(header.stripe.extent == some_stripe().extent);
    CHECK(header.stripe.number == 7);
    CHECK(header.profile == Profile{3, 2});
    CHECK(header.shard == i);
    CHECK(header.plain_size == 700'000);
    CHECK(header.data_size == stripe.shards[i].data.size());
    CHECK(header.header_size == raw.size());
    CHECK(header.units.size() == 3);
    CHECK(header.units[2].plain == 700'000 - 2 * 262'144);
    CHECK(header.units[1].plain_sum == xxh3_128(as_bytes(bytes).subspan(262'144, 262'144)));
    CHECK(header.unit_offset(3) == header.joined_size);
    CHECK(header.manifest == "what it belongs to");
    CHECK(header_size(raw.first(kHeaderPrefix)).value() == raw.size());
    CHECK(as_text(write_header(header).view()) == as_text(raw));
  }
}

TEST_CASE("a header is read from the start of its record") {
  std::string header = header_of("some bytes", options_of(1, 0));
  CHECK(code_of(header + "the data behind it") == Code::ok);
}

TEST_CASE("a header changed in any one bit is refused") {
  std::string small = header_of("some bytes", options_of(2, 1));
  std::string large = header_of(make_bytes(Kind::noise, 100'000), options_of(1, 0));
  REQUIRE(large.size() == kBlockSize);
  for (const std::string& header : {small, large}) {
    for (std::size_t at = 0; at < header.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string wrong = header;
        wrong[at] = static_cast<char>(wrong[at] ^ (1 << bit));
        if (code_of(wrong) != Code::corrupt) FAIL("byte " << at << " bit " << bit);
      }
    }
  }
}

TEST_CASE("a header cut anywhere is refused") {
  std::string header = header_of("some bytes", options_of(2, 1));
  for (std::size_t size = 0; size < header.size(); ++size) {
    REQUIRE(code_of(header.substr(0, size)) == Code::corrupt);
    REQUIRE(header_size(as_bytes(header).first(size)).has_value() == (size >= kHeaderPrefix));
  }
}

TEST_CASE("a header that lies is refused even if its checks are right") {
  using P = format::ShardPrefix;
  std::string good = header_of(make_bytes(Kind::noise, 10'000), options_of(4, 2, 4096));
  REQUIRE(code_of(good) == Code::ok);
  sign(good);
  REQUIRE(code_of(good) == Code::ok);
  CHECK(code_of(with(good, &P::magic, {'M', 'S', 'H', 'E'})) == Code::corrupt);
  CHECK(code_of(with<std::uint16_t>(good, &P::version, 0)) == Code::corrupt);
  CHECK(code_of(with<std::uint16_t>(good, &P::version, 2)) == Code::corrupt);
  CHECK(code_of(with<std::uint8_t>(good, &P::k, 0)) == Code::corrupt);
  CHECK(code_of(with<std::uint8_t>(good, &P::k, 5)) == Code::corrupt);
  CHECK(code_of(with<std::uint8_t>(good, &P::k, 255)) == Code::corrupt);
  CHECK(code_of(with<std::uint8_t>(good, &P::m, 13)) == Code::corrupt);
  CHECK(code_of(with<std::uint8_t>(good, &P::m, 255)) == Code::corrupt);
  CHECK(code_of(with<std::uint8_t>(good, &P::shard, 5)) == Code::ok);
  CHECK(code_of(with<std::uint8_t>(good, &P::shard, 6)) == Code::corrupt);
  CHECK(code_of(with<std::uint8_t>(good, &P::reserved, 1)) == Code::corrupt);
  for (std::uint16_t units : {0, 2, 4, 256, 257, 65'535}) {
    CHECK(code_of(with(good, &P::unit_count, units)) == Code::corrupt);
  }
  for (auto field : {&P::header_size, &P::plain_size, &P::joined_size, &P::data_size, &P::unit_size,
                     &P::manifest_size}) {
    for (std::uint32_t value : {0u, 1u, 9'999u, 20'480u, 67'108'865u, 0x7fffffffu, 0xffffffffu}) {
      CHECK(code_of(with(good, field, value)) == Code::corrupt);
    }
  }
}

TEST_CASE("stored lengths that no encoder writes are refused") {
  std::string good = header_of(make_bytes(Kind::noise, 10'000), options_of(4, 2, 4096));
  const std::size_t lengths = sizeof(format::ShardPrefix) + 4 * sizeof(Sum128);  // 3 units, 1 block
  auto with_lengths = [&](std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    std::string header = good;
    std::uint32_t all[] = {a, b, c};
    std::memcpy(header.data() + lengths, all, sizeof(all));
    sign(header);
    return code_of(header);
  };
  CHECK(with_lengths(4096, 4096, 1808) == Code::ok);
  CHECK(with_lengths(4096, 4095, 1809) == Code::corrupt);
  CHECK(with_lengths(4096, 5904, 0) == Code::corrupt);
  CHECK(with_lengths(4096, 4095, 1808) == Code::corrupt);
  CHECK(with_lengths(0xffffffff, 4096, 5905) == Code::corrupt);
}

TEST_CASE("a unit that takes no bytes is refused") {
  using P = format::ShardPrefix;
  std::string header = header_of(make_bytes(Kind::noise, 10'000), options_of(4, 2, 4096));
  std::uint32_t lengths[] = {4096, 4096, 0};
  std::memcpy(header.data() + sizeof(P) + 4 * sizeof(Sum128), lengths, sizeof(lengths));
  header = with<std::uint32_t>(header, &P::joined_size, 8192);
  CHECK(code_of(with<std::uint32_t>(header, &P::data_size, 2048)) == Code::corrupt);
}

TEST_CASE("a unit larger than its stripe is refused") {
  using P = format::ShardPrefix;
  std::string header = header_of("some bytes", options_of(1, 0));
  CHECK(code_of(with<std::uint32_t>(header, &P::unit_size, 10)) == Code::ok);
  CHECK(code_of(with<std::uint32_t>(header, &P::unit_size, 11)) == Code::corrupt);
}

TEST_CASE("padding that is not empty is refused") {
  std::string header = header_of(make_bytes(Kind::noise, 100'000), options_of(1, 0));
  header[header.size() - sizeof(Sum128) - 1] = 1;
  sign(header);
  CHECK(code_of(header) == Code::corrupt);
}

TEST_CASE("the largest header fits what readers reserve") {
  std::string bytes = make_bytes(Kind::zeros, kMaxStripe);
  EncodeOptions options = options_of(1, 0);
  options.compress = false;
  std::string header = header_of(bytes, options, 0, std::string(kMaxManifest, 'm'));
  CHECK(header.size() == format::kMaxHeader);
  CHECK(code_of(header) == Code::ok);
}

// These bytes are on disks. If this test fails, the format has changed: give it a new version.
TEST_CASE("the stored bytes of a stripe stay as they are") {
  EncodeOptions options = options_of(3, 2, 64);
  options.compress = false;
  std::string bytes;
  for (int i = 0; i < 150; ++i) bytes.push_back(static_cast<char>(i));
  EncodedStripe stripe = encode_bytes(bytes, options, "mf");
  CHECK(to_hex(stripe.shards[4].header.view()) ==
        "4d5348440100030204000300a00000000102030405060708090a0b0c0d0e0f1007000000000000009600000096"
        "000000400000004000000002000000e89781729c6e140a465545e590c1971ddb04ce74fb0e477716ca79e69b45"
        "e296aed9ee1ad89a14cb246df125484db6068e2bf5ead1771cad060c95a90b6e0fdb7d46b47140000000400000"
        "00160000006d660000e7b212d903eb1354bb133b3eebeee674");
  CHECK(to_hex(stripe.shards[3].data.view().first(32)) ==
        "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d540404040404040404040");
  CHECK(to_hex(stripe.shards[4].data.view().first(32)) ==
        "0000000000000000000000000000000000000000000072868377768274808175");

  std::string all;
  for (int k = 2; k < 16; ++k) {
    for (const EncodedShard& shard : encode_bytes(bytes, options_of(k, 16 - k, 200)).shards) {
      all.append(as_text(shard.header.view())).append(as_text(shard.data.view()));
    }
  }
  CHECK(sha256(as_bytes(all)).hex() ==
        "0421b44cf7419ce200627a469a6712944ee5114a58309807b185ef535247f9d5");
}

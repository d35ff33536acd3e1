#include "mas/codec/hash.h"

#include <catch2/catch.hpp>

#include "mas/core/endian.h"
#include "mas/core/xxh3.h"
#include "stripes.h"

using namespace mas;
using namespace mas::codec;

TEST_CASE("SHA-256 gives the standard's digests") {
  // FIPS 180-4 examples.
  CHECK(sha256({}).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256(as_bytes("abc")).hex() ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(as_bytes("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).hex() ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("a SHA-256 may be fed in pieces, asked in between and copied") {
  std::string bytes = codec::test::make_bytes(codec::test::Kind::noise, 1000);
  Sha256 hash;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    REQUIRE(hash.length() == at);
    REQUIRE(hash.digest() == sha256(as_bytes(bytes).first(at)));
    hash.update(as_bytes(bytes).subspan(at, 1));
  }
  Sha256 copy = hash;
  copy.update(as_bytes("more"));
  CHECK(hash.digest() == sha256(as_bytes(bytes)));
  CHECK(copy.digest() == sha256(as_bytes(bytes + "more")));
}

TEST_CASE("a saved SHA-256 goes on where it was, at every length") {
  std::string bytes = codec::test::make_bytes(codec::test::Kind::noise, 300);
  for (std::size_t at = 0; at <= bytes.size(); ++at) {
    Sha256 first;
    first.update(as_bytes(bytes).first(at));
    auto second = Sha256::restore(first.save());
    REQUIRE(second);
    CHECK(second->length() == at);
    second->update(as_bytes(bytes).subspan(at));
    REQUIRE(second->digest() == sha256(as_bytes(bytes)));
  }
}

TEST_CASE("lengths beyond 4 GiB survive saving") {
  Sha256 hash;
  std::string zeros(1 << 20, '\0');
  for (int i = 0; i < 600; ++i) hash.update(as_bytes(zeros));  // 600 MiB: over 2^32 bits
  auto again = Sha256::restore(hash.save());
  REQUIRE(again);
  CHECK(again->length() == std::uint64_t{600} << 20);
  CHECK(again->digest() == hash.digest());
}

TEST_CASE("the saved form of a SHA-256 stays as it is") {
  Sha256 hash;
  hash.update(as_bytes("abc"));
  std::string expected =
      "01"
      "67e6096a85ae67bb72f36e3c3af54fa57f520e518c68059babd9831f19cde05b"
      "0300000000000000"
      "616263";
  std::string saved = to_hex(as_bytes(hash.save()));
  CHECK(saved.substr(0, saved.size() - 16) == expected);
  CHECK(saved.substr(saved.size() - 16) == "215e3412c2ae1113");
}

TEST_CASE("a SHA-256 state that was not saved is refused") {
  Sha256 hash;
  hash.update(as_bytes("some bytes that fill more than one block of sixty-four, and a bit more"));
  std::string saved = hash.save();
  CHECK_FALSE(Sha256::restore(""));
  for (std::size_t at = 0; at < saved.size(); ++at) {
    CHECK_FALSE(Sha256::restore(saved.substr(0, at)));
    std::string wrong = saved;
    wrong[at] = static_cast<char>(wrong[at] ^ 1);
    CHECK_FALSE(Sha256::restore(wrong));
  }
  CHECK_FALSE(Sha256::restore(saved + "x"));
  CHECK_FALSE(Sha256::restore(std::string(1000, '\xff')));
}

TEST_CASE("a SHA-256 state that lies is refused even if its check is right") {
  auto restores = [](std::uint8_t version, std::uint64_t length, std::size_t pending) {
    ByteWriter out;
    out.write(version);
    out.raw(as_bytes(std::string(32, 'h')));
    out.write(length);
    out.raw(as_bytes(std::string(pending, 'p')));
    std::uint64_t check = xxh3_64(as_bytes(out.bytes()));
    out.write(check);
    return Sha256::restore(out.bytes()).has_value();
  };
  CHECK(restores(1, 70, 6));
  CHECK(restores(1, 128, 0));
  CHECK_FALSE(restores(0, 70, 6));
  CHECK_FALSE(restores(2, 70, 6));
  CHECK_FALSE(restores(1, 70, 5));
  CHECK_FALSE(restores(1, 70, 7));
  CHECK_FALSE(restores(1, 70, 70));
  CHECK_FALSE(restores(1, 128, 64));
  CHECK_FALSE(restores(1, (std::uint64_t{1} << 60) + 1, 1));
  CHECK_FALSE(restores(1, UINT64_MAX, 63));
}

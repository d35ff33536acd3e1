#include "mas/core/xxh3.h"

#include <array>
#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <vector>

using namespace mas;

namespace {

std::string make_bytes(std::size_t size) {
  std::string bytes(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : bytes) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

// Around every change of method in the library, and of its own buffer.
constexpr std::array<std::size_t, 12> kSizes{0,   1,   3,   8,    16,     17,
                                             128, 240, 241, 1024, 65'536, 70'000};

}  // namespace

TEST_CASE("XXH3 gives the reference's sums") {
  // From xxhash's own sanity checks: the empty input.
  CHECK(to_hex(xxh3_128(ByteView()).bytes) == "99aa06d3014798d86001c324468d497f");
  CHECK(xxh3_64(ByteView()) == 0x2d06800538d394c2);
  CHECK(xxh3_64(ByteView(), 0) == xxh3_64(ByteView()));
}

TEST_CASE("XXH3-128 of pieces, joined or fed, is that of the whole") {
  std::string bytes = make_bytes(70'000);
  for (std::size_t size : kSizes) {
    INFO(size);
    ByteView whole = as_bytes(bytes).first(size);
    for (std::size_t step : {std::size_t{100}, std::size_t{1000}, std::size_t{100'000}}) {
      Xxh3 fed;
      std::vector<Slice> pieces;
      for (std::size_t at = 0; at < size; at += step) {
        ByteView piece = whole.subspan(at, std::min(step, size - at));
        fed.update(piece);
        pieces.push_back(Slice::copy_of(piece));
      }
      CHECK(fed.digest() == xxh3_128(whole));
      CHECK(fed.digest() == xxh3_128(whole));
      CHECK(xxh3_128(pieces) == xxh3_128(whole));
    }
  }
}

TEST_CASE("XXH3-64 changes with every byte and with the seed") {
  std::string bytes = make_bytes(300);
  std::set<std::uint64_t> sums{xxh3_64(as_bytes(bytes)), xxh3_64(as_bytes(bytes), 1)};
  for (char& byte : bytes) {
    byte = static_cast<char>(byte ^ 1);
    sums.insert(xxh3_64(as_bytes(bytes)));
    byte = static_cast<char>(byte ^ 1);
  }
  CHECK(sums.size() == bytes.size() + 2);
}

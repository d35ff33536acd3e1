#include "codec/reed_solomon.h"

#include <catch2/catch.hpp>

#include "stripes.h"

using namespace mas;
using namespace mas::codec;
using namespace mas::codec::test;

namespace {

// Multiplication in GF(2^8) with x^8 + x^4 + x^3 + x^2 + 1, bit by bit.
std::uint8_t slow_product(unsigned a, unsigned b) {
  unsigned product = 0;
  for (; b != 0; b >>= 1) {
    if (b & 1) product ^= a;
    a = (a << 1) ^ ((a & 0x80) ? 0x11d : 0);
  }
  return static_cast<std::uint8_t>(product);
}

}  // namespace

TEST_CASE("parity is the matrix times the data in the field that the format page names") {
  for (auto [k, m] : {std::pair(2, 2), {4, 2}, {10, 4}, {5, 11}}) {
    const Matrix& matrix = coding_matrix(options_of(k, m).profile);
    REQUIRE(matrix.rows() == m);
    EncodedStripe stripe = encode_bytes(make_bytes(Kind::noise, 1000u * k), options_of(k, m));
    for (int row = 0; row < m; ++row) {
      ByteView parity = stripe.shards[k + row].data.view();
      for (std::size_t i = 0; i < parity.size(); ++i) {
        std::uint8_t expected = 0;
        for (int column = 0; column < k; ++column) {
          expected ^=
              slow_product(matrix.cells[row * k + column], stripe.shards[column].data.data()[i]);
        }
        if (parity[i] != expected) FAIL(k << "+" << m << " row " << row << " byte " << i);
      }
    }
  }
}

TEST_CASE("the first parity row is a plain sum, and the matrices stay as they are") {
  for (int k = 1; k < 16; ++k) {
    const Matrix& matrix = coding_matrix(options_of(k, 16 - k).profile);
    for (int column = 0; column < k; ++column) CHECK(matrix.cells[column] == 1);
  }
  CHECK(coding_matrix({4, 2}).cells == std::vector<int>{1, 1, 1, 1, 1, 70, 143, 200});
  CHECK(coding_matrix({3, 2}).cells == std::vector<int>{1, 1, 1, 1, 245, 244});
  CHECK(coding_matrix({2, 2}).cells == std::vector<int>{1, 1, 1, 143});
}

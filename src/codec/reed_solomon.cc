#include "codec/reed_solomon.h"

#include <array>
#include <cstdlib>
#include <memory>

#include "codec/shard_format.h"
#include "mas/codec/stripe.h"
#include "mas/core/result.h"

extern "C" {
#include <galois.h>
#include <jerasure.h>
#include <reed_sol.h>
}

namespace mas::codec {
namespace {

constexpr int kWordBits = 8;

bool is_aligned(const std::uint8_t* address) {
  return reinterpret_cast<std::uintptr_t>(address) % kCodingAlignment == 0;
}

// Every matrix there can be (136 small ones), and Jerasure's field, which its own lazy start
// publishes before it is ready.
class Tables {
 public:
  Tables() {
    MAS_ASSERT(galois_init_default_field(kWordBits) == 0);
    for (int k = 1; k <= format::kMaxWidth; ++k) {
      for (int m = 1; k + m <= format::kMaxWidth; ++m) matrices_[k][m] = make(k, m);
    }
  }
  [[nodiscard]] const Matrix& get(int k, int m) const { return matrices_[k][m]; }

 private:
  static Matrix make(int k, int m) {
    std::unique_ptr<int, decltype(&std::free)> cells(
        reed_sol_vandermonde_coding_matrix(k, m, kWordBits), std::free);
    MAS_ASSERT(cells != nullptr);
    return {k, std::vector<int>(cells.get(), cells.get() + k * m)};
  }

  std::array<std::array<Matrix, format::kMaxWidth + 1>, format::kMaxWidth + 1> matrices_;
};

const Tables& tables() {
  static const Tables instance;
  return instance;
}

}  // namespace

void initialise() { static_cast<void>(tables()); }

const Matrix& coding_matrix(const Profile& profile) {
  MAS_ASSERT(profile.k > 0 && profile.width() <= format::kMaxWidth);
  return tables().get(profile.k, profile.m);
}

std::optional<Matrix> recovery_matrix(const Profile& profile, std::span<const int> survivors,
                                      std::span<const int> wanted) {
  const int k = profile.k;
  const Matrix& coding = coding_matrix(profile);
  MAS_ASSERT(survivors.size() == profile.k);
  // Row r tells how survivor r was made of the data shards; the inverse, how these are made of the
  // survivors.
  std::vector<int> made(static_cast<std::size_t>(k) * k, 0);
  for (int row = 0; row < k; ++row) {
    for (int column = 0; column < k; ++column) {
      made[row * k + column] = survivors[row] < k ? static_cast<int>(survivors[row] == column)
                                                  : coding.cells[(survivors[row] - k) * k + column];
    }
  }
  std::vector<int> inverse(made.size());
  if (jerasure_invert_matrix(made.data(), inverse.data(), k, kWordBits) != 0) return std::nullopt;

  Matrix result{k, {}};
  for (int shard : wanted) {
    for (int column = 0; column < k; ++column) {
      int cell = 0;
      if (shard < k) {
        cell = inverse[shard * k + column];
      } else {
        for (int i = 0; i < k; ++i) {
          cell ^= galois_single_multiply(coding.cells[(shard - k) * k + i], inverse[i * k + column],
                                         kWordBits);
        }
      }
      result.cells.push_back(cell);
    }
  }
  return result;
}

void multiply(const Matrix& matrix, std::span<const std::uint8_t* const> sources,
              std::span<std::uint8_t* const> outputs, std::size_t length) {
  MAS_ASSERT(static_cast<int>(sources.size()) == matrix.columns);
  MAS_ASSERT(static_cast<int>(outputs.size()) == matrix.rows());
  MAS_ASSERT(length % kCodingAlignment == 0);
  static_cast<void>(tables());
  // Jerasure takes everything as char* and writes to the outputs only.
  std::array<char*, format::kMaxWidth> in{};
  std::array<char*, format::kMaxWidth> out{};
  for (std::size_t i = 0; i < sources.size(); ++i) {
    MAS_ASSERT(is_aligned(sources[i]));
    in[i] = reinterpret_cast<char*>(const_cast<std::uint8_t*>(sources[i]));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    MAS_ASSERT(is_aligned(outputs[i]));
    out[i] = reinterpret_cast<char*>(outputs[i]);
  }
  if (outputs.empty() || length == 0) return;
  jerasure_matrix_encode(matrix.columns, matrix.rows(), kWordBits,
                         const_cast<int*>(matrix.cells.data()), in.data(), out.data(),
                         static_cast<int>(length));
}

}  // namespace mas::codec

// Jerasure behind a small door: coding matrices made once, and products of a matrix with regions of
// memory. Encoding and rebuilding are the same product with different matrices.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mas/core/ids.h"

namespace mas::codec {

inline constexpr std::size_t kCodingAlignment = 16;  // of region addresses and lengths

// Rows of k coefficients each, in GF(2^8).
struct Matrix {
  int columns = 0;
  std::vector<int> cells;
  [[nodiscard]] int rows() const {
    return columns == 0 ? 0 : static_cast<int>(cells.size()) / columns;
  }
};

// reed_sol_vandermonde, w = 8: m rows that make parity from the k data shards. Width at most 16.
[[nodiscard]] const Matrix& coding_matrix(const Profile& profile);

// The rows that make the shards `wanted` from the k shards `survivors` (numbers, ascending).
// nullopt if these k cannot tell (never so for distinct survivors).
[[nodiscard]] std::optional<Matrix> recovery_matrix(const Profile& profile,
                                                    std::span<const int> survivors,
                                                    std::span<const int> wanted);

// outputs[r][i] = sum over c of matrix[r][c] * sources[c][i], for `length` bytes. All addresses and
// the length are multiples of kCodingAlignment (asserted); outputs overlap nothing.
void multiply(const Matrix& matrix, std::span<const std::uint8_t* const> sources,
              std::span<std::uint8_t* const> outputs, std::size_t length);

}  // namespace mas::codec

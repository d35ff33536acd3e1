// How a large file is cut into parts, and which of them still have to be sent.
#pragma once

#include <cstdint>
#include <vector>

#include "app/client/api_client.h"

namespace mas::app {

inline constexpr std::uint32_t kMaxParts = 10'000;

struct UploadPlan {
  std::uint64_t file_size = 0;
  std::uint64_t part_size = 0;
  std::uint32_t parts = 0;
  std::vector<std::uint32_t> missing;  // to send, ascending
  // What is stored cannot be part of this cut: the session has to be dropped first. Then all parts
  // are missing.
  bool restart = false;

  [[nodiscard]] std::uint64_t offset_of(std::uint32_t number) const {
    return (number - 1) * part_size;
  }
  [[nodiscard]] std::uint64_t size_of(std::uint32_t number) const;
  [[nodiscard]] std::uint64_t bytes_missing() const;
};

// Cuts `file_size` (> 0) bytes into parts of `wanted` bytes, larger where there would be too many
// parts. An earlier run's part size is kept where all `stored` parts fit one.
[[nodiscard]] UploadPlan plan_upload(std::uint64_t file_size, std::uint64_t wanted,
                                     const std::vector<StoredPart>& stored);

}  // namespace mas::app

// SHA-256 with a state that can be saved.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "mas/core/ids.h"

namespace mas::codec {

// Incremental SHA-256 (FIPS 180-4; OpenSSL's implementation, SHA-NI where there is one).
class Sha256 {
 public:
  Sha256();
  void update(ByteView bytes);
  // The digest of all bytes so far; the object may go on being updated.
  [[nodiscard]] Hash digest() const;
  [[nodiscard]] std::uint64_t length() const noexcept;  // bytes so far

  // The state in a format of our own (doc/sha256-state-format.md): version, eight words, length,
  // pending block, check.
  [[nodiscard]] std::string save() const;
  // nullopt if `state` is not one that save() made.
  [[nodiscard]] static std::optional<Sha256> restore(std::string_view state);

 private:
  alignas(8) std::array<std::uint8_t, 120> context_;  // SHA256_CTX, checked in the .cc
};

[[nodiscard]] Hash sha256(ByteView bytes);

}  // namespace mas::codec

// Watches what a TLS client says before it has proved anything.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "mas/core/bytes.h"

namespace mas::net {

// OpenSSL makes room for all that a ClientHello promises, up to 128 KiB, when it has seen its first
// four bytes. This one follows the records of a client from the first byte on and says when one
// promises more than `kMost`, before OpenSSL sees it. It looks at ClientHellos only, of which there
// are two where the server asks again, and ends at the first message of another kind.
class HelloWatch {
 public:
  // What OpenSSL has for messages from the start.
  static constexpr std::size_t kMost = 16 * 1024;

  // Of the next bytes that came; false: too much is promised.
  [[nodiscard]] bool pass(ByteView bytes);

 private:
  [[nodiscard]] bool take(std::uint8_t byte);
  [[nodiscard]] bool take_message(std::uint8_t byte);

  bool done_ = false;
  std::array<std::uint8_t, 5> record_{};  // header: kind, version, length
  std::size_t record_seen_ = 0;
  std::size_t record_left_ = 0;
  std::array<std::uint8_t, 4> message_{};  // header: kind, length
  std::size_t message_seen_ = 0;
  std::size_t message_left_ = 0;
};

}  // namespace mas::net

#include "net/hello_watch.h"

namespace mas::net {
namespace {

constexpr std::uint8_t kHandshakeRecord = 22;
constexpr std::uint8_t kClientHello = 1;

}  // namespace

bool HelloWatch::pass(ByteView bytes) {
  for (std::uint8_t byte : bytes) {
    if (done_) return true;
    if (!take(byte)) return false;
  }
  return true;
}

bool HelloWatch::take(std::uint8_t byte) {
  if (record_seen_ < record_.size()) {
    record_[record_seen_++] = byte;
    if (record_seen_ < record_.size()) return true;
    record_left_ = std::size_t{record_[3]} << 8 | record_[4];
  } else {
    --record_left_;
    if (record_[0] == kHandshakeRecord && !take_message(byte)) return false;
  }
  if (record_left_ == 0) record_seen_ = 0;
  return true;
}

bool HelloWatch::take_message(std::uint8_t byte) {
  if (message_seen_ == message_.size()) {
    if (--message_left_ == 0) message_seen_ = 0;
    return true;
  }
  message_[message_seen_++] = byte;
  done_ = message_[0] != kClientHello;
  if (done_ || message_seen_ < message_.size()) return true;
  message_left_ = std::size_t{message_[1]} << 16 | std::size_t{message_[2]} << 8 | message_[3];
  if (message_left_ == 0) message_seen_ = 0;
  return message_left_ <= kMost;
}

}  // namespace mas::net

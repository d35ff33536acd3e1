// The protocol of Redis as values: commands out, replies in. The work is hiredis's; here are its
// bounds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mas/core/bytes.h"
#include "mas/core/result.h"

namespace mas::auth::redis {

// The words of a command, the first one its name.
using Command = std::vector<std::string>;

[[nodiscard]] std::string encode(const Command& command);

struct Reply {
  enum class Kind { text, integer, nil, error, array };
  Kind kind = Kind::nil;
  std::string text;             // text and error
  std::int64_t integer = 0;     // integer
  std::vector<Reply> elements;  // array

  // The first word of an error, which says what kind it is: "NOSCRIPT", "WRONGPASS".
  [[nodiscard]] std::string_view error_word() const;
};

// Cuts a stream of bytes into replies.
class ReplyReader {
 public:
  ReplyReader();
  ~ReplyReader();
  ReplyReader(const ReplyReader&) = delete;
  ReplyReader& operator=(const ReplyReader&) = delete;

  // Bytes that came; then next() is asked until it has nothing more.
  // Errors: corrupt, final (see next()).
  Result<void> feed(ByteView bytes);
  // The next whole reply; nullopt: more bytes are needed. Errors: corrupt, and then for good: not
  // the protocol, a reply of over kMaxBytes, an array of over kMaxElements.
  Result<std::optional<Reply>> next();
  // Whether nothing was fed that next() has not given out.
  [[nodiscard]] bool empty() const noexcept;

  // What mas asks for is answered in less than 100 bytes.
  static constexpr std::size_t kMaxBytes = 64 * 1024;
  static constexpr std::size_t kMaxElements = 16;

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace mas::auth::redis

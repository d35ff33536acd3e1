// Errors as values: every code mas can answer with stands in this file, with its HTTP status.
//
// Functions that can fail return Result<T>; nothing in mas throws across a module's boundary.
// A Code below 6000 is part of the wire contract (doc/http.md); codes from 6000 on are internal and
// reach a client as 5000.
#pragma once

#include <string>
#include <string_view>

namespace mas {

enum class Code : int {
  ok = 200,

  internal = 5000,
  key = 5001,                 // signing key unusable
  too_few_pods_write = 5002,  // fewer holders than the write minimum
  ledger_unavailable = 5101,  // token ledger cannot be reached
  ledger_refused = 5102,      // token ledger answered with an error
  body_unreadable = 5201,     // truncated, bad chunking, bad multipart
  wrong_length = 5203,        // declared and actual length differ
  parameter_missing = 5204,
  parameter_malformed = 5205,
  token_invalid = 5301,      // unknown, expired, forged or for another file
  token_wrong_type = 15301,  // an upload token on a download call or the reverse; wire code 5301
  system_token_invalid = 5303,
  file_unreadable = 5401,
  hash_malformed = 5402,
  hash_mismatch = 5403,  // content does not hash to the name it was sent under
  damaged = 5404,        // fewer than k good shards exist anywhere
  no_such_file = 5407,
  download_failed = 5409,
  upload_not_open = 5410,
  already_stored = 5411,
  body_too_large = 5412,
  parts_missing = 5413,
  list_failed = 5414,
  metadata_unavailable = 5501,
  compress = 5601,
  decompress = 5602,
  too_few_pods_read = 5701,
  broker_unavailable = 5801,
  busy = 5901,  // a queue or budget is full; try later
  disk_full = 5902,
  no_such_route = 5910,
  method_not_allowed = 5911,
  sender_too_slow = 5912,
  head_too_large = 5913,  // header fields; HTTP 431
  uri_too_long = 15913,   // request line; HTTP 414, wire code 5913
  unsupported_media_type = 5914,
  range_unsatisfiable = 5915,
  too_many_requests = 5916,
  expectation_failed = 5917,  // HTTP 417
  not_implemented = 15917,    // unknown transfer coding; HTTP 501, wire code 5917

  // Internal: never named to a client.
  not_found = 6001,  // no such shard, key or path
  conflict = 6002,   // a compare-and-set lost
  corrupt = 6003,    // stored bytes fail their checksum or do not parse
  io = 6004,         // the operating system refused; message has the errno text
  timeout = 6005,
  closed = 6006,  // the other side or the component has gone away
  cancelled = 6007,
  stale_layout = 6008,
  invalid_argument = 6009,  // a caller's value out of range; also bad configuration
  already_exists = 6010,
  refused = 6011,  // a peer's answer that rules the operation out
};

// The HTTP status that goes with `code`; 500 for internal codes.
[[nodiscard]] int http_status(Code code) noexcept;

// The number put in the envelope's `code` field; 5000 for internal codes.
[[nodiscard]] int wire_code(Code code) noexcept;

// True for codes whose answer carries Retry-After.
[[nodiscard]] bool is_retryable(Code code) noexcept;

// The enumerator's name, e.g. "hash_mismatch"; for logs and metrics.
[[nodiscard]] std::string_view code_name(Code code) noexcept;

// What went wrong. `message` is one plain English sentence that says what to do where that is
// known; it never holds tokens, keys or paths a client should not see.
class [[nodiscard]] Error {
 public:
  Error() = default;
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  [[nodiscard]] Code code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }

  // Whether the operation may nevertheless have taken effect (a time-out after sending, say).
  // False means it certainly did not happen.
  [[nodiscard]] bool maybe_happened() const noexcept { return maybe_happened_; }
  Error& mark_maybe_happened() noexcept {
    maybe_happened_ = true;
    return *this;
  }

  // The same error with `context` and ": " before its message.
  [[nodiscard]] Error with_context(std::string_view context) const;

  friend bool operator==(const Error& a, const Error& b) noexcept { return a.code_ == b.code_; }

 private:
  Code code_ = Code::internal;
  bool maybe_happened_ = false;
  std::string message_;
};

// Error of code `io` (or `disk_full` for ENOSPC/EDQUOT, `not_found` for ENOENT) from an errno
// value.
Error error_from_errno(int errno_value, std::string_view what);

}  // namespace mas

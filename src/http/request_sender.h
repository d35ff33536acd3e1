// The sending half of a client's request.
#pragma once

#include <string>
#include <vector>

#include "mas/http/client.h"
#include "mas/net/connection.h"

namespace mas::http {

// Method, target and header names and values that can be put on the wire.
// Errors: invalid_argument.
[[nodiscard]] Result<void> check_request(const ClientRequest& request);

class RequestSender {
 public:
  RequestSender(net::Connection& connection, const Url& server, ClientRequest& request,
                Duration timeout);

  // Also the body, if it is in memory, small, and need not wait for leave. Errors: timeout, closed.
  Task<Result<void>> send_head();
  // What is left of the body. Ends early, without an error, when the server has answered already.
  // Errors: timeout, closed, those of the body's source.
  Task<Result<void>> send_body();

  // 100 Continue should be waited for before send_body().
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
  // All was sent.
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  // The error came from the body's source, not from the connection.
  [[nodiscard]] bool source_failed() const noexcept { return source_failed_; }

 private:
  void format_head();
  Task<Result<void>> send_memory();
  Task<Result<void>> send_piece(ByteView piece);
  [[nodiscard]] bool answered_early();

  net::Connection& connection_;
  const Url& server_;
  ClientRequest& request_;
  Duration timeout_;
  std::string head_;
  std::vector<ByteView> memory_;  // the body, if it is in memory
  std::uint64_t length_ = 0;      // of a body that is not chunked
  bool chunked_ = false;
  bool expects_continue_ = false;
  bool finished_ = false;
  bool source_failed_ = false;
};

}  // namespace mas::http

// The Exchange of a real connection: one request and its answer.
#pragma once

#include <memory>
#include <string>

#include "http/request_body.h"
#include "http/session_context.h"

namespace mas::http {

class SessionExchange final : public Exchange {
 public:
  // `out`: memory for heads, reused from request to request.
  SessionExchange(SessionContext& context, net::Connection& connection, InputBuffer& ahead,
                  std::string& out, Crowd::Place& place, std::shared_ptr<void>& kept,
                  ParsedRequest request);

  [[nodiscard]] const RequestHead& head() const override { return request_.head; }
  [[nodiscard]] Body& body() override { return body_; }
  void admitted() override { place_.work(); }
  void keep_until_delivered(std::shared_ptr<void> what) override;
  Task<Result<void>> respond(ResponseHead head, std::string body) override;
  Task<Result<void>> start(ResponseHead head, std::uint64_t length) override;
  Task<Result<void>> write(std::span<const Slice> pieces) override;
  Task<Result<std::size_t>> write_some(Slice bytes) override;
  Task<Result<void>> wait_for_room() override;
  [[nodiscard]] bool started() const override { return state_ == State::sent; }

  [[nodiscard]] RequestBody& request_body() noexcept { return body_; }
  // The answer went out whole.
  [[nodiscard]] bool answered() const noexcept;
  // The connection is in no state for anything more.
  [[nodiscard]] bool broken() const noexcept { return broken_; }
  // The answer said that the connection ends with it.
  [[nodiscard]] bool closing() const noexcept { return closing_; }
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  enum class State { nothing, held, sent };  // of the answer's head

  void format_head(const ResponseHead& head, std::uint64_t length);
  [[nodiscard]] bool without_body() const noexcept;
  Task<Result<void>> send(std::span<ByteView> pieces);
  [[nodiscard]] Result<void> may_write(std::uint64_t size) const;

  SessionContext& context_;
  net::Connection& connection_;
  std::string& out_;
  Crowd::Place& place_;
  std::shared_ptr<void>& kept_;
  ParsedRequest request_;
  RequestBody body_;
  State state_ = State::nothing;
  std::size_t head_sent_ = 0;  // bytes of the head that went out ahead of any of the body
  int status_ = 0;
  std::uint64_t announced_ = 0;  // body bytes to send
  std::uint64_t written_ = 0;    // of them
  bool closing_ = false;
  bool broken_ = false;
};

// Appends status line, `head`'s fields and those every answer carries. Framing fields in `head` are
// left out: the session owns them. `length` is given for answers that announce one.
struct ResponseFraming {
  bool announce_length = true;
  std::uint64_t length = 0;
  bool close = false;
  bool keep_alive_http_1_0 = false;  // say so, an HTTP/1.0 client needs it
};
void append_response_head(std::string& out, const ResponseHead& head, std::string_view request_id,
                          std::string_view date, const ResponseFraming& framing);

}  // namespace mas::http

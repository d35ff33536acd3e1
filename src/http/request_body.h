// A request's body as the session reads it: at a bearable pace, and asked for with 100 Continue.
#pragma once

#include "http/body_reader.h"
#include "http/head_parser.h"
#include "mas/config/config.h"
#include "mas/http/exchange.h"
#include "mas/net/connection.h"

namespace mas::http {

// Reads from the connection; the time spent waiting for the sender must be worth
// config::Http::min_body_rate once it exceeds body_grace. Time the handler takes does not count.
class PacedSource final : public ByteSource {
 public:
  PacedSource(net::Connection& connection, const config::Http& options)
      : connection_(connection), options_(options), credit_(options.body_grace) {}
  // Errors: sender_too_slow, body_unreadable (the sender has gone).
  Task<Result<std::size_t>> read(MutableBytes into) override;
  [[nodiscard]] bool ready() override { return connection_.readable(); }

 private:
  void earn(std::size_t bytes);

  net::Connection& connection_;
  const config::Http& options_;
  Duration credit_;  // how long the sender may keep us waiting from now on
};

class RequestBody final : public Body {
 public:
  RequestBody(net::Connection& connection, InputBuffer& ahead, const config::Http& options,
              const ParsedRequest& request);

  [[nodiscard]] std::optional<std::uint64_t> length() const override { return length_; }
  Task<Result<std::size_t>> read(MutableBytes into) override;
  // To ask for the body may have to wait for a client that takes no answers.
  [[nodiscard]] bool ready() override {
    return !(owes_continue_ && may_continue_) && reader_.ready();
  }

  // The final answer has begun: 100 Continue must not be sent any more.
  void answer_begins() noexcept { may_continue_ = false; }
  // Whether what is unread can be read away cheaply, so that the connection can be kept.
  [[nodiscard]] bool drainable(std::uint64_t limit);
  [[nodiscard]] bool complete() { return reader_.complete(); }
  [[nodiscard]] bool failed() const noexcept { return reader_.failed(); }
  [[nodiscard]] std::uint64_t taken() const noexcept { return reader_.taken(); }

 private:
  net::Connection& connection_;
  InputBuffer& ahead_;
  const config::Http& options_;
  std::optional<std::uint64_t> length_;
  PacedSource source_;
  BodyReader reader_;
  bool owes_continue_;  // the sender waits for 100 Continue
  bool may_continue_ = true;
};

}  // namespace mas::http

// One connection from its first byte to its last: requests one after the other, each answered by
// the handler, with the limits and timeouts of config::Http.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/crowd.h"
#include "http/head_parser.h"
#include "http/input_buffer.h"
#include "http/session_context.h"
#include "mas/net/connection.h"

namespace mas::http {

class SessionExchange;

// Belongs to one io thread; run() and watch() are spawned by the owner, who keeps the session until
// both have ended.
class Session {
 public:
  Session(SessionContext& context, const Executor& executor, std::unique_ptr<net::Stream> stream,
          std::string client_address);

  Task<void> run();
  // The session's timer; runs until dismiss().
  Task<void> watch() { return connection_.watchdog().run(); }
  // To be called when run() has ended, or will not begin.
  void dismiss() {
    place_.retire();
    connection_.watchdog().stop();
  }

  // Ends the connection if no request of it has come whole; else after the request it is in.
  void stop_when_idle();
  // Ends it now.
  void abort() { connection_.close(); }
  // Ends it now, for another connection. To be called once.
  void make_room() {
    made_room_ = true;
    place_.retire();
    abort();
  }
  [[nodiscard]] bool made_room() const noexcept { return made_room_; }

 private:
  // When the next head must be whole; nullopt: none of it has come, and none need come yet.
  [[nodiscard]] std::optional<Instant> head_deadline() const;
  // A whole head; nullopt: the connection is at its end.
  Task<Result<std::optional<ParsedRequest>>> read_request();
  [[nodiscard]] Result<std::optional<ParsedRequest>> parse_ahead(HeadScan& scan);
  // Whether the connection goes on.
  Task<bool> serve(ParsedRequest request);
  Task<Result<void>> call_handler(SessionExchange& exchange);
  Task<void> answer_if_unanswered(SessionExchange& exchange, Result<void> handled);
  Task<bool> conclude(SessionExchange& exchange);
  void record(const SessionExchange& exchange, Instant begun);
  Task<bool> drain(SessionExchange& exchange);
  // Answers what could not be parsed, and ends the connection.
  Task<void> refuse(Error error);
  Task<void> linger();
  // Lets go of what is kept for an answer that has arrived; whether something still is.
  [[nodiscard]] bool is_delivering();
  [[nodiscard]] bool stands_still();
  Task<void> deliver();
  void skip_blank_lines();

  SessionContext& context_;
  net::Connection connection_;
  std::string client_address_;
  InputBuffer input_;
  std::string out_;
  Crowd::Place place_;
  const Instant begun_;
  std::optional<Instant> first_byte_;  // of the request that is coming
  std::shared_ptr<void> kept_;         // until the answer has arrived
  bool delivery_begun_ = false;
  bool asked_ = false;  // one request came whole
  bool made_room_ = false;
  bool cut_short_ = false;
  bool headless_ = true;          // in its handshake, or waiting for the rest of a head
  std::uint64_t counted_in_ = 0;  // of the connection's bytes, in metrics already
  std::uint64_t counted_out_ = 0;
};

// `http` limits as the head scanner takes them.
[[nodiscard]] HeadLimits head_limits(const config::Http& options);

}  // namespace mas::http

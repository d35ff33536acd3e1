// One connection to the server: commands and their replies, each with a deadline.
#pragma once

#include <memory>

#include "auth/redis/reply.h"
#include "auth/redis/url.h"
#include "mas/net/connection.h"

namespace mas::auth::redis {

// Belongs to one io thread; one call at a time. After an error it is good for nothing more.
class Link {
 public:
  // `longest`: how far ahead deadlines mostly are.
  Link(std::unique_ptr<net::Stream> stream, Clock& clock, const Executor& executor,
       Duration longest)
      : connection_(clock, executor, std::move(stream), longest), used_(clock.now()) {}

  // Runs beside the calls until end(); its owner waits for it.
  Task<void> watch() { return connection_.watchdog().run(); }
  void end();

  // TLS, then who we are and which database.
  // Errors: timeout, closed, corrupt, refused (the message is for the log).
  Task<Result<void>> greet(const Url& url, Instant deadline);
  // Errors: timeout, closed, corrupt; maybe_happened() once it may have been sent. An error reply
  // is a Reply.
  Task<Result<Reply>> ask(Command command, Instant deadline);

  // Whether another call may begin: nothing failed, nothing came unasked, not too long unused.
  [[nodiscard]] bool fresh();
  // Makes fresh() false.
  void spoil() noexcept { sound_ = false; }

 private:
  Task<Result<void>> greet_with(Command command, bool secret, Instant deadline);
  Task<Result<Reply>> exchange(Command command, Instant deadline);

  net::Connection connection_;
  ReplyReader reader_;
  Instant used_;
  bool sound_ = true;
};

}  // namespace mas::auth::redis

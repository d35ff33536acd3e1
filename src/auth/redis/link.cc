#include "auth/redis/link.h"

#include <array>

namespace mas::auth::redis {
namespace {

// Balancers and firewalls forget connections that are silent for a minute or more, and say nothing.
constexpr Duration kLongestIdle = std::chrono::seconds(30);
// How much of an error is kept for the log.
constexpr std::size_t kErrorText = 200;

}  // namespace

void Link::end() {
  sound_ = false;
  connection_.close();
  connection_.watchdog().stop();
}

Task<Result<void>> Link::greet(const Url& url, Instant deadline) {
  MAS_CO_CHECK(co_await connection_.handshake(deadline - connection_.clock().now()));
  if (!url.password.empty()) {
    Command command{"AUTH"};
    if (!url.user.empty()) command.push_back(url.user);
    command.push_back(url.password);
    auto greeting = greet_with(std::move(command), true, deadline);
    MAS_CO_CHECK(co_await std::move(greeting));
  }
  if (!url.database.empty()) {
    auto greeting = greet_with(Command{"SELECT", url.database}, false, deadline);
    MAS_CO_CHECK(co_await std::move(greeting));
  }
  co_return Result<void>();
}

Task<Result<void>> Link::greet_with(Command command, bool secret, Instant deadline) {
  auto asking = ask(std::move(command), deadline);
  Result<Reply> reply = co_await std::move(asking);
  // Whatever became of the greeting, the call itself has not been sent.
  if (reply.has_error()) co_return Error(reply.error().code(), reply.error().message());
  if (reply->kind == Reply::Kind::text) co_return Result<void>();
  if (reply->kind != Reply::Kind::error) {
    co_return Error(Code::corrupt, "The answer to a greeting is not one of Redis.");
  }
  // Only its first word where a password was sent: some servers repeat the command.
  std::string said = secret ? std::string(reply->error_word()) : reply->text.substr(0, kErrorText);
  co_return Error(Code::refused, said);
}

Task<Result<Reply>> Link::ask(Command command, Instant deadline) {
  std::uint64_t written = connection_.bytes_written();
  auto exchanging = exchange(std::move(command), deadline);
  Result<Reply> reply = co_await std::move(exchanging);
  used_ = connection_.clock().now();
  if (reply.has_error()) {
    sound_ = false;
    Error error = reply.error();
    if (connection_.bytes_written() > written) error.mark_maybe_happened();
    co_return error;
  }
  co_return reply;
}

Task<Result<Reply>> Link::exchange(Command command, Instant deadline) {
  std::string bytes = encode(command);
  ByteView piece = as_bytes(bytes);
  Duration left = deadline - connection_.clock().now();
  MAS_CO_CHECK(co_await connection_.write_all({&piece, 1}, left));
  std::array<std::uint8_t, 4096> buffer;
  while (true) {
    MAS_CO_TRY(std::optional<Reply> reply, reader_.next());
    if (reply) {
      // An answer nobody asked for would be taken for the next call's.
      if (reader_.empty()) co_return std::move(*reply);
      co_return Error(Code::corrupt, "There is more than one answer to a call.");
    }
    MAS_CO_TRY(std::size_t size, co_await connection_.read(buffer, deadline));
    if (size == 0) co_return Error(Code::closed, "The server closed the connection.");
    MAS_CO_CHECK(reader_.feed(ByteView(buffer).first(size)));
  }
}

bool Link::fresh() {
  return sound_ && reader_.empty() && connection_.quiet() &&
         connection_.clock().now() - used_ < kLongestIdle;
}

}  // namespace mas::auth::redis

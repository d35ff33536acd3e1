#include "http/refusal.h"

#include <array>

namespace mas::http {
namespace {

Task<Result<void>> say(net::Connection& connection, std::string_view answer) {
  std::array<ByteView, 1> pieces{as_bytes(answer)};
  MAS_CO_CHECK(co_await connection.handshake(kRefusalTimeout));
  MAS_CO_CHECK(co_await connection.write_all(pieces, kRefusalTimeout));
  MAS_CO_CHECK(co_await connection.shutdown_send(kRefusalTimeout));
  // The request may be on its way: closing now would reset the connection and lose the answer.
  Instant deadline = connection.clock().now() + kRefusalTimeout;
  std::array<std::uint8_t, 1024> scratch{};
  std::size_t size = 1;
  while (size > 0) {
    MAS_CO_TRY(size, co_await connection.read(scratch, deadline));
  }
  co_return Result<void>();
}

}  // namespace

Task<void> refuse_connection(std::shared_ptr<net::Connection> connection, std::string answer) {
  // Whether the client listened changes nothing.
  (void)co_await say(*connection, answer);
  connection->close();
  connection->watchdog().stop();
}

}  // namespace mas::http

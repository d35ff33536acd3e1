#include "membership/amqp_connection.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>

#include "membership/amqp_error.h"
#include "membership/amqp_tls.h"
#include "membership/heartbeat_wire.h"

namespace mas::membership {
namespace {

constexpr amqp_channel_t kChannel = 1;
constexpr int kFrameMax = 131072;
// A thousand pods, each heard every 2 s, for as long as a message lives by default, and some more.
constexpr std::int64_t kQueueLength = 8192;
constexpr int kFramesARound = 1024;

timeval as_timeval(Duration d) {
  auto micros = std::max<std::int64_t>(
      1000, std::chrono::duration_cast<std::chrono::microseconds>(d).count());
  return {static_cast<time_t>(micros / 1'000'000), static_cast<suseconds_t>(micros % 1'000'000)};
}

amqp_table_entry_t entry(const char* key, std::int64_t number) {
  amqp_table_entry_t made{};
  made.key = amqp_cstring_bytes(key);
  made.value.kind = AMQP_FIELD_KIND_I64;
  made.value.value.i64 = number;
  return made;
}

amqp_table_entry_t entry(const char* key, const char* text) {
  amqp_table_entry_t made{};
  made.key = amqp_cstring_bytes(key);
  made.value.kind = AMQP_FIELD_KIND_UTF8;
  made.value.value.bytes = amqp_cstring_bytes(text);
  return made;
}

amqp_table_entry_t entry(const char* key, bool truth) {
  amqp_table_entry_t made{};
  made.key = amqp_cstring_bytes(key);
  made.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  made.value.value.boolean = truth ? 1 : 0;
  return made;
}

amqp_table_entry_t entry(const char* key, const amqp_table_t& table) {
  amqp_table_entry_t made{};
  made.key = amqp_cstring_bytes(key);
  made.value.kind = AMQP_FIELD_KIND_TABLE;
  made.value.value.table = table;
  return made;
}

// What a message has under `name` in its headers, if it may belong to a seal; else "".
std::string header_text(const amqp_basic_properties_t& properties, std::string_view name) {
  if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) == 0) return "";
  for (int i = 0; i < properties.headers.num_entries; ++i) {
    const amqp_table_entry_t& one = properties.headers.entries[i];
    const bool is_text = one.value.kind == AMQP_FIELD_KIND_UTF8;
    if (as_text(one.key) != name || !is_text) continue;
    return std::string(as_text(one.value.value.bytes).substr(0, Seal::kMaxText));
  }
  return "";
}

}  // namespace

struct AmqpConnection::State {
  enum class Expecting { method, header, body };

  explicit State(Clock& time) : clock(time), connection(amqp_new_connection()) {
    MAS_ASSERT(connection != nullptr);
  }
  ~State() { amqp_destroy_connection(connection); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  // Gives the next call what is left of the time for open().
  Result<void> next_step(std::string_view doing) {
    Duration left = deadline - clock.now();
    if (left <= Duration::zero()) return amqp_failure(doing, AMQP_STATUS_TIMEOUT);
    timeval limit = as_timeval(left);
    amqp_set_handshake_timeout(connection, &limit);
    amqp_set_rpc_timeout(connection, &limit);
    return {};
  }
  Result<void> answered(std::string_view doing) {
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(connection);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) return amqp_failure(doing, reply);
    return {};
  }

  Result<void> connect(const AmqpSetUp& set_up);
  Result<void> log_in(const AmqpSetUp& set_up);
  Result<void> declare(const AmqpSetUp& set_up);

  Result<void> take(const amqp_frame_t& frame, Events& events);
  Result<void> take_method(const amqp_method_t& method, Events& events);
  void take_body(const amqp_bytes_t& piece);
  void end_message(Events& events);

  Clock& clock;
  Instant deadline;
  amqp_connection_state_t connection;
  std::string exchange;
  std::uint64_t sent = 0;

  // The message that is arriving.
  Expecting expecting = Expecting::method;
  std::uint64_t body_left = 0;
  bool oversized = false;
  std::string body;
  Seal seal;
};

Result<void> AmqpConnection::State::connect(const AmqpSetUp& set_up) {
  const AmqpTarget& target = set_up.target;
  amqp_socket_t* socket = nullptr;
  if (target.tls) {
    MAS_TRY(socket, make_tls_socket(connection, target.host, set_up.ca_file));
  } else {
    socket = amqp_tcp_socket_new(connection);
    MAS_ASSERT(socket != nullptr);
  }
  timeval limit = as_timeval(set_up.timeout);
  int status = amqp_socket_open_noblock(socket, target.host.c_str(), target.port, &limit);
  if (status != AMQP_STATUS_OK) return amqp_failure("connecting", status);
  // All that may be unconfirmed fits in it, so that sending never waits for a broker that hangs.
  int size = kSendBuffer;
  if (setsockopt(amqp_get_sockfd(connection), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0) {
    return Error(Code::broker_unavailable, "connecting: the socket's buffer cannot be set");
  }
  return {};
}

Result<void> AmqpConnection::State::log_in(const AmqpSetUp& set_up) {
  const AmqpTarget& target = set_up.target;
  MAS_CHECK(next_step("logging in"));
  // What a broker tells only those that say they understand it; the driver adds its own.
  amqp_table_entry_t understood[] = {entry("connection.blocked", true), entry("basic.nack", true),
                                     entry("consumer_cancel_notify", true)};
  amqp_table_entry_t entries[] = {entry("connection_name", set_up.name.c_str()),
                                  entry("product", "mas"),
                                  entry("capabilities", amqp_table_t{3, understood})};
  amqp_table_t properties{3, entries};
  amqp_rpc_reply_t reply = amqp_login_with_properties(
      connection, target.vhost.c_str(), 0, kFrameMax, static_cast<int>(set_up.silence.count()),
      &properties, AMQP_SASL_METHOD_PLAIN, target.user.c_str(), target.password.c_str());
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) return amqp_failure("logging in", reply);
  MAS_CHECK(next_step("opening a channel"));
  amqp_channel_open(connection, kChannel);
  return answered("opening a channel");
}

Result<void> AmqpConnection::State::declare(const AmqpSetUp& set_up) {
  amqp_bytes_t where = amqp_cstring_bytes(set_up.exchange.c_str());
  MAS_CHECK(next_step("declaring the exchange"));
  // Durable and not auto-delete: one that went with its last queue could be gone between another
  // pod's declaring it and binding to it. What stays behind is a name, once for each cluster.
  amqp_exchange_declare(connection, kChannel, where, amqp_cstring_bytes("fanout"), 0, 1, 0, 0,
                        amqp_empty_table);
  MAS_CHECK(answered("declaring the exchange"));

  MAS_CHECK(next_step("declaring the queue"));
  auto life = std::chrono::duration_cast<std::chrono::milliseconds>(set_up.message_life).count();
  amqp_table_entry_t entries[] = {entry("x-max-length", kQueueLength),
                                  entry("x-overflow", "drop-head"),
                                  entry("x-message-ttl", std::int64_t{life})};
  amqp_table_t arguments{3, entries};
  // Not durable, exclusive, auto-delete; the broker names it.
  amqp_queue_declare_ok_t* queue =
      amqp_queue_declare(connection, kChannel, amqp_empty_bytes, 0, 0, 1, 1, arguments);
  MAS_CHECK(answered("declaring the queue"));
  std::string name(as_text(queue->queue));

  MAS_CHECK(next_step("binding the queue"));
  amqp_queue_bind(connection, kChannel, amqp_cstring_bytes(name.c_str()), where, amqp_empty_bytes,
                  amqp_empty_table);
  MAS_CHECK(answered("binding the queue"));
  MAS_CHECK(next_step("asking for confirms"));
  amqp_confirm_select(connection, kChannel);
  MAS_CHECK(answered("asking for confirms"));
  MAS_CHECK(next_step("consuming"));
  // No acknowledgements: a heartbeat that is lost is followed by the next.
  amqp_basic_consume(connection, kChannel, amqp_cstring_bytes(name.c_str()), amqp_empty_bytes, 0, 1,
                     1, amqp_empty_table);
  return answered("consuming");
}

AmqpConnection::AmqpConnection(std::unique_ptr<State> state) : state_(std::move(state)) {}
AmqpConnection::~AmqpConnection() = default;

Result<std::unique_ptr<AmqpConnection>> AmqpConnection::open(const AmqpSetUp& set_up,
                                                             Clock& clock) {
  auto state = std::make_unique<State>(clock);
  state->deadline = clock.now() + set_up.timeout;
  state->exchange = set_up.exchange;
  MAS_CHECK(state->connect(set_up));
  MAS_CHECK(state->log_in(set_up));
  MAS_CHECK(state->declare(set_up));
  return std::unique_ptr<AmqpConnection>(new AmqpConnection(std::move(state)));
}

void AmqpConnection::close(Duration timeout) {
  timeval limit = as_timeval(timeout);
  amqp_set_rpc_timeout(state_->connection, &limit);
  amqp_connection_close(state_->connection, AMQP_REPLY_SUCCESS);
}

Result<std::uint64_t> AmqpConnection::send(std::string_view message, const Seal& seal) {
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.content_type = amqp_cstring_bytes("application/json");
  properties.delivery_mode = AMQP_DELIVERY_NONPERSISTENT;
  amqp_table_entry_t headers[] = {entry(Seal::kKeyHeader, seal.key.c_str()),
                                  entry(Seal::kMacHeader, seal.mac.c_str())};
  if (!seal.mac.empty()) {
    properties._flags |= AMQP_BASIC_HEADERS_FLAG;
    properties.headers = amqp_table_t{2, headers};
  }
  // The driver only reads it, but takes no pointer to const.
  amqp_bytes_t body{message.size(), const_cast<char*>(message.data())};
  int status =
      amqp_basic_publish(state_->connection, kChannel, amqp_cstring_bytes(state_->exchange.c_str()),
                         amqp_empty_bytes, 0, 0, &properties, body);
  if (status != AMQP_STATUS_OK) return amqp_failure("publishing", status);
  return ++state_->sent;
}

Result<bool> AmqpConnection::receive(Events& events) {
  for (int i = 0; i < kFramesARound; ++i) {
    amqp_frame_t frame;
    timeval at_once{0, 0};
    int status = amqp_simple_wait_frame_noblock(state_->connection, &frame, &at_once);
    if (status == AMQP_STATUS_TIMEOUT) return false;
    if (status != AMQP_STATUS_OK) return amqp_failure("receiving", status);
    MAS_CHECK(state_->take(frame, events));
    amqp_maybe_release_buffers(state_->connection);
  }
  return true;
}

int AmqpConnection::socket() const { return amqp_get_sockfd(state_->connection); }

Result<void> AmqpConnection::State::take(const amqp_frame_t& frame, Events& events) {
  if (frame.frame_type == AMQP_FRAME_METHOD) return take_method(frame.payload.method, events);
  if (frame.frame_type == AMQP_FRAME_HEADER && expecting == Expecting::header) {
    body_left = frame.payload.properties.body_size;
    oversized = body_left > kMaxHeartbeatBytes;
    body.clear();
    const auto* properties =
        static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    seal = {header_text(*properties, Seal::kKeyHeader), header_text(*properties, Seal::kMacHeader)};
    expecting = Expecting::body;
    if (body_left == 0) end_message(events);
    return {};
  }
  if (frame.frame_type == AMQP_FRAME_BODY && expecting == Expecting::body) {
    take_body(frame.payload.body_fragment);
    if (body_left == 0) end_message(events);
    return {};
  }
  return amqp_failure("receiving", AMQP_STATUS_BAD_AMQP_DATA);
}

void AmqpConnection::State::take_body(const amqp_bytes_t& piece) {
  std::uint64_t size = std::min<std::uint64_t>(piece.len, body_left);
  body_left -= size;
  if (!oversized) body.append(as_text(piece).substr(0, size));
}

void AmqpConnection::State::end_message(Events& events) {
  expecting = Expecting::method;
  if (oversized) {
    events.heard_oversized();
  } else {
    events.heard(body, seal);
  }
}

Result<void> AmqpConnection::State::take_method(const amqp_method_t& method, Events& events) {
  switch (method.id) {
    case AMQP_BASIC_DELIVER_METHOD:
      expecting = Expecting::header;
      return {};
    case AMQP_BASIC_ACK_METHOD: {
      auto* ack = static_cast<amqp_basic_ack_t*>(method.decoded);
      events.confirmed(ack->delivery_tag, ack->multiple != 0, true);
      return {};
    }
    case AMQP_BASIC_NACK_METHOD: {
      auto* nack = static_cast<amqp_basic_nack_t*>(method.decoded);
      events.confirmed(nack->delivery_tag, nack->multiple != 0, false);
      return {};
    }
    case AMQP_CONNECTION_BLOCKED_METHOD:
      events.blocked(as_text(static_cast<amqp_connection_blocked_t*>(method.decoded)->reason));
      return {};
    case AMQP_CONNECTION_UNBLOCKED_METHOD:
      events.unblocked();
      return {};
    case AMQP_BASIC_CANCEL_METHOD:
      return Error(Code::broker_unavailable, "receiving: this pod's queue is gone");
    case AMQP_CHANNEL_CLOSE_METHOD: {
      auto* closed = static_cast<amqp_channel_close_t*>(method.decoded);
      return amqp_closed("receiving", closed->reply_code, closed->reply_text);
    }
    case AMQP_CONNECTION_CLOSE_METHOD: {
      auto* closed = static_cast<amqp_connection_close_t*>(method.decoded);
      Error why = amqp_closed("receiving", closed->reply_code, closed->reply_text);
      amqp_connection_close_ok_t ok{};
      amqp_send_method(connection, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
      return why;
    }
    default:
      return {};  // nothing we asked for
  }
}

}  // namespace mas::membership

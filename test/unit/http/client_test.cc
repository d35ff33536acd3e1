#include "mas/http/client.h"

#include <future>

#include "client_request.h"
#include "server_rig.h"
#include "support/fake_clock.h"
#include "support/scripted_server.h"
#include "support/tcp_relay.h"
#include "support/text_source.h"

using namespace mas;
using namespace mas::http;
using namespace mas::test;

namespace {

Url url_of(const std::string& address) { return must(parse_url("http://" + address)); }

// Runs `steps(client)` with a client on an io thread of its own.
template <class Steps>
void with_client(const std::string& address, Clock& clock, Steps steps,
                 ClientOptions options = {}) {
  IoThreads io(1);
  Gate gate;
  std::promise<void> done;
  auto run = [](Executor executor, Url url, ClientOptions opts, Clock& the_clock, Steps& body,
                std::promise<void>& finished) -> Task<void> {
    auto client = make_client(executor, std::move(url), std::move(opts), the_clock);
    co_await body(*client);
    client.reset();
    finished.set_value();
  };
  REQUIRE(spawn(io.executor(0), gate,
                run(io.executor(0), url_of(address), options, clock, steps, done), "test"));
  // Only now: Catch's assertions are for one thread at a time.
  io.start();
  done.get_future().wait();
  run_blocking(gate.close());
}

struct Got {
  Code code = Code::ok;
  bool maybe_happened = false;
  int status = 0;
  std::string body;
  Code body_code = Code::ok;
};

Task<Got> ask(Client& client, ClientRequest request) {
  Got got;
  Result<ResponseHead> head = co_await client.send(std::move(request));
  if (head.has_error()) {
    got.code = head.error().code();
    got.maybe_happened = head.error().maybe_happened();
    co_return got;
  }
  got.status = head->status;
  Result<std::string> body = co_await client.read_all(100 << 20);
  if (body.has_error()) {
    got.body_code = body.error().code();
  } else {
    got.body = std::move(*body);
  }
  co_return got;
}

// Sends `sent` to a server that plays `script`; what the client makes of it.
Got ask_script(ScriptedServer& server, ClientRequest sent, ClientOptions options = {}) {
  auto clock = make_system_clock();
  Got got;
  auto steps = [&](Client& client) -> Task<void> { got = co_await ask(client, std::move(sent)); };
  with_client(server.address(), *clock, steps, options);
  return got;
}

}  // namespace

TEST_CASE("URLs of servers are taken apart") {
  Url url = must(parse_url("http://127.0.0.1:7080"));
  CHECK((!url.tls && url.host == "127.0.0.1" && url.port == "7080" && url.path.empty()));
  url = must(parse_url("HTTPS://example.org/base"));
  CHECK((url.tls && url.host == "example.org" && url.port == "443" && url.path == "/base"));
  url = must(parse_url("http://[::1]:80/"));
  CHECK((url.host == "::1" && url.port == "80" && url.path.empty()));
  for (std::string_view text :
       {"", "localhost", "localhost:7080", "ftp://a", "http://", "http:///x", "http://a:99999",
        "http://a:x", "http://a:", "http://a:1x", "http://[::1]x", "http://a:0", "http://u:p@a",
        "http://a?x", "http://a#x", "http://a b", "http://:80"}) {
    INFO(text);
    CHECK(code_of(parse_url(text)) == Code::invalid_argument);
  }
}

TEST_CASE("A client asks again and again over one connection") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.start();
  auto steps = [&](Client& client) -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      Got got = co_await ask(client, request("POST", "/echo", "text" + std::to_string(i)));
      CHECK(got.status == 200);
      CHECK(got.body == "text" + std::to_string(i));
    }
    Got head = co_await ask(client, request("HEAD", "/stream"));
    CHECK(head.status == 200);
    CHECK(head.body.empty());
    Got large = co_await ask(client, request("GET", "/stream"));
    CHECK(large.body.size() == std::size_t{64} << 20);
    CHECK(rig.metric("mas_http_connections") == 1);
  };
  with_client(rig.address(), *clock, steps);
}

TEST_CASE("An answer that was not read to its end costs a new connection, nothing more") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.start();
  auto steps = [](Client& client) -> Task<void> {
    ClientRequest first = request("GET", "/stream");
    Result<ResponseHead> head = co_await client.send(std::move(first));
    CHECK(head.has_value());
    Got got = co_await ask(client, request("GET", "/hello"));
    CHECK(got.body == "hello");
  };
  with_client(rig.address(), *clock, steps);
}

TEST_CASE("Bodies are sent from sources, with a length or chunked") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.start();
  auto steps = [](Client& client) -> Task<void> {
    TextSource small("hello", 2);
    ClientRequest with_length = request("POST", "/echo");
    with_length.body = &small;
    with_length.length = 5;
    Got got = co_await ask(client, std::move(with_length));
    CHECK(got.body == "hello");

    TextSource large(std::string(5'000'000, 'x'), 70'000);
    ClientRequest asks_first = request("PUT", "/count");
    asks_first.body = &large;
    asks_first.length = 5'000'000;
    got = co_await ask(client, std::move(asks_first));
    CHECK(got.body == "5000000");

    TextSource unknown(std::string(3'000'000, 'x'), 70'000);
    ClientRequest chunked = request("POST", "/count");
    chunked.body = &unknown;
    got = co_await ask(client, std::move(chunked));
    CHECK(got.body == "3000000");

    got = co_await ask(client, request("POST", "/count", std::string(2'000'000, 'x')));
    CHECK(got.body == "2000000");

    TextSource nothing("");
    ClientRequest empty = request("PUT", "/echo");
    empty.body = &nothing;
    empty.length = 0;
    got = co_await ask(client, std::move(empty));
    CHECK(got.status == 200);
  };
  with_client(rig.address(), *clock, steps);
}

TEST_CASE("Bodies in several pieces are sent from where they lie, small and large") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.start();
  auto piece = [](std::string_view text) { return Slice::copy_of(as_bytes(text)); };
  std::string large(3'000'000, 'y');
  auto steps = [&](Client& client) -> Task<void> {
    ClientRequest small = request("PUT", "/echo");
    for (int i = 0; i < 100; ++i) small.pieces.push_back(piece(std::to_string(i) + ","));
    small.pieces.push_back(Slice());
    std::string joined;
    for (const Slice& one : small.pieces) joined += as_text(one.view());
    Got got = co_await ask(client, std::move(small));
    CHECK(got.body == joined);
    for (bool ask_first : {true, false}) {
      ClientRequest big = request("POST", "/count");
      big.pieces = {piece("head"), piece(large), Slice(), piece("tail")};
      big.ask_first = ask_first;
      got = co_await ask(client, std::move(big));
      CHECK(got.body == "3000008");
    }
  };
  with_client(rig.address(), *clock, steps);
}

TEST_CASE("A body is read into one buffer, up to its end or the buffer's") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.start();
  auto steps = [](Client& client) -> Task<void> {
    ClientRequest asked = request("POST", "/echo", std::string(50'000, 'z') + "end");
    Result<ResponseHead> head = co_await client.send(std::move(asked));
    CHECK(head.has_value());
    std::vector<std::uint8_t> buffer(50'001);
    Result<std::size_t> size = co_await client.read_full(buffer);
    CHECK(must(size) == 50'001);
    CHECK(buffer.back() == 'e');
    size = co_await client.read_full(buffer);
    CHECK(must(size) == 2);
    CHECK(buffer[1] == 'd');
    size = co_await client.read_full(buffer);
    CHECK(must(size) == 0);
  };
  with_client(rig.address(), *clock, steps);
}

TEST_CASE("A refused large body is not sent") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.start();
  auto steps = [](Client& client) -> Task<void> {
    TextSource large(std::string(5'000'000, 'x'));
    ClientRequest refused = request("POST", "/refuse");
    refused.body = &large;
    refused.length = 5'000'000;
    Got got = co_await ask(client, std::move(refused));
    CHECK(got.status == 401);
    CHECK(got.body == "refused");
    CHECK(large.taken() == 0);
    got = co_await ask(client, request("GET", "/hello"));
    CHECK(got.body == "hello");
  };
  with_client(rig.address(), *clock, steps);
}

TEST_CASE("A body whose source fails or ends early fails the request") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.start();
  auto steps = [](Client& client) -> Task<void> {
    TextSource failing("abc");
    failing.fail_at_end(Error(Code::file_unreadable, "gone"));
    ClientRequest first = request("POST", "/echo");
    first.body = &failing;
    first.length = 10;
    Got got = co_await ask(client, std::move(first));
    CHECK(got.code == Code::file_unreadable);

    TextSource shorter("abc");
    ClientRequest second = request("POST", "/echo");
    second.body = &shorter;
    second.length = 10;
    got = co_await ask(client, std::move(second));
    CHECK(got.code == Code::invalid_argument);

    got = co_await ask(client, request("GET", "/hello"));
    CHECK(got.body == "hello");
  };
  with_client(rig.address(), *clock, steps);
}

TEST_CASE("Requests that cannot be put on the wire are refused") {
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.start();
  auto steps = [](Client& client) -> Task<void> {
    for (std::string target : {"", "x", "/a b", "/a\r\n", "/\xc3\xa9"}) {
      Got got = co_await ask(client, request("GET", target));
      CHECK(got.code == Code::invalid_argument);
    }
    Got method = co_await ask(client, request("GE T", "/"));
    CHECK(method.code == Code::invalid_argument);
    ClientRequest injected = request("GET", "/hello");
    injected.headers.add("X", "a\r\nY: b");
    Got header = co_await ask(client, std::move(injected));
    CHECK(header.code == Code::invalid_argument);
  };
  with_client(rig.address(), *clock, steps);
}

TEST_CASE("A server that is not there is closed, and nothing can have happened") {
  auto clock = make_system_clock();
  std::string address;
  {
    ScriptedServer gone({});
    address = gone.address();
  }
  auto steps = [](Client& client) -> Task<void> {
    Got got = co_await ask(client, request("POST", "/hello", "x"));
    CHECK(got.code == Code::closed);
    CHECK_FALSE(got.maybe_happened);
  };
  with_client(address, *clock, steps);
}

TEST_CASE("Answers of other servers are understood") {
  ScriptedServer chunked(
      {{Play::expect_head(), Play::say("HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                                       "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")}});
  CHECK(ask_script(chunked, request("GET", "/")).body == "abc");
  ScriptedServer until_end({{Play::expect_head(), Play::say("HTTP/1.0 200 OK\r\n\r\nabc")}});
  CHECK(ask_script(until_end, request("GET", "/")).body == "abc");
  ScriptedServer interim(
      {{Play::expect_head(),
        Play::say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: "
                  "x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc")}});
  CHECK(ask_script(interim, request("GET", "/")).body == "abc");
}

TEST_CASE("Broken answers are told apart") {
  ScriptedServer nothing({{Play::expect_head()}});
  Got got = ask_script(nothing, request("POST", "/", "x"));
  CHECK(got.code == Code::closed);
  CHECK(got.maybe_happened);
  ScriptedServer other({{Play::expect_head(), Play::say("SSH-2.0-x\r\n\r\n")}});
  CHECK(ask_script(other, request("GET", "/")).code == Code::corrupt);
  ScriptedServer cut(
      {{Play::expect_head(), Play::say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")}});
  CHECK(ask_script(cut, request("GET", "/")).body_code == Code::closed);
  ScriptedServer bad_chunk(
      {{Play::expect_head(),
        Play::say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}});
  CHECK(ask_script(bad_chunk, request("GET", "/")).body_code == Code::corrupt);
}

TEST_CASE("A kept connection that the server closed meanwhile is replaced") {
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
  ScriptedServer server({{Play::expect_head(), Play::say(answer + "a")},
                         {Play::expect_head(), Play::say(answer + "b")}});
  auto clock = make_system_clock();
  auto steps = [&](Client& client) -> Task<void> {
    Got first = co_await ask(client, request("GET", "/"));
    CHECK(first.body == "a");
    Got second = co_await ask(client, request("GET", "/"));
    CHECK(second.body == "b");
  };
  with_client(server.address(), *clock, steps);
}

TEST_CASE("A server that answers early and hangs up is heard") {
  ScriptedServer server(
      {{Play::expect_head(), Play::say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 507 Full\r\n"
                                       "Content-Length: 4\r\nConnection: close\r\n\r\nfull")}});
  TextSource large(std::string(200'000'000, 'x'));
  ClientRequest put = request("PUT", "/");
  put.body = &large;
  put.length = 200'000'000;
  Got got = ask_script(server, std::move(put));
  CHECK(got.status == 507);
  CHECK(got.body == "full");
  CHECK(large.taken() < 200'000'000);
}

TEST_CASE("A server that stays silent is given up at the time-out") {
  ScriptedServer server({{Play::expect_head(), Play::wait_for_end()}});
  FakeClock clock;
  IoThreads io(1);
  io.start();
  Gate gate;
  std::promise<Got> answered;
  auto run = [](Executor executor, Url url, Clock& the_clock,
                std::promise<Got>& out) -> Task<void> {
    auto client = make_client(executor, std::move(url), {}, the_clock);
    Got got = co_await ask(*client, request("GET", "/"));
    client.reset();
    out.set_value(std::move(got));
  };
  REQUIRE(spawn(io.executor(0), gate,
                run(io.executor(0), url_of(server.address()), clock, answered), "test"));
  auto future = answered.get_future();
  while (future.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) {
    clock.advance(std::chrono::seconds(1));
  }
  Got got = future.get();
  CHECK(got.code == Code::timeout);
  CHECK(clock.now().since_start >= ClientOptions().io_timeout);
  run_blocking(gate.close());
}

TEST_CASE("A request that a kept connection swallowed is sent again only if that is harmless") {
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
  auto clock = make_system_clock();
  struct Case {
    std::string method;
    std::optional<bool> repeatable;
    bool again;
  };
  for (const Case& one : {Case{"GET", {}, true}, Case{"PUT", {}, true}, Case{"POST", {}, false},
                          Case{"POST", true, true}, Case{"PUT", false, false}}) {
    // The first connection takes the second request and ends without a word.
    ScriptedServer server({{Play::expect_head(), Play::say(answer + "a"), Play::expect_head()},
                           {Play::expect_head(), Play::say(answer + "b")}});
    auto steps = [&](Client& client) -> Task<void> {
      Got first = co_await ask(client, request("GET", "/"));
      CHECK(first.body == "a");
      ClientRequest swallowed = request(one.method, "/");
      swallowed.repeatable = one.repeatable;
      Got second = co_await ask(client, std::move(swallowed));
      INFO(one.method);
      CHECK(second.body == (one.again ? "b" : ""));
      CHECK(second.code == (one.again ? Code::ok : Code::closed));
      CHECK(second.maybe_happened == !one.again);
    };
    with_client(server.address(), *clock, steps);
    // Lets the second script play where the client did not come for it.
    if (!one.again) RawClient(server.address()).send("\r\n\r\n");
  }
}

TEST_CASE("What may have happened at first is not forgotten where sending again fails") {
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
  auto clock = make_system_clock();
  // Nobody listens any more when the second request is to be sent again.
  auto server = std::make_unique<ScriptedServer>(std::vector<std::vector<Play>>{
      {Play::expect_head(), Play::say(answer + "a"), Play::expect_head(), Play::stop_listening()}});
  auto steps = [&](Client& client) -> Task<void> {
    Got first = co_await ask(client, request("GET", "/"));
    CHECK(first.body == "a");
    Got second = co_await ask(client, request("GET", "/"));
    CHECK(second.code == Code::closed);
    CHECK(second.maybe_happened);
  };
  with_client(server->address(), *clock, steps);
}

TEST_CASE("A call is given up with close(), and not begun again") {
  TcpRelay silent("");
  auto clock = make_system_clock();
  IoThreads io(1);
  io.start();
  Gate gate;
  auto client = make_client(io.executor(0), url_of(silent.address()), {}, *clock);
  std::promise<Got> answered;
  auto run = [](Client& asked, std::promise<Got>& out) -> Task<void> {
    Got got = co_await ask(asked, request("GET", "/"));
    out.set_value(std::move(got));
  };
  REQUIRE(spawn(io.executor(0), gate, run(*client, answered), "test"));
  while (silent.sent() == 0) std::this_thread::yield();
  auto give_up = [](Client& asked) -> Task<void> {
    asked.close();
    co_return;
  };
  REQUIRE(spawn(io.executor(0), gate, give_up(*client), "test"));
  CHECK(answered.get_future().get().code == Code::closed);
  run_blocking(gate.close());
  CHECK(silent.accepted() == 1);
}

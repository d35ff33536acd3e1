#include "mas/http/server.h"

#include <thread>

#include "server_rig.h"

using namespace mas;
using namespace mas::test;

namespace {

// A server with the system's clock.
struct Plain {
  std::unique_ptr<Clock> clock = make_system_clock();
  ServerRig rig{*clock};
  Plain() { rig.options.linger_bytes = std::uint64_t{1} << 30; }
  std::string start() {
    rig.start();
    return rig.address();
  }
};

}  // namespace

TEST_CASE("An answer carries the headers that every answer carries") {
  Plain plain;
  RawClient client(plain.start());
  RawAnswer answer = client.ask(get("/hello"));
  CHECK(answer.status == 200);
  CHECK(answer.head.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.body == "hello");
  CHECK(answer.field("Mas-Request-Id").size() == 16);
  CHECK(answer.field("X-Content-Type-Options") == "nosniff");
  CHECK(answer.field("Referrer-Policy") == "no-referrer");
  CHECK(answer.field("Date").ends_with(" GMT"));
  CHECK(answer.field("X-Path") == "/hello");
  CHECK(answer.field("Connection").empty());
}

TEST_CASE("A connection is kept for the next request, each with an id of its own") {
  Plain plain;
  RawClient client(plain.start());
  std::string first = client.ask(get("/hello")).field("Mas-Request-Id");
  std::string second = client.ask(get("/hello")).field("Mas-Request-Id");
  CHECK(first != second);
  CHECK(client.ask(post("/echo", "abc")).body == "abc");
  CHECK(client.ask("\r\n" + get("/hello")).status == 200);
}

TEST_CASE("Pipelined requests are answered in order") {
  Plain plain;
  RawClient client(plain.start());
  client.send(post("/echo", "one") + post("/echo", "two") + get("/hello"));
  CHECK(client.read_answer().body == "one");
  CHECK(client.read_answer().body == "two");
  CHECK(client.read_answer().body == "hello");
}

TEST_CASE("A request may come byte by byte") {
  Plain plain;
  RawClient client(plain.start());
  for (char c : post("/echo", "abc")) client.send(std::string(1, c));
  CHECK(client.read_answer().body == "abc");
}

TEST_CASE("Connection: close and HTTP/1.0 end the connection after the answer") {
  Plain plain;
  std::string address = plain.start();
  RawClient asked(address);
  CHECK(asked.ask("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .field("Connection") == "close");
  CHECK(asked.at_end());
  RawClient old(address);
  RawAnswer answer = old.ask("GET /hello HTTP/1.0\r\n\r\n");
  CHECK(answer.body == "hello");
  CHECK(old.at_end());
  RawClient kept(address);
  CHECK(kept.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").field("Connection") ==
        "keep-alive");
  CHECK(kept.ask("GET /hello HTTP/1.0\r\n\r\n").status == 200);
}

TEST_CASE("HEAD, 204 and 304 have no body, and the connection stays in step") {
  Plain plain;
  RawClient client(plain.start());
  RawAnswer head = client.ask("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(head.field("Content-Length") == "5");
  RawAnswer stream = client.ask("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(stream.field("Content-Length") == "67108864");
  RawAnswer empty = client.ask(get("/empty"));
  CHECK(empty.status == 204);
  CHECK(empty.field("Content-Length").empty());
  CHECK(client.ask(get("/unchanged")).status == 304);
  CHECK(client.ask(get("/hello")).body == "hello");
}

TEST_CASE("Bodies arrive whole, by length or chunked") {
  Plain plain;
  RawClient client(plain.start());
  std::string large(3'000'000, 'b');
  CHECK(client.ask(post("/count", large)).body == "3000000");
  std::string chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(client.ask(chunked + "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: x\r\n\r\n").body == "abcde");
  CHECK(client.ask(chunked + "0\r\n\r\n").body.empty());
  CHECK(client.ask(get("/hello")).status == 200);
}

TEST_CASE("A large answer arrives whole") {
  Plain plain;
  RawClient client(plain.start());
  RawAnswer answer = client.ask(get("/stream"));
  CHECK(answer.whole);
  CHECK(answer.body.size() == std::size_t{64} << 20);
  CHECK(client.ask(get("/pieces")).body == std::string(4000, 'x'));
}

TEST_CASE("A truncated body is an error for the handler, and nothing hangs") {
  Plain plain;
  RawClient client(plain.start());
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  client.end_sending();
  RawAnswer answer = client.read_answer();
  CHECK(answer.status == 400);
  CHECK(answer.field("Connection") == "close");
  CHECK(plain.rig.handler.body_error == Code::body_unreadable);
}

TEST_CASE("A body whose sender resets the connection is as unreadable as one that ends early") {
  Plain plain;
  RawClient client(plain.start());
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc");
  while (plain.rig.handler.echo_read < 3) std::this_thread::yield();
  client.reset();
  while (plain.rig.handler.body_error == Code::ok) std::this_thread::yield();
  CHECK(plain.rig.handler.body_error == Code::body_unreadable);
}

TEST_CASE("A malformed chunk is an error for the handler, and ends the connection") {
  Plain plain;
  RawClient client(plain.start());
  RawAnswer answer =
      client.ask("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" +
                 get("/hello"));
  CHECK(answer.status == 400);
  CHECK(answer.field("Connection") == "close");
  client.end_sending();
  CHECK(client.at_end());
  CHECK(plain.rig.handler.calls == 1);
}

TEST_CASE("Heads that cannot be parsed get the envelope and the end") {
  Plain plain;
  std::string address = plain.start();
  struct Row {
    std::string request;
    int status;
    std::string code;
  };
  for (const Row& row : {
           Row{"GET / HTTP/1.1\r\n\r\n", 400, "5205"},
           Row{"GET / HTTP/1.1\nHost: a\n\n", 400, "5205"},
           Row{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "5205"},
           Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400, "5201"},
           Row{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: "
               "chunked\r\n\r\nabc",
               400, "5201"},
           Row{"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501,
               "5917"},
           Row{"POST / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 3\r\n\r\nabc", 417,
               "5917"},
           Row{"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, "5913"},
           Row{"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n", 431,
               "5913"},
       }) {
    INFO(row.request.substr(0, 100));
    RawClient client(address);
    RawAnswer answer = client.ask(row.request);
    CHECK(answer.status == row.status);
    CHECK(answer.body.find("\"code\":" + row.code) != std::string::npos);
    CHECK(answer.body.find(answer.field("Mas-Request-Id")) != std::string::npos);
    CHECK(answer.field("Connection") == "close");
    client.end_sending();
    CHECK(client.at_end());
  }
  CHECK(plain.rig.handler.calls == 0);
}

TEST_CASE("100 Continue comes when the body is wanted, and not before") {
  Plain plain;
  std::string address = plain.start();
  std::string fields = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  RawClient wanted(address);
  wanted.send("POST /echo HTTP/1.1\r\n" + fields);
  CHECK(wanted.read_answer(true).status == 100);
  wanted.send("abc");
  CHECK(wanted.read_answer().body == "abc");
  CHECK(wanted.ask(get("/hello")).status == 200);

  RawClient refused(address);
  RawAnswer answer = refused.ask("POST /refuse HTTP/1.1\r\n" + fields);
  CHECK(answer.status == 401);
  CHECK(answer.field("Connection") == "close");
  refused.end_sending();
  CHECK(refused.at_end());

  RawClient eager(address);
  CHECK(eager.ask("POST /echo HTTP/1.1\r\n" + fields + "abc").body == "abc");
}

TEST_CASE("A body that 100 Continue has to be written for is not ready before") {
  for (bool expects : {false, true}) {
    Plain plain;
    RawClient client(plain.start());
    const std::string expect = expects ? "Expect: 100-continue\r\n" : "";
    client.send("POST /promised HTTP/1.1\r\nHost: a\r\n" + expect + "Content-Length: 3\r\n\r\n");
    run_blocking(plain.rig.handler.waiting.wait());
    client.send("abc");
    plain.rig.handler.go_on.set();
    if (expects) CHECK(client.read_answer(true).status == 100);
    CHECK(client.read_answer().body == "abc");
    CHECK(plain.rig.handler.promised == !expects);
  }
}

TEST_CASE("An early answer reaches a client that sends 300 MB without looking") {
  Plain plain;
  RawClient client(plain.start());
  std::size_t size = 300'000'000;
  std::string block(1'000'000, 'x');
  REQUIRE(client.send(
      "POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n"));
  bool sent = true;
  for (std::size_t i = 0; sent && i < size; i += block.size()) sent = client.send(block);
  CHECK(sent);
  RawAnswer answer = client.read_answer();
  CHECK(answer.status == 401);
  CHECK(answer.body == "refused");
  CHECK(answer.field("Connection") == "close");
  CHECK(client.at_end());
}

TEST_CASE("Discarding what a refused client sends has a limit") {
  Plain plain;
  plain.rig.options.linger_bytes = 1'000'000;
  RawClient client(plain.start());
  client.send("POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  std::string block(1'000'000, 'x');
  bool sent = true;
  for (int i = 0; sent && i < 100; ++i) sent = client.send(block);
  CHECK_FALSE(sent);
}

TEST_CASE("A little unread body is drained and the connection kept") {
  Plain plain;
  plain.rig.options.drain_bytes = 1000;
  std::string address = plain.start();
  RawClient little(address);
  CHECK(little.ask(post("/refuse", std::string(1000, 'x'))).field("Connection").empty());
  CHECK(little.ask(get("/hello")).body == "hello");
  RawClient more(address);
  CHECK(more.ask(post("/refuse", std::string(100'000, 'x'))).field("Connection") == "close");
  more.end_sending();
  CHECK(more.at_end());
  RawClient chunked(address);
  CHECK(
      chunked.ask("POST /refuse HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc")
          .field("Connection") == "close");
}

TEST_CASE("A handler that does not answer, or throws, ends in an error") {
  Plain plain;
  RawClient client(plain.start());
  for (std::string path : {"/nothing", "/throw"}) {
    RawAnswer answer = client.ask(get(path));
    CHECK(answer.status == 500);
    CHECK(answer.body.find("\"code\":5000") != std::string::npos);
    // It may have done its work before it failed.
    CHECK(plain.rig.handler.early_maybe);
  }
  // Others may find memory again.
  RawAnswer refused = client.ask(get("/memory"));
  CHECK(refused.status == 503);
  CHECK(refused.body.find("\"code\":5901") != std::string::npos);
  CHECK(plain.rig.handler.early_maybe);
  CHECK(client.ask(get("/hello")).status == 200);
  CHECK(plain.rig.metric("mas_http_handler_failures_total") == 2);
}

TEST_CASE("An answer cut short ends the connection short of its length") {
  Plain plain;
  RawClient client(plain.start());
  client.send(get("/short"));
  RawAnswer answer = client.read_answer();
  CHECK(answer.status == 200);
  CHECK_FALSE(answer.whole);
  CHECK(answer.body.size() == 10);
}

TEST_CASE("Until the first byte of a started answer, an error can take its place") {
  Plain plain;
  RawClient client(plain.start());
  RawAnswer answer = client.ask(get("/held"));
  CHECK(answer.status == 503);
  CHECK(answer.body == "first piece failed");
  CHECK(client.ask(get("/hello")).status == 200);
}

TEST_CASE("A header's value can neither end its line nor frame the body") {
  Plain plain;
  RawClient client(plain.start());
  RawAnswer answer = client.ask(get("/inject"));
  CHECK(answer.field("X-Name") == "a  X-Evil: b    c");
  CHECK(answer.field("X-Evil").empty());
  CHECK(answer.field("Content-Length") == "4");
  CHECK(answer.field("Connection").empty());
  CHECK(answer.body == "body");
}

TEST_CASE("Requests and bytes are counted by route, method and status") {
  Plain plain;
  RawClient client(plain.start());
  client.ask(get("/hello"));
  client.ask(post("/echo", std::string(5000, 'x')));
  client.ask("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  client.ask(get("/nothing"));
  const ServerRig& rig = plain.rig;
  CHECK(rig.metric("mas_http_requests_total{method=\"GET\",route=\"/hello\",status=\"200\"}") == 1);
  CHECK(rig.metric("mas_http_requests_total{method=\"HEAD\",route=\"/hello\",status=\"200\"}") ==
        1);
  CHECK(rig.metric("mas_http_requests_total{method=\"POST\",route=\"/echo\",status=\"200\"}") == 1);
  CHECK(rig.metric("mas_http_request_seconds_count{route=\"/hello\"}") == 2);
  CHECK(rig.metric("mas_http_received_bytes_total") > 5000);
  CHECK(rig.metric("mas_http_sent_bytes_total") > 5000);
  CHECK(rig.metric("mas_http_connections") == 1);
}

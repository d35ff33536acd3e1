#include "mas/net/tls.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>

#include "client_request.h"
#include "mas/http/client.h"
#include "server_rig.h"
#include "support/certificates.h"
#include "support/fake_clock.h"

using namespace mas;
using namespace mas::http;
using namespace mas::test;

namespace {

config::Tls pair(const Certificates& certificates, const std::string& name = "server") {
  return {certificates.pem(name), certificates.key(name)};
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Got {
  Code code = Code::ok;
  std::string body;
};

// One request to https://HOST:PORT, trusting `ca_file`, presenting `own` if it names files.
Got ask(const std::string& host, const std::string& address, const std::string& ca_file,
        ClientRequest request, const config::Tls& own = {}) {
  IoThreads io(1);
  io.start();
  Gate gate;
  auto clock = make_system_clock();
  std::promise<Got> out;
  auto run = [](Executor executor, Url url, ClientOptions options, Clock& the_clock,
                ClientRequest what, std::promise<Got>& result) -> Task<void> {
    auto client = make_client(executor, std::move(url), std::move(options), the_clock);
    Got got;
    Result<ResponseHead> head = co_await client->send(std::move(what));
    got.code = code_of(head);
    if (head.has_value()) {
      Result<std::string> body = co_await client->read_all(100 << 20);
      got.code = code_of(body);
      if (body.has_value()) got.body = std::move(*body);
    }
    client.reset();
    result.set_value(std::move(got));
  };
  Url url = must(parse_url("https://" + host + address.substr(address.rfind(':'))));
  ClientOptions options;
  options.ca_file = ca_file;
  options.certificate = own.certificate;
  options.key = own.key;
  REQUIRE(spawn(io.executor(0), gate,
                run(io.executor(0), url, options, *clock, std::move(request), out), "test"));
  Got got = out.get_future().get();
  run_blocking(gate.close());
  return got;
}

}  // namespace

TEST_CASE("Requests and large bodies go both ways over TLS") {
  Certificates certificates;
  certificates.make("server", "localhost");
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = pair(certificates);
  rig.start();
  std::string ca = certificates.pem("server");
  CHECK(ask("127.0.0.1", rig.address(), ca, request("GET", "/hello")).body == "hello");
  CHECK(ask("localhost", rig.address(), ca, request("GET", "/hello")).body == "hello");
  std::string large(3'000'000, 'x');
  CHECK(ask("127.0.0.1", rig.address(), ca, request("POST", "/count", large)).body == "3000000");
  CHECK(ask("127.0.0.1", rig.address(), ca, request("GET", "/stream")).body.size() ==
        std::size_t{64} << 20);
  CHECK(ask("127.0.0.1", rig.address(), ca, request("POST", "/refuse", large)).body == "refused");
}

TEST_CASE("A client refuses a certificate it does not trust, or of another host") {
  Certificates certificates;
  certificates.make("server", "localhost");
  certificates.make("other", "elsewhere.example");
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = pair(certificates);
  rig.start();
  ServerRig elsewhere(*clock);
  elsewhere.tls = {certificates.pem("other"), certificates.key("other")};
  elsewhere.start();
  CHECK(ask("127.0.0.1", rig.address(), certificates.pem("other"), request("GET", "/hello")).code ==
        Code::corrupt);
  CHECK(ask("127.0.0.1", rig.address(), "", request("GET", "/hello")).code == Code::corrupt);
  CHECK(ask("localhost", elsewhere.address(), certificates.pem("other"), request("GET", "/hello"))
            .code == Code::corrupt);
}

TEST_CASE("A plain request to a TLS port ends, and the server goes on") {
  Certificates certificates;
  certificates.make("server", "localhost");
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = pair(certificates);
  rig.start();
  RawClient plain(rig.address());
  CHECK(plain.ask(get("/hello")).status == 0);
  CHECK(
      ask("127.0.0.1", rig.address(), certificates.pem("server"), request("GET", "/hello")).body ==
      "hello");
}

TEST_CASE("A client that promises a long greeting is refused before it is made room for") {
  Certificates certificates;
  certificates.make("server", "localhost");
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = pair(certificates);
  rig.start();
  using namespace std::string_literals;
  for (const std::string& said : {"\x16\x03\x01\x00\x04\x01\x01\xff\xb8"s,
                                  // In pieces: of a record each.
                                  "\x16\x03\x01\x00\x01\x01\x16\x03\x01\x00\x03\x00\x40\x01"s}) {
    RawClient client(rig.address());
    CHECK(client.ask(said).status == 0);
  }
  CHECK(rig.metric("mas_http_handshake_failures_total") == 2);
}

TEST_CASE("A client that is silent in its handshake is counted") {
  Certificates certificates;
  certificates.make("server", "localhost");
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = pair(certificates);
  rig.options.header_timeout = std::chrono::milliseconds(100);
  rig.start();
  RawClient client(rig.address());
  CHECK(client.ask("\x16").status == 0);
  CHECK(rig.metric("mas_http_handshake_timeouts_total") == 1);
  CHECK(rig.metric("mas_http_handshake_failures_total") == 0);
}

TEST_CASE("TLS below 1.2 is refused") {
  Certificates certificates;
  certificates.make("server", "localhost");
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = pair(certificates);
  rig.start();
  auto connects = [&rig](const std::string& version) {
    std::string command = "openssl s_client -connect " + rig.address() + " " + version +
                          " -cipher 'ALL:@SECLEVEL=0' </dev/null >/dev/null 2>&1";
    return std::system(command.c_str()) == 0;
  };
  CHECK(connects("-tls1_2"));
  CHECK(connects("-tls1_3"));
  CHECK_FALSE(connects("-tls1_1"));
  CHECK_FALSE(connects("-tls1"));
}

TEST_CASE("Certificates are read again when their files change, and kept when those are broken") {
  Certificates certificates;
  certificates.make("server", "localhost");
  std::string first = certificates.pem("first");
  std::filesystem::copy(certificates.pem("server"), first);
  FakeClock clock;
  ServerRig rig(clock);
  rig.tls = pair(certificates);
  rig.start();
  CHECK(ask("127.0.0.1", rig.address(), first, request("GET", "/hello")).body == "hello");

  certificates.make("server", "localhost");
  clock.advance(std::chrono::seconds(2));
  CHECK(
      ask("127.0.0.1", rig.address(), certificates.pem("server"), request("GET", "/hello")).body ==
      "hello");
  CHECK(ask("127.0.0.1", rig.address(), first, request("GET", "/hello")).code == Code::corrupt);

  std::string good = certificates.pem("good");
  std::filesystem::copy(certificates.pem("server"), good);
  std::filesystem::resize_file(certificates.pem("server"), 100);
  clock.advance(std::chrono::seconds(2));
  CHECK(ask("127.0.0.1", rig.address(), good, request("GET", "/hello")).body == "hello");
}

TEST_CASE("Certificates that cannot be used keep the server from starting") {
  Certificates certificates;
  certificates.make("server", "localhost");
  certificates.make("other", "localhost");
  auto clock = make_system_clock();
  for (const config::Tls& tls :
       {config::Tls{certificates.pem("none"), certificates.key("server")},
        config::Tls{certificates.pem("server"), certificates.key("none")},
        config::Tls{certificates.pem("server"), certificates.key("other")},
        config::Tls{certificates.pem("server"), ""},
        config::Tls{certificates.key("server"), certificates.key("server")}}) {
    Result<std::shared_ptr<net::TlsServer>> made = net::make_tls_server(tls, *clock);
    INFO(tls.certificate << " with " << tls.key);
    CHECK(code_of(made) == Code::invalid_argument);
  }
}

TEST_CASE("A server that wants certificates of its clients takes only those that are vouched for") {
  Certificates certificates;
  certificates.make("ca", "authority");
  certificates.make("server", "localhost", "ca");
  certificates.make("client", "client", "ca");
  certificates.make("stranger", "client");
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = pair(certificates);
  rig.client_ca_file = certificates.pem("ca");
  rig.start();
  std::string ca = certificates.pem("ca");
  config::Tls client = pair(certificates, "client");
  CHECK(ask("127.0.0.1", rig.address(), ca, request("GET", "/hello"), client).body == "hello");
  std::string large(3'000'000, 'x');
  CHECK(ask("127.0.0.1", rig.address(), ca, request("POST", "/count", large), client).body ==
        "3000000");
  int calls = rig.handler.calls;
  CHECK(ask("127.0.0.1", rig.address(), ca, request("GET", "/hello")).code != Code::ok);
  config::Tls stranger = pair(certificates, "stranger");
  CHECK(ask("127.0.0.1", rig.address(), ca, request("GET", "/hello"), stranger).code != Code::ok);
  CHECK(rig.handler.calls == calls);
  // A client whose own files are unusable does not go out without.
  config::Tls broken{certificates.pem("client"), certificates.key("stranger")};
  CHECK(ask("127.0.0.1", rig.address(), ca, request("GET", "/hello"), broken).code ==
        Code::invalid_argument);
}

TEST_CASE("A client with a long chain of certificates is refused") {
  Certificates certificates;
  certificates.make("ca", "authority");
  certificates.make("server", "localhost", "ca");
  certificates.make("client", "client", "ca");
  std::string chain = read_file(certificates.pem("client"));
  const std::string one = read_file(certificates.pem("ca"));
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = pair(certificates);
  rig.client_ca_file = certificates.pem("ca");
  rig.start();
  const std::string ca = certificates.pem("ca");
  auto ask_with = [&](int more) {
    std::ofstream file(certificates.pem("long"));
    file << chain;
    for (int i = 0; i < more; ++i) file << one;
    file.close();
    config::Tls client{certificates.pem("long"), certificates.key("client")};
    return ask("127.0.0.1", rig.address(), ca, request("GET", "/hello"), client).code;
  };
  CHECK(ask_with(5) == Code::ok);
  CHECK(ask_with(60) != Code::ok);
}

TEST_CASE("A server whose list of trusted clients cannot be read does not start") {
  Certificates certificates;
  certificates.make("server", "localhost");
  auto clock = make_system_clock();
  auto made = net::make_tls_server(pair(certificates), *clock, certificates.pem("none"));
  CHECK(code_of(made) == Code::invalid_argument);
}

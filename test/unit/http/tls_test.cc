#include "mas/net/tls.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <future>

#include "mas/http/client.h"
#include "server_rig.h"
#include "support/fake_clock.h"

using namespace mas;
using namespace mas::http;
using namespace mas::test;

namespace {

// A directory with certificates made for the test by the openssl command.
class Certificates {
 public:
  Certificates() {
    std::string pattern = std::filesystem::temp_directory_path() / "mas-tls-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    make("server", "localhost");
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  // Writes NAME.pem and NAME.key, self-signed for `host` and 127.0.0.1.
  void make(const std::string& name, const std::string& host) const {
    std::string command =
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        " -days 2 -subj /CN=" +
        host + " -addext subjectAltName=DNS:" + host + ",IP:127.0.0.1 -keyout " + key(name) +
        ".new -out " + pem(name) + ".new 2>/dev/null && mv " + key(name) + ".new " + key(name) +
        " && mv " + pem(name) + ".new " + pem(name);
    REQUIRE(std::system(command.c_str()) == 0);
  }
  [[nodiscard]] std::string pem(const std::string& name) const {
    return folder_ + "/" + name + ".pem";
  }
  [[nodiscard]] std::string key(const std::string& name) const {
    return folder_ + "/" + name + ".key";
  }
  [[nodiscard]] config::Tls server() const { return {pem("server"), key("server")}; }

 private:
  std::string folder_;
};

struct Got {
  Code code = Code::ok;
  std::string body;
};

// One request to https://HOST:PORT, trusting `ca_file`.
Got ask(const std::string& host, const std::string& address, const std::string& ca_file,
        ClientRequest request) {
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
  REQUIRE(spawn(io.executor(0), gate,
                run(io.executor(0), url, options, *clock, std::move(request), out), "test"));
  Got got = out.get_future().get();
  run_blocking(gate.close());
  return got;
}

ClientRequest request(std::string method, std::string target, std::string text = "") {
  ClientRequest out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.text = std::move(text);
  return out;
}

}  // namespace

TEST_CASE("Requests and large bodies go both ways over TLS") {
  Certificates certificates;
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = certificates.server();
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
  certificates.make("other", "elsewhere.example");
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = certificates.server();
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
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = certificates.server();
  rig.start();
  RawClient plain(rig.address());
  CHECK(plain.ask(get("/hello")).status == 0);
  CHECK(
      ask("127.0.0.1", rig.address(), certificates.pem("server"), request("GET", "/hello")).body ==
      "hello");
}

TEST_CASE("TLS below 1.2 is refused") {
  Certificates certificates;
  auto clock = make_system_clock();
  ServerRig rig(*clock);
  rig.tls = certificates.server();
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
  std::string first = certificates.pem("first");
  std::filesystem::copy(certificates.pem("server"), first);
  FakeClock clock;
  ServerRig rig(clock);
  rig.tls = certificates.server();
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

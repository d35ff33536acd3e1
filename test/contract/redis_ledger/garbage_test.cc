// Something listens that is no Redis, or a broken one. Only this malformed protocol is made up; all
// else in these suites is a real server.
#include <atomic>
#include <thread>

#include "ledger_rig.h"
#include "support/loopback.h"

using namespace mas;
using namespace mas::test;

namespace {

// Answers whatever comes over each connection with the same bytes.
class Impostor {
 public:
  // `then_ends`: it closes after its first answer.
  Impostor(std::string answer, bool then_ends) : answer_(std::move(answer)), then_ends_(then_ends) {
    thread_ = std::thread([this] { serve(); });
  }
  ~Impostor() {
    ::shutdown(listener_.socket, SHUT_RDWR);
    thread_.join();
    ::close(listener_.socket);
  }
  Impostor(const Impostor&) = delete;
  Impostor& operator=(const Impostor&) = delete;

  [[nodiscard]] std::string url() const { return "redis://" + listener_.address; }

 private:
  void serve() {
    int socket = 0;
    while ((socket = ::accept(listener_.socket, nullptr, nullptr)) >= 0) {
      char seen[8192];
      while (::recv(socket, seen, sizeof(seen), 0) > 0) {
        (void)!::send(socket, answer_.data(), answer_.size(), MSG_NOSIGNAL);
        if (then_ends_) break;
      }
      ::close(socket);
    }
  }

  std::string answer_;
  bool then_ends_;
  LoopbackListener listener_;
  std::thread thread_;
};

// Of the first call, and of the second, which may already know.
std::pair<Code, Code> outcome(const std::string& answer, bool then_ends = false,
                              const std::string& path = "") {
  Impostor impostor(answer, then_ends);
  LedgerOptions options;
  options.url = impostor.url() + path;
  options.io_threads = 1;
  std::pair<Code, Code> codes;
  {
    LedgerRig rig(options);
    codes.first = rig.ping();
    codes.second = rig.ping();
  }
  return codes;
}

const std::pair kUnavailable(Code::ledger_unavailable, Code::ledger_unavailable);
const std::pair kRefused(Code::ledger_refused, Code::ledger_refused);

}  // namespace

TEST_CASE("answers that make no sense are a server that is unavailable") {
  for (const char* answer :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "\x15\x03\x01", "\r\n", "+OK\r\n", "+PONG\r\n",
        "$2\r\nhi\r\n", ":1\r\n", "$-1\r\n", "*0\r\n", "*-1\r\n", "*3\r\n:1\r\n$1\r\n2\r\n:3\r\n",
        "*2\r\n:1\r\n:2\r\n", "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", "*3\r\n:1\r\n:2\r\n:x\r\n",
        "*2000000000\r\n", "*3\r\n:1\r\n:2\r\n:3\r\n*3\r\n:1\r\n:2\r\n:3\r\n",
        "*3\r\n:1\r\n:2\r\n:3\r\n+"}) {
    INFO(answer);
    CHECK(outcome(answer) == kUnavailable);
  }
}

TEST_CASE("a use that is answered with nonsense may have happened") {
  for (const char* answer : {"+OK\r\n", "*0\r\n", "*3\r\n:1\r\n:2\r\n+x\r\n", "HTTP/1.1 400\r\n"}) {
    Impostor impostor(answer, false);
    LedgerOptions options;
    options.url = impostor.url();
    LedgerRig rig(options);
    auto used = rig.use(rig.new_token(), WallTime{1});
    INFO(answer);
    REQUIRE(code_of(used) == Code::ledger_unavailable);
    CHECK(used.error().maybe_happened());
  }
}

TEST_CASE("an answer too large is not read to its end") {
  CHECK(outcome("$500000000\r\n" + std::string(1 << 20, 'x')) == kUnavailable);
}

TEST_CASE("connections that end before the answer does are a server that is unavailable") {
  for (const char* answer : {"", "*3\r\n:1\r\n", "*3\r\n:1\r\n:2\r\n:3"}) {
    INFO(answer);
    CHECK(outcome(answer, true) == kUnavailable);
  }
}

TEST_CASE("error answers are refusals, whatever they say") {
  for (const char* answer : {"-ERR no\r\n", "-\r\n", "-NOSCRIPT No matching script.\r\n",
                             "-LOADING Redis is loading the dataset in memory\r\n"}) {
    INFO(answer);
    CHECK(outcome(answer) == kRefused);
  }
}

TEST_CASE("greetings that are answered with nonsense are no greetings") {
  CHECK(outcome(":1\r\n", false, "/2") == kUnavailable);
  CHECK(outcome("-ERR no\r\n", false, "/2") == kRefused);
  CHECK(outcome("+OK\r\n", false, "/2") == kUnavailable);  // the call's answer then makes no sense
}

// A server that plays a script, right or wrong, on each connection in turn.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/loopback.h"

namespace mas::test {

struct Play {
  enum class Kind { expect_head, say, wait_for_end, stop_listening } kind;
  std::string text;

  // Reads up to an empty line.
  static Play expect_head() { return {Kind::expect_head, {}}; }
  static Play say(std::string text) { return {Kind::say, std::move(text)}; }
  // Reads until the client ends.
  static Play wait_for_end() { return {Kind::wait_for_end, {}}; }
  // Whoever connects from now on is refused.
  static Play stop_listening() { return {Kind::stop_listening, {}}; }
};

// One script a connection; each connection is closed at its script's end, gently if all that came
// was read.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::vector<Play>> scripts) {
    thread_ = std::thread([this, scripts = std::move(scripts)] {
      for (const auto& script : scripts) {
        int socket = ::accept(listener_.socket, nullptr, nullptr);
        if (socket < 0) return;
        for (const Play& play : script) perform(socket, play);
        ::close(socket);
      }
    });
  }
  ~ScriptedServer() {
    ::shutdown(listener_.socket, SHUT_RDWR);
    thread_.join();
    ::close(listener_.socket);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] const std::string& address() const { return listener_.address; }

 private:
  void perform(int socket, const Play& play) const {
    char byte = 0;
    std::string seen;
    switch (play.kind) {
      case Play::Kind::say:
        (void)!::send(socket, play.text.data(), play.text.size(), MSG_NOSIGNAL);
        return;
      case Play::Kind::expect_head:
        while (!seen.ends_with("\r\n\r\n") && ::recv(socket, &byte, 1, 0) == 1) seen += byte;
        return;
      case Play::Kind::wait_for_end:
        while (::recv(socket, &byte, 1, 0) == 1) {
        }
        return;
      case Play::Kind::stop_listening:
        ::shutdown(listener_.socket, SHUT_RDWR);
        return;
    }
  }

  LoopbackListener listener_;
  std::thread thread_;
};

}  // namespace mas::test

// A redis-server of a test's own, to be killed, frozen and started again on the same port.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace mas::test {

class RedisProcess {
 public:
  // Takes a free port; start() starts the server. Everything is gone with this object.
  RedisProcess();
  ~RedisProcess();
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;

  // Returns when it answers. Nothing is kept from one start to the next.
  void start();
  // As a power loss would.
  void kill();
  // The kernel goes on accepting connections, nobody answers.
  void freeze();
  void thaw();

  [[nodiscard]] std::string url() const { return url_with(kPassword); }
  [[nodiscard]] std::string url_with(const std::string& password) const {
    return "redis://:" + password + "@127.0.0.1:" + port_;
  }
  // Runs a command over a connection of its own; arrays come back as lines.
  std::string ask(const std::vector<std::string>& command);

  // Connections other than the one that asks.
  int clients();

  static constexpr const char* kPassword = "outage";

 private:
  [[nodiscard]] bool answers();

  std::string folder_;
  std::string port_;
  pid_t process_ = -1;
};

// The same for a server that runs already. `user` may be empty.
std::string ask_redis(int port, const std::string& user, const std::string& password,
                      const std::vector<std::string>& command);

}  // namespace mas::test

// TcpRelay: stands between a client and a server on loopback; counts connections, holds bytes back,
// changes them, cuts connections.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/loopback.h"

namespace mas::test {

class TcpRelay {
 public:
  // `target`: "127.0.0.1:port"; "": connections are taken and what comes is read, no more.
  explicit TcpRelay(std::string target) : target_(std::move(target)) {
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TcpRelay() {
    ::shutdown(listener_.socket, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_.socket);
    cut();
    for (std::thread& thread : pumps_) thread.join();
    for (int socket : sockets_) ::close(socket);
  }
  TcpRelay(const TcpRelay&) = delete;
  TcpRelay& operator=(const TcpRelay&) = delete;

  [[nodiscard]] const std::string& address() const { return listener_.address; }
  // Connections taken so far.
  [[nodiscard]] int accepted() const { return accepted_; }
  // What clients sent so far.
  [[nodiscard]] std::size_t sent() const { return sent_; }
  // Called with each piece of the server's answers before it goes on.
  void change_answers(std::function<void(std::string&)> change) {
    std::lock_guard lock(mutex_);
    change_ = std::move(change);
  }
  // Ends all connections there are.
  void cut() {
    std::lock_guard lock(mutex_);
    for (int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }

 private:
  void accept_all() {
    while (true) {
      int client = ::accept(listener_.socket, nullptr, nullptr);
      if (client < 0) return;
      ++accepted_;
      int server = target_.empty() ? -1 : connect_target();
      std::lock_guard lock(mutex_);
      sockets_.push_back(client);
      if (server >= 0) sockets_.push_back(server);
      pumps_.emplace_back([this, client, server] { pump(client, server, true); });
      if (server >= 0) pumps_.emplace_back([this, client, server] { pump(server, client, false); });
    }
  }
  int connect_target() const {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(
        std::strtoul(target_.c_str() + target_.rfind(':') + 1, nullptr, 10)));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int server = ::socket(AF_INET, SOCK_STREAM, 0);
    (void)!::connect(server, reinterpret_cast<sockaddr*>(&to), sizeof(to));
    return server;
  }
  void pump(int from, int to, bool is_request) {
    char buffer[65536];
    ssize_t size = 0;
    while ((size = ::recv(from, buffer, sizeof(buffer), 0)) > 0) {
      std::string bytes(buffer, static_cast<std::size_t>(size));
      if (is_request) sent_ += bytes.size();
      if (!is_request) {
        std::lock_guard lock(mutex_);
        if (change_) change_(bytes);
      }
      for (std::size_t at = 0; to >= 0 && at < bytes.size();) {
        ssize_t done = ::send(to, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
        if (done <= 0) return;
        at += static_cast<std::size_t>(done);
      }
    }
    ::shutdown(from, SHUT_RDWR);
    if (to >= 0) ::shutdown(to, SHUT_RDWR);
  }

  std::string target_;
  LoopbackListener listener_;
  std::atomic<int> accepted_{0};
  std::atomic<std::size_t> sent_{0};
  std::mutex mutex_;
  std::function<void(std::string&)> change_;
  std::vector<int> sockets_;
  std::vector<std::thread> pumps_;
  std::thread acceptor_;
};

}  // namespace mas::test

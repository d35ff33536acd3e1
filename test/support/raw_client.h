// RawClient: a blocking TCP connection for tests that speak HTTP by hand, to the letter or not.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "mas/core/result.h"

namespace mas::test {

struct RawAnswer {
  int status = 0;  // 0: the connection ended before a whole head
  std::string head;
  std::string body;
  bool whole = false;  // as many body bytes came as were announced

  // The first value of a field, "" if it is not there.
  [[nodiscard]] std::string field(std::string_view name) const {
    std::size_t at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return "";
    at += name.size() + 4;
    return head.substr(at, head.find("\r\n", at) - at);
  }
};

// Gives up on anything that takes 20 s, so that a broken server fails a test instead of hanging it.
class RawClient {
 public:
  // `address`: "127.0.0.1:port"; `from`: the last byte of the 127.0.0.x to come from;
  // `receive_buffer`: bytes that the system takes before they are read, about; 0: as many as it
  // likes.
  explicit RawClient(const std::string& address, std::uint8_t from = 1, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    }
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + from);
    ::bind(socket_, reinterpret_cast<sockaddr*>(&source), sizeof(source));
    timeval limit{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(
        std::strtoul(address.c_str() + address.rfind(':') + 1, nullptr, 10)));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0;
  }
  ~RawClient() {
    if (socket_ >= 0) ::close(socket_);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }

  // False if the connection broke on the way.
  bool send(std::string_view text) {
    while (!text.empty()) {
      ssize_t size = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }
  void end_sending() { ::shutdown(socket_, SHUT_WR); }
  // Ends the connection at once, as a program does that was killed with bytes unread.
  void reset() {
    linger at_once{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    ::close(std::exchange(socket_, -1));
  }

  // Whether something, or the end, can be read within `milliseconds`.
  [[nodiscard]] bool readable(int milliseconds) {
    pollfd poll{socket_, POLLIN, 0};
    return !input_.empty() || ::poll(&poll, 1, milliseconds) > 0;
  }
  // Reads `size` bytes and throws them away; false if the connection ends before.
  bool skip(std::size_t size) {
    while (input_.size() < size) {
      if (fill() <= 0) return false;
    }
    input_.erase(0, size);
    return true;
  }
  // Reads until the other side ends; false if it resets or stays silent.
  bool read_to_end(std::string& out) {
    out = std::move(input_);
    input_.clear();
    while (true) {
      ssize_t size = fill();
      if (size < 0) return false;
      out += std::move(input_);
      input_.clear();
      if (size == 0) return true;
    }
  }
  // True if the connection is at its end and nothing came before it.
  [[nodiscard]] bool at_end() { return input_.empty() && fill() == 0; }

  RawAnswer read_answer(bool without_body = false) {
    RawAnswer answer;
    std::size_t end = std::string::npos;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (fill() <= 0) return answer;
    }
    answer.head = input_.substr(0, end + 4);
    input_.erase(0, end + 4);
    answer.status = std::atoi(answer.head.c_str() + 9);
    std::size_t length = std::strtoul(answer.field("Content-Length").c_str(), nullptr, 10);
    if (without_body) length = 0;
    while (input_.size() < length) {
      if (fill() <= 0) break;
    }
    answer.whole = input_.size() >= length;
    answer.body = input_.substr(0, length);
    input_.erase(0, length);
    return answer;
  }
  RawAnswer ask(std::string_view request) {
    send(request);
    return read_answer(request.starts_with("HEAD"));
  }

 private:
  ssize_t fill() {
    char buffer[65536];
    ssize_t size = ::recv(socket_, buffer, sizeof(buffer), 0);
    if (size > 0) input_.append(buffer, static_cast<std::size_t>(size));
    return size;
  }

  int socket_;
  bool connected_ = false;
  std::string input_;
};

}  // namespace mas::test

// A socket that listens on loopback, for servers that tests make up.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace mas::test {

// Whoever accepts on it owns it, and closes it.
struct LoopbackListener {
  LoopbackListener() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(socket, reinterpret_cast<sockaddr*>(&at), sizeof(at));
    ::listen(socket, 64);
    socklen_t size = sizeof(at);
    ::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size);
    address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  }

  int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  std::string address;
};

}  // namespace mas::test

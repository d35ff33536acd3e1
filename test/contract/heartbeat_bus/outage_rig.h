// What suites of outages do to a broker: hang it, command it, stand a relay before it, and read
// what the log says meanwhile.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "mas/observe/log.h"
#include "support/stopped_process.h"

extern char** environ;

namespace mas::membership::test {

// Stops a process, and waits until all of its threads stand; it goes on at the latest when this
// goes.
class Frozen {
 public:
  explicit Frozen(int pid) : pid_(pid) { mas::test::stop_process(pid); }
  ~Frozen() { thaw(); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  void thaw() { kill(pid_, SIGCONT); }

 private:
  int pid_;
};

// Runs the broker's rabbitmqctl to its end, and gives what it says.
inline std::string command(const std::string& ctl, const std::string& arguments) {
  INFO(arguments);
  FILE* output = popen((ctl + " -q " + arguments).c_str(), "r");
  REQUIRE(output != nullptr);
  std::string said;
  for (int c = std::fgetc(output); c != EOF; c = std::fgetc(output)) said += static_cast<char>(c);
  REQUIRE(pclose(output) == 0);
  return said;
}

// A port that nobody listens on.
inline int silent_port() {
  int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  REQUIRE(bind(probe, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  close(probe);
  return ntohs(address.sin_port);
}

// A way to the broker that can be missing: passes on what comes to `from` to `to`.
class Relay {
 public:
  Relay(int from, int to, const std::string& address = "127.0.0.1")
      : from_(from), address_(address) {
    std::string listen =
        "TCP-LISTEN:" + std::to_string(from) + ",bind=" + address + ",fork,reuseaddr";
    std::string connect = "TCP:127.0.0.1:" + std::to_string(to);
    std::vector<std::string> words{"timeout", "-s", "KILL", "240", "socat", listen, connect};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    // It must not hold this program's streams, nor stay for long if this program is killed.
    posix_spawn_file_actions_t streams;
    posix_spawn_file_actions_init(&streams);
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&streams, fd, "/dev/null", O_RDWR, 0);
    }
    posix_spawnattr_t group;
    posix_spawnattr_init(&group);
    posix_spawnattr_setflags(&group, POSIX_SPAWN_SETPGROUP);
    REQUIRE(posix_spawnp(&pid_, "timeout", &streams, &group, arguments.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&streams);
    posix_spawnattr_destroy(&group);
  }
  ~Relay() {
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  void wait_until_listening() const {
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(static_cast<std::uint16_t>(from_));
    inet_pton(AF_INET, address_.c_str(), &there.sin_addr);
    for (bool connected = false; !connected;) {
      int probe = socket(AF_INET, SOCK_STREAM, 0);
      connected = connect(probe, reinterpret_cast<sockaddr*>(&there), sizeof(there)) == 0;
      close(probe);
    }
  }

 private:
  int from_;
  std::string address_;
  pid_t pid_ = 0;
};

// Takes what is logged, from information up, in place of standard error.
class CapturedLog {
 public:
  CapturedLog() {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    read_ = ends[0];
    before_ = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    log::set_up({log::Level::info, false});
  }
  ~CapturedLog() {
    log::set_up({log::Level::warn, false});
    dup2(before_, STDERR_FILENO);
    close(before_);
    close(read_);
  }
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  // Waits for a line with `event` in it, and gives it.
  std::string wait_for(const std::string& event) {
    while (true) {
      std::string line = next_line();
      lines_.push_back(line);
      if (line.find(event) != std::string::npos) return line;
    }
  }
  // How many of the lines so far have `event` in them.
  [[nodiscard]] std::size_t count(const std::string& event) const {
    std::size_t found = 0;
    for (const std::string& line : lines_) found += line.find(event) != std::string::npos;
    return found;
  }

 private:
  std::string next_line() {
    std::string line;
    char c = 0;
    while (read(read_, &c, 1) == 1 && c != '\n') line += c;
    return line;
  }

  int read_ = -1;
  int before_ = -1;
  std::vector<std::string> lines_;
};

}  // namespace mas::membership::test

#include "redis_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "patience.h"

namespace mas::test {
namespace {

using Context = std::unique_ptr<redisContext, decltype(&redisFree)>;
using Answer = std::unique_ptr<redisReply, decltype(&freeReplyObject)>;

std::string free_port() {
  int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(probe, reinterpret_cast<sockaddr*>(&at), sizeof(at));
  socklen_t size = sizeof(at);
  ::getsockname(probe, reinterpret_cast<sockaddr*>(&at), &size);
  ::close(probe);
  return std::to_string(ntohs(at.sin_port));
}

Answer send(redisContext* context, const std::vector<std::string>& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  auto* reply = static_cast<redisReply*>(
      redisCommandArgv(context, static_cast<int>(words.size()), words.data(), sizes.data()));
  return {reply, &freeReplyObject};
}

std::string text_of(const redisReply* reply) {
  if (reply == nullptr) return "no answer";
  switch (reply->type) {
    case REDIS_REPLY_INTEGER:
      return std::to_string(reply->integer);
    case REDIS_REPLY_NIL:
      return "nil";
    case REDIS_REPLY_ARRAY: {
      std::string lines;
      for (std::size_t i = 0; i < reply->elements; ++i) lines += text_of(reply->element[i]) + "\n";
      return lines;
    }
    default:
      return {reply->str, static_cast<std::size_t>(reply->len)};
  }
}

}  // namespace

std::string ask_redis(int port, const std::string& user, const std::string& password,
                      const std::vector<std::string>& command) {
  timeval limit{10, 0};
  Context context(redisConnectWithTimeout("127.0.0.1", port, limit), &redisFree);
  if (!context || context->err != 0) return "no connection";
  redisSetTimeout(context.get(), limit);
  std::vector<std::string> greeting{"AUTH"};
  if (!user.empty()) greeting.push_back(user);
  greeting.push_back(password);
  Answer greeted = send(context.get(), greeting);
  if (!greeted || greeted->type == REDIS_REPLY_ERROR) return text_of(greeted.get());
  Answer answer = send(context.get(), command);
  return text_of(answer.get());
}

RedisProcess::RedisProcess() : port_(free_port()) {
  std::string pattern = std::filesystem::temp_directory_path() / "mas-redis-XXXXXX";
  folder_ = ::mkdtemp(pattern.data());
  std::ofstream(folder_ + "/redis.conf")
      << "bind 127.0.0.1\nport " << port_ << "\ndir " << folder_ << "\nrequirepass " << kPassword
      << "\nsave \"\"\nappendonly no\n";
}

RedisProcess::~RedisProcess() {
  kill();
  std::filesystem::remove_all(folder_);
}

void RedisProcess::start() {
  REQUIRE(process_ == -1);
  std::string log = folder_ + "/log", configuration = folder_ + "/redis.conf";
  process_ = ::fork();
  if (process_ == 0) {
    // Not a second longer than the test, even if that crashes.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setsid();
    int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    int in = ::open("/dev/null", O_RDONLY);
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execlp("redis-server", "redis-server", configuration.c_str(), nullptr);
    ::_exit(127);
  }
  REQUIRE(wait_until([this] { return answers(); }));
}

bool RedisProcess::answers() {
  int status = 0;
  if (::waitpid(process_, &status, WNOHANG) == process_) {
    process_ = -1;
    FAIL("redis-server ended with " << status << "; is it installed?");
  }
  return ask({"PING"}) == "PONG";
}

void RedisProcess::kill() {
  if (process_ == -1) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

void RedisProcess::freeze() {
  ::kill(process_, SIGSTOP);
  int status = 0;
  ::waitpid(process_, &status, WUNTRACED);
  REQUIRE(WIFSTOPPED(status));
}

void RedisProcess::thaw() { ::kill(process_, SIGCONT); }

int RedisProcess::clients() {
  std::string lines = ask({"CLIENT", "LIST", "TYPE", "normal"});
  return static_cast<int>(std::count(lines.begin(), lines.end(), '\n')) - 1;
}

std::string RedisProcess::ask(const std::vector<std::string>& command) {
  return ask_redis(std::atoi(port_.c_str()), "", kPassword, command);
}

}  // namespace mas::test

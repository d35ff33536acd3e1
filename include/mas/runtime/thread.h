// OwnedThread: one thread for what must stay on one thread for long, such as a driver that is not
// thread-safe. Work that comes in pieces belongs in a Pool.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace mas {

// Runs `body` once. The owner makes `body` return; the destructor only waits for that.
class OwnedThread {
 public:
  // `name` shows in ps and in debuggers, up to 15 bytes of it. `body` must not throw.
  OwnedThread(const std::string& name, std::function<void()> body);
  ~OwnedThread();
  OwnedThread(const OwnedThread&) = delete;
  OwnedThread& operator=(const OwnedThread&) = delete;

 private:
  std::thread thread_;
};

}  // namespace mas

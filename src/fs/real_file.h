// A file of the operating system, and the small pieces its callers share.
#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "mas/fs/fs.h"

namespace mas::fs {

// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Calls `f` again while a signal interrupts it.
template <class F>
auto retry_interrupted(F f) {
  decltype(f()) result;
  do {
    result = f();
  } while (result == -1 && errno == EINTR);
  return result;
}

// `direct` says that the descriptor bypasses the page cache.
[[nodiscard]] std::unique_ptr<File> make_real_file(Descriptor descriptor, std::string path,
                                                   bool direct);

}  // namespace mas::fs

// LoggedLines: what is logged, from info on, while it lives.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "mas/observe/log.h"

namespace mas::test {

class LoggedLines {
 public:
  LoggedLines() : file_(std::tmpfile()), stderr_(::dup(2)) {
    log::set_up({});
    ::dup2(::fileno(file_), 2);
  }
  ~LoggedLines() {
    ::dup2(stderr_, 2);
    ::close(stderr_);
    std::fclose(file_);
    log::set_up({log::Level::warn, false});
  }
  LoggedLines(const LoggedLines&) = delete;
  LoggedLines& operator=(const LoggedLines&) = delete;

  // The lines so far that have `text` in them.
  [[nodiscard]] std::vector<std::string> with(const std::string& text) const {
    log::flush();
    std::vector<std::string> found;
    std::string all(1 << 20, '\0');
    const ssize_t size = ::pread(::fileno(file_), all.data(), all.size(), 0);
    all.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    for (std::size_t at = 0; at < all.size();) {
      const std::size_t end = std::min(all.find('\n', at), all.size());
      std::string line = all.substr(at, end - at);
      if (line.find(text) != std::string::npos) found.push_back(std::move(line));
      at = end + 1;
    }
    return found;
  }
  [[nodiscard]] int count(const std::string& event) const {
    return static_cast<int>(with(event).size());
  }

 private:
  std::FILE* file_;
  int stderr_;
};

}  // namespace mas::test

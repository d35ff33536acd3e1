// Which of many repeated log lines may be written.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace mas::log {

// One line per key and minute. Remembers at most kMaxKeys keys; while that many different ones had
// a line within the last minute, new keys are refused, so memory and output stay bounded whatever
// the keys are. Thread-safe.
class OncePerMinute {
 public:
  static constexpr std::size_t kMaxKeys = 1024;
  using Time = std::chrono::steady_clock::time_point;

  [[nodiscard]] bool allow(std::string_view key, Time now);
  [[nodiscard]] std::size_t size() const;

 private:
  void forget_old(Time now);

  mutable std::mutex mutex_;
  std::map<std::string, Time, std::less<>> last_;
};

}  // namespace mas::log

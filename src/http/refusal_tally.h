// Refused requests, summed by the network of the client (core/network.h): one that is refused again
// and again is one line a minute, not one line each time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mas::http {

// Thread-safe. Remembers at most kMostAddresses; refusals of further ones are summed together.
class RefusalTally {
 public:
  static constexpr std::size_t kMostAddresses = 1024;
  static constexpr std::size_t kMostLines = 20;

  // `event`: of the log lines.
  explicit RefusalTally(std::string event) : event_(std::move(event)) {}

  // 401, 403 and 429: whoever asked may not, or not now.
  [[nodiscard]] static bool is_refusal(int status) noexcept;
  void count(std::string_view client, int status);
  // Writes what was counted since the last call, a line for each address, at most kMostLines of
  // those with the most, and one for all others together. Nothing where nothing was counted.
  void tell();

 private:
  struct Counts {
    std::array<std::uint64_t, 3> of{};  // 401, 403, 429
    [[nodiscard]] std::uint64_t sum() const noexcept { return of[0] + of[1] + of[2]; }
    void add(const Counts& more) noexcept;
  };
  using Map = std::unordered_map<std::string, Counts>;

  const std::string event_;
  std::mutex mutex_;
  Map addresses_;
  Counts others_;
};

}  // namespace mas::http

// Progress on standard error: a bar that is redrawn on a terminal, a line now and then otherwise.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <mutex>
#include <string>

#include "mas/runtime/clock.h"

namespace mas::app {

// "[=====>    ]  52 %  1.0 of 2.0 GiB  104.2 MiB/s  00:10 left"; `total` 0: no bar, only counts.
[[nodiscard]] std::string progress_text(std::uint64_t done, std::uint64_t total, Duration elapsed);

// Thread-safe. Draws at most ten times a second on a terminal, else a line every five seconds.
class ProgressBar {
 public:
  // `quiet`: draws nothing at all.
  ProgressBar(std::ostream& out, bool terminal, bool quiet, const Clock& clock);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // A new bar for `total` bytes; the one before is wiped.
  void start(std::string label, std::uint64_t total);
  void add(std::uint64_t bytes);
  // Bytes that need not be moved: counted as done, not into the rate.
  void skip(std::uint64_t bytes);
  // Bytes that have to go again.
  void take_back(std::uint64_t bytes);
  // Wipes the bar, so that other output can follow; the next add() draws it again.
  void clear();

 private:
  void draw();
  void wipe();

  std::ostream& out_;
  const bool terminal_;
  const bool quiet_;
  const Clock& clock_;
  std::mutex mutex_;
  std::string label_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t skipped_ = 0;
  Instant started_;
  Instant drawn_;
  std::size_t width_ = 0;  // of what stands on the terminal's line now
};

}  // namespace mas::app

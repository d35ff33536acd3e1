#include "app/client/progress.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

#include "mas/core/units.h"

namespace mas::app {
namespace {

constexpr Duration kRedraw = std::chrono::milliseconds(100);
constexpr Duration kLine = std::chrono::seconds(5);
constexpr int kBarWidth = 24;

std::string two_digits(std::int64_t value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

std::string clock_text(double seconds) {
  auto whole = static_cast<std::int64_t>(std::min(seconds, 359'999.0));
  std::string text = two_digits(whole / 60 % 60) + ":" + two_digits(whole % 60);
  return whole >= 3600 ? two_digits(whole / 3600) + ":" + text : text;
}

}  // namespace

std::string progress_text(std::uint64_t done, std::uint64_t total, Duration elapsed) {
  double seconds = std::chrono::duration<double>(elapsed).count();
  double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string speed = describe_size(static_cast<std::uint64_t>(rate)) + "/s";
  if (total == 0) return describe_size(done) + "  " + speed;
  done = std::min(done, total);
  double share = static_cast<double>(done) / static_cast<double>(total);
  auto filled = static_cast<std::size_t>(share * kBarWidth);
  std::string text = "[" + std::string(filled, '=');
  if (filled < kBarWidth) text += ">" + std::string(kBarWidth - filled - 1, ' ');
  std::array<char, 16> percent{};
  std::snprintf(percent.data(), percent.size(), "] %3d %%  ", static_cast<int>(share * 100));
  text += percent.data() + describe_size(done) + " of " + describe_size(total) + "  " + speed;
  if (rate > 0 && done < total) {
    text += "  " + clock_text(static_cast<double>(total - done) / rate) + " left";
  }
  return text;
}

ProgressBar::ProgressBar(std::ostream& out, bool terminal, bool quiet, const Clock& clock)
    : out_(out),
      terminal_(terminal),
      quiet_(quiet),
      clock_(clock),
      started_(clock.now()),
      drawn_(started_) {}

ProgressBar::~ProgressBar() { wipe(); }

void ProgressBar::start(std::string label, std::uint64_t total) {
  std::lock_guard lock(mutex_);
  wipe();
  label_ = std::move(label);
  total_ = total;
  done_ = 0;
  skipped_ = 0;
  started_ = clock_.now();
  drawn_ = started_;
}

void ProgressBar::add(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  done_ += bytes;
  draw();
}

void ProgressBar::skip(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  skipped_ += bytes;
}

void ProgressBar::take_back(std::uint64_t bytes) {
  std::lock_guard lock(mutex_);
  done_ -= std::min(bytes, done_);
}

void ProgressBar::clear() {
  std::lock_guard lock(mutex_);
  wipe();
}

void ProgressBar::draw() {
  if (quiet_) return;
  Instant now = clock_.now();
  if (now - drawn_ < (terminal_ ? kRedraw : kLine)) return;
  drawn_ = now;
  std::uint64_t total = total_ - std::min(skipped_, total_);
  std::string text = label_ + "  " + progress_text(done_, total, now - started_);
  if (!terminal_) {
    out_ << text << std::endl;
    return;
  }
  std::size_t previous = width_;
  width_ = text.size();
  if (text.size() < previous) text.append(previous - text.size(), ' ');
  out_ << '\r' << text << std::flush;
}

void ProgressBar::wipe() {
  if (width_ == 0) return;
  out_ << '\r' << std::string(width_, ' ') << '\r' << std::flush;
  width_ = 0;
}

}  // namespace mas::app

// Where spdlog's thread writes to: standard error, whose reader may be slow, stuck or gone.
#pragma once

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace mas::log {

// Used by one thread, that of spdlog's pool, but for the last two functions. Only that thread ever
// waits for the reader.
class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  // `overrun`: lines that were dropped because too many waited. `notice`: the line that says how
  // many were lost, without its end.
  StderrSink(std::function<std::uint64_t()> overrun,
             std::function<std::string(std::uint64_t)> notice)
      : overrun_(std::move(overrun)), notice_(std::move(notice)) {}

  // Lines that could not be written: nobody reads any more, or a disk is full.
  [[nodiscard]] std::uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }
  // Has `ask` queue a flush, and waits until it was reached or `patience` has passed; which it was.
  bool wait_for_flush(const std::function<void()>& ask, std::chrono::milliseconds patience);

 private:
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override;
  static bool write_line(std::string& line);

  std::function<std::uint64_t()> overrun_;
  std::function<std::string(std::uint64_t)> notice_;
  std::atomic<std::uint64_t> failed_{0};
  std::uint64_t said_ = 0;  // of those lost
  std::string line_;
  std::mutex mutex_;
  std::condition_variable reached_;
  std::uint64_t flushes_ = 0;
};

}  // namespace mas::log

#include "mas/observe/log.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>

#include "mas/observe/log_output.h"
#include "observe/line.h"
#include "observe/rate_limit.h"
#include "observe/stderr_sink.h"

namespace mas::log {
namespace {

using spdlog::async_overflow_policy;
using spdlog::details::thread_pool;

// How long the end of the process waits for the reader of its lines.
constexpr std::chrono::milliseconds kPatience{1000};

std::string format(const Line& line, bool json) { return json ? json_line(line) : text_line(line); }

// The one global of mas. Before set_up(): warnings and errors as text.
struct Global {
  Global() : direct("mas", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    prepare(direct);
    logger = &direct;
  }

  // Lines are complete when they get to a logger; the level was checked before.
  static void prepare(spdlog::logger& one) {
    one.set_pattern("%v");
    one.set_level(spdlog::level::trace);
  }
  void start(std::size_t queue);
  [[nodiscard]] std::string notice(std::uint64_t lines) const;
  bool drain();

  spdlog::logger direct;
  std::shared_ptr<thread_pool> pool;
  std::shared_ptr<StderrSink> sink;
  std::shared_ptr<spdlog::async_logger> queued;
  std::atomic<spdlog::logger*> logger{nullptr};  // direct or queued
  std::atomic<std::uint64_t> dropped_before{0};  // by a thread that has ended
  std::atomic<Level> level{Level::warn};
  std::atomic<bool> json{false};
  OncePerMinute limiter;
};

void Global::start(std::size_t queue) {
  pool = std::make_shared<thread_pool>(queue, 1);
  sink = std::make_shared<StderrSink>([this] { return std::uint64_t{pool->overrun_counter()}; },
                                      [this](std::uint64_t lines) { return notice(lines); });
  // The newest lines tell best why the reader had trouble.
  queued = std::make_shared<spdlog::async_logger>("mas", sink, pool,
                                                  async_overflow_policy::overrun_oldest);
  prepare(*queued);
  logger = queued.get();
}

std::string Global::notice(std::uint64_t lines) const {
  const std::array fields{Field("lines", lines)};
  return format({std::chrono::system_clock::now(), Level::warn, "log.dropped", fields},
                json.load(std::memory_order_relaxed));
}

bool Global::drain() {
  if (!queued) {
    direct.flush();
    return true;
  }
  return sink->wait_for_flush([this] { queued->flush(); }, kPatience);
}

Global& global() {
  // Never destroyed: threads may log while the process ends.
  static Global* instance = new Global;
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

Field::Field(std::string_view k, const Error& e) : key(k), value(code_name(e.code())) {
  if (!e.message().empty()) {
    value += ": ";
    value += e.message();
  }
}

void set_up(const Options& options) {
  global().level.store(options.level, std::memory_order_relaxed);
  global().json.store(options.json, std::memory_order_relaxed);
}

bool enabled(Level level) noexcept {
  return level >= global().level.load(std::memory_order_relaxed);
}

bool parse_level(std::string_view text, Level& level) noexcept {
  for (Level candidate : {Level::trace, Level::debug, Level::info, Level::warn, Level::error}) {
    if (text == level_name(candidate)) {
      level = candidate;
      return true;
    }
  }
  return false;
}

void flush() { (void)global().drain(); }

void start_queue(std::size_t lines) {
  MAS_ASSERT(!global().queued);
  global().start(lines);
}

bool finish() {
  Global& all = global();
  if (!all.drain()) return false;
  all.dropped_before = dropped();
  all.logger = &all.direct;
  all.queued.reset();
  all.sink.reset();
  all.pool.reset();
  return true;
}

std::uint64_t dropped() {
  Global& all = global();
  const std::uint64_t before = all.dropped_before;
  return all.pool ? before + all.pool->overrun_counter() + all.sink->failed() : before;
}

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  Line line{std::chrono::system_clock::now(), level, event, {fields.begin(), fields.size()}};
  const std::string text = format(line, global().json.load(std::memory_order_relaxed));
  spdlog::logger* logger = global().logger;
  logger->log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
}

bool once_a_minute(std::string_view key) {
  return global().limiter.allow(key, std::chrono::steady_clock::now());
}

}  // namespace mas::log

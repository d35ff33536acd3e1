#include "mas/observe/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>

#include "observe/line.h"
#include "observe/rate_limit.h"

namespace mas::log {
namespace {

// The one global of mas. Before set_up(): warnings and errors as text.
struct Global {
  Global() : logger("mas", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    // Lines are complete when they get here; the level was checked before.
    logger.set_pattern("%v");
    logger.set_level(spdlog::level::trace);
  }
  spdlog::logger logger;
  std::atomic<Level> level{Level::warn};
  std::atomic<bool> json{false};
  OncePerMinute limiter;
};

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

void flush() { global().logger.flush(); }

void write(Level level, std::string_view event, std::initializer_list<Field> fields) {
  if (!enabled(level)) return;
  Line line{std::chrono::system_clock::now(), level, event, {fields.begin(), fields.size()}};
  std::string text =
      global().json.load(std::memory_order_relaxed) ? json_line(line) : text_line(line);
  global().logger.log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
}

bool once_a_minute(std::string_view key) {
  return global().limiter.allow(key, std::chrono::steady_clock::now());
}

}  // namespace mas::log

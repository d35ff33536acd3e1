#include "mas/core/units.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace mas {
namespace {

struct SizeUnit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array kSizeUnits{
    SizeUnit{"TiB", kTiB},   SizeUnit{"GiB", kGiB},         SizeUnit{"MiB", kMiB},
    SizeUnit{"KiB", kKiB},   SizeUnit{"TB", 1000000000000}, SizeUnit{"GB", 1000000000},
    SizeUnit{"MB", 1000000}, SizeUnit{"KB", 1000},          SizeUnit{"B", 1},
};

struct DurationUnit {
  std::string_view name;
  std::int64_t nanoseconds;
};
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::array kDurationUnits{
    DurationUnit{"d", 86400 * kSecond}, DurationUnit{"h", 3600 * kSecond},
    DurationUnit{"m", 60 * kSecond},    DurationUnit{"min", 60 * kSecond},
    DurationUnit{"s", kSecond},         DurationUnit{"ms", kSecond / 1000},
};

// Splits "12 KiB" into 12 and "KiB".
Result<std::pair<std::uint64_t, std::string_view>> split(std::string_view text,
                                                         std::string_view what) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  auto [after, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) {
    return Error(Code::invalid_argument, "'" + std::string(text) + "' is not a " +
                                             std::string(what) + ": it must start with digits.");
  }
  std::string_view unit(after, static_cast<std::size_t>(end - after));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  return std::pair{number, unit};
}

Error unknown_unit(std::string_view text, std::string_view known) {
  return {Code::invalid_argument, "'" + std::string(text) + "' has an unknown unit; use one of " +
                                      std::string(known) + "."};
}

Error too_large(std::string_view text) {
  return {Code::invalid_argument, "'" + std::string(text) + "' is too large."};
}

}  // namespace

Result<std::uint64_t> parse_u64(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  auto [after, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || after != end) {
    return Error(Code::invalid_argument, "'" + std::string(text) + "' is not a whole number.");
  }
  return number;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  MAS_TRY(auto parts, split(text, "size"));
  auto [number, unit] = parts;
  if (unit.empty()) unit = "B";
  for (const SizeUnit& known : kSizeUnits) {
    if (known.name != unit) continue;
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(number, known.factor, &product) || product > INT64_MAX) {
      return too_large(text);
    }
    return product;
  }
  return unknown_unit(text, "B, KiB, MiB, GiB, TiB, KB, MB, GB, TB");
}

Result<Duration> parse_duration(std::string_view text) {
  MAS_TRY(auto parts, split(text, "duration"));
  auto [number, unit] = parts;
  if (unit.empty() && number == 0) return Duration(0);
  for (const DurationUnit& known : kDurationUnits) {
    if (known.name != unit) continue;
    std::int64_t product = 0;
    if (__builtin_mul_overflow(number, known.nanoseconds, &product)) return too_large(text);
    return Duration(product);
  }
  return unknown_unit(text, "ms, s, m, h, d");
}

std::string format_size(std::uint64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (unit.factor % kKiB != 0) continue;
    if (bytes >= unit.factor && bytes % unit.factor == 0) {
      return std::to_string(bytes / unit.factor) + " " + std::string(unit.name);
    }
  }
  return std::to_string(bytes) + " B";
}

std::string describe_size(std::uint64_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (unit.factor % kKiB != 0 || bytes < unit.factor) continue;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f %.3s",
                  static_cast<double>(bytes) / static_cast<double>(unit.factor), unit.name.data());
    return text.data();
  }
  return std::to_string(bytes) + " B";
}

std::string format_duration(Duration duration) {
  std::int64_t count = duration.count();
  if (count == 0) return "0 s";
  for (const DurationUnit& unit : kDurationUnits) {
    if (unit.name == "min") continue;
    if (count >= unit.nanoseconds && count % unit.nanoseconds == 0) {
      return std::to_string(count / unit.nanoseconds) + " " + std::string(unit.name);
    }
  }
  return std::to_string(count / 1'000'000) + " ms";
}

}  // namespace mas

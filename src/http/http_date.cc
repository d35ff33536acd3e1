#include <array>
#include <ctime>

#include "mas/core/text.h"
#include "mas/http/range.h"

namespace mas::http {
namespace {

constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

// IMF-fixdate of RFC 9110, section 5.6.7; written by hand because strftime depends on the locale.
std::string http_date(std::int64_t unix_seconds) {
  std::time_t when = unix_seconds;
  std::tm utc{};
  gmtime_r(&when, &utc);
  std::string out = kDays[static_cast<std::size_t>(utc.tm_wday)];
  out += ", ";
  append_padded(out, utc.tm_mday, 2);
  out += ' ';
  out += kMonths[static_cast<std::size_t>(utc.tm_mon)];
  out += ' ';
  append_padded(out, utc.tm_year + 1900, 4);
  out += ' ';
  append_time(out, utc);
  out += " GMT";
  return out;
}

}  // namespace mas::http

#include "config/checks.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "config/text.h"
#include "mas/core/ids.h"
#include "mas/core/units.h"

namespace mas::config {
namespace {

bool is_name_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
}

std::string one_of(const std::string& value, std::initializer_list<std::string_view> choices) {
  std::string list;
  for (std::string_view choice : choices) {
    if (value == choice) return "";
    if (!list.empty()) list += ", ";
    list += choice;
  }
  return "must be one of " + list + ", not " + quote(value);
}

// Header values must not hold what could end their line.
bool is_header_safe(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
}

}  // namespace

std::string name_problem(const std::string& name) {
  if (name.empty() || name.size() > 63 || !std::all_of(name.begin(), name.end(), is_name_char)) {
    return "must be 1 to 63 letters, digits, '-', '_' or '.', not " + quote(name);
  }
  return "";
}

std::string data_problem(const Texts& directories) {
  if (directories.empty()) return "must name at least one directory";
  std::set<std::string> seen;
  for (const std::string& directory : directories) {
    if (!seen.insert(directory).second) return "names " + quote(directory) + " twice";
  }
  return "";
}

std::string listen_problem(const std::string& address) {
  std::string bad = "must be HOST:PORT such as 127.0.0.1:7080 or [::1]:7080, not " + quote(address);
  std::size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || address.size() > 300) return bad;
  std::string host = address.substr(0, colon);
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find_first_of("[]:") != std::string::npos) return bad;
  if (!is_header_safe(host)) return bad;
  auto port = parse_u64(address.substr(colon + 1));
  if (port.has_error()) return bad;
  if (*port > 65535) return "has a port over 65535: " + quote(address);
  return "";
}

std::string optional_listen_problem(const std::string& address) {
  return address.empty() ? "" : listen_problem(address);
}

std::string origin_problem(const std::string& origin) {
  if (origin == "*") return "";
  std::size_t scheme = origin.find("://");
  bool known = origin.starts_with("http://") || origin.starts_with("https://");
  if (!known || origin.size() <= scheme + 3 || !is_header_safe(origin) ||
      origin.find('/', scheme + 3) != std::string::npos) {
    return "must be an origin such as https://example.org, without a path, not " + quote(origin);
  }
  return "";
}

std::string origins_problem(const Texts& origins) {
  for (const std::string& origin : origins) {
    if (origin == "*") return "must name origins one by one: the system token is a secret";
    std::string problem = origin_problem(origin);
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string signing_keys_problem(const Texts& files) {
  return files.size() > 2 ? "may name two files: the key that signs and the one before it" : "";
}

std::string erasure_problem(const std::string& profile) {
  if (profile == "auto" || Profile::parse(profile).has_value()) return "";
  return "must be auto or K+M with K from 1 and K + M up to 16, such as 4+2, not " + quote(profile);
}

std::string log_level_problem(const std::string& level) {
  return one_of(level, {"trace", "debug", "info", "warn", "error"});
}

std::string log_format_problem(const std::string& format) {
  return one_of(format, {"auto", "text", "json"});
}

Conflict find_conflict(const Config& c) {
  struct Rule {
    bool broken;
    Conflict conflict;
  };
  const std::array rules{
      Rule{c.tls.certificate.empty() != c.tls.key.empty(),
           {"tls.certificate", "tls.key", "name both files or neither"}},
      Rule{c.peer.certificate.empty() != c.peer.key.empty(),
           {"peer.certificate", "peer.key", "name both files or neither"}},
      Rule{c.peer.certificate.empty() != c.peer.ca_file.empty(),
           {"peer.certificate", "peer.ca_file", "name both files or neither"}},
      Rule{!c.metrics.listen.empty() && c.metrics.listen == c.http.listen &&
               !c.http.listen.ends_with(":0"),
           {"metrics.listen", "http.listen", "must differ, or be empty to share the API's port"}},
      Rule{c.limits.part > c.limits.upload,
           {"limits.part", "limits.upload", "a part must not be larger than a whole upload"}},
      Rule{c.token.renew_every >= c.token.extension,
           {"token.renew_every", "token.extension",
            "must be shorter than the extension, or running requests lose their token"}},
      Rule{c.token.max_life < c.token.first_use,
           {"token.max_life", "token.first_use", "must not be shorter than first_use"}},
      Rule{c.object.unit % kBlockSize != 0,
           {"object.unit", "object.unit", "must be a multiple of 4 KiB"}},
      Rule{c.object.stripe % c.object.unit != 0,
           {"object.stripe", "object.unit", "a stripe must be a whole number of units"}},
      Rule{c.object.small_object > c.object.stripe,
           {"object.small_object", "object.stripe", "must not be larger than a stripe"}},
      Rule{c.object.extent % c.object.stripe != 0,
           {"object.extent", "object.stripe", "an extent must be a whole number of stripes"}},
      Rule{c.object.buffer_budget < 2 * c.object.stripe,
           {"object.buffer_budget", "object.stripe", "must hold at least two stripes"}},
      Rule{c.store.segment_size < 4 * c.object.stripe,
           {"store.segment_size", "object.stripe", "must hold at least four stripes"}},
      Rule{c.store.queue_bytes < 2 * c.object.stripe,
           {"store.queue_bytes", "object.stripe", "must hold at least two stripes"}},
  };
  for (const Rule& rule : rules) {
    if (rule.broken) return rule.conflict;
  }
  return {};
}

}  // namespace mas::config

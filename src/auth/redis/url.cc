#include "auth/redis/url.h"

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "mas/core/units.h"

namespace mas::auth::redis {
namespace {

constexpr std::uint64_t kMaxDatabase = 1'000'000;

Error bad_url(const std::string& why) {
  return {Code::invalid_argument, "The URL of Redis cannot be used: " + why + "."};
}

// A name or a numeric address; nothing that the resolver would read differently than people do.
bool is_host(std::string_view text) {
  auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == ':';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

Result<void> read_authority(const boost::urls::url_view& view, Url& url) {
  if (view.has_userinfo()) {
    url.user = view.user();
    if (view.has_password()) url.password = view.password();
    if (url.password.empty()) {
      return bad_url(
          "write user and password as user:password@, or a password alone as :password@");
    }
  }
  url.host = view.host_address();
  bool known = view.host_type() != boost::urls::host_type::ipvfuture;
  if (!known || !is_host(url.host)) return bad_url("it names no host");
  if (!view.has_port()) return {};
  url.port = std::string(view.port());
  auto port = parse_u64(url.port);
  if (port.has_error() || *port == 0 || *port > 65535) return bad_url("its port is no port");
  return {};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  auto parsed = boost::urls::parse_uri(text);
  if (parsed.has_error()) return bad_url("write it as redis://user:password@host:port/db");
  const boost::urls::url_view& view = *parsed;
  Url url;
  std::string scheme(view.scheme());
  url.tls = scheme == "rediss";
  if (!url.tls && scheme != "redis") return bad_url("it must begin with redis:// or rediss://");
  if (!view.has_authority()) return bad_url("it names no host");
  MAS_CHECK(read_authority(view, url));
  if (view.has_query() || view.has_fragment()) return bad_url("it must end with the database");
  std::string path(view.encoded_path());
  if (path.empty() || path == "/") return url;
  // Boost takes "x" in "redis://host:x" for a path.
  if (path.front() != '/') return bad_url("its port is no port");
  auto database = parse_u64(std::string_view(path).substr(1));
  if (database.has_error() || *database > kMaxDatabase) {
    return bad_url("the database must be a number, as in redis://host/0");
  }
  if (*database != 0) url.database = std::to_string(*database);
  return url;
}

}  // namespace mas::auth::redis

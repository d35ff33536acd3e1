#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "http/header_tokens.h"
#include "mas/core/units.h"
#include "mas/http/client.h"

namespace mas::http {
namespace {

Error bad_url(std::string_view text, const char* why) {
  return {Code::invalid_argument,
          "'" + std::string(text) + "' is not a server's URL: " + why + "."};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  auto parsed = boost::urls::parse_uri(text);
  if (parsed.has_error()) return bad_url(text, "write it as http://HOST:PORT");
  const boost::urls::url_view& view = *parsed;
  Url url;
  std::string scheme(view.scheme());
  url.tls = equal_ignoring_case(scheme, "https");
  if (!url.tls && !equal_ignoring_case(scheme, "http")) {
    return bad_url(text, "it must begin with http:// or https://");
  }
  if (view.has_userinfo()) return bad_url(text, "it must not hold a user name");
  if (view.has_query() || view.has_fragment()) return bad_url(text, "it must end with its path");
  url.host = view.host_address();
  if (url.host.empty()) return bad_url(text, "it names no host");
  url.port = std::string(view.port());
  if (url.port.empty()) url.port = url.tls ? "443" : "80";
  auto port = parse_u64(url.port);
  if (port.has_error() || *port == 0 || *port > 65535) return bad_url(text, "its port is no port");
  url.path = std::string(view.encoded_path());
  // Boost takes "x" in "http://host:x" for a path.
  bool path_is_rest = !url.path.empty() && url.path.front() != '/';
  if (path_is_rest || (view.has_port() && view.port().empty())) {
    return bad_url(text, "its port is no port");
  }
  if (url.path == "/") url.path.clear();
  return url;
}

}  // namespace mas::http

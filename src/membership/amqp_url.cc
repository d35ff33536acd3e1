#include "membership/amqp_url.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "mas/core/units.h"

namespace mas::membership {
namespace {

constexpr std::size_t kMaxName = 255;  // AMQP's short strings

Error bad_url(const char* why) {
  return {Code::invalid_argument, std::string("rabbitmq.url is not usable: ") + why + "."};
}

// The driver takes C strings.
bool usable(const std::string& text) {
  return text.size() <= kMaxName && text.find('\0') == std::string::npos;
}

Result<int> port_of(const boost::urls::url_view& view, bool tls) {
  if (!view.has_port()) return tls ? 5671 : 5672;
  std::string text(view.port());
  auto port = parse_u64(text);
  if (port.has_error() || *port == 0 || *port > 65535) return bad_url("its port is no port");
  return static_cast<int>(*port);
}

}  // namespace

Result<AmqpTarget> parse_amqp_url(std::string_view text) {
  auto parsed = boost::urls::parse_uri(text);
  if (parsed.has_error()) return bad_url("write it as amqp://USER:PASSWORD@HOST:PORT/VHOST");
  const boost::urls::url_view& view = *parsed;
  AmqpTarget target;
  std::string scheme(view.scheme());
  target.tls = scheme == "amqps";
  if (!target.tls && scheme != "amqp") return bad_url("it must begin with amqp:// or amqps://");
  if (view.has_query() || view.has_fragment()) return bad_url("it must end with the virtual host");
  target.host = view.host_address();
  if (target.host.empty()) return bad_url("it names no host");
  MAS_TRY(target.port, port_of(view, target.tls));
  if (view.has_userinfo()) {
    target.user = view.user();
    target.password = view.password();
  }
  std::string path = view.path();  // decoded
  if (!path.empty() && path.front() != '/') return bad_url("its port is no port");
  if (path.size() > 1) target.vhost = path.substr(1);
  if (!usable(target.host) || !usable(target.user) || !usable(target.password) ||
      !usable(target.vhost)) {
    return bad_url("host, user, password or virtual host is too long or holds a zero byte");
  }
  return target;
}

}  // namespace mas::membership

#include "peer/dialler.h"

namespace mas::peer {
namespace {

Result<http::Url> peer_url(const std::string& address, bool tls) {
  auto url = http::parse_url((tls ? "https://" : "http://") + address);
  if (url.has_error() || !url->path.empty()) {
    return Error(Code::closed, "The pod has no usable peer address: '" + address + "'.");
  }
  return url;
}

}  // namespace

Dialler::Dialler(const config::Peer& options, const std::vector<auth::ClusterKey>& keys,
                 Clock& clock)
    : options_(options), clock_(clock) {
  MAS_ASSERT(!keys.empty());
  if (options_.certificate.empty()) {
    tls_ = net::make_psk_client({keys.front().id, keys.front().peer});
  }
}

Result<std::unique_ptr<http::Client>> Dialler::dial(const Executor& executor,
                                                    const std::string& address, bool v1,
                                                    std::optional<Duration> timeout) {
  MAS_TRY(http::Url url, peer_url(address, tls_ == nullptr || !v1));
  http::ClientOptions client;
  client.connect_timeout = timeout.value_or(options_.connect_timeout);
  client.io_timeout = timeout.value_or(options_.io_timeout);
  client.ca_file = options_.ca_file;
  client.certificate = options_.certificate;
  client.key = options_.key;
  client.tls = tls_;
  return http::make_client(executor, std::move(url), std::move(client), clock_);
}

}  // namespace mas::peer

// What the parts need of configuration and view.
#include <algorithm>

#include "mas/peer/http.h"

namespace mas::peer {
namespace {

constexpr std::size_t kSecretLeast = 16;
constexpr std::uint64_t kSecretFileLimit = 4096;
// Bytes a second. A slower sender holds memory that others wait for.
constexpr std::uint64_t kBearablePace = 256 * kKiB;

}  // namespace

Result<std::string> read_secret(fs::Fs& fs, const std::string& path) {
  MAS_TRY(std::string content, fs::read_file(fs, path, kSecretFileLimit));
  constexpr std::string_view kSpace = " \t\r\n";
  std::size_t first = content.find_first_not_of(kSpace);
  std::string secret;
  if (first != std::string::npos) {
    secret = content.substr(first, content.find_last_not_of(kSpace) - first + 1);
  }
  bool printable = std::ranges::all_of(secret, [](char c) { return c > ' ' && c <= '~'; });
  if (secret.size() < kSecretLeast || !printable) {
    return Error(Code::invalid_argument,
                 path + " must hold one line, the cluster's secret, of at least " +
                     std::to_string(kSecretLeast) + " printable characters without spaces.");
  }
  return secret;
}

Resolver resolver_of(const membership::ViewBoard& board) {
  return [&board](layout::MemberIndex member) -> std::optional<Address> {
    auto view = board.current();
    if (member == view->self && member < view->layout.members.size()) {
      const layout::Member& self = view->layout.members[member];
      return Address{"", self.slot, self.incarnation};
    }
    const membership::Pod* pod = view->pod_of(member);
    if (pod == nullptr || !pod->alive) return std::nullopt;
    return Address{pod->last.peer_address, pod->last.slot, pod->last.incarnation};
  };
}

config::Http server_options(const config::Config& config) {
  config::Http options = config.http;
  options.listen = config.cluster.listen;
  options.write_timeout = config.peer.io_timeout;
  options.body_grace = config.peer.io_timeout;
  options.min_body_rate = std::max(options.min_body_rate, kBearablePace);
  return options;
}

config::Tls server_tls(const config::Peer& options) { return {options.certificate, options.key}; }

}  // namespace mas::peer

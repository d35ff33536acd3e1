// What the parts need of configuration and view.
#include <algorithm>

#include "mas/peer/http.h"

namespace mas::peer {
namespace {

constexpr std::size_t kSecretLeast = 16;
constexpr std::size_t kMostSecrets = 2;
constexpr std::uint64_t kSecretFileLimit = 4096;
// Bytes a second. A slower sender holds memory that others wait for.
constexpr std::uint64_t kBearablePace = 256 * kKiB;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace

Result<std::vector<std::string>> read_secrets(fs::Fs& fs, const std::string& path) {
  MAS_TRY(std::string content, fs::read_file(fs, path, kSecretFileLimit));
  std::vector<std::string> secrets;
  bool good = true;
  for (std::string_view rest = content; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty()) continue;
    const bool printable = std::ranges::all_of(line, [](char c) { return c > ' ' && c <= '~'; });
    good = good && printable && line.size() >= kSecretLeast;
    secrets.emplace_back(line);
  }
  if (!good || secrets.empty() || secrets.size() > kMostSecrets) {
    return Error(Code::invalid_argument,
                 path + " must hold one line, the cluster's secret, of at least " +
                     std::to_string(kSecretLeast) +
                     " printable characters without spaces; or two during a change, the new one "
                     "first.");
  }
  return secrets;
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
    // A beat without a boot id is one of mas 0.1.0.
    return Address{pod->last.peer_address, pod->last.slot, pod->last.incarnation,
                   pod->last.boot.is_zero()};
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

config::Tls server_files(const config::Peer& options) { return {options.certificate, options.key}; }

std::shared_ptr<net::TlsServer> server_tls(const config::Peer& options,
                                           const std::vector<auth::ClusterKey>& keys) {
  if (!options.certificate.empty()) return nullptr;
  std::vector<net::PskKey> known;
  for (const auth::ClusterKey& key : keys) known.push_back({key.id, key.peer});
  auto server = net::make_psk_server(std::move(known));
  return options.accept_v1 ? net::or_plain(std::move(server)) : server;
}

}  // namespace mas::peer

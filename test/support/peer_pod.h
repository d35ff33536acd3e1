// PeerPod: a pod's peer port, on a MemoryStore if no other is given: real server, real handler.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "mas/http/server.h"
#include "mas/peer/http.h"
#include "support/memory_store.h"
#include "support/must.h"

namespace mas::test {

inline const std::string kPeerSecret = "a secret for tests only";

class PeerPod {
 public:
  // Pod "mas-N", whose store has the incarnation N, N, N, ...; `tls` with files makes it want
  // certificates; `serves`: another store than its own. start() it.
  PeerPod(IoThreads& io, Clock& clock, std::uint8_t number, const config::Peer& tls = {},
          store::Store* serves = nullptr)
      : store(number),
        io_(io),
        clock_(clock),
        number_(number),
        serves_(serves != nullptr ? *serves : store) {
    config.cluster.listen = "127.0.0.1:0";
    config.peer = tls;
    options.known = [](std::string_view slot, const Id128&) { return slot.starts_with("mas-"); };
  }
  ~PeerPod() { stop(); }
  PeerPod(const PeerPod&) = delete;
  PeerPod& operator=(const PeerPod&) = delete;

  [[nodiscard]] peer::Self self() {
    peer::Self self;
    self.cluster = "testing";
    self.slot = "mas-" + std::to_string(number_);
    self.incarnation = serves_.incarnation();
    self.software = "0.0 (test)";
    self.keys = auth::cluster_keys(secrets, self.cluster);
    self.secrets = secrets;
    self.layout = [this] { return peer::LayoutMark{layout_version, cluster_id}; };
    return self;
  }
  void start() {
    options.accept_v1 = config.peer.accept_v1;
    handler_ = peer::make_peer_handler(self(), serves_, options, {clock_, metrics});
    http::ServerDependencies deps{io_, clock_, *rng_, metrics};
    if (!speaks_v1) deps.tls = peer::server_tls(config.peer, self().keys);
    server_ = http::make_server(peer::server_options(config), peer::server_files(config.peer),
                                *handler_, deps, config.peer.ca_file);
    must(server_->start());
    address_ = server_->address();
  }
  // Its connections end at once.
  void stop() {
    store.release();
    if (server_) run_blocking(server_->stop(std::chrono::seconds(0)));
    server_.reset();
    handler_.reset();
  }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] peer::Address member() { return {address_, self().slot, serves_.incarnation()}; }
  // The value in the metrics' text of the line that begins with `name`.
  [[nodiscard]] double metric(const std::string& name) const {
    std::string text = "\n" + metrics.text();
    std::size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::atof(text.c_str() + at + name.size() + 2);
  }

  MemoryStore store;
  std::atomic<std::uint64_t> layout_version{1};
  Id128 cluster_id{};
  config::Config config;  // before start()
  std::vector<std::string> secrets{kPeerSecret};
  bool speaks_v1 = false;  // as a pod of mas 0.1.0: without TLS, and with config.peer.accept_v1
  peer::HandlerOptions options;
  observe::Metrics metrics;

 private:
  IoThreads& io_;
  Clock& clock_;
  std::uint8_t number_;
  store::Store& serves_;
  std::unique_ptr<Rng> rng_ = make_seeded_rng(number_);
  std::unique_ptr<http::Handler> handler_;
  std::unique_ptr<http::Server> server_;
  std::string address_;
};

}  // namespace mas::test

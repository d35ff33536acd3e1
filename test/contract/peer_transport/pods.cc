#include "pods.h"

#include "support/certificates.h"
#include "support/peer_pod.h"

namespace mas::peer::test {
namespace {

class InProcessPods final : public Pods {
 public:
  InProcessPods() {
    for (layout::MemberIndex i = 0; i < kPods; ++i) {
      owned_.push_back(std::make_unique<mas::test::MemoryStore>(static_cast<std::uint8_t>(i)));
      stores_.push_back(owned_.back().get());
    }
    transport_ = make_in_process_transport(stores_);
  }
  PeerTransport& transport() override { return *transport_; }
  mas::test::MemoryStore& store(layout::MemberIndex member) override { return *owned_[member]; }
  void kill(layout::MemberIndex member) override { stores_[member] = nullptr; }

 private:
  std::vector<std::unique_ptr<mas::test::MemoryStore>> owned_;
  std::vector<store::Store*> stores_;
  std::unique_ptr<PeerTransport> transport_;
};

// Pods that serve their peer ports; the transport is that of pod 0.
class HttpPods final : public Pods {
 public:
  explicit HttpPods(const config::Peer& options) {
    for (std::uint8_t i = 0; i < kPods; ++i) {
      pods_.push_back(std::make_unique<mas::test::PeerPod>(io_, *clock_, i, options));
      pods_.back()->start();
      addresses_.push_back(pods_.back()->member());
    }
    io_.start();
    auto find = [this](layout::MemberIndex member) -> std::optional<Address> {
      if (member >= addresses_.size()) return std::nullopt;
      return addresses_[member];
    };
    TransportDependencies deps{io_, *clock_, pods_[0]->store};
    transport_ = make_http_transport(pods_[0]->self(), options, find, deps);
  }
  ~HttpPods() override {
    run_blocking(transport_->close());
    pods_.clear();
  }
  HttpPods(const HttpPods&) = delete;
  HttpPods& operator=(const HttpPods&) = delete;

  PeerTransport& transport() override { return *transport_; }
  mas::test::MemoryStore& store(layout::MemberIndex member) override {
    return pods_[member]->store;
  }
  void kill(layout::MemberIndex member) override { pods_[member]->stop(); }

 private:
  IoThreads io_{2};
  std::unique_ptr<Clock> clock_ = make_system_clock();
  std::vector<std::unique_ptr<mas::test::PeerPod>> pods_;
  std::vector<Address> addresses_;
  std::unique_ptr<HttpTransport> transport_;
};

// One authority for all tests of this process, and one certificate all pods share.
config::Peer with_certificates() {
  static const mas::test::Certificates certificates;
  static const bool made = [] {
    certificates.make("ca", "authority");
    certificates.make("pod", "localhost", "ca");
    return true;
  }();
  REQUIRE(made);
  config::Peer options;
  options.certificate = certificates.pem("pod");
  options.key = certificates.key("pod");
  options.ca_file = certificates.pem("ca");
  return options;
}

}  // namespace

std::vector<PodsFactory> all_pods() {
  return {{"in process", [] { return std::make_unique<InProcessPods>(); }},
          {"http", [] { return std::make_unique<HttpPods>(config::Peer{}); }},
          {"http with mutual TLS", [] { return std::make_unique<HttpPods>(with_certificates()); }}};
}

}  // namespace mas::peer::test

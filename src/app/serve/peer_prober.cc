#include "app/serve/peer_prober.h"

namespace mas::app {
namespace {

membership::Identity identity_of(const peer::PingAnswer& answer) {
  return {answer.cluster_id, answer.slot, answer.incarnation, answer.wall};
}

class PeerProber final : public membership::Prober {
 public:
  explicit PeerProber(peer::Prober& prober) : prober_(prober) {}

  Task<Result<membership::Identity>> ping(std::string address, Duration timeout) override {
    MAS_CO_TRY(peer::PingAnswer answer, co_await prober_.ping(std::move(address), timeout));
    co_return identity_of(answer);
  }
  Task<Result<membership::Identity>> ping_through(std::string via, std::string target,
                                                  Duration timeout) override {
    MAS_CO_TRY(peer::PingAnswer answer,
               co_await prober_.probe_through(std::move(via), std::move(target), timeout));
    co_return identity_of(answer);
  }

 private:
  peer::Prober& prober_;
};

}  // namespace

std::unique_ptr<membership::Prober> make_peer_prober(peer::Prober& prober) {
  return std::make_unique<PeerProber>(prober);
}

}  // namespace mas::app

#include "app/serve/cluster_node.h"

#include <algorithm>

#include "app/serve/early_watch.h"
#include "app/serve/layout_duties.h"
#include "app/serve/layout_search.h"
#include "app/serve/peer_prober.h"
#include "app/serve/refreshing_transport.h"
#include "app/serve/served_store.h"
#include "app/version.h"
#include "mas/maintain/leavers_look.h"
#include "mas/membership/amqp.h"
#include "mas/membership/leavers.h"
#include "mas/observe/log.h"

namespace mas::app {
namespace {

constexpr Duration kLedgerTimeout = std::chrono::seconds(2);

peer::LayoutMark mark_of(const membership::ViewBoard& board) {
  auto view = board.current();
  return {view->layout.version, view->layout.cluster};
}

bool is_known(const membership::ViewBoard& board, std::string_view slot, const Id128& incarnation) {
  auto view = board.current();
  const auto& members = view->layout.members;
  return std::any_of(members.begin(), members.end(), [&](const layout::Member& member) {
    return member.slot == slot && member.incarnation == incarnation;
  });
}

membership::ClusterView empty_view() {
  membership::ClusterView view;
  view.self = layout::kNobody;
  return view;
}

std::string layout_document(const membership::ViewBoard& board) {
  auto view = board.current();
  return view->layout.rows.empty() ? std::string() : layout::serialise(view->layout);
}

class Node final : public ClusterNode {
 public:
  Node(const NodeDependencies& deps, std::vector<std::string> secrets)
      : deps_(deps),
        board_(empty_view()),
        served_(deps_.store, board_),
        self_(describe_self(std::move(secrets))) {
    transport_ = peer::make_http_transport(self_, deps_.config.peer, peer::resolver_of(board_),
                                           {deps_.io, deps_.clock, deps_.store});
    refreshing_ = make_refreshing_transport(*transport_, deps_.io.executor(0));
    prober_ = make_peer_prober(*transport_);
  }

  membership::ViewBoard& board() override { return board_; }
  peer::PeerTransport& transport() override { return *refreshing_; }
  maintain::ClusterLedger::Ask ledger_of() override {
    return
        [this](layout::MemberIndex member) { return transport_->ledger(member, kLedgerTimeout); };
  }
  membership::GenerationWatch& watch() override { return watch_; }

  Task<Result<void>> start(object::Objects& objects, maintain::Scheduler& workers,
                           std::string api_address) override {
    MAS_CO_CHECK(open_peer_port());
    walk_ = maintain::make_settle_walk({deps_.meta, objects.upkeep(), board_, deps_.clock,
                                        deps_.io.executor(0), deps_.config.maintain.repair_rate});
    look_ = maintain::make_leavers_look(
        {deps_.meta, objects.upkeep(), board_, deps_.clock, deps_.io.executor(0), *refreshing_});
    duties_ = make_layout_duties(objects, *walk_, board_);
    membership::AmqpOptions bus_options;
    bus_options.cluster = deps_.config.cluster.name;
    bus_options.pod = deps_.config.node.name;
    bus_options.incarnation = self_.incarnation;
    bus_options.keys = self_.keys;
    bus_options.accept_v1 = deps_.config.peer.accept_v1;
    bus_options.message_life = deps_.config.cluster.suspect_after;
    auto bus = membership::make_amqp_bus(deps_.config.rabbitmq, std::move(bus_options), deps_.clock,
                                         deps_.rng, deps_.metrics);
    if (bus.has_error()) co_return bus.error();
    bus_ = *std::move(bus);
    membership::Dependencies parts{*bus_,
                                   deps_.meta,
                                   *prober_,
                                   *duties_,
                                   board_,
                                   deps_.fs,
                                   deps_.disk,
                                   deps_.clock,
                                   deps_.rng,
                                   deps_.metrics,
                                   deps_.config.node.data.front() + "/cluster"};
    membership::WithLeavers made = membership::make_membership_with_leavers(
        deps_.config.cluster, who(api_address), parts, look_.get());
    membership_ = std::move(made.membership);
    leavers_ = made.leavers;
    refreshing_->refresh_with(membership_.get());
    watch_.watch_with(membership_.get());
    MAS_CO_CHECK(co_await membership_->start(deps_.io.executor(0)));
    (void)spawn(deps_.io.executor(0), gate_, begin_work(workers), "begin work");
    co_return Result<void>();
  }

  Task<Result<void>> find_newest_layout() override {
    LayoutOf ask = [this](layout::MemberIndex member) { return transport_->layout_of(member); };
    auto finding = find_newer_layout(board_, std::move(ask));
    MAS_CO_TRY(std::optional<layout::Layout> newest, co_await std::move(finding));
    if (!newest) co_return Result<void>();
    co_return co_await membership_->take_over(*std::move(newest));
  }

  Task<Result<std::uint64_t>> give_up(std::string slot) override {
    auto word = std::make_shared<Word>();
    auto saying = say(word, std::move(slot));
    const bool begun = spawn(deps_.io.executor(0), gate_, std::move(saying), "give up");
    if (!begun) co_return Error(Code::closed, "The pod is stopping.");
    co_await word->said.wait();
    co_return word->result;
  }

  // What is wrong shows on the board.
  Task<void> look_again() override { (void)co_await membership_->refresh(); }

  Task<void> stop() override {
    co_await refreshing_->close();
    board_.close();
    co_await gate_.close();
    if (walk_) co_await walk_->close();
    if (look_) co_await look_->close();
    if (membership_) co_await membership_->close();
    if (server_) co_await server_->stop(deps_.config.peer.io_timeout);
    co_await transport_->close();
    bus_.reset();
  }

 private:
  // Passed on to the thread that the membership runs on.
  struct Word {
    Event said;
    Result<std::uint64_t> result = Error(Code::busy, "This pod is still starting.");
  };
  Task<void> say(std::shared_ptr<Word> word, std::string slot) {
    if (leavers_ != nullptr) {
      auto giving_up = leavers_->give_up(std::move(slot));
      word->result = co_await std::move(giving_up);
    }
    word->said.set();
  }

  peer::Self describe_self(std::vector<std::string> secrets) {
    peer::Self self;
    self.cluster = deps_.config.cluster.name;
    self.slot = deps_.config.node.name;
    self.incarnation = deps_.store.incarnation();
    self.software = "mas " + std::string(version());
    self.keys = auth::cluster_keys(secrets, self.cluster);
    self.secrets = std::move(secrets);
    self.layout = [this] { return mark_of(board_); };
    return self;
  }

  Task<void> begin_work(maintain::Scheduler& workers) {
    const bool member = co_await becomes_member(board_);
    if (!member) co_return;
    workers.start(deps_.io.executor(0));
    log::info("cluster.member", {{"layout", board_.current()->layout.version}});
  }

  Result<void> open_peer_port() {
    peer::HandlerOptions options;
    options.known = [this](std::string_view slot, const Id128& incarnation) {
      return is_known(board_, slot, incarnation);
    };
    options.ledger = [this] {
      std::string share = maintain::encode(maintain::share_of(deps_.redundancy));
      return maintain::with_quiet(std::move(share), deps_.freed.quiet());
    };
    options.layout = [this] { return layout_document(board_); };
    options.accept_v1 = deps_.config.peer.accept_v1;
    options.prober = transport_.get();
    options.put_memory = deps_.config.peer.receive_memory;
    options.read_memory = deps_.config.peer.send_memory;
    handler_ =
        peer::make_peer_handler(self_, served_, std::move(options), {deps_.clock, deps_.metrics});
    http::ServerDependencies server_deps{
        deps_.io,      deps_.clock, deps_.rng,
        deps_.metrics, "peer",      peer::server_tls(deps_.config.peer, self_.keys)};
    server_ =
        http::make_server(peer::server_options(deps_.config), peer::server_files(deps_.config.peer),
                          *handler_, server_deps, deps_.config.peer.ca_file);
    return server_->start();
  }

  membership::Self who(const std::string& api_address) {
    const config::Cluster& cluster = deps_.config.cluster;
    membership::Self self;
    self.slot = self_.slot;
    self.incarnation = self_.incarnation;
    self.api_address = cluster.advertise_api.empty() ? api_address : cluster.advertise_api;
    self.peer_address =
        cluster.advertise_peer.empty() ? server_->address() : cluster.advertise_peer;
    self.zone = cluster.zone;
    self.software = self_.software;
    self.boot = deps_.rng.id();
    self.room = [this] {
      store::Usage usage = deps_.store.usage();
      return membership::Room{usage.capacity, usage.live};
    };
    if (auto fixed = Profile::parse(deps_.config.object.erasure)) {
      self.profile = [profile = *fixed](std::size_t) { return profile; };
    } else {
      self.profile = layout::profile_for;
    }
    return self;
  }

  const NodeDependencies deps_;
  Gate gate_;
  membership::ViewBoard board_;
  ServedStore served_;
  const peer::Self self_;
  std::unique_ptr<peer::HttpTransport> transport_;
  std::unique_ptr<RefreshingTransport> refreshing_;
  std::unique_ptr<membership::Prober> prober_;
  std::unique_ptr<http::Handler> handler_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<maintain::SettleWalk> walk_;
  std::unique_ptr<maintain::LeaversLook> look_;
  std::unique_ptr<membership::LayoutDuties> duties_;
  std::unique_ptr<membership::HeartbeatBus> bus_;
  std::unique_ptr<membership::Membership> membership_;
  membership::Leavers* leavers_ = nullptr;  // a part of it
  EarlyWatch watch_;
};

}  // namespace

Result<std::unique_ptr<ClusterNode>> make_cluster_node(const NodeDependencies& deps) {
  auto secrets = peer::read_secrets(deps.fs, deps.config.cluster.secret_file);
  if (secrets.has_error()) return secrets.error().with_context("cluster.secret_file");
  return std::unique_ptr<ClusterNode>(std::make_unique<Node>(deps, *std::move(secrets)));
}

}  // namespace mas::app

// Faults of what lies between the pods: links, the broker, the metadata store.
#include <utility>

#include "sim/injector.h"

namespace mas::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- The network ----

void Injector::partition() {
  Network& network = cluster_.network();
  const std::uint64_t side = rand_.next();
  for (std::size_t a = 0; a < cluster_.size(); ++a) {
    for (std::size_t b = 0; b < cluster_.size(); ++b) {
      if ((side >> a & 1) != (side >> b & 1)) network.link(a, b).cut = true;
    }
  }
  later(a_while(), [this, &network] {
    for (std::size_t a = 0; a < cluster_.size(); ++a) {
      for (std::size_t b = 0; b < cluster_.size(); ++b) network.link(a, b).cut = false;
    }
  });
}

void Injector::cut_one_way() {
  const std::size_t from = rand_.below(cluster_.size());
  const std::size_t to = (from + 1 + rand_.below(cluster_.size() - 1)) % cluster_.size();
  Link& link = cluster_.network().link(from, to);
  link.cut = true;
  later(a_while(), [&link] { link.cut = false; });
}

void Injector::lose_messages() {
  const double loss = rand_.chance(0.5) ? 0.02 : 0.2;
  const auto set = [this](double lost, double repeated) {
    for (std::size_t a = 0; a < cluster_.size(); ++a) {
      for (std::size_t b = 0; b < cluster_.size(); ++b) {
        cluster_.network().link(a, b).loss = lost;
        cluster_.network().link(a, b).repeat = repeated;
      }
    }
  };
  set(loss, 0.2);
  later(a_while(), [set] { set(0, 0); });
}

void Injector::slow_links() {
  const std::size_t pod = rand_.below(cluster_.size());
  const auto set = [this, pod](Duration most) {
    for (std::size_t other = 0; other < cluster_.size(); ++other) {
      cluster_.network().link(pod, other).most = most;
      cluster_.network().link(other, pod).most = most;
    }
  };
  set(rand_.between(milliseconds(50), seconds(4)));
  later(a_while(), [set] { set(Link().most); });
}

// ---- The broker ----

void Injector::set_links(HostIndex host, const std::function<void(Link&)>& change) {
  for (std::size_t pod = 0; pod < cluster_.size(); ++pod) {
    change(cluster_.network().link(pod, host));
    change(cluster_.network().link(host, pod));
  }
}

void Injector::stop_broker() {
  Host& host = cluster_.network().host(cluster_.broker_host());
  if (host.life == nullptr) return;
  Life* life = std::exchange(host.life, nullptr);
  host.refuses = rand_.chance(0.5);
  // Not undone by stop(): whatever happens, it comes back.
  world_.after(2 * a_while(), [&host, life] { host.life = life; });
}

// Of one pod, in one direction or both.
void Injector::cut_broker() {
  const std::size_t pod = rand_.below(cluster_.size());
  Network& network = cluster_.network();
  const std::uint64_t which = rand_.below(3);
  Link& to = network.link(pod, cluster_.broker_host());
  Link& from = network.link(cluster_.broker_host(), pod);
  (which == 0 ? to : from).loss = 1;
  if (which == 2) to.cut = true;
  later(2 * a_while(), [&to, &from] {
    to = Link();
    from = Link();
  });
}

void Injector::slow_broker() {
  const HostIndex broker = cluster_.broker_host();
  const Duration most = rand_.between(milliseconds(100), seconds(8));
  const double loss = rand_.chance(0.5) ? 0.1 : 0;
  set_links(broker, [=](Link& link) {
    link.most = most;
    link.loss = loss;
  });
  later(a_while(), [this, broker] { set_links(broker, [](Link& link) { link = Link(); }); });
}

// ---- The metadata store ----

void Injector::cut_meta() {
  Host& host = cluster_.network().host(cluster_.meta_host());
  if (host.life == nullptr || cluster_.restorer().is_lost()) return;
  host.life = nullptr;
  host.refuses = rand_.chance(0.5);
  // Not undone by stop(): whatever happens, it comes back.
  world_.after(a_while(), [&host, &cluster = cluster_] {
    if (!cluster.restorer().is_stopped()) host.life = &cluster.meta_life();
  });
}

void Injector::lose_meta_answers() {
  const std::size_t pod = rand_.below(cluster_.size());
  Network& network = cluster_.network();
  Link& answers = network.link(cluster_.meta_host(), pod);
  answers.loss = rand_.chance(0.5) ? 0.3 : 0.7;
  later(a_while(), [&answers] { answers.loss = 0; });
}

// That pod stands still between what it asks the store and what it tells it.
void Injector::slow_meta_for_one() {
  Network& network = cluster_.network();
  const std::size_t pod = rand_.below(cluster_.size());
  Link& to = network.link(pod, cluster_.meta_host());
  Link& from = network.link(cluster_.meta_host(), pod);
  // Comparable with what others do meanwhile, or much longer.
  const Duration most = rand_.chance(0.7) ? milliseconds(400) : seconds(4);
  to.most = from.most = rand_.between(milliseconds(50), most);
  later(2 * a_while(), [&to, &from] { to.most = from.most = Link().most; });
}

void Injector::stall_meta() {
  cluster_.set_meta_stalls(true);
  later(2 * a_while(), [this] { cluster_.set_meta_stalls(false); });
}

void Injector::lose_meta() {
  if (!cluster_.settings().loses_metadata || lost_meta_ || cluster_.layout().rows.empty()) return;
  // With nothing else lost, no deletion may be forgotten either.
  const bool alone = cluster_.losses().open().empty();
  if (!alone && rand_.chance(0.7)) return;
  // Who is away may have what only that pod knows.
  if (cluster_.losses().anybody_away()) return;
  const Settings& settings = cluster_.settings();
  const bool from_backup = !settings.short_grace && rand_.chance(0.5);
  lost_meta_ = true;
  world_.count(from_backup ? "metadata rolled back" : "metadata emptied");
  cluster_.restorer().lose(from_backup);
}

void Injector::slow_meta() {
  const auto set = [this](Duration most) {
    set_links(cluster_.meta_host(), [most](Link& link) { link.most = most; });
  };
  set(rand_.between(milliseconds(100), seconds(8)));
  later(a_while(), [set] { set(Link().most); });
}

}  // namespace mas::sim

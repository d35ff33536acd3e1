#include "membership/clock_watch.h"

#include <algorithm>

#include "mas/observe/log.h"

namespace mas::membership {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

ClockWatch::ClockWatch(Prober& prober, Clock& clock, observe::Metrics& metrics)
    : prober_(prober),
      clock_(clock),
      worst_(metrics.gauge("mas_cluster_clock_difference_seconds",
                           "How far the clock of another pod is from this one's, at most.")) {}

std::optional<PodKey> ClockWatch::due(const PodTable& pods, Instant now) {
  std::erase_if(sights_, [&](const auto& sight) { return pods.find(sight.first) == nullptr; });
  for (const auto& [key, entry] : pods.pods()) {
    const bool there =
        entry.heard && entry.liveness == Liveness::alive && !entry.last.peer_address.empty();
    if (!there) continue;
    auto [at, fresh] = sights_.try_emplace(key);
    if (!fresh && now < at->second.next) continue;
    at->second.next = now + kEvery;
    return key;
  }
  return std::nullopt;
}

Task<void> ClockWatch::ask(PodKey pod, std::string address, Duration timeout) {
  const WallTime wall = clock_.wall();
  const Instant begun = clock_.now();
  auto asking = prober_.ping(std::move(address), timeout);
  Result<Identity> answer = co_await std::move(asking);
  const Duration took = clock_.now() - begun;
  const bool theirs = answer.has_value() && answer->slot == pod.slot &&
                      answer->incarnation == pod.incarnation && answer->wall;
  if (!theirs) co_return;
  const std::chrono::microseconds ahead(answer->wall->unix_micros - wall.unix_micros);
  judge(pod, ahead - took / 2, took);
}

void ClockWatch::judge(const PodKey& pod, Duration ahead, Duration doubt) {
  auto at = sights_.find(pod);
  if (at == sights_.end()) return;
  Sight& sight = at->second;
  sight.ahead = ahead;
  const bool differs = ahead > kMost + doubt || ahead < -kMost - doubt;
  if (differs && !sight.told) {
    log::warn("cluster.clock_differs", {{"pod", pod.slot}, {"seconds_ahead", seconds(ahead)}});
  } else if (!differs && sight.told) {
    log::info("cluster.clock_agrees", {{"pod", pod.slot}});
  }
  sight.told = differs;
  Duration worst{};
  for (const auto& [key, one] : sights_) {
    worst = std::max({worst, one.ahead, -one.ahead});
  }
  worst_.set(seconds(worst));
}

}  // namespace mas::membership

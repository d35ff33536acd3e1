#include "sim/world.h"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <cstdio>

namespace mas::sim {

World::World(std::uint64_t seed, bool verbose) : rand_(seed), verbose_(verbose) {}

EventId World::after(Duration d, std::function<void()> event) {
  const EventId id{now_ + std::max(d, Duration(0)), next_event_++};
  events_.emplace(id, std::move(event));
  return id;
}

void World::cancel(const EventId& id) { events_.erase(id); }

void World::soon(std::function<void()> event) { soon_.push_back(std::move(event)); }

void World::attach(boost::asio::io_context& context) { contexts_.push_back(&context); }

void World::detach(boost::asio::io_context& context) { std::erase(contexts_, &context); }

void World::run_soon() {
  while (!soon_.empty()) {
    std::vector<std::function<void()>> events;
    events.swap(soon_);
    for (auto& event : events) event();
  }
}

// Handlers of one context keep their order, as on its own thread; which context goes next is
// chance.
void World::run_ready() {
  run_soon();
  for (bool any = true; any;) {
    any = false;
    const std::size_t turn = contexts_.empty() ? 0 : rand_.below(contexts_.size());
    for (std::size_t i = 0; i < contexts_.size(); ++i) {
      boost::asio::io_context* context = contexts_[(turn + i) % contexts_.size()];
      if (context->poll_one() == 0) continue;
      any = true;
      // May end lives, and with them contexts.
      run_soon();
    }
  }
}

void World::run_for(Duration d) {
  run_until([] { return false; }, d);
}

bool World::run_until(const std::function<bool()>& done, Duration limit, bool must_go_on) {
  const Instant end = now_ + limit;
  for (;;) {
    run_ready();
    if (!violations_.empty() && !must_go_on) return false;
    if (done()) return true;
    const auto next = events_.begin();
    if (next == events_.end() || next->first.at > end) break;
    now_ = next->first.at;
    auto event = std::move(next->second);
    events_.erase(next);
    event();
  }
  now_ = end;
  return false;
}

void World::note(std::string_view what, std::uint64_t a, std::uint64_t b) {
  // FNV-1a over the words.
  const auto mix = [this](std::uint64_t word) { trace_ = (trace_ ^ word) * 0x100000001b3ULL; };
  for (const char c : what) mix(static_cast<unsigned char>(c));
  mix(static_cast<std::uint64_t>(now_.since_start.count()));
  mix(a);
  mix(b);
  trace_ ^= trace_ >> 29;
  if (!verbose_) return;
  std::printf("%12.6f %.*s %llu %llu\n", std::chrono::duration<double>(now_.since_start).count(),
              static_cast<int>(what.size()), what.data(), static_cast<unsigned long long>(a),
              static_cast<unsigned long long>(b));
}

void World::violate(std::string what) {
  note("violation: " + what);
  violations_.push_back(std::move(what));
}

}  // namespace mas::sim

// World: simulated time, and everything that happens in it, one thing after the other on the
// calling thread. Time moves only when nothing is left to do at this moment.
//
// Whatever happens is noted in a trace; two runs of a seed with different traces mean that
// something in mas reads a clock, a thread or an address it should not.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mas/runtime/clock.h"
#include "sim/rand.h"

namespace boost::asio {
class io_context;
}

namespace mas::sim {

// When an event happens; events of one moment happen in the order in which they were made.
struct EventId {
  Instant at;
  std::uint64_t number = 0;
  friend auto operator<=>(const EventId&, const EventId&) = default;
};

class World {
 public:
  // `verbose`: print what is noted.
  World(std::uint64_t seed, bool verbose);
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] Instant now() const noexcept { return now_; }
  Rand& rand() noexcept { return rand_; }

  EventId after(Duration d, std::function<void()> event);
  // Fine if it has happened.
  void cancel(const EventId& id);
  // Happens as soon as the handler that is running has returned, before any other.
  void soon(std::function<void()> event);

  // Contexts are run from attach() to detach(); detach() not from one of their own handlers.
  void attach(boost::asio::io_context& context);
  void detach(boost::asio::io_context& context);

  void run_for(Duration d);
  // True if `done` came true within `limit`. Returns early once something is violated, unless it
  // must go on.
  bool run_until(const std::function<bool()>& done, Duration limit, bool must_go_on = false);

  // A thing that happened, with numbers that tell it apart.
  void note(std::string_view what, std::uint64_t a = 0, std::uint64_t b = 0);
  [[nodiscard]] std::uint64_t trace() const noexcept { return trace_; }

  // A fault (or a degraded read, ...) that happened.
  void count(const std::string& kind, std::uint64_t times = 1) { counts_[kind] += times; }
  [[nodiscard]] const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

  // A rule was broken: the run ends soon.
  void violate(std::string what);
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

 private:
  void run_ready();
  void run_soon();

  Rand rand_;
  bool verbose_;
  Instant now_;
  std::uint64_t next_event_ = 0;
  std::map<EventId, std::function<void()>> events_;
  std::vector<std::function<void()>> soon_;
  std::vector<boost::asio::io_context*> contexts_;
  std::uint64_t trace_ = 0;
  std::map<std::string, std::uint64_t> counts_;
  std::vector<std::string> violations_;
};

}  // namespace mas::sim

// World: a whole cluster's membership on one thread, with time that stands still until run() moves
// it, a broker that can be lost, and links between pods that can be cut one way.
//
//   World world;
//   world.start(0);
//   world.run(minutes(1));
//   CHECK(world.view(0)->is_member());
#pragma once

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "beats.h"
#include "mas/fs/fault_fs.h"
#include "mas/membership/leavers.h"
#include "mas/meta/memory.h"
#include "support/failing_seams.h"
#include "support/fake_clock.h"
#include "support/inline_pool.h"
#include "support/must.h"

namespace mas::membership::test {

using mas::test::CallFaults;
using mas::test::FailingMeta;
using mas::test::FakeClock;
using mas::test::InlinePool;

// What the rest of a pod would answer for.
class Answers final : public LayoutDuties, public LeaversLook {
 public:
  explicit Answers(Clock& clock) : clock_(clock) {}
  Task<Result<bool>> writes_drained(std::uint64_t) override { co_return drained; }
  Task<Result<WalkedSlices>> walk(WalkOrder order) override {
    ++asked;
    if (order.version != last_version || order.round != last_round) last_since = clock_.now();
    last_version = order.version;
    last_round = order.round;
    others = order.others;
    co_return walked ? WalkedSlices{SliceSet().set(), SliceSet().set()} : finds;
  }
  Look look(std::uint64_t) override { return without; }
  bool can_hold_without(const std::vector<std::string>&) override { return has_room; }

  bool drained = true;
  bool walked = true;  // everything
  WalkedSlices finds;  // if it has not walked everything
  bool has_room = true;
  Look without = Look::whole;
  int asked = 0;
  std::uint64_t last_version = 0;
  std::uint64_t last_round = 0;
  Instant last_since{};  // since when it is walked for that version and round
  WalkedSlices others;   // as it was told last

 private:
  Clock& clock_;
};

class World;

// One pod's end of the broker: hears only those it is not cut off from.
class CutBus final : public HeartbeatBus {
 public:
  CutBus(World& world, int number);
  Task<Result<void>> publish(Heartbeat beat) override;
  void listen(Listener listener) override;
  [[nodiscard]] bool connected() const override;

 private:
  World& world_;
  int number_;
  std::unique_ptr<HeartbeatBus> inner_;
};

class CutProber final : public Prober {
 public:
  CutProber(World& world, int number) : world_(world), number_(number) {}
  Task<Result<Identity>> ping(std::string address, Duration) override;
  Task<Result<Identity>> ping_through(std::string via, std::string target, Duration) override;

 private:
  World& world_;
  int number_;
};

// A pod's process and its disk. Numbers are places in the world; the slot may be another's.
struct PodOfWorld {
  PodOfWorld(World& world, int number, std::string slot, Id128 incarnation);

  int number;
  std::string slot;
  Id128 incarnation;
  std::string address;
  std::unique_ptr<fs::FaultFs> disk;
  std::unique_ptr<CutBus> bus;
  CutProber prober;
  CallFaults faults;
  std::unique_ptr<FailingMeta> meta;
  Answers answers;
  observe::Metrics metrics;
  std::unique_ptr<ViewBoard> board;
  std::unique_ptr<Membership> membership;  // null while it is dead
  Leavers* leavers = nullptr;              // a part of it
  bool running = false;
};

class World {
 public:
  World() { options.leave_after = minutes(5); }
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Starts pod `number`, with the disk it had, else an empty one.
  void start(int number);
  // The same; the error instead of ending the test.
  Result<void> try_start(int number);
  // A pod at `number` with the slot of another and an empty disk.
  void make(int number, std::string slot, Id128 incarnation);
  // A pod at `number` with a copy of another's disk, under that or another slot.
  void copy(int number, int from, std::string slot);
  // kill -9: says nothing to anybody.
  void kill(int number);
  // A dead pod's disk is emptied: another incarnation.
  void wipe(int number, Id128 incarnation);
  // Time passes in small steps; after each everything that can go on does.
  void run(Duration duration);
  // Runs until `done`, for at most `most`; whether it was.
  template <class Done>
  bool run_until(Done done, Duration most) {
    for (Duration spent{}; spent < most && !done(); spent += kStep) run(kStep);
    return done();
  }
  template <class T>
  T call(Task<T> task) {
    std::optional<T> value;
    auto fill = [](Task<T> inner, std::optional<T>& out) -> Task<void> {
      out.emplace(co_await std::move(inner));
    };
    start_task(fill(std::move(task), value));
    REQUIRE(value.has_value());
    return std::move(*value);
  }

  // What every pod's duties answer of walks, those that come later included.
  void set_walked(bool walked);
  // What they answer of looks for what only those have who left.
  void set_without(Look look);
  // Founded, joined and settled.
  void grow_to(int count);

  PodOfWorld& pod(int number) { return *pods_.at(number); }
  std::shared_ptr<const ClusterView> view(int number) { return pod(number).board->current(); }
  layout::Layout layout() { return *must(call(meta->current_layout())); }
  // As pod `by` sees pod `of`.
  Liveness sees(int by, int of);
  // Every running pod shows layout `version`.
  bool all_at(std::uint64_t version);
  bool settled() { return layout().is_settled(); }
  double proposals(int number, const std::string& outcome);

  // What reaches whom, one way.
  void cut_beats(int from, int to) { cut_beats_.emplace(from, to); }
  void cut_probes(int from, int to) { cut_probes_.emplace(from, to); }
  void cut_all(int pod);  // both ways, everything, from everybody
  void heal();

  Result<Identity> answer(int asker, const std::string& address);
  [[nodiscard]] bool hears(int from, int to) const { return !cut_beats_.contains({from, to}); }
  int at_address(const std::string& address) const;

  FakeClock clock;
  boost::asio::io_context io{1};
  std::shared_ptr<InProcessHub> hub = make_in_process_hub();
  std::unique_ptr<meta::MetaStore> meta = meta::make_memory_meta();
  bool broker_up = true;         // what connected() says, and publish()
  bool broker_swallows = false;  // takes beats and hands out none
  std::set<int> older;           // pods whose beats say no more than those of mas 0.1.0
  config::Cluster options;
  InlinePool pool;
  std::unique_ptr<Rng> rng = make_seeded_rng(7);

  static constexpr Duration kStep = seconds(1);

 private:
  void start_task(Task<void> task);
  void drain();
  bool reaches(int from, int to) const { return !cut_probes_.contains({from, to}); }

  std::map<int, std::unique_ptr<PodOfWorld>> pods_;
  std::set<std::pair<int, int>> cut_beats_;
  std::set<std::pair<int, int>> cut_probes_;
  bool walked_ = true;
  Look without_ = Look::whole;
  Gate gate_;
};

}  // namespace mas::membership::test

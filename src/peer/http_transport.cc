#include <algorithm>
#include <atomic>
#include <boost/asio/this_coro.hpp>

#include "mas/peer/http.h"
#include "mas/runtime/contain.h"
#include "mas/runtime/sync.h"
#include "peer/ping.h"
#include "peer/remote_calls.h"
#include "peer/store_calls.h"

namespace mas::peer {
namespace {

// Of each io thread.
constexpr std::uint64_t kProbes = 16;
constexpr std::size_t kProbesWaiting = 64;
constexpr std::uint64_t kLedgers = 16;
constexpr std::size_t kLedgersWaiting = 256;

// A call made on one thread and carried out on another.
template <class T>
struct Hop {
  Event done;
  std::optional<Result<T>> result;
};

template <class T>
Task<void> carry(Task<Result<T>> work, std::shared_ptr<Hop<T>> hop) {
  // Whoever waits must wake up.
  auto contained = contain(std::move(work), "peer call");
  Result<T> result = co_await std::move(contained);
  hop->result.emplace(std::move(result));
  hop->done.set();
}

Task<void> close_lane(Lane& lane) {
  lane.close_idle();
  co_return;
}

class Transport final : public HttpTransport {
 public:
  Transport(Self self, const config::Peer& options, Resolver resolver,
            const TransportDependencies& deps);

  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override {
    return put_unless(nullptr, member, layout_version, key, std::move(pieces));
  }
  Task<Result<Slice>> read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                           std::uint32_t length) override {
    return read_unless(nullptr, member, key, offset, length);
  }
  Task<Result<void>> put_unless(std::shared_ptr<Recall> recall, layout::MemberIndex member,
                                std::uint64_t layout_version, RecordKey key,
                                std::vector<Slice> pieces) override;
  Task<Result<Slice>> read_unless(std::shared_ptr<Recall> recall, layout::MemberIndex member,
                                  RecordKey key, std::uint64_t offset,
                                  std::uint32_t length) override;
  Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                       std::vector<RecordKey> keys) override;
  Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) override;
  Task<Result<std::string>> ledger(layout::MemberIndex member, Duration timeout) override;
  Task<Result<CarriedPage>> carried(layout::MemberIndex member,
                                    std::optional<RecordKey> after) override;
  Task<Result<layout::Layout>> layout_of(layout::MemberIndex member) override;
  Task<Result<PingAnswer>> ping(std::string address, Duration timeout) override;
  Task<Result<PingAnswer>> probe_through(std::string via, std::string target,
                                         Duration timeout) override;
  Task<void> close() override;

 private:
  struct IoThread {
    IoThread(Executor executor, std::uint64_t connections, Dialler& dialler)
        : lane(std::move(executor), connections, dialler),
          probes(kProbes, kProbesWaiting),
          ledgers(kLedgers, kLedgersWaiting) {}
    Lane lane;
    Semaphore probes;
    Semaphore ledgers;
  };

  [[nodiscard]] Result<Address> find(layout::MemberIndex member) const;
  [[nodiscard]] bool is_self(const Address& address) const {
    return address.slot == self_.slot && address.incarnation == self_.incarnation;
  }
  // The thread that carries what is called on `here`.
  [[nodiscard]] IoThread& thread_for(const Executor& here);
  // Runs `work`, which uses `lane`, on that lane's thread.
  template <class T>
  Task<Result<T>> run_on(Lane& lane, Executor here, Task<Result<T>> work);
  template <class T>
  static Task<Result<T>> limited(Semaphore& semaphore, Task<Result<T>> work);

  Self self_;
  Dialler dialler_;
  Resolver resolver_;
  TransportDependencies deps_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::atomic<std::size_t> next_{0};
  Gate calls_;
  Gate closing_;
};

Transport::Transport(Self self, const config::Peer& options, Resolver resolver,
                     const TransportDependencies& deps)
    : self_(std::move(self)),
      dialler_(options, self_.keys, deps.clock),
      resolver_(std::move(resolver)),
      deps_(deps) {
  MAS_ASSERT(self_.layout != nullptr && resolver_ != nullptr);
  std::size_t all = std::max<std::size_t>(options.connections, 1);
  std::size_t count = std::min(deps_.io.size(), all);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t share = all / count + (i < all % count ? 1 : 0);
    threads_.push_back(std::make_unique<IoThread>(deps_.io.executor(i), share, dialler_));
  }
}

Result<Address> Transport::find(layout::MemberIndex member) const {
  auto address = resolver_(member);
  if (!address) return Error(Code::closed, "The pod cannot be reached.");
  return std::move(*address);
}

Transport::IoThread& Transport::thread_for(const Executor& here) {
  for (std::size_t i = 0; i < deps_.io.size(); ++i) {
    if (here == deps_.io.executor(i)) return *threads_[i % threads_.size()];
  }
  return *threads_[next_.fetch_add(1, std::memory_order_relaxed) % threads_.size()];
}

template <class T>
Task<Result<T>> Transport::run_on(Lane& lane, Executor here, Task<Result<T>> work) {
  Error closed(Code::closed, "This pod is shutting down.");
  if (here == lane.executor()) {
    auto pass = calls_.try_enter();
    if (!pass) co_return closed;
    co_return co_await std::move(work);
  }
  auto hop = std::make_shared<Hop<T>>();
  if (!spawn(lane.executor(), calls_, carry(std::move(work), hop), "peer call")) co_return closed;
  co_await hop->done.wait();
  co_return std::move(*hop->result);
}

Task<Result<void>> Transport::put_unless(std::shared_ptr<Recall> recall, layout::MemberIndex member,
                                         std::uint64_t layout_version, RecordKey key,
                                         std::vector<Slice> pieces) {
  MAS_CO_TRY(Address to, find(member));
  if (is_self(to)) co_return co_await deps_.store.put(key, std::move(pieces));
  Executor here = co_await boost::asio::this_coro::executor;
  Lane& lane = thread_for(here).lane;
  auto work = put_remote(lane, self_, std::move(to), layout_version, key, std::move(pieces),
                         std::move(recall));
  co_return co_await run_on(lane, here, std::move(work));
}

Task<Result<Slice>> Transport::read_unless(std::shared_ptr<Recall> recall,
                                           layout::MemberIndex member, RecordKey key,
                                           std::uint64_t offset, std::uint32_t length) {
  MAS_CO_TRY(Address to, find(member));
  if (is_self(to)) co_return co_await deps_.store.read(key, offset, length);
  Executor here = co_await boost::asio::this_coro::executor;
  Lane& lane = thread_for(here).lane;
  auto work = read_remote(lane, self_, std::move(to), key, offset, length, std::move(recall));
  co_return co_await run_on(lane, here, std::move(work));
}

Task<Result<std::vector<bool>>> Transport::have(layout::MemberIndex member,
                                                std::vector<RecordKey> keys) {
  MAS_CO_TRY(Address to, find(member));
  if (is_self(to)) co_return co_await have_in(deps_.store, std::move(keys));
  Executor here = co_await boost::asio::this_coro::executor;
  Lane& lane = thread_for(here).lane;
  auto work = have_remote(lane, self_, std::move(to), std::move(keys));
  co_return co_await run_on(lane, here, std::move(work));
}

Task<Result<void>> Transport::quarantine(layout::MemberIndex member, RecordKey key) {
  MAS_CO_TRY(Address to, find(member));
  if (is_self(to)) co_return co_await quarantine_in(deps_.store, key);
  Executor here = co_await boost::asio::this_coro::executor;
  Lane& lane = thread_for(here).lane;
  auto work = quarantine_remote(lane, self_, std::move(to), key);
  co_return co_await run_on(lane, here, std::move(work));
}

template <class T>
Task<Result<T>> Transport::limited(Semaphore& semaphore, Task<Result<T>> work) {
  MAS_CO_TRY(Permit permit, co_await semaphore.acquire(1));
  co_return co_await std::move(work);
}

Task<Result<std::string>> Transport::ledger(layout::MemberIndex member, Duration timeout) {
  MAS_CO_TRY(Address to, find(member));
  Executor here = co_await boost::asio::this_coro::executor;
  IoThread& thread = thread_for(here);
  ProbeContext context{self_, dialler_};
  auto asking = ask_ledger(context, std::move(to), timeout);
  // Probes must not wait for them.
  auto work = limited(thread.ledgers, std::move(asking));
  co_return co_await run_on(thread.lane, here, std::move(work));
}

Task<Result<CarriedPage>> Transport::carried(layout::MemberIndex member,
                                             std::optional<RecordKey> after) {
  MAS_CO_TRY(Address to, find(member));
  if (is_self(to)) co_return co_await carried_in(deps_.store, after);
  Executor here = co_await boost::asio::this_coro::executor;
  Lane& lane = thread_for(here).lane;
  auto work = carried_remote(lane, self_, std::move(to), after);
  co_return co_await run_on(lane, here, std::move(work));
}

Task<Result<layout::Layout>> Transport::layout_of(layout::MemberIndex member) {
  MAS_CO_TRY(Address to, find(member));
  Executor here = co_await boost::asio::this_coro::executor;
  Lane& lane = thread_for(here).lane;
  auto work = layout_remote(lane, self_, std::move(to));
  auto asked = run_on(lane, here, std::move(work));
  MAS_CO_TRY(std::string document, co_await std::move(asked));
  co_return layout::parse(document);
}

Task<Result<PingAnswer>> Transport::ping(std::string address, Duration timeout) {
  Executor here = co_await boost::asio::this_coro::executor;
  IoThread& thread = thread_for(here);
  ProbeContext context{self_, dialler_};
  auto probe = peer::ping(context, std::move(address), timeout);
  auto work = limited(thread.probes, std::move(probe));
  co_return co_await run_on(thread.lane, here, std::move(work));
}

Task<Result<PingAnswer>> Transport::probe_through(std::string via, std::string target,
                                                  Duration timeout) {
  Executor here = co_await boost::asio::this_coro::executor;
  IoThread& thread = thread_for(here);
  ProbeContext context{self_, dialler_};
  auto probe = peer::probe_through(context, std::move(via), std::move(target), timeout);
  auto work = limited(thread.probes, std::move(probe));
  co_return co_await run_on(thread.lane, here, std::move(work));
}

Task<void> Transport::close() {
  co_await calls_.close();
  for (auto& thread : threads_) {
    (void)spawn(thread->lane.executor(), closing_, close_lane(thread->lane), "peer close");
  }
  co_await closing_.close();
}

}  // namespace

std::unique_ptr<HttpTransport> make_http_transport(Self self, const config::Peer& options,
                                                   Resolver resolver,
                                                   const TransportDependencies& deps) {
  return std::make_unique<Transport>(std::move(self), options, std::move(resolver), deps);
}

}  // namespace mas::peer

// One pod's transport, with members whose addresses the test sets.
#pragma once

#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "mas/runtime/io_threads.h"
#include "mas/runtime/sync.h"
#include "support/peer_pod.h"
#include "support/tcp_relay.h"

namespace mas::test {

// The transport is that of pod mas-0, which serves nothing.
class TransportRig {
 public:
  explicit TransportRig(Clock& the_clock, std::size_t threads = 2, const config::Peer& options = {})
      : io(threads), clock(the_clock), own(io, the_clock, 0) {
    io.start();
    auto find = [this](layout::MemberIndex member) -> std::optional<peer::Address> {
      std::lock_guard lock(mutex_);
      auto at = members_.find(member);
      return at == members_.end() ? std::nullopt : std::optional<peer::Address>(at->second);
    };
    transport = peer::make_http_transport(own.self(), options, find, {io, clock, own.store});
  }
  ~TransportRig() {
    run_blocking(transport->close());
    run_blocking(calls_.close());
  }
  TransportRig(const TransportRig&) = delete;
  TransportRig& operator=(const TransportRig&) = delete;

  void set(layout::MemberIndex member, peer::Address address) {
    std::lock_guard lock(mutex_);
    members_[member] = std::move(address);
  }
  // Pod `pod` behind `relay`.
  void set(layout::MemberIndex member, PeerPod& pod, const TcpRelay& relay, bool v1 = false) {
    peer::Address address = pod.member();
    address.address = relay.address();
    address.v1 = v1;
    set(member, std::move(address));
  }

  Result<void> put(layout::MemberIndex member, std::uint64_t stripe, std::string_view text,
                   std::uint64_t layout = 1) {
    return run_blocking_for(
        transport->put(member, layout, key(stripe), {Slice::copy_of(as_bytes(text))}));
  }
  Result<Slice> read(layout::MemberIndex member, std::uint64_t stripe, std::uint32_t length = 100) {
    return run_blocking_for(transport->read(member, key(stripe), 0, length));
  }
  // The same on one of the io threads, without waiting.
  std::future<Result<void>> start_put(layout::MemberIndex member, std::uint64_t stripe,
                                      std::string text = "x") {
    return start(transport->put(member, 1, key(stripe), {Slice::copy_of(as_bytes(text))}));
  }
  // Any call likewise.
  template <class T>
  std::future<Result<T>> start(Task<Result<T>> call) {
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto future = promise->get_future();
    spawn(io.next(), calls_, fill(std::move(call), promise), "test call");
    return future;
  }
  static RecordKey key(std::uint64_t stripe) { return RecordKey::shard(Id128{}, stripe, 0); }

  IoThreads io;
  Clock& clock;
  PeerPod own;
  std::unique_ptr<peer::HttpTransport> transport;

 private:
  template <class T>
  static Task<void> fill(Task<Result<T>> call, std::shared_ptr<std::promise<Result<T>>> out) {
    Result<T> result = co_await std::move(call);
    out->set_value(std::move(result));
  }

  std::mutex mutex_;
  std::map<layout::MemberIndex, peer::Address> members_;
  Gate calls_;
};

// Gives up after 20 s, so that broken code fails a test instead of hanging it.
template <class Condition>
void wait_until(Condition condition) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) FAIL("waited in vain");
    std::this_thread::yield();
  }
}

}  // namespace mas::test

// A PeerTransport some of whose members hang, die or throw when a test says so. Calls to one that
// hangs wait until they are recalled or the member goes on. Thread-safe.
//
// Fault budget: what the test sets; calls that began before are not touched.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "mas/peer/transport.h"
#include "mas/runtime/sync.h"

namespace mas::test {

class StallingTransport final : public peer::PeerTransport {
 public:
  enum class Way { runs, hangs, dies, throws };

  explicit StallingTransport(peer::PeerTransport& inner) : inner_(inner) {}

  void set(layout::MemberIndex member, Way way) {
    std::vector<std::shared_ptr<Event>> freed;
    {
      std::lock_guard lock(mutex_);
      ways_[member] = way;
      if (way != Way::hangs) freed = std::exchange(hanging_[member], {});
    }
    for (auto& event : freed) event->set();
  }
  // Calls made to a member so far, and those that hang now.
  [[nodiscard]] std::size_t calls(layout::MemberIndex member) const {
    std::lock_guard lock(mutex_);
    auto at = calls_.find(member);
    return at == calls_.end() ? 0 : at->second;
  }
  [[nodiscard]] std::size_t hanging(layout::MemberIndex member) const {
    std::lock_guard lock(mutex_);
    auto at = hanging_.find(member);
    return at == hanging_.end() ? 0 : at->second.size();
  }

  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override {
    return put_unless(nullptr, member, layout_version, key, std::move(pieces));
  }
  Task<Result<Slice>> read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                           std::uint32_t length) override {
    return read_unless(nullptr, member, key, offset, length);
  }
  Task<Result<void>> put_unless(std::shared_ptr<peer::Recall> recall, layout::MemberIndex member,
                                std::uint64_t layout_version, RecordKey key,
                                std::vector<Slice> pieces) override {
    MAS_CO_CHECK(co_await pass(member, std::move(recall)));
    co_return co_await inner_.put(member, layout_version, key, std::move(pieces));
  }
  Task<Result<Slice>> read_unless(std::shared_ptr<peer::Recall> recall, layout::MemberIndex member,
                                  RecordKey key, std::uint64_t offset,
                                  std::uint32_t length) override {
    MAS_CO_CHECK(co_await pass(member, std::move(recall)));
    co_return co_await inner_.read(member, key, offset, length);
  }
  Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                       std::vector<RecordKey> keys) override {
    MAS_CO_CHECK(co_await pass(member, nullptr));
    co_return co_await inner_.have(member, std::move(keys));
  }
  Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) override {
    MAS_CO_CHECK(co_await pass(member, nullptr));
    co_return co_await inner_.quarantine(member, key);
  }
  Task<Result<peer::CarriedPage>> carried(layout::MemberIndex member,
                                          std::optional<RecordKey> after) override {
    MAS_CO_CHECK(co_await pass(member, nullptr));
    co_return co_await inner_.carried(member, after);
  }

 private:
  Task<Result<void>> pass(layout::MemberIndex member, std::shared_ptr<peer::Recall> recall) {
    auto freed = std::make_shared<Event>();
    {
      std::lock_guard lock(mutex_);
      ++calls_[member];
      Way way = ways_[member];
      if (way == Way::dies) co_return gone();
      if (way == Way::throws) throw std::runtime_error("a bug");
      if (way == Way::runs) co_return Result<void>();
      hanging_[member].push_back(freed);
    }
    if (recall) recall->when_recalled([freed] { freed->set(); });
    co_await freed->wait();
    if (recall) recall->when_recalled(nullptr);
    std::lock_guard lock(mutex_);
    std::erase(hanging_[member], freed);
    if (ways_[member] == Way::runs) co_return Result<void>();
    co_return gone();
  }
  static Error gone() { return Error(Code::closed, "The connection ended.").mark_maybe_happened(); }

  peer::PeerTransport& inner_;
  mutable std::mutex mutex_;
  std::map<layout::MemberIndex, Way> ways_;
  std::map<layout::MemberIndex, std::size_t> calls_;
  std::map<layout::MemberIndex, std::vector<std::shared_ptr<Event>>> hanging_;
};

}  // namespace mas::test

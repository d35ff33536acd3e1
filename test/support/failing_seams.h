// MetaStore and PeerTransport whose Nth call fails, either before it takes effect or after ("may
// have happened"), so that a loop over N tries an operation with each of its calls failing. Both
// seams of one test count together.
//
// Fault budget: one call fails at a time; afterwards everything works again.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "mas/meta/meta_store.h"
#include "mas/peer/transport.h"
#include "support/meta_calls.h"

namespace mas::test {

// Counts calls and says which of them fails. Thread-safe.
class CallFaults {
 public:
  enum class Verdict { pass, refuse, hide };

  // Counts from 0 again; call `nth` fails. `applied`: it takes effect all the same.
  void fail_nth(std::uint64_t nth, bool applied) {
    calls_ = 0;
    applied_ = applied;
    nth_ = nth;
  }
  void clear() { nth_ = kNever; }
  // Every call fails, as if nobody could be reached; until told otherwise.
  void refuse_all(bool refuse) { refuse_from_ = refuse ? 0 : kNever; }
  // The same from call `nth` on, as when the process ends there.
  void refuse_from(std::uint64_t nth) { refuse_from_ = nth; }
  // Counts from 0 again; when call `nth` is done, `action` runs before its caller learns of it.
  void after_nth(std::uint64_t nth, std::function<Task<void>()> action) {
    calls_ = 0;
    action_at_ = nth;
    action_ = std::move(action);
  }
  // The action that follows the call that has just been entered as number `call`.
  std::function<Task<void>()> action_after(std::uint64_t call) {
    if (call != action_at_) return nullptr;
    action_at_ = kNever;
    return std::move(action_);
  }
  [[nodiscard]] bool hit() const { return calls_ > nth_; }
  [[nodiscard]] std::uint64_t calls() const { return calls_; }

  // `call` becomes the number of this call.
  Verdict enter(std::uint64_t& call) {
    call = calls_++;
    if (call >= refuse_from_) return Verdict::refuse;
    if (call != nth_) return Verdict::pass;
    return applied_ ? Verdict::hide : Verdict::refuse;
  }

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::uint64_t> nth_{kNever};
  std::atomic<bool> applied_{false};
  std::atomic<std::uint64_t> refuse_from_{kNever};
  std::atomic<std::uint64_t> action_at_{kNever};
  std::function<Task<void>()> action_;
};

template <class T>
Task<Result<T>> guard(CallFaults& faults, Task<Result<T>> call, Code code) {
  std::uint64_t number = 0;
  CallFaults::Verdict verdict = faults.enter(number);
  if (verdict == CallFaults::Verdict::refuse) co_return Error(code, "injected");
  Result<T> result = co_await std::move(call);
  std::function<Task<void>()> action = faults.action_after(number);
  if (action) co_await action();
  if (verdict == CallFaults::Verdict::hide && result.has_value()) {
    co_return Error(code, "injected, after the call").mark_maybe_happened();
  }
  co_return result;
}

class FailingMeta final : public MetaCalls<FailingMeta> {
 public:
  FailingMeta(meta::MetaStore& inner, CallFaults& faults) : MetaCalls(inner), faults_(faults) {}

  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return guard(faults_, std::move(call), Code::metadata_unavailable);
  }

 private:
  CallFaults& faults_;
};

class FailingTransport final : public peer::PeerTransport {
 public:
  FailingTransport(peer::PeerTransport& inner, CallFaults& faults)
      : inner_(inner), faults_(faults) {}

  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override {
    return guarded(inner_.put(member, layout_version, key, std::move(pieces)));
  }
  Task<Result<Slice>> read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                           std::uint32_t length) override {
    ++reads_;
    return guarded(inner_.read(member, key, offset, length));
  }
  Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                       std::vector<RecordKey> keys) override {
    return guarded(inner_.have(member, std::move(keys)));
  }
  Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) override {
    return guarded(inner_.quarantine(member, key));
  }
  Task<Result<peer::CarriedPage>> carried(layout::MemberIndex member,
                                          std::optional<RecordKey> after) override {
    return guarded(inner_.carried(member, after));
  }

  [[nodiscard]] std::uint64_t reads() const { return reads_; }

 private:
  template <class T>
  Task<Result<T>> guarded(Task<Result<T>> call) {
    return guard(faults_, std::move(call), Code::closed);
  }

  peer::PeerTransport& inner_;
  CallFaults& faults_;
  std::atomic<std::uint64_t> reads_{0};
};

}  // namespace mas::test

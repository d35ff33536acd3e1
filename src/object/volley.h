// Volley: the records of one row, sent to their holders all at once.
#pragma once

#include <memory>
#include <vector>

#include "mas/membership/cluster_view.h"
#include "mas/peer/recall.h"
#include "object/context.h"
#include "object/vigil.h"

namespace mas::object {

// One record on its way to one holder.
struct Delivery {
  RecordKey key;
  std::vector<Slice> pieces;
  Result<void> result = Error(Code::internal, "The shard was not sent.");

  // Of the volley.
  std::optional<layout::MemberIndex> holder = {};
  bool running = false;
  bool let_go = false;  // nobody waits for it: its result stays what it is
};

// Used once, on one executor. Holders that are skipped get nothing unless the minimum cannot be
// reached without them. Calls that are let go are recalled, hold memory of Budget::try_late, and
// are waited for by Context::calls.
class Volley : public std::enable_shared_from_this<Volley> {
 public:
  // `minimum`: records that have to be durable.
  Volley(Context& context, std::vector<Delivery> deliveries, int minimum, Executor home);

  // Resumes when every call has ended, or config::Write::straggler_wait after the minimum was
  // reached.
  Task<void> send(const membership::ClusterView& view, std::uint32_t partition);

  [[nodiscard]] int durable() const noexcept { return durable_; }
  // A holder was skipped or let go: it may have the record later.
  [[nodiscard]] bool has_silent() const noexcept { return silent_; }
  [[nodiscard]] bool is_stale() const;  // a holder refused an old layout
  [[nodiscard]] const std::vector<Delivery>& deliveries() const noexcept { return deliveries_; }
  // After send(): what is to be sent again.
  [[nodiscard]] std::vector<Delivery> copy() const;

 private:
  void address(const membership::ClusterView& view, std::uint32_t partition);
  void start(const std::vector<std::size_t>& chosen, std::uint64_t version);
  static Task<void> deliver(std::shared_ptr<Volley> volley, std::size_t index,
                            std::uint64_t version);
  void end(std::size_t index, Result<void> result);
  Task<void> settle(std::uint64_t version);
  Task<void> let_go(std::size_t members);

  Context& context_;
  std::vector<Delivery> deliveries_;
  const int minimum_;
  Vigil news_;
  std::vector<std::size_t> wanted_;
  std::vector<std::size_t> skipped_;
  int running_ = 0;
  int durable_ = 0;
  bool silent_ = false;
  std::unique_ptr<peer::Recall[]> recalls_;  // one for each delivery
  std::optional<Permit> late_;
};

}  // namespace mas::object

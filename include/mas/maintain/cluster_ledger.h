// The redundancy ledger of the whole cluster: every pod tells its share, and the pod that is asked
// adds them up. A sum is whole only if the shares fit: every slice walked once, under the layout of
// now, by a pod that answers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mas/layout/layout.h"
#include "mas/maintain/ledger.h"
#include "mas/membership/cluster_view.h"
#include "mas/runtime/sync.h"
#include "mas/runtime/task.h"

namespace mas::maintain {

// What one pod says of the slices it looks after.
struct LedgerShare {
  LedgerPicture picture;
  Unexplained unexplained;
};
[[nodiscard]] LedgerShare share_of(const Ledger& ledger);

// JSON, as doc/peer-protocol.md has it. Decoding errors: corrupt.
[[nodiscard]] std::string encode(const LedgerShare& share);
[[nodiscard]] Result<LedgerShare> decode_share(std::string_view text);

struct LedgerSum {
  LedgerPicture picture;
  Unexplained unexplained;
  std::string partial;  // why stripes may be missing or counted twice, a sentence; "": they are not
};

// Adds shares up. Pure.
class LedgerAdder {
 public:
  explicit LedgerAdder(std::uint64_t layout_version) : layout_version_(layout_version) {}
  void add(const std::string& slot, const LedgerShare& share);
  void miss(const std::string& slot, const Error& why);
  [[nodiscard]] LedgerSum sum() const;

 private:
  // The first reason is kept.
  void note(std::string why);

  std::uint64_t layout_version_;
  LedgerSum sum_;
  std::map<int, LedgerRow> rows_;
  bool any_ = false;
};

class ClusterLedger {
 public:
  // Asks a member for what encode() gave there, bounded in time. Null: there are no others.
  using Ask = std::function<Task<Result<std::string>>(layout::MemberIndex)>;

  // What is referred to outlives it.
  ClusterLedger(const Ledger& own, const membership::ViewBoard& view, Clock& clock, Ask ask)
      : own_(own), view_(view), clock_(clock), ask_(std::move(ask)) {}

  // Of all members but those that are down: asked now, or within the last second. Ends within
  // kPatience and one Ask more. Calls that come meanwhile wait for the same answers.
  Task<LedgerSum> sum();

  static constexpr Duration kPatience = std::chrono::seconds(3);

 private:
  struct Round;
  Task<LedgerSum> ask_all();
  Task<void> ask_some(std::shared_ptr<Round> round);

  const Ledger& own_;
  const membership::ViewBoard& view_;
  Clock& clock_;
  Ask ask_;
  Semaphore turn_{1, 256};
  // Of the one whose turn it is.
  std::optional<Instant> asked_;
  LedgerSum last_;
};

}  // namespace mas::maintain

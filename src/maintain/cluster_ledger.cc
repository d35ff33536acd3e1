#include "mas/maintain/cluster_ledger.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>

#include "mas/layout/leavers.h"
#include "mas/object/holders.h"

namespace mas::maintain {
namespace {

constexpr std::size_t kAtOnce = 16;
constexpr Duration kFresh = std::chrono::seconds(1);

}  // namespace

LedgerShare share_of(const Ledger& ledger) { return {ledger.picture(), ledger.unexplained()}; }

// ---- Adding ----

void LedgerAdder::note(std::string why) {
  if (sum_.partial.empty()) sum_.partial = std::move(why);
}

void LedgerAdder::add(const std::string& slot, const LedgerShare& share) {
  const LedgerPicture& theirs = share.picture;
  LedgerPicture& all = sum_.picture;
  for (const LedgerRow& row : theirs.rows) {
    LedgerRow& sum = rows_[row.lost];
    sum.lost = row.lost;
    sum.stripes += row.stripes;
    sum.bytes += row.bytes;
  }
  if (theirs.survives) {
    all.survives = all.survives ? std::min(*all.survives, *theirs.survives) : theirs.survives;
  }
  all.beyond_repair += theirs.beyond_repair;
  all.walked_at = any_ ? std::min(all.walked_at, theirs.walked_at) : theirs.walked_at;
  any_ = true;
  sum_.unexplained.shards += share.unexplained.shards;
  sum_.unexplained.records += share.unexplained.records;
  sum_.unexplained.strays += share.unexplained.strays;
  if (!theirs.complete) {
    note(slot + " has not yet walked over its share of what is stored.");
  } else if (theirs.layout_version != layout_version_) {
    note(slot + " has not yet walked over its share since the layout changed.");
  } else if ((all.slices & theirs.slices).any()) {
    note("The pods are walking again, as one of them came or went.");
  }
  all.slices |= theirs.slices;
}

void LedgerAdder::miss(const std::string& slot, const Error& why) {
  note(slot + " does not tell its share: " + why.message());
}

LedgerSum LedgerAdder::sum() const {
  LedgerSum sum = sum_;
  for (const auto& [lost, row] : rows_) sum.picture.rows.push_back(row);
  sum.picture.layout_version = layout_version_;
  if (sum.partial.empty() && !sum.picture.slices.all()) {
    sum.partial = "The pods are walking again, as one of them came or went.";
  }
  sum.picture.complete = sum.partial.empty();
  return sum;
}

// ---- Asking ----

struct ClusterLedger::Round {
  std::shared_ptr<const membership::ClusterView> view;
  Instant deadline;
  std::vector<layout::MemberIndex> left;  // to be asked
  LedgerAdder adder;
};

Task<LedgerSum> ClusterLedger::sum() {
  Result<Permit> turn = co_await turn_.acquire(1);
  if (turn.has_error()) {
    LedgerSum none;
    none.partial = "Too many are asking for the ledger.";
    co_return none;
  }
  if (asked_ && clock_.now() - *asked_ < kFresh) co_return last_;
  last_ = co_await ask_all();
  asked_ = clock_.now();
  co_return last_;
}

Task<LedgerSum> ClusterLedger::ask_all() {
  auto view = view_.current();
  auto round = std::make_shared<Round>(
      Round{view, clock_.now() + kPatience, {}, LedgerAdder(view->layout.version)});
  const auto& members = view->layout.members;
  for (std::size_t i = members.size(); i-- > 0;) {
    auto member = static_cast<layout::MemberIndex>(i);
    bool there = layout::is_present(members[i]) && !object::is_down(*view, member);
    if (there && member != view->self && ask_) round->left.push_back(member);
  }
  std::string self = view->is_member() ? members[view->self].slot : "This pod";
  round->adder.add(self, share_of(own_));
  // All on this one thread: they share the round.
  Executor here = co_await boost::asio::this_coro::executor;
  Gate gate;
  for (std::size_t i = 0; i < std::min(kAtOnce, round->left.size()); ++i) {
    (void)spawn(here, gate, ask_some(round), "ledger share");
  }
  co_await gate.close();
  co_return round->adder.sum();
}

Task<void> ClusterLedger::ask_some(std::shared_ptr<Round> round) {
  while (!round->left.empty()) {
    const layout::MemberIndex member = round->left.back();
    round->left.pop_back();
    const std::string& slot = round->view->layout.members[member].slot;
    if (clock_.now() > round->deadline) {
      round->adder.miss(slot, Error(Code::timeout, "it was not asked in time."));
      continue;
    }
    auto asking = ask_(member);
    Result<std::string> text = co_await std::move(asking);
    Result<LedgerShare> share = LedgerShare{};
    if (text.has_error()) {
      share = text.error();
    } else {
      share = decode_share(*text);
    }
    if (share.has_error()) {
      round->adder.miss(slot, share.error());
    } else {
      round->adder.add(slot, *share);
    }
  }
}

}  // namespace mas::maintain

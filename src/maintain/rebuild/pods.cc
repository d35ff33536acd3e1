#include "maintain/rebuild/pods.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <map>

#include "mas/layout/leavers.h"
#include "mas/object/holders.h"
#include "mas/observe/log.h"
#include "mas/runtime/sync.h"

namespace mas::maintain::rebuild {
namespace {

constexpr int kAttempts = 3;
constexpr Duration kPause = std::chrono::milliseconds(500);

}  // namespace

Task<void> run_side_by_side(std::vector<Task<void>> tasks) {
  Executor home = co_await boost::asio::this_coro::executor;
  Gate gate;
  for (Task<void>& task : tasks) spawn(home, gate, std::move(task), "rebuild");
  co_await gate.close();
}

Pods::Pods(const RebuildDependencies& deps, int losses)
    : deps_(deps), view_(deps.view.current()), losses_(static_cast<std::size_t>(losses)) {
  const auto& members = view_->layout.members;
  // Of what a pod alone has lost nobody else can have any part.
  const bool alone = std::count_if(members.begin(), members.end(), layout::is_present) == 1;
  for (layout::MemberIndex source : layout::sources(view_->layout)) {
    const membership::Pod* pod = view_->pod_of(source);
    (pod != nullptr && pod->alive ? sources_ : silent_).insert(source);
  }
  for (std::size_t i = 0; i < members.size(); ++i) {
    auto member = static_cast<layout::MemberIndex>(i);
    if (!layout::is_present(members[i])) continue;
    if (object::is_down(*view_, member)) {
      away_.insert(member);
    } else if (members[i].fresh && !alone) {
      fresh_.insert(member);
    }
  }
}

std::vector<layout::MemberIndex> Pods::present() const {
  std::vector<layout::MemberIndex> members;
  for (std::size_t i = 0; i < view_->layout.members.size(); ++i) {
    auto member = static_cast<layout::MemberIndex>(i);
    if (is_present(member)) members.push_back(member);
  }
  return members;
}

bool Pods::is_present(layout::MemberIndex member) const {
  return member < view_->layout.members.size() && !away_.contains(member) &&
         layout::is_present(view_->layout.members[member]);
}

std::vector<std::string> Pods::away() const {
  std::set<layout::MemberIndex> all = away_;
  all.insert(fresh_.begin(), fresh_.end());
  std::vector<std::string> slots;
  for (layout::MemberIndex member : all) slots.push_back(view_->layout.members[member].slot);
  return slots;
}

Result<void> Pods::enough() const {
  std::vector<std::string> slots = away();
  if (slots.size() <= losses_) return {};
  std::string names;
  for (const std::string& slot : slots) names += (names.empty() ? "" : ", ") + slot;
  return Error(Code::refused, "Too many pods are away to tell what was deleted and what was not: " +
                                  names + ". At most " + std::to_string(losses_) +
                                  " may be; bring the others back first.");
}

Result<void> Pods::lose(layout::MemberIndex member, const Error& error) {
  if (!layout::is_present(view_->layout.members[member])) {
    sources_.erase(member);
    silent_.insert(member);
    return {};
  }
  if (away_.insert(member).second) {
    log::warn("rebuild.pod_away", {{"pod", view_->layout.members[member].slot}, {"error", error}});
  }
  fresh_.erase(member);
  return enough();
}

Task<Result<std::optional<std::vector<bool>>>> Pods::have(layout::MemberIndex member,
                                                          std::vector<RecordKey> keys) {
  for (int attempt = 1;; ++attempt) {
    Result<std::vector<bool>> held = co_await deps_.transport.have(member, keys);
    if (held.has_value() && held->size() == keys.size()) {
      co_return std::optional<std::vector<bool>>(*std::move(held));
    }
    if (attempt == kAttempts || !(is_present(member) || sources_.contains(member))) {
      Error why = held.has_error() ? held.error() : Error(Code::closed, "Its answer is too short.");
      MAS_CO_CHECK(lose(member, why));
      co_return std::optional<std::vector<bool>>();
    }
    co_await deps_.clock.sleep(kPause);
  }
}

Task<Result<std::optional<peer::CarriedPage>>> Pods::carried(layout::MemberIndex member,
                                                             std::optional<RecordKey> after) {
  for (int attempt = 1;; ++attempt) {
    Result<peer::CarriedPage> page = co_await deps_.transport.carried(member, after);
    if (page.has_value()) co_return std::optional<peer::CarriedPage>(*std::move(page));
    if (attempt == kAttempts || !is_present(member)) {
      MAS_CO_CHECK(lose(member, page.error()));
      co_return std::optional<peer::CarriedPage>();
    }
    co_await deps_.clock.sleep(kPause);
  }
}

namespace {

// Which shards of which stripes are there, asked member by member.
class Count {
 public:
  Count(Pods& pods, const std::vector<object::StripeRef>& stripes)
      : pods_(pods), stripes_(stripes), seen_(stripes.size()) {}

  Task<Result<std::vector<int>>> run() {
    for (std::size_t i = 0; i < stripes_.size(); ++i) ask_holders(i);
    co_await ask();
    MAS_CO_CHECK(std::move(failed_));
    for (std::size_t i = 0; i < stripes_.size(); ++i) {
      bool few = static_cast<int>(seen_[i].size()) < stripes_[i].extent.profile.k;
      if (few) ask_everybody(i);
    }
    if (!questions_.empty()) co_await ask();
    MAS_CO_CHECK(std::move(failed_));
    std::vector<int> counts;
    for (const auto& shards : seen_) counts.push_back(static_cast<int>(shards.size()));
    co_return counts;
  }

 private:
  struct Questions {
    std::vector<RecordKey> keys;
    std::vector<std::size_t> stripes;
  };

  void add(layout::MemberIndex member, std::size_t index, std::uint16_t shard) {
    const object::StripeRef& stripe = stripes_[index];
    Questions& mine = questions_[member];
    mine.keys.push_back(RecordKey::shard(stripe.extent.id, stripe.number, shard));
    mine.stripes.push_back(index);
  }
  [[nodiscard]] std::uint16_t width(std::size_t index) const {
    return static_cast<std::uint16_t>(stripes_[index].extent.profile.width());
  }
  void ask_holders(std::size_t index) {
    const object::StripeRef& stripe = stripes_[index];
    std::uint32_t partition = layout::partition_of(stripe.extent.id, stripe.number);
    for (std::uint16_t shard = 0; shard < width(index); ++shard) {
      for (auto member : object::holders_of(pods_.layout(), partition, shard, object::Reach::row)) {
        if (pods_.is_present(member)) add(member, index, shard);
      }
    }
  }
  void ask_everybody(std::size_t index) {
    std::vector<layout::MemberIndex> members = pods_.present();
    members.insert(members.end(), pods_.sources().begin(), pods_.sources().end());
    for (layout::MemberIndex member : members) {
      for (std::uint16_t shard = 0; shard < width(index); ++shard) add(member, index, shard);
    }
  }

  Task<void> ask() {
    std::map<layout::MemberIndex, Questions> questions = std::move(questions_);
    questions_.clear();
    std::vector<Task<void>> tasks;
    for (auto& [member, mine] : questions) tasks.push_back(ask_one(member, mine));
    co_await run_side_by_side(std::move(tasks));
  }
  Task<void> ask_one(layout::MemberIndex member, Questions& mine) {
    auto held = co_await pods_.have(member, mine.keys);
    if (held.has_error()) failed_ = held.error();
    if (held.has_error() || !*held) co_return;
    for (std::size_t i = 0; i < mine.keys.size(); ++i) {
      if ((**held)[i]) seen_[mine.stripes[i]].insert(mine.keys[i].minor);
    }
  }

  Pods& pods_;
  const std::vector<object::StripeRef>& stripes_;
  std::vector<std::set<std::uint16_t>> seen_;
  std::map<layout::MemberIndex, Questions> questions_;
  Result<void> failed_;
};

}  // namespace

Task<Result<std::vector<int>>> count_shards(Pods& pods, std::vector<object::StripeRef> stripes) {
  Count count(pods, stripes);
  co_return co_await count.run();
}

}  // namespace mas::maintain::rebuild

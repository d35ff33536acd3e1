// Bugs of a metadata store: it forgets, lags, or skips a check.
#include <map>
#include <set>

#include "sim/bugs.h"
#include "sim/life.h"
#include "support/meta_calls.h"

namespace mas::sim {
namespace {

class BuggyMeta final : public test::MetaCalls<BuggyMeta> {
 public:
  BuggyMeta(Bug bug, Life& life, std::unique_ptr<meta::MetaStore> inner)
      : MetaCalls(*inner), bug_(bug), life_(life), owned_(std::move(inner)) {}

  template <class T>
  Task<Result<T>> run(Task<Result<T>> call) {
    return call;
  }

  Task<Result<void>> erase(Hash hash, std::uint64_t generation, std::int64_t now) override {
    if (bug_ != Bug::erase_ignores_generation) {
      co_return co_await inner_.erase(hash, generation, now);
    }
    MAS_CO_TRY(auto current, co_await inner_.find(hash));
    if (current && current->state == meta::ObjectState::live) {
      MAS_CO_TRY(generation, co_await inner_.next_generation(1));
      MAS_CO_CHECK(co_await inner_.condemn(hash, current->generation, generation, now));
    }
    co_return co_await inner_.erase(hash, generation, now);
  }

  Task<Result<meta::Object>> condemn(Hash hash, std::uint64_t generation, std::uint64_t deletion,
                                     std::int64_t now) override {
    if (bug_ == Bug::deletion_not_written && life_.world().rand().chance(0.1)) {
      MAS_CO_TRY(auto current, co_await inner_.find(hash));
      if (current && current->state == meta::ObjectState::live) {
        current->state = meta::ObjectState::condemned;
        current->generation = deletion;
        co_return *std::move(current);
      }
    }
    co_return co_await inner_.condemn(hash, generation, deletion, now);
  }

  Task<Result<meta::CommitResult>> commit(meta::Object object, std::uint64_t expected,
                                          std::optional<Id128> from) override {
    if (bug_ == Bug::commit_not_written && life_.world().rand().chance(0.03)) {
      co_return meta::CommitResult{true, std::move(object)};
    }
    co_return co_await inner_.commit(std::move(object), expected, from);
  }

  Task<Result<std::optional<meta::Object>>> find(Hash hash) override {
    constexpr Duration kLag = std::chrono::seconds(10);
    if (bug_ != Bug::stale_records) co_return co_await inner_.find(hash);
    const auto copy = copies_.find(hash);
    const Instant now = life_.now();
    if (copy != copies_.end() && now - copy->second.first < kLag) co_return copy->second.second;
    MAS_CO_TRY(auto found, co_await inner_.find(hash));
    copies_[hash] = {now, found};
    co_return found;
  }

  // What the real list leaves out because something refers to it is listed all the same.
  Task<Result<void>> free(std::vector<meta::Extent> extents, std::int64_t now) override {
    if (bug_ == Bug::freed_though_referenced) {
      for (const meta::Extent& extent : extents) {
        std::vector<Id128> asked{extent.id};
        MAS_CO_TRY(auto referenced, co_await inner_.referenced(std::move(asked)));
        if (referenced.front() && ghosts_.insert(extent.id).second) {
          listed_.push_back({0, extent, now});
        }
      }
    }
    co_return co_await inner_.free(std::move(extents), now);
  }
  Task<Result<std::vector<meta::FreedExtent>>> freed(std::uint64_t after,
                                                     std::uint32_t limit) override {
    MAS_CO_TRY(auto page, co_await inner_.freed(after, limit));
    for (meta::FreedExtent ghost : listed_) {
      ghost.sequence = page.empty() ? after : page.back().sequence;
      page.push_back(ghost);
    }
    co_return page;
  }
  Task<Result<std::vector<bool>>> referenced(std::vector<Id128> extents) override {
    MAS_CO_TRY(auto answer, co_await inner_.referenced(extents));
    for (std::size_t i = 0; i < extents.size(); ++i) {
      if (ghosts_.contains(extents[i])) answer[i] = false;
    }
    co_return answer;
  }

 private:
  const Bug bug_;
  Life& life_;
  std::unique_ptr<meta::MetaStore> owned_;
  std::map<Hash, std::pair<Instant, std::optional<meta::Object>>> copies_;
  std::set<Id128> ghosts_;
  std::vector<meta::FreedExtent> listed_;
};

}  // namespace

std::unique_ptr<meta::MetaStore> plant(Bug bug, Life& life, std::unique_ptr<meta::MetaStore> meta) {
  return std::make_unique<BuggyMeta>(bug, life, std::move(meta));
}

}  // namespace mas::sim

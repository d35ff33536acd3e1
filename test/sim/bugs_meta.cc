// Bugs of a metadata store: it forgets, lags, or skips a check.
#include <map>

#include "mas/layout/leavers.h"
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

  Task<Result<void>> release(Hash hash, std::uint64_t generation, std::int64_t now) override {
    if (bug_ != Bug::erase_ignores_generation) {
      co_return co_await inner_->release(hash, generation, now);
    }
    MAS_CO_TRY(auto current, co_await inner_->find(hash));
    if (current && current->state == meta::ObjectState::live) {
      MAS_CO_TRY(generation, co_await inner_->next_generation(1));
      MAS_CO_CHECK(co_await inner_->condemn(hash, current->generation, generation, now));
    }
    co_return co_await inner_->release(hash, generation, now);
  }

  // Lists may lag, which is what the check is for: here they do.
  Task<Result<std::vector<meta::Object>>> condemned(std::int64_t before,
                                                    std::uint32_t limit) override {
    MAS_CO_TRY(auto page, co_await inner_->condemned(before, limit));
    if (bug_ != Bug::erase_ignores_generation) co_return page;
    std::swap(page, last_condemned_);
    co_return page;
  }

  Task<Result<meta::Object>> condemn(Hash hash, std::uint64_t generation, std::uint64_t deletion,
                                     std::int64_t now) override {
    if (bug_ == Bug::deletion_not_written && life_.world().rand().chance(0.1)) {
      MAS_CO_TRY(auto current, co_await inner_->find(hash));
      if (current && current->state == meta::ObjectState::live) {
        current->state = meta::ObjectState::condemned;
        current->generation = deletion;
        co_return *std::move(current);
      }
    }
    co_return co_await inner_->condemn(hash, generation, deletion, now);
  }

  Task<Result<meta::CommitResult>> commit(meta::Object object, std::uint64_t expected,
                                          std::optional<Id128> from) override {
    if (bug_ == Bug::commit_not_written && life_.world().rand().chance(0.03)) {
      co_return meta::CommitResult{true, std::move(object)};
    }
    co_return co_await inner_->commit(std::move(object), expected, from);
  }

  Task<Result<void>> collected(std::string slot, std::uint64_t past,
                               std::vector<std::string> slots) override {
    if (bug_ == Bug::collected_by_one) slots = {slot};
    co_return co_await inner_->collected(std::move(slot), past, std::move(slots));
  }

  Task<Result<std::vector<bool>>> referenced(std::vector<Id128> extents) override {
    MAS_CO_TRY(auto answers, co_await inner_->referenced(extents));
    if (bug_ == Bug::references_forgotten) answers.assign(extents.size(), false);
    co_return answers;
  }

  // The chain is made to fit what is recorded, whatever the hash was computed over.
  Task<Result<bool>> advance_hash(Id128 upload, meta::HashRun expected, meta::HashRun next,
                                  std::vector<meta::Extent> extents) override {
    if (bug_ == Bug::hash_run_unchecked) {
      MAS_CO_TRY(auto now, co_await inner_->find_upload(upload));
      MAS_CO_TRY(auto parts, co_await inner_->parts(upload, next.parts - 1, 1));
      if (now && next.parts == now->run.parts + 1 && !parts.empty()) {
        expected = now->run;
        next.chain = meta::chain_after(expected.chain, parts.front());
        next.bytes = expected.bytes + parts.front().size;
      }
    }
    co_return co_await inner_->advance_hash(upload, std::move(expected), std::move(next),
                                            std::move(extents));
  }

  // Nobody hears of a layout whose version they know.
  Task<Result<void>> propose_layout(std::uint64_t expected, layout::Layout next) override {
    if (bug_ == Bug::leavers_let_go) {
      const std::uint64_t version = next.version;
      next = layout::given_up(next, layout::sources(next));
      next.version = version;
    }
    MAS_CO_TRY(auto before, co_await inner_->current_layout());
    const bool same_rows = before && before->rows == next.rows && !next.is_settled();
    if (bug_ != Bug::take_over_unseen || !same_rows) {
      co_return co_await inner_->propose_layout(expected, std::move(next));
    }
    taken_over_ = std::move(next);
    taken_over_->version = expected;
    co_return Result<void>();
  }
  Task<Result<std::optional<layout::Layout>>> current_layout() override {
    MAS_CO_TRY(auto current, co_await inner_->current_layout());
    if (taken_over_ && current && taken_over_->version == current->version) co_return taken_over_;
    co_return current;
  }

  Task<Result<std::optional<meta::Object>>> find(Hash hash) override {
    constexpr Duration kLag = std::chrono::seconds(10);
    if (bug_ != Bug::stale_records) co_return co_await inner_->find(hash);
    const auto copy = copies_.find(hash);
    const Instant now = life_.now();
    if (copy != copies_.end() && now - copy->second.first < kLag) co_return copy->second.second;
    MAS_CO_TRY(auto found, co_await inner_->find(hash));
    copies_[hash] = {now, found};
    co_return found;
  }

 private:
  const Bug bug_;
  Life& life_;
  std::unique_ptr<meta::MetaStore> owned_;
  std::map<Hash, std::pair<Instant, std::optional<meta::Object>>> copies_;
  std::vector<meta::Object> last_condemned_;
  std::optional<layout::Layout> taken_over_;
};

}  // namespace

std::unique_ptr<meta::MetaStore> plant(Bug bug, Life& life, std::unique_ptr<meta::MetaStore> meta) {
  return std::make_unique<BuggyMeta>(bug, life, std::move(meta));
}

}  // namespace mas::sim

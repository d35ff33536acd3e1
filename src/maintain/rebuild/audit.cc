#include "maintain/rebuild/audit.h"

#include "maintain/rebuild/patience.h"
#include "mas/codec/hash.h"

namespace mas::maintain::rebuild {
namespace {

constexpr std::uint32_t kPage = 32;

class HashingSink final : public ByteSink {
 public:
  Task<Result<void>> write(std::span<const Slice> pieces) override {
    for (const Slice& piece : pieces) sha_.update(piece.view());
    co_return Result<void>();
  }
  [[nodiscard]] Hash digest() const { return sha_.digest(); }

 private:
  codec::Sha256 sha_;
};

Result<void> go_on(const std::atomic<bool>& stopping) {
  if (!stopping) return {};
  return Error(Code::closed, "The rebuild was stopped; start it again to go on.");
}

double progress_of(const Hash& hash) { return (hash.bytes[0] * 256 + hash.bytes[1]) / 65536.0; }

Task<Result<meta::ObjectPage>> list(const RebuildDependencies& deps, meta::ListQuery query) {
  auto once = [&deps, &query] { return deps.meta.list(query); };
  auto page = patiently<meta::ObjectPage>(deps.clock, once);
  co_return co_await std::move(page);
}

// Fine if the record has changed meanwhile.
Task<Result<void>> mark_damaged(const RebuildDependencies& deps, meta::Object object) {
  Result<void> marked = co_await deps.meta.set_damaged(object.hash, object.generation, true);
  bool gone = marked.has_error() && (marked.error().code() == Code::conflict ||
                                     marked.error().code() == Code::no_such_file);
  if (gone) co_return Result<void>();
  co_return marked;
}

// Objects whose stripes are counted batch by batch.
class Check {
 public:
  Check(const RebuildDependencies& deps, Pods& pods, Progress& progress)
      : deps_(deps), pods_(pods), progress_(progress) {}

  Task<Result<void>> look_at(meta::Object object) {
    auto subject = std::make_shared<Subject>();
    subject->object = std::move(object);
    std::vector<meta::Extent> extents = std::move(subject->object.extents);
    for (const meta::Extent& extent : extents) {
      for (std::uint64_t number = 0; number < object::stripe_count(extent); ++number) {
        stripes_.push_back({extent, number});
        subjects_.push_back(subject);
        if (stripes_.size() == object::kMostInspected) MAS_CO_CHECK(co_await flush());
      }
    }
    co_return Result<void>();
  }

  Task<Result<void>> flush() {
    if (stripes_.empty()) co_return Result<void>();
    MAS_CO_TRY(std::vector<int> counts, co_await count_shards(pods_, stripes_));
    for (std::size_t i = 0; i < counts.size(); ++i) {
      Subject& subject = *subjects_[i];
      if (counts[i] >= stripes_[i].extent.profile.k || subject.short_of_shards) continue;
      subject.short_of_shards = true;
      MAS_CO_CHECK(co_await note(subject.object));
    }
    stripes_.clear();
    subjects_.clear();
    co_return Result<void>();
  }

 private:
  struct Subject {
    meta::Object object;  // without extents
    bool short_of_shards = false;
  };

  Task<Result<void>> note(meta::Object object) {
    const bool all_here = pods_.is_everybody_asked();
    progress_.fail(object.hash, object.generation,
                   all_here ? "Too few of its shards are found: it is marked as damaged."
                            : "Too few of its shards are found while pods are away.");
    if (!all_here) co_return Result<void>();
    co_return co_await mark_damaged(deps_, std::move(object));
  }

  const RebuildDependencies& deps_;
  Pods& pods_;
  Progress& progress_;
  std::vector<object::StripeRef> stripes_;
  std::vector<std::shared_ptr<Subject>> subjects_;
};

Task<Result<void>> verify_one(const RebuildDependencies& deps, Progress& progress,
                              meta::Object object) {
  HashingSink sink;
  Result<void> read = co_await deps.objects->get(object, 0, object.size, sink);
  if (read.has_error()) {
    progress.fail(object.hash, object.generation, "It cannot be read: " + read.error().message());
    co_return Result<void>();
  }
  if (sink.digest() == object.hash) {
    progress.update([](RebuildReport& report) { ++report.verified; });
    co_return Result<void>();
  }
  progress.fail(object.hash, object.generation,
                "Its bytes do not have its hash: it is marked as damaged.");
  co_return co_await mark_damaged(deps, std::move(object));
}

}  // namespace

Task<Result<void>> check_all(const RebuildDependencies& deps, Pods& pods, Progress& progress,
                             const std::atomic<bool>& stopping) {
  Check check(deps, pods, progress);
  meta::ListQuery query;
  query.limit = kPage;
  do {
    MAS_CO_CHECK(go_on(stopping));
    MAS_CO_TRY(meta::ObjectPage page, co_await list(deps, query));
    std::uint64_t files = page.objects.size();
    progress.update([files](RebuildReport& report) { report.files += files; });
    for (meta::Object& object : page.objects) {
      MAS_CO_CHECK(co_await check.look_at(std::move(object)));
    }
    query.after = page.next;
    if (page.next) progress.set(progress_of(*page.next));
  } while (query.after);
  co_return co_await check.flush();
}

Task<Result<void>> verify_all(const RebuildDependencies& deps, Progress& progress,
                              const std::atomic<bool>& stopping) {
  meta::ListQuery query;
  query.limit = kPage;
  do {
    MAS_CO_TRY(meta::ObjectPage page, co_await list(deps, query));
    for (meta::Object& object : page.objects) {
      MAS_CO_CHECK(go_on(stopping));
      MAS_CO_CHECK(co_await verify_one(deps, progress, std::move(object)));
    }
    query.after = page.next;
    if (page.next) progress.set(progress_of(*page.next));
  } while (query.after);
  co_return Result<void>();
}

}  // namespace mas::maintain::rebuild

// Ends uploads that nobody has continued in time.
//
// No clock but this pod's own running time decides: an upload ends once this pod has seen it
// without a sign of life for as long as a session lives. Every pod keeps that time of all uploads,
// so that whoever comes to look after one knows it; the pod that looks after its slice ends it.
#include "maintain/idle_marks.h"
#include "maintain/slices.h"
#include "maintain/tally.h"
#include "mas/maintain/scheduler.h"
#include "mas/observe/log.h"
#include "mas/runtime/offload.h"

namespace mas::maintain {
namespace {

constexpr std::uint32_t kPage = 500;         // uploads looked at in one step
constexpr std::size_t kMostMarks = 100'000;  // some 10 MB; 3 MB as a file
// Of a session's life: what a restart may forget of the time that an upload has been idle.
constexpr int kSaves = 96;

class ExpiryWorker final : public Worker {
 public:
  ExpiryWorker(const config::Maintain& options, const Dependencies& deps, Duration session,
               std::optional<IdleFile> file)
      : options_(options),
        deps_(deps),
        session_(session),
        file_(std::move(file)),
        expired_(deps.metrics.counter("mas_uploads_expired_total",
                                      "Uploads ended because nobody continued them.")) {}

  [[nodiscard]] std::string name() const override { return "expiry"; }
  void describe(WorkerStatus& status) const override { tally_.describe(status); }

  Task<Result<Duration>> step() override {
    auto view = deps_.view.current();
    if (view->halted()) co_return options_.expire_interval;
    if (!std::exchange(loaded_, true)) co_await load();
    MAS_CO_TRY(std::vector<meta::Upload> page, co_await deps_.meta.uploads(after_, kPage));
    const bool ended = page.size() < kPage;
    if (!page.empty()) after_ = page.back().id;
    const SliceSet own = own_slices(*view);
    const Instant now = deps_.clock.now();
    std::vector<meta::Upload> idle;
    for (meta::Upload& upload : page) {
      if (upload.state != meta::UploadState::open) continue;
      const Duration unchanged = marks_.see(upload.id, upload.touches, now);
      if (unchanged >= session_ && own[upload.id.bytes[0]]) idle.push_back(std::move(upload));
    }
    if (ended) {
      after_.reset();
      marks_.end_pass();
    }
    MAS_CO_CHECK(co_await end(std::move(idle)));
    if (ended) MAS_CO_CHECK(co_await save());
    co_return ended ? options_.expire_interval : Duration(0);
  }

 private:
  Task<Result<void>> end(std::vector<meta::Upload> idle) {
    // An old store may list as open what was published since.
    if (!idle.empty()) {
      MAS_CO_CHECK(co_await membership::take_generations(deps_.meta, deps_.watch, 1));
    }
    std::uint64_t ended = 0;
    for (const meta::Upload& upload : idle) {
      const std::int64_t now = deps_.clock.wall().unix_seconds();
      // Refused if it was continued or sealed since it was looked at.
      MAS_CO_TRY(bool done, co_await deps_.meta.expire(upload.id, upload.touches, now));
      if (!done) continue;
      ++ended;
      expired_.add();
      log::info("upload.expired", {{"hash", upload.hash.hex()}, {"parts", upload.part_count}});
    }
    tally_.add(ended, static_cast<double>(ended), deps_.clock.now());
    co_return Result<void>();
  }

  // Without what was kept the time starts anew.
  Task<void> load() {
    if (!file_) co_return;
    auto job = [this]() -> Result<void> {
      MAS_TRY(std::string bytes, fs::read_file(file_->fs, file_->path, marks_.most_bytes()));
      return marks_.load(bytes);
    };
    Result<void> loaded = co_await offload(file_->pool, job);
    const bool none = loaded.has_error() && loaded.error().code() == Code::not_found;
    if (loaded.has_error() && !none) {
      log::warn("upload.marks_lost", {{"file", file_->path}, {"error", loaded.error()}});
    }
  }
  Task<Result<void>> save() {
    const Instant now = deps_.clock.now();
    const bool due = !saved_ || now - *saved_ >= session_ / kSaves;
    if (!file_ || !due) co_return Result<void>();
    auto job = [this]() -> Result<void> {
      const std::string bytes = marks_.save();
      return fs::write_file(file_->fs, file_->path, as_bytes(bytes));
    };
    MAS_CO_CHECK(co_await offload(file_->pool, job));
    saved_ = now;
    co_return Result<void>();
  }

  config::Maintain options_;
  Dependencies deps_;
  const Duration session_;
  const std::optional<IdleFile> file_;
  bool loaded_ = false;
  std::optional<Instant> saved_;
  observe::Counter& expired_;
  Tally tally_{"uploads"};
  IdleMarks marks_{kMostMarks};
  std::optional<Id128> after_;
};

}  // namespace

std::unique_ptr<Worker> make_expiry_worker(const config::Maintain& options, Dependencies deps,
                                           Duration session, std::optional<IdleFile> file) {
  return std::make_unique<ExpiryWorker>(options, deps, session, std::move(file));
}

}  // namespace mas::maintain

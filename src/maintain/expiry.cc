// Ends uploads that nobody has continued in time.
//
// No clock but this pod's own running time decides: an upload ends once this pod has seen it
// without a sign of life for as long as a session lives. Every pod keeps that time of all uploads,
// so that whoever comes to look after one knows it; the pod that looks after its slice ends it.
// Time in which this pod stood still, or could not read the metadata, does not count: clients may
// have tried all the while, and had no way to be heard.
#include "maintain/idle_marks.h"
#include "maintain/marks_file.h"
#include "maintain/slices.h"
#include "maintain/tally.h"
#include "mas/maintain/scheduler.h"
#include "mas/observe/log.h"

namespace mas::maintain {
namespace {

constexpr std::uint32_t kPage = 500;         // uploads looked at in one step
constexpr std::size_t kMostMarks = 100'000;  // some 10 MB; 3 MB as a file
// Of a session's life: what a restart may forget of the time that an upload has been idle.
constexpr int kSaves = 96;
// From one look to the next, in intervals: for longer, this pod was stopped or kept from looking.
constexpr int kLongest = 3;

class ExpiryWorker final : public Worker {
 public:
  ExpiryWorker(const config::Maintain& options, const Dependencies& deps, Duration session,
               std::optional<MarksFile> file)
      : options_(options),
        deps_(deps),
        session_(session),
        file_(std::move(file)),
        expired_(deps.metrics.counter("mas_uploads_expired_total",
                                      "Uploads ended because nobody continued them.")),
        marks_(kMostMarks, options.expire_interval * kLongest) {}

  [[nodiscard]] std::string name() const override { return "expiry"; }
  void describe(WorkerStatus& status) const override { tally_.describe(status); }

  Task<Result<Duration>> step() override {
    auto view = deps_.view.current();
    if (view->halted()) {
      marks_.miss();
      co_return options_.expire_interval;
    }
    if (!std::exchange(loaded_, true)) co_await load();
    Result<std::vector<meta::Upload>> listed = co_await deps_.meta.uploads(after_, kPage);
    if (listed.has_error()) {
      marks_.miss();
      co_return listed.error();
    }
    std::vector<meta::Upload> page = std::move(*listed);
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
    Result<std::string> bytes = co_await read_marks(*file_, marks_.most_bytes());
    if (bytes.has_value() && bytes->empty()) co_return;
    Result<void> loaded = bytes.has_value() ? marks_.load(*bytes) : bytes.error();
    if (loaded.has_error()) {
      log::warn("upload.marks_lost", {{"file", file_->path}, {"error", loaded.error()}});
    }
  }
  Task<Result<void>> save() {
    const Instant now = deps_.clock.now();
    const bool due = !saved_ || now - *saved_ >= session_ / kSaves;
    if (!file_ || !due) co_return Result<void>();
    MAS_CO_CHECK(co_await write_marks(*file_, marks_.save()));
    saved_ = now;
    co_return Result<void>();
  }

  config::Maintain options_;
  Dependencies deps_;
  const Duration session_;
  const std::optional<MarksFile> file_;
  bool loaded_ = false;
  std::optional<Instant> saved_;
  observe::Counter& expired_;
  Tally tally_{"uploads"};
  IdleMarks marks_;
  std::optional<Id128> after_;
};

}  // namespace

std::unique_ptr<Worker> make_expiry_worker(const config::Maintain& options, Dependencies deps,
                                           Duration session, std::optional<MarksFile> file) {
  return std::make_unique<ExpiryWorker>(options, deps, session, std::move(file));
}

}  // namespace mas::maintain

#include <mutex>

#include "mas/maintain/rebuild.h"
#include "mas/observe/log.h"
#include "mas/runtime/contain.h"
#include "mas/runtime/sync.h"

namespace mas::maintain {
namespace {

class Service final : public RebuildService {
 public:
  Service(const RebuildDependencies& deps, RebuildHooks hooks, Executor executor)
      : deps_(deps), hooks_(std::move(hooks)), executor_(std::move(executor)) {}

  Result<void> start(RebuildOptions options) override {
    std::shared_ptr<Job> job;
    {
      std::lock_guard lock(mutex_);
      if (job_ && job_->running) {
        return Error(Code::busy, "The metadata is being rebuilt already on this pod.");
      }
      job = std::make_shared<Job>();
      job->rebuild = make_rebuild(options, deps_);
      job_ = job;
    }
    if (spawn(executor_, gate_, run(job), "rebuild")) return {};
    std::lock_guard lock(mutex_);
    job->running = false;
    return Error(Code::busy, "The pod is stopping.");
  }

  std::optional<RebuildReport> report() const override {
    std::lock_guard lock(mutex_);
    if (!job_) return std::nullopt;
    RebuildReport report = job_->rebuild->report();
    report.running = job_->running;
    report.error = job_->error;
    return report;
  }

  Task<void> close() override {
    {
      std::lock_guard lock(mutex_);
      if (job_) job_->rebuild->stop();
    }
    return gate_.close();
  }

 private:
  struct Job {
    std::unique_ptr<Rebuild> rebuild;
    bool running = true;
    std::string error;
  };

  Task<void> run(std::shared_ptr<Job> job) {
    log::info("rebuild.started");
    auto working = contain(work(*job), "rebuild");
    Result<void> done = co_await std::move(working);
    RebuildReport report = job->rebuild->report();
    if (done.has_error()) {
      log::error("rebuild.failed", {{"error", done.error()}});
    } else {
      log::info("rebuild.finished", {{"files", report.files},
                                     {"restored", report.restored},
                                     {"deletions", report.deletions},
                                     {"not_restored", report.not_restored},
                                     {"verified", report.verified},
                                     {"layout", report.layout_version}});
    }
    std::lock_guard lock(mutex_);
    if (done.has_error()) job->error = done.error().message();
    job->running = false;
  }

  Task<Result<void>> work(Job& job) {
    Result<void> done;
    if (hooks_.before) {
      auto before = hooks_.before();
      done = co_await std::move(before);
    }
    if (done.has_value()) done = co_await job.rebuild->run();
    if (hooks_.after) {
      auto after = hooks_.after(done.has_value());
      Result<void> ended = co_await std::move(after);
      if (done.has_value()) done = ended;
    }
    co_return done;
  }

  const RebuildDependencies deps_;
  const RebuildHooks hooks_;
  const Executor executor_;
  Gate gate_;
  mutable std::mutex mutex_;
  std::shared_ptr<Job> job_;
};

}  // namespace

std::unique_ptr<RebuildService> make_rebuild_service(const RebuildDependencies& deps,
                                                     RebuildHooks hooks, Executor executor) {
  return std::make_unique<Service>(deps, std::move(hooks), std::move(executor));
}

}  // namespace mas::maintain

#include "mas/maintain/scheduler.h"

#include <algorithm>

#include "maintain/worker_loop.h"

namespace mas::maintain {
namespace {

class LoopScheduler final : public Scheduler {
 public:
  LoopScheduler(Clock& clock, observe::Metrics& metrics) : clock_(clock), metrics_(metrics) {}

  void add(std::unique_ptr<Worker> worker) override {
    loops_.push_back(std::make_unique<WorkerLoop>(std::move(worker), clock_, metrics_));
  }

  void start(Executor executor) override {
    for (auto& loop : loops_) spawn(executor, gate_, loop->run(executor), loop->name());
  }

  Result<void> pause(const std::string& name) override { return set_paused(name, true); }
  Result<void> resume(const std::string& name) override { return set_paused(name, false); }
  Result<void> wake(const std::string& name) override {
    MAS_TRY(WorkerLoop * loop, find(name));
    if (loop->wake()) return {};
    return Error(Code::busy, "The worker " + name + " is paused; resume it first.");
  }

  [[nodiscard]] std::vector<WorkerStatus> status() const override {
    std::vector<WorkerStatus> all;
    for (const auto& loop : loops_) all.push_back(loop->status());
    return all;
  }

  Task<void> close() override {
    for (auto& loop : loops_) loop->stop();
    co_await gate_.close();
  }

 private:
  Result<WorkerLoop*> find(const std::string& name) {
    auto named = [&](const auto& loop) { return loop->name() == name; };
    auto found = std::find_if(loops_.begin(), loops_.end(), named);
    if (found == loops_.end()) return Error(Code::not_found, "There is no worker of this name.");
    return found->get();
  }
  Result<void> set_paused(const std::string& name, bool paused) {
    MAS_TRY(WorkerLoop * loop, find(name));
    loop->set_paused(paused);
    return {};
  }

  Clock& clock_;
  observe::Metrics& metrics_;
  std::vector<std::unique_ptr<WorkerLoop>> loops_;  // does not change after start()
  Gate gate_;
};

}  // namespace

std::unique_ptr<Scheduler> make_scheduler(Clock& clock, observe::Metrics& metrics) {
  return std::make_unique<LoopScheduler>(clock, metrics);
}

}  // namespace mas::maintain

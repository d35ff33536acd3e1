#include "mas/runtime/offload.h"

#include "runtime/waiter.h"

namespace mas::detail {
namespace {

class ResumingTask final : public PoolTask {
 public:
  ResumingTask(PoolTask& inner, Waiter& waiter) : inner_(inner), waiter_(waiter) {}
  void run() noexcept override {
    inner_.run();
    waiter_.resume();
  }

 private:
  PoolTask& inner_;
  Waiter& waiter_;
};

}  // namespace

Task<bool> run_in(Pool& pool, PoolTask& task) {
  Waiter waiter;
  ResumingTask resuming(task, waiter);
  if (!pool.submit(resuming)) co_return false;
  co_await waiter.wait();
  co_return true;
}

}  // namespace mas::detail

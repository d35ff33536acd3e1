#include "mas/runtime/pool.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace mas {
namespace {

class ThreadPool final : public Pool {
 public:
  ThreadPool(std::string name, std::size_t threads, std::size_t queue_limit)
      : name_(std::move(name)), queue_limit_(queue_limit) {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { work(); });
      pthread_setname_np(threads_.back().native_handle(), name_.substr(0, 15).c_str());
    }
  }
  ~ThreadPool() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  bool submit(PoolTask& task) override {
    {
      std::lock_guard lock(mutex_);
      if (stopping_ || queue_.size() >= queue_limit_) return false;
      queue_.push_back(&task);
    }
    wake_.notify_one();
    return true;
  }
  [[nodiscard]] std::size_t queued() const override {
    std::lock_guard lock(mutex_);
    return queue_.size();
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      PoolTask* task = queue_.front();
      queue_.pop_front();
      lock.unlock();
      task->run();
      lock.lock();
    }
  }

  std::string name_;
  std::size_t queue_limit_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<PoolTask*> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Pool> make_thread_pool(std::string name, std::size_t threads,
                                       std::size_t queue_limit) {
  return std::make_unique<ThreadPool>(std::move(name), threads, queue_limit);
}

}  // namespace mas

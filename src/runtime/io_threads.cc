#include "mas/runtime/io_threads.h"

#include <pthread.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "mas/observe/log.h"

namespace mas {

namespace asio = boost::asio;
using WorkGuard = asio::executor_work_guard<asio::io_context::executor_type>;

struct IoThreads::State {
  std::vector<std::unique_ptr<asio::io_context>> contexts;
  std::vector<WorkGuard> guards;
  std::vector<std::thread> threads;
  std::atomic<std::size_t> turn{0};
};

IoThreads::IoThreads(std::size_t threads) : state_(std::make_unique<State>()) {
  MAS_ASSERT(threads > 0);
  for (std::size_t i = 0; i < threads; ++i) {
    // A hint of 1: only one thread runs this context, so Asio may leave out locks.
    state_->contexts.push_back(std::make_unique<asio::io_context>(1));
    state_->guards.push_back(asio::make_work_guard(*state_->contexts.back()));
  }
}

IoThreads::~IoThreads() { stop(); }

std::size_t IoThreads::size() const noexcept { return state_->contexts.size(); }

asio::io_context& IoThreads::context(std::size_t index) { return *state_->contexts.at(index); }

Executor IoThreads::executor(std::size_t index) {
  return state_->contexts.at(index)->get_executor();
}

Executor IoThreads::next() { return executor(state_->turn.fetch_add(1) % size()); }

void IoThreads::start() {
  for (auto& context : state_->contexts) {
    asio::io_context* running = context.get();
    state_->threads.emplace_back([running] {
      while (true) {
        try {
          running->run();
          return;
        } catch (const std::exception& e) {
          log::error("io thread caught an exception", {{"what", e.what()}});
        }
      }
    });
    pthread_setname_np(state_->threads.back().native_handle(), "mas-io");
  }
}

void IoThreads::stop() {
  state_->guards.clear();
  for (auto& context : state_->contexts) context->stop();
  for (std::thread& thread : state_->threads) thread.join();
  state_->threads.clear();
}

namespace {

// Contexts for run_blocking, kept and used again. Whoever resumes a task from another thread still
// signals its context after the task has gone on, and may have ended, here: the context must be
// there then. Never destroyed, because such a thread may outlive main().
class BlockingContexts {
 public:
  std::unique_ptr<asio::io_context> take() {
    {
      std::lock_guard lock(mutex_);
      if (!spare_.empty()) {
        auto context = std::move(spare_.back());
        spare_.pop_back();
        return context;
      }
    }
    return std::make_unique<asio::io_context>(1);
  }
  void give_back(std::unique_ptr<asio::io_context> context) {
    context->restart();
    std::lock_guard lock(mutex_);
    spare_.push_back(std::move(context));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<asio::io_context>> spare_;  // at most as many as ran at once
};

BlockingContexts& blocking_contexts() {
  static auto& contexts = *new BlockingContexts;
  return contexts;
}

}  // namespace

void run_blocking(Task<void> task) {
  auto context = blocking_contexts().take();
  std::exception_ptr failure;
  asio::co_spawn(*context, std::move(task), [&failure](std::exception_ptr e) { failure = e; });
  context->run();
  blocking_contexts().give_back(std::move(context));
  if (failure) std::rethrow_exception(failure);
}

}  // namespace mas

// Pools run what blocks: disk calls, hashing and coding, database drivers. Queues are bounded.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace mas {

// A piece of blocking work. The submitter keeps it alive until run() has returned.
class PoolTask {
 public:
  virtual ~PoolTask() = default;
  virtual void run() noexcept = 0;
};

class Pool {
 public:
  virtual ~Pool() = default;
  // False if the queue is full or the pool is stopping; then `task` was not taken. Thread-safe.
  [[nodiscard]] virtual bool submit(PoolTask& task) = 0;
  // Tasks waiting, not those running.
  [[nodiscard]] virtual std::size_t queued() const = 0;
};

// Real threads. The destructor runs what is queued, then joins.
[[nodiscard]] std::unique_ptr<Pool> make_thread_pool(std::string name, std::size_t threads,
                                                     std::size_t queue_limit);

// The three pools everything above layer 1 gets by reference.
struct Pools {
  Pool& disk;    // file system calls
  Pool& cpu;     // hash, compress, code
  Pool& driver;  // blocking database clients
};

}  // namespace mas

// The workers of a benchmark: each sends one request after the other on a connection of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "app/bench/content.h"
#include "app/bench/samples.h"
#include "app/client/api_client.h"
#include "mas/runtime/io_threads.h"

namespace mas::app {

struct BenchOptions {
  std::string kind = "mixed";  // put, get or mixed
  std::uint64_t size = 4 * kKiB;
  std::uint64_t concurrency = 32;
  Duration duration = std::chrono::seconds(10);
  std::uint64_t count = 0;          // requests in all; 0: by duration
  std::uint64_t objects = 0;        // that are read; 0: four for each connection, at most 1 GiB
  std::uint64_t read_percent = 75;  // of a mixed load
  bool object_call = false;         // put under the system token: the pod computes the hash
  bool keep = false;                // leave the files there
  std::uint64_t seed = 0;
};

// What one kind of request did.
struct Tally {
  Samples samples;
  std::uint64_t bytes = 0;
  std::uint64_t errors = 0;
  std::uint64_t wrong = 0;  // answers whose bytes were not those sent
  std::string first_error;

  void merge(const Tally& other);
};

struct BenchResult {
  Tally puts;
  Tally gets;
  Duration elapsed{};
};

class BenchRunner {
 public:
  BenchRunner(const BenchOptions& options, const Target& target, Clock& clock, IoThreads& io)
      : options_(options), target_(target), clock_(clock), io_(io) {}

  // Stores what will be read, runs the load, removes what it stored. Errors: the pod's while
  // storing; those under load are counted, not returned.
  Task<Result<BenchResult>> run();

 private:
  struct Worker;
  struct Stored {
    Hash hash;
    std::uint64_t number = 0;
  };

  Task<void> work(Worker& worker, bool filling);
  Task<void> one_put(Worker& worker, std::uint64_t number);
  Task<void> one_get(Worker& worker);
  Task<Result<Hash>> put(Worker& worker, std::uint64_t number, Instant& began);
  Task<Result<void>> get(Worker& worker, const Stored& stored, Instant& began);
  Task<Result<std::string>> token_for(Worker& worker, const Stored& stored);
  [[nodiscard]] Stored stored_at(std::uint64_t random);
  Task<void> run_workers(std::vector<std::unique_ptr<Worker>>& workers, bool filling);
  Task<void> clean_up();
  Task<void> remove_some(Executor executor);
  [[nodiscard]] bool take_turn();
  [[nodiscard]] std::uint64_t objects_to_read() const;

  const BenchOptions& options_;
  const Target& target_;
  Clock& clock_;
  IoThreads& io_;
  std::atomic<std::uint64_t> turns_{0};
  std::uint64_t last_turn_ = 0;
  Instant deadline_;
  std::atomic<std::uint64_t> next_object_{0};
  std::mutex mutex_;
  std::vector<Stored> stored_;  // grows while filling and with every put
  std::size_t readable_ = 0;    // the first ones, stored before the load
};

}  // namespace mas::app

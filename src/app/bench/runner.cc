#include "app/bench/runner.h"

#include <algorithm>
#include <map>

#include "mas/codec/hash.h"
#include "mas/core/units.h"
#include "mas/runtime/rng.h"
#include "mas/runtime/sync.h"

namespace mas::app {
namespace {

constexpr std::size_t kPiece = 256 * kKiB;
constexpr std::uint64_t kMaxReadBytes = kGiB;

Hash hash_of(const Content& content, std::uint64_t size) {
  codec::Sha256 sha;
  Buffer buffer = Buffer::allocate(kPiece);
  for (std::uint64_t at = 0; at < size; at += kPiece) {
    MutableBytes piece = buffer.bytes().first(std::min<std::uint64_t>(kPiece, size - at));
    content.fill(at, piece);
    sha.update(piece);
  }
  return sha.digest();
}

}  // namespace

void Tally::merge(const Tally& other) {
  samples.merge(other.samples);
  bytes += other.bytes;
  errors += other.errors;
  wrong += other.wrong;
  if (first_error.empty()) first_error = other.first_error;
}

struct BenchRunner::Worker {
  Worker(Executor executor, const Target& target, Clock& clock, std::uint64_t seed)
      : client(std::move(executor), target, clock), rng(make_seeded_rng(seed)) {}

  void failed(Tally& tally, const Error& error) {
    tally.errors += 1;
    if (tally.first_error.empty()) tally.first_error = error.message();
  }

  ApiClient client;
  std::unique_ptr<Rng> rng;
  Tally puts;
  Tally gets;
  // Tokens of this worker alone, so that the bound on requests per token is never met.
  std::map<std::uint64_t, std::string> tokens;
  Buffer buffer = Buffer::allocate(kPiece);
};

std::uint64_t BenchRunner::objects_to_read() const {
  if (options_.kind == "put") return 0;
  if (options_.objects != 0) return options_.objects;
  std::uint64_t fit = std::max<std::uint64_t>(kMaxReadBytes / options_.size, 1);
  return std::min(4 * options_.concurrency, fit);
}

Task<Result<BenchResult>> BenchRunner::run() {
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::uint64_t i = 0; i < options_.concurrency; ++i) {
    Executor executor = io_.executor(i % io_.size());
    workers.push_back(std::make_unique<Worker>(executor, target_, clock_, options_.seed + i));
  }
  last_turn_ = objects_to_read();
  co_await run_workers(workers, true);
  readable_ = stored_.size();
  BenchResult result;
  for (auto& worker : workers) {
    if (worker->puts.errors > 0) {
      co_await clean_up();
      co_return Error(Code::internal, "storing what is to be read: " + worker->puts.first_error);
    }
    worker->puts = Tally();
  }
  turns_ = 0;
  last_turn_ = options_.count;
  Instant began = clock_.now();
  deadline_ = began + options_.duration;
  co_await run_workers(workers, false);
  result.elapsed = clock_.now() - began;
  for (auto& worker : workers) {
    result.puts.merge(worker->puts);
    result.gets.merge(worker->gets);
  }
  co_await clean_up();
  co_return result;
}

Task<void> BenchRunner::run_workers(std::vector<std::unique_ptr<Worker>>& workers, bool filling) {
  Gate gate;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    spawn(io_.executor(i % io_.size()), gate, work(*workers[i], filling), "bench");
  }
  co_await gate.close();
}

bool BenchRunner::take_turn() {
  std::uint64_t turn = turns_.fetch_add(1);
  if (last_turn_ != 0) return turn < last_turn_;
  return clock_.now() < deadline_;
}

Task<void> BenchRunner::work(Worker& worker, bool filling) {
  // Without objects to read there is nothing to fill, and no turn means "by duration" otherwise.
  if (filling && last_turn_ == 0) co_return;
  while (take_turn()) {
    bool reads =
        !filling && (options_.kind == "get" ||
                     (options_.kind == "mixed" && worker.rng->u64() % 100 < options_.read_percent));
    if (reads) {
      co_await one_get(worker);
    } else {
      co_await one_put(worker, next_object_.fetch_add(1));
    }
  }
}

Task<void> BenchRunner::one_put(Worker& worker, std::uint64_t number) {
  Instant began;
  auto hash = co_await put(worker, number, began);
  if (hash.has_error()) {
    worker.failed(worker.puts, hash.error());
    co_return;
  }
  worker.puts.samples.add(clock_.now() - began);
  worker.puts.bytes += options_.size;
  std::lock_guard lock(mutex_);
  stored_.push_back({*hash, number});
}

Task<Result<Hash>> BenchRunner::put(Worker& worker, std::uint64_t number, Instant& began) {
  Content content(options_.seed, number);
  ContentSource source(content, options_.size);
  std::string name = "bench-" + std::to_string(number);
  Hash expected;
  Result<Answer> answer = Error(Code::internal, "");
  if (options_.object_call) {
    began = clock_.now();
    answer = co_await worker.client.upload_object(name, source, options_.size);
  } else {
    expected = hash_of(content, options_.size);
    MAS_CO_TRY(std::string token, co_await worker.client.mint("upload", expected, {}));
    began = clock_.now();
    answer = co_await worker.client.upload_single(token, name, source, options_.size);
  }
  if (answer.has_error()) co_return answer.error();
  MAS_CO_TRY(FileInfo info, parse_file_info(answer->data));
  auto hash = Hash::parse(info.hash);
  if (!hash || (!options_.object_call && *hash != expected)) {
    co_return Error(Code::hash_mismatch, "the pod stored it under another hash");
  }
  co_return *hash;
}

Task<void> BenchRunner::one_get(Worker& worker) {
  Stored stored = stored_at(worker.rng->u64());
  Instant began;
  auto result = co_await get(worker, stored, began);
  if (result.has_error()) {
    worker.tokens.erase(stored.number);
    worker.client.close();
    worker.failed(worker.gets, result.error());
    if (result.error().code() == Code::corrupt) worker.gets.wrong += 1;
    co_return;
  }
  worker.gets.samples.add(clock_.now() - began);
  worker.gets.bytes += options_.size;
}

BenchRunner::Stored BenchRunner::stored_at(std::uint64_t random) {
  std::lock_guard lock(mutex_);
  return stored_[random % readable_];
}

Task<Result<std::string>> BenchRunner::token_for(Worker& worker, const Stored& stored) {
  auto known = worker.tokens.find(stored.number);
  if (known != worker.tokens.end()) co_return known->second;
  MAS_CO_TRY(std::string token, co_await worker.client.mint("download", stored.hash, {}));
  worker.tokens[stored.number] = token;
  co_return token;
}

Task<Result<void>> BenchRunner::get(Worker& worker, const Stored& stored, Instant& began) {
  for (int tries = 0;; ++tries) {
    MAS_CO_TRY(std::string token, co_await token_for(worker, stored));
    began = clock_.now();
    auto total = co_await worker.client.open_download(token, stored.hash.hex(), 0);
    if (total.has_value()) break;
    // A token that was not used for a while has ended.
    Error error = total.error();
    if (error.code() != Code::token_invalid || tries > 0) co_return error;
    worker.tokens.erase(stored.number);
  }
  Content content(options_.seed, stored.number);
  std::uint64_t at = 0;
  for (;;) {
    MAS_CO_TRY(std::size_t count, co_await worker.client.read(worker.buffer.bytes()));
    if (count == 0) break;
    if (!content.matches(at, worker.buffer.bytes().first(count))) {
      co_return Error(Code::corrupt,
                      "wrong bytes at " + std::to_string(at) + " of " + stored.hash.hex());
    }
    at += count;
  }
  if (at == options_.size) co_return Result<void>();
  co_return Error(Code::corrupt, "wrong length of " + stored.hash.hex());
}

Task<void> BenchRunner::clean_up() {
  if (options_.keep) co_return;
  Gate gate;
  for (std::uint64_t i = 0; i < options_.concurrency; ++i) {
    Executor executor = io_.executor(i % io_.size());
    spawn(executor, gate, remove_some(executor), "bench.remove");
  }
  co_await gate.close();
}

Task<void> BenchRunner::remove_some(Executor executor) {
  ApiClient client(executor, target_, clock_);
  for (;;) {
    Hash hash;
    {
      std::lock_guard lock(mutex_);
      if (stored_.empty()) break;
      hash = stored_.back().hash;
      stored_.pop_back();
    }
    auto removed = co_await client.remove(hash);
    if (removed.has_error() && removed.error().code() == Code::closed) break;
  }
}

}  // namespace mas::app

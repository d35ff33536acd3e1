// The parallel part of Uploader.
#include <vector>

#include "app/client/retry.h"
#include "app/client/uploader.h"
#include "mas/runtime/sync.h"

namespace mas::app {
namespace {

constexpr int kRounds = 3;
constexpr Duration kFinishPause = std::chrono::seconds(1);
constexpr int kFinishTries = 3600;

}  // namespace

// What the senders of one file share.
struct Uploader::PartJob {
  PartJob(fs::File& f, Hash h, const UploadPlan& p) : file(f), hash(h), plan(p) {}

  fs::File& file;
  const Hash hash;
  const UploadPlan& plan;
  std::mutex mutex;
  std::size_t next = 0;
  std::optional<Error> failure;

  std::optional<std::uint32_t> take() {
    std::lock_guard lock(mutex);
    if (failure || next >= plan.missing.size()) return std::nullopt;
    return plan.missing[next++];
  }
  void fail(Error error) {
    std::lock_guard lock(mutex);
    if (!failure) failure = std::move(error);
  }
};

Task<Result<Uploaded>> Uploader::send_parts(ApiClient& client, const LocalFile& local,
                                            fs::File& file, Hash hash) {
  for (int round = 1;; ++round) {
    auto result = co_await try_parts(client, local, file, hash);
    if (result.has_value()) co_return result;
    Error error = result.error();
    // Parts may have expired since they were listed, or an earlier run may have sent parts of a
    // file that has changed since: both are put right by another round.
    bool again = error.code() == Code::parts_missing || error.code() == Code::upload_not_open ||
                 error.code() == Code::hash_mismatch || is_worth_a_retry(error);
    if (!again || round == kRounds) co_return error;
    if (error.code() == Code::hash_mismatch) {
      MAS_CO_TRY(std::string token, co_await client.mint("upload", hash, {}));
      MAS_CO_CHECK(co_await client.drop_session(token));
    }
    co_await clock_.sleep(retry_pause(round));
  }
}

Task<Result<Uploaded>> Uploader::try_parts(ApiClient& client, const LocalFile& local,
                                           fs::File& file, Hash hash) {
  MAS_CO_TRY(std::string token, co_await client.mint("upload", hash, {}));
  MAS_CO_TRY(FileInfo info, co_await client.init(token, local.name));
  if (info.stored) {
    bar_.skip(local.size);
    co_return Uploaded{hash, true, 0, ""};
  }
  MAS_CO_TRY(UploadPlan plan, co_await make_plan(client, token, local.name, local.size));
  std::uint64_t resumed = local.size - plan.bytes_missing();
  bar_.skip(resumed);
  PartJob job(file, hash, plan);
  MAS_CO_CHECK(co_await run_senders(job));
  MAS_CO_TRY(Answer answer, co_await finish(client, hash, plan));
  std::string durable(answer.head.headers.get("Mas-Durable").value_or(""));
  co_return Uploaded{hash, false, resumed, durable};
}

Task<Result<UploadPlan>> Uploader::make_plan(ApiClient& client, std::string token, std::string name,
                                             std::uint64_t size) {
  MAS_CO_TRY(auto stored, co_await client.parts(token));
  UploadPlan plan = plan_upload(size, options_.part_size, stored);
  if (plan.restart) {
    MAS_CO_CHECK(co_await client.drop_session(token));
    MAS_CO_CHECK(co_await client.init(token, name));
  }
  co_return plan;
}

Task<Result<void>> Uploader::run_senders(PartJob& job) {
  Gate gate;
  std::uint64_t count = std::min<std::uint64_t>(options_.connections, job.plan.missing.size());
  for (std::uint64_t i = 0; i < count; ++i) {
    Executor executor = io_.next();
    spawn(executor, gate, sender(job, executor), "put.part");
  }
  co_await gate.close();
  if (job.failure) co_return *job.failure;
  co_return Result<void>();
}

Task<void> Uploader::sender(PartJob& job, Executor executor) {
  ApiClient client(executor, target_, clock_);
  std::string token;
  while (auto number = job.take()) {
    auto sent = co_await send_part(job, client, token, *number);
    if (sent.has_error()) job.fail(sent.error());
  }
}

Task<Result<void>> Uploader::send_part(PartJob& job, ApiClient& client, std::string& token,
                                       std::uint32_t number) {
  for (int failures = 0;;) {
    Error error;
    if (token.empty()) {
      auto minted = co_await client.mint("upload", job.hash, {});
      if (minted.has_value()) {
        token = *minted;
      } else {
        error = minted.error();
      }
    }
    if (!token.empty()) {
      std::uint64_t sent = 0;
      auto count = [this, &sent](std::uint64_t bytes) {
        sent += bytes;
        bar_.add(bytes);
      };
      std::uint64_t size = job.plan.size_of(number);
      FileSource source(job.file, job.plan.offset_of(number), size, count);
      auto result = co_await client.put_part(token, number, source, size);
      if (result.has_value()) co_return Result<void>();
      bar_.take_back(sent);
      error = result.error();
      // An answer to a broken connection, or a pause too long for the token: take a new one.
      token.clear();
    }
    bool again = error.code() == Code::token_invalid || is_worth_a_retry(error);
    if (!again || ++failures >= kMaxTries) co_return error;
    co_await clock_.sleep(retry_pause(failures));
  }
}

Task<Result<Answer>> Uploader::finish(ApiClient& client, Hash hash, const UploadPlan& plan) {
  for (int tries = 1;; ++tries) {
    MAS_CO_TRY(std::string token, co_await client.mint("upload", hash, {}));
    auto answer = co_await client.finish(token, plan.file_size, plan.parts);
    if (answer.has_value()) co_return answer;
    Error error = answer.error();
    // Busy means that the work goes on: repeating joins it.
    if (!is_worth_a_retry(error) || tries == kFinishTries) co_return error;
    co_await clock_.sleep(kFinishPause);
  }
}

}  // namespace mas::app

// Uploads one local file: hashed here, sent in one request or in parallel parts, resumed where an
// earlier run stopped.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "app/client/api_client.h"
#include "app/client/local_files.h"
#include "app/client/progress.h"
#include "app/client/upload_plan.h"
#include "mas/runtime/io_threads.h"

namespace mas::app {

struct UploadOptions {
  std::uint64_t part_size = 32 * kMiB;  // files up to this go in one request
  std::uint64_t connections = 4;        // that send parts of one file
};

struct Uploaded {
  Hash hash;
  bool was_stored = false;    // nothing had to be sent
  std::uint64_t resumed = 0;  // bytes an earlier run had sent
  std::string durable;        // Mas-Durable; "" if was_stored
};

// `name` as the pod accepts it: bytes that are not UTF-8 and control characters become '_', and a
// path over 1,024 bytes its base name.
[[nodiscard]] std::string acceptable_name(const std::string& name);

class Uploader {
 public:
  // Part senders run on `io`'s threads.
  Uploader(const Target& target, Clock& clock, fs::Fs& fs, IoThreads& io, ProgressBar& bar,
           UploadOptions options)
      : target_(target), clock_(clock), fs_(fs), io_(io), bar_(bar), options_(options) {}

  // Uses `client`, which belongs to the calling coroutine's thread, for all but the parts. Errors:
  // the pod's, after several tries where that may help; those of reading the file.
  Task<Result<Uploaded>> upload(ApiClient& client, LocalFile file);

 private:
  struct PartJob;
  Task<Result<Uploaded>> send_whole(ApiClient& client, const LocalFile& local, fs::File& file,
                                    Hash hash);
  Task<Result<Uploaded>> send_parts(ApiClient& client, const LocalFile& local, fs::File& file,
                                    Hash hash);
  // One round of init, plan, parts and finish.
  Task<Result<Uploaded>> try_parts(ApiClient& client, const LocalFile& local, fs::File& file,
                                   Hash hash);
  Task<Result<UploadPlan>> make_plan(ApiClient& client, std::string token, std::string name,
                                     std::uint64_t size);
  Task<Result<void>> run_senders(PartJob& job);
  Task<void> sender(PartJob& job, Executor executor);
  Task<Result<void>> send_part(PartJob& job, ApiClient& client, std::string& token,
                               std::uint32_t number);
  Task<Result<Answer>> finish(ApiClient& client, Hash hash, const UploadPlan& plan);

  const Target& target_;
  Clock& clock_;
  fs::Fs& fs_;
  IoThreads& io_;
  ProgressBar& bar_;
  const UploadOptions options_;
};

}  // namespace mas::app

// Downloads one file: into a partial file beside the target, resumed where an earlier run stopped,
// verified, then renamed.
#pragma once

#include <functional>
#include <string>

#include "app/client/api_client.h"
#include "app/client/local_files.h"
#include "app/client/progress.h"
#include "mas/codec/hash.h"

namespace mas::app {

struct Downloaded {
  std::uint64_t size = 0;
  std::uint64_t resumed = 0;  // bytes an earlier run had fetched
  bool was_there = false;     // the target had this content already
};

// Where bytes go, in order.
using Receive = std::function<Result<void>(ByteView)>;

class Downloader {
 public:
  Downloader(ApiClient& client, Clock& clock, fs::Fs& fs, ProgressBar& bar)
      : client_(client), clock_(clock), fs_(fs), bar_(bar) {}

  // Writes `path` by way of `path`.part. A target of other content is replaced only with `force`.
  // Errors: the pod's, after several tries where that may help; already_exists; hash_mismatch (the
  // partial file is removed); io, disk_full.
  Task<Result<Downloaded>> to_file(Hash hash, std::string path, bool force);

  // Hands the bytes to `receive` as they come, verified only at the end (hash_mismatch).
  Task<Result<Downloaded>> to_stream(Hash hash, Receive receive);

 private:
  // The rest of the content from sha.length() on, tried again where that may help.
  Task<Result<void>> fetch(Hash hash, codec::Sha256& sha, const Receive& receive);
  // One connection's worth of it. `total` is set once it is known.
  Task<Result<void>> fetch_once(Hash hash, codec::Sha256& sha, const Receive& receive);

  ApiClient& client_;
  Clock& clock_;
  fs::Fs& fs_;
  ProgressBar& bar_;
};

// What `file` holds hashed so far; blocking. Used to resume.
[[nodiscard]] Result<codec::Sha256> hash_state_of(fs::File& file, std::uint64_t size);

// Gives a file the mode a shell's redirection would: 0666 less the umask. A failure is ignored.
void apply_umask(const std::string& path);

}  // namespace mas::app

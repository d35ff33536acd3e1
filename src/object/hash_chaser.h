// Hashes the parts of an upload that came ahead of its unbroken run, out of their shards, while the
// upload goes on; so that finishing costs only what is still unhashed.
#pragma once

#include <map>
#include <memory>
#include <mutex>

#include "mas/codec/hash.h"
#include "object/context.h"

namespace mas::object {

class HashChaser {
 public:
  explicit HashChaser(Context& context) : context_(context) {}

  // Goes after the parts of `upload` in the background; one chase runs per upload.
  void kick(const Id128& upload);

  // The hash of `parts`, which are all of the upload and do not change any more; reads what no run
  // covers yet. Errors: those of reading, busy, metadata_unavailable.
  Task<Result<Hash>> digest(Id128 upload, std::vector<meta::Part> parts);

 private:
  struct Chase {
    bool again = false;  // kicked while running
    Event done;
  };

  Task<void> run(Id128 upload, std::shared_ptr<Chase> chase);
  Task<Result<void>> catch_up(Id128 upload);
  Task<Result<bool>> extend(const meta::Upload& upload, const std::vector<meta::Part>& parts);
  Task<Result<void>> hash_part(codec::Sha256& sha, const meta::Part& part);
  Task<Error> start_again(Id128 upload, meta::HashRun run);

  Context& context_;
  std::mutex mutex_;
  std::map<Id128, std::shared_ptr<Chase>> running_;
};

// The hash state after the upload's run. Errors: corrupt.
[[nodiscard]] Result<codec::Sha256> state_of(const meta::HashRun& run);
// `run` and `part` behind it; `sha` is the state then.
[[nodiscard]] meta::HashRun extended(const meta::HashRun& run, const meta::Part& part,
                                     const codec::Sha256& sha);

}  // namespace mas::object

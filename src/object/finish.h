// Publishing a session: one finish runs per session, whoever asks again joins it, and it goes on
// when nobody listens any more.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "object/hash_chaser.h"
#include "object/presence.h"

namespace mas::object {

class Finisher {
 public:
  Finisher(Context& context, HashChaser& chaser) : context_(context), chaser_(chaser) {}

  // See Objects::finish.
  Task<Result<FinishResult>> finish(SessionKey key, FinishRequest request);
  // See Objects::recover and take_over.
  Task<Result<void>> recover();
  Task<Result<void>> take_over(meta::Upload sealed);

 private:
  using Key = std::pair<Hash, std::string>;
  struct Running {
    std::mutex mutex;
    std::vector<std::shared_ptr<Event>> waiting;
    std::optional<Result<FinishResult>> result;
  };

  std::shared_ptr<Running> join_or_start(const SessionKey& key, const FinishRequest& request,
                                         bool& joined);
  Task<void> run(SessionKey key, FinishRequest request, std::shared_ptr<Running> running);
  Task<Result<FinishResult>> wait_for(std::shared_ptr<Running> running);

  Task<Result<FinishResult>> finish_session(SessionKey key, FinishRequest request);
  Task<Result<FinishResult>> try_finish(SessionKey key, FinishRequest request);
  // Of an upload with parts of several senders, those that are not the caller's go; their numbers.
  Task<Result<std::vector<std::uint32_t>>> drop_others(SessionKey key, Id128 sender);
  // finish_sealed, while others are shown that somebody is at work.
  Task<Result<FinishResult>> finish_touching(meta::Upload upload, std::vector<meta::Part> parts,
                                             std::string name);
  Task<Result<FinishResult>> finish_sealed(meta::Upload upload, std::vector<meta::Part> parts,
                                           std::string name);
  Task<Result<void>> check_hash(const meta::Upload& upload, const std::vector<meta::Part>& parts);
  // `looked`: since when `presence` is known.
  Task<Result<FinishResult>> commit(const meta::Upload& upload,
                                    const std::vector<meta::Part>& parts, meta::Object object,
                                    const Presence& presence, Instant looked);
  Task<Result<void>> settle_sealed(meta::Upload upload);

  Context& context_;
  HashChaser& chaser_;
  std::mutex mutex_;
  std::map<Key, std::shared_ptr<Running>> running_;
};

}  // namespace mas::object

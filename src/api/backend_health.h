// Whether what stands behind the pod answers, asked no more than once a second: /readyz needs no
// token, and whoever asks it often must not become a load on MongoDB and Redis.
#pragma once

#include <optional>

#include "mas/api/api.h"
#include "mas/runtime/sync.h"

namespace mas::api {

class BackendHealth {
 public:
  explicit BackendHealth(const Dependencies& deps)
      : meta_(deps.meta), ledger_(deps.ledger), clock_(deps.clock) {}

  struct Answers {
    Result<void> records;  // of the metadata store
    Result<void> tokens;   // of the token ledger
  };
  // What they said within the last second. Those who ask while they are being asked wait for that
  // answer. Errors also: busy (too many wait).
  Task<Answers> check();

 private:
  meta::MetaStore& meta_;
  auth::TokenLedger& ledger_;
  Clock& clock_;
  Semaphore one_{1};
  // Only by whoever holds the permit.
  std::optional<Instant> asked_;
  Answers answers_;
};

}  // namespace mas::api

// Generation numbers for commits and deletes. Callers that wait at the same time share one call to
// the metadata store; no number is kept for a later caller, so that a number given later is higher
// than any commit that had finished before it was asked for.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "mas/membership/membership.h"
#include "mas/meta/meta_store.h"
#include "mas/runtime/sync.h"

namespace mas::object {

class GenerationSource {
 public:
  // `watch`: what has been given before; null: nobody watches.
  GenerationSource(meta::MetaStore& meta, membership::GenerationWatch* watch)
      : meta_(meta), watch_(watch) {}

  // Errors: those of membership::take_generations.
  Task<Result<std::uint64_t>> next();
  // Whether what the store said before this call may be told as true: it is not older than what
  // this pod has seen. Errors: as next().
  Task<Result<void>> believe();

 private:
  struct Ticket {
    Event ready;
    bool leads = false;  // woken to make the call, not to take its result
    Result<std::uint64_t> number = Error(Code::internal, "No generation number was drawn.");
  };

  Task<Result<std::uint64_t>> lead();

  meta::MetaStore& meta_;
  membership::GenerationWatch* const watch_;
  std::mutex mutex_;
  bool calling_ = false;
  std::vector<std::shared_ptr<Ticket>> waiting_;
};

}  // namespace mas::object

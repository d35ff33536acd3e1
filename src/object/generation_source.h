// Generation numbers for commits and deletes. Callers that wait at the same time share one call to
// the metadata store; no number is kept for a later caller, so that a number given later is higher
// than any commit that had finished before it was asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "mas/meta/meta_store.h"
#include "mas/runtime/sync.h"

namespace mas::object {

class GenerationSource {
 public:
  using Drawn = std::function<void(std::uint64_t)>;
  // `drawn` is told of the highest number of each call before any of them is given; may be empty.
  explicit GenerationSource(meta::MetaStore& meta, Drawn drawn = {})
      : meta_(meta), drawn_(std::move(drawn)) {}

  // Errors: those of MetaStore::next_generation.
  Task<Result<std::uint64_t>> next();

 private:
  struct Ticket {
    Event ready;
    bool leads = false;  // woken to make the call, not to take its result
    Result<std::uint64_t> number = Error(Code::internal, "No generation number was drawn.");
  };

  Task<Result<std::uint64_t>> lead();

  meta::MetaStore& meta_;
  const Drawn drawn_;
  std::mutex mutex_;
  bool calling_ = false;
  std::vector<std::shared_ptr<Ticket>> waiting_;
};

}  // namespace mas::object

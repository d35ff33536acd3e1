// PoolCall: one attempt at an operation on the driver pool, with a deadline for its caller, who may
// leave before the pool has done with it.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "mas/runtime/pool.h"
#include "mas/runtime/sync.h"
#include "meta/call.h"

namespace mas::meta::mongo {

// What an attempt came to: an answer, or that somebody was in the way and it certainly changed
// nothing.
template <class R>
struct Tried {
  Tried(Error error) : answer(std::move(error)) {}  // NOLINT: converts like a Result
  Tried(R result) : answer(std::move(result)) {}    // NOLINT
  static Tried again() {
    Tried tried{
        Error(Code::metadata_unavailable, "Too many change this at once; try again shortly.")};
    tried.retry = true;
    return tried;
  }
  R answer;
  bool retry = false;
};

// `op` is Tried<R>().
template <class R, class F>
class PoolCall final : public Call<Tried<R>>, private PoolTask {
 public:
  explicit PoolCall(F op) : op_(std::move(op)) {}

  // False if the pool took nothing. `pass` is held until the pool has done with the call.
  static bool submit(const std::shared_ptr<PoolCall>& call, Gate::Pass pass, Pool& pool) {
    call->pass_.emplace(std::move(pass));
    call->self_ = call;
    if (pool.submit(*call)) return true;
    call->self_.reset();
    return false;
  }

 private:
  void run() noexcept override {
    // Both go after everything else here: the call itself, then the store's leave to be destroyed.
    std::optional<Gate::Pass> pass(std::move(*pass_));
    pass_.reset();
    std::shared_ptr<PoolCall> self = std::move(self_);
    if (!this->start()) return;
    try {
      this->settle(op_());
    } catch (const std::exception& e) {
      Error error(Code::internal, e.what());
      this->settle(error.mark_maybe_happened());
    }
  }

  F op_;
  std::shared_ptr<PoolCall> self_;
  std::optional<Gate::Pass> pass_;
};

}  // namespace mas::meta::mongo

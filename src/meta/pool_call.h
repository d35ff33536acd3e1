// PoolCall: one operation on the driver pool, with a deadline for its caller, who may leave before
// the pool has done with it.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include "mas/runtime/pool.h"
#include "mas/runtime/sync.h"
#include "meta/call.h"

namespace mas::meta {

// `op` is R(); R is made from an Error too.
template <class R, class F>
class PoolCall final : public Call<R>, private PoolTask {
 public:
  explicit PoolCall(F op) : op_(std::move(op)) {}

  // False if the pool took nothing. `pass` is held until the pool has done with the call: whoever
  // closes its gate may then destroy what `op` works on.
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

}  // namespace mas::meta

// A read of the embedded database on the driver pool, with a deadline for its caller.
#pragma once

#include <rocksdb/db.h>

#include <exception>
#include <memory>
#include <utility>

#include "mas/runtime/pool.h"
#include "mas/runtime/sync.h"
#include "meta/call.h"
#include "meta/rocks_reader.h"

namespace mas::meta {

// `op` is R(const Reader&).
template <class R, class F>
class ReadCall final : public Call<R>, private PoolTask {
 public:
  ReadCall(rocksdb::DB& db, F op) : db_(db), op_(std::move(op)) {}

  // False if the pool took nothing. `pass` is held until the pool has done with the database.
  static bool submit(const std::shared_ptr<ReadCall>& call, Gate::Pass pass, Pool& pool) {
    call->pass_.emplace(std::move(pass));
    call->self_ = call;
    if (pool.submit(*call)) return true;
    call->self_.reset();
    return false;
  }

 private:
  void run() noexcept override {
    // Both go after everything else here: the call itself, then the database.
    std::optional<Gate::Pass> pass(std::move(*pass_));
    pass_.reset();
    std::shared_ptr<ReadCall> self = std::move(self_);
    if (!this->start()) return;
    try {
      RocksReader reader(db_, RocksReader::Reach::disk);
      this->settle(op_(reader));
    } catch (const std::exception& e) {
      this->settle(Error(Code::internal, e.what()));
    }
  }

  rocksdb::DB& db_;
  F op_;
  std::shared_ptr<ReadCall> self_;
  std::optional<Gate::Pass> pass_;
};

}  // namespace mas::meta

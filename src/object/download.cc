#include "object/download.h"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

#include "object/object_reader.h"

namespace mas::object {
namespace {

// How long a download waits for memory before it is refused.
constexpr Duration kPatience = std::chrono::seconds(10);
// A unit that took longer than this did not come from memory: from then on the next units are read
// while the socket is busy. Hot data is served without that.
constexpr Duration kCold = std::chrono::microseconds(300);
// Units in memory when reading ahead: read, ready or being written.
constexpr std::uint32_t kUnitsAhead = 4;

bool is_coded(const meta::Object& object) {
  for (const meta::Extent& extent : object.extents) {
    if (extent.profile.k > 1) return true;
  }
  return false;
}

Task<Result<void>> write_one(ByteSink& sink, const Slice& bytes) {
  return sink.write(std::span<const Slice>(&bytes, 1));
}

// Reads units while earlier ones are being written; on one executor.
class ReadAhead {
 public:
  ReadAhead(ObjectReader& reader, ByteSink& sink) : reader_(reader), sink_(sink) {}

  Task<Result<void>> run() {
    Executor home = co_await boost::asio::this_coro::executor;
    Gate gate;
    spawn(home, gate, produce(), "read ahead");
    Result<void> consumed = co_await consume();
    stopped_ = true;
    room_.set();
    co_await gate.close();
    co_return consumed;
  }

 private:
  Task<void> produce() {
    while (!stopped_ && status_.has_value() && reader_.left() > 0) {
      if (units_ >= kUnitsAhead) {
        room_.reset();
        co_await room_.wait();
        continue;
      }
      ++units_;
      Result<Slice> unit = co_await reader_.next();
      if (unit.has_error()) {
        status_ = unit.error();
      } else {
        ready_.push_back(*std::move(unit));
      }
      news_.set();
    }
    ended_ = true;
    news_.set();
  }

  Task<Result<void>> consume() {
    for (;;) {
      if (!ready_.empty()) {
        Slice unit = std::move(ready_.front());
        ready_.pop_front();
        MAS_CO_CHECK(co_await write_one(sink_, unit));
        --units_;
        room_.set();
      } else if (ended_) {
        co_return status_;
      } else {
        news_.reset();
        co_await news_.wait();
      }
    }
  }

  ObjectReader& reader_;
  ByteSink& sink_;
  std::deque<Slice> ready_;
  std::uint32_t units_ = 0;
  Result<void> status_;
  bool ended_ = false;
  bool stopped_ = false;
  Event news_;
  Event room_;
};

}  // namespace

Task<Result<void>> download(Context& context, meta::Object object, std::uint64_t from,
                            std::uint64_t length, ByteSink& sink) {
  if (from > object.size || length > object.size - from) {
    co_return Error(Code::range_unsatisfiable, "This file is shorter than that.");
  }
  const std::uint64_t unit = context.options.unit;
  Permit permit;
  // Small ones are bounded by the number of connections and not worth the bookkeeping.
  bool small = length <= context.options.small_object && object.size <= unit;
  if (!small) {
    MAS_CO_TRY(permit, co_await context.budget.read(unit, kPatience));
  }
  std::optional<Permit> more;
  if (length > unit && is_coded(object)) more = context.budget.try_read((kUnitsAhead - 1) * unit);
  auto window = static_cast<std::uint32_t>(more ? unit * kUnitsAhead / 2 : unit);
  ObjectReader reader(context, std::move(object), from, length, window);
  while (reader.left() > 0) {
    Instant began = context.deps.clock.now();
    MAS_CO_TRY(Slice bytes, co_await reader.next());
    bool cold = context.deps.clock.now() - began > kCold;
    MAS_CO_CHECK(co_await write_one(sink, bytes));
    if (!cold || reader.left() <= unit) continue;
    if (!more) more = context.budget.try_read((kUnitsAhead - 1) * unit);
    if (!more) continue;
    ReadAhead ahead(reader, sink);
    co_return co_await ahead.run();
  }
  co_return Result<void>();
}

}  // namespace mas::object

#include "object/download.h"

#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>

#include "object/object_reader.h"

namespace mas::object {
namespace {

// How long a download waits for memory before it is refused.
constexpr Duration kPatience = std::chrono::seconds(10);
// How long one waits that has begun and gave way. It comes to its turn: whoever holds memory is
// reading or gives way.
constexpr Duration kLongPatience = std::chrono::minutes(10);
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

// One download, on one executor. It holds memory only as long as nobody else waits for it while its
// client is not ready: then it gives way, and goes on from the byte that the sink took last.
class Download {
 public:
  Download(Context& context, meta::Object object, std::uint64_t from, std::uint64_t length,
           ByteSink& sink)
      : context_(context),
        unit_(context.options.unit),
        from_(from),
        length_(length),
        coded_(is_coded(object)),
        sink_(sink),
        reader_(context, std::move(object), from, length,
                static_cast<std::uint32_t>(context.options.unit)) {}

  Task<Result<void>> run(Duration patience) {
    home_ = co_await boost::asio::this_coro::executor;
    while (sent_ < length_) {
      MAS_CO_CHECK(co_await take_memory(patience));
      patience = kLongPatience;
      MAS_CO_TRY(bool goes_ahead, co_await one_by_one());
      if (goes_ahead) MAS_CO_CHECK(co_await read_ahead());
    }
    co_return Result<void>();
  }

  // Without memory that is counted, as long as the client takes all at once. What was read may be
  // far more than what is sent of it, and is not held for a client that is waited for.
  Task<Result<void>> run_small() {
    while (reader_.left() > 0) {
      MAS_CO_TRY(Slice bytes, co_await reader_.next());
      MAS_CO_TRY(std::size_t taken, co_await sink_.write_some(bytes));
      sent_ += taken;
      if (taken == bytes.size()) continue;
      bytes = Slice();
      reader_.forget();
      MAS_CO_CHECK(co_await sink_.wait_for_room());
      co_return co_await run(kLongPatience);
    }
    co_return Result<void>();
  }

 private:
  Task<Result<void>> take_memory(Duration patience);
  Task<Result<bool>> one_by_one();
  Task<Result<void>> read_ahead();
  Task<void> produce();
  Task<Result<void>> consume();
  Task<Result<void>> send(Slice unit);
  Task<Result<void>> wait_for_client();
  void give_way();
  void let_go();

  Context& context_;
  const std::uint64_t unit_;
  const std::uint64_t from_;
  const std::uint64_t length_;
  const bool coded_;
  ByteSink& sink_;
  ObjectReader reader_;
  Executor home_;
  std::uint64_t sent_ = 0;  // bytes that the sink took

  std::optional<Permit> permit_;  // for one unit
  std::optional<Permit> more_;    // for what is read ahead
  Slice waiting_;                 // what the sink did not take yet
  bool gave_way_ = false;

  // Reading ahead: units are read while earlier ones are being written.
  std::deque<Slice> ready_;
  std::uint32_t units_ = 0;
  Result<void> status_;
  bool reading_ = false;
  bool ended_ = false;
  bool stopped_ = false;
  Event news_;
  Event room_;
};

Task<Result<void>> Download::take_memory(Duration patience) {
  MAS_CO_TRY(permit_, co_await context_.budget.read(unit_, patience));
  gave_way_ = false;
  if (length_ - sent_ > unit_ && coded_) {
    more_ = context_.budget.try_read((kUnitsAhead - 1) * unit_);
  }
  const std::uint64_t window = more_ ? unit_ * kUnitsAhead / 2 : unit_;
  reader_.go_back(from_ + sent_, static_cast<std::uint32_t>(window));
  co_return Result<void>();
}

// Whether to read ahead now; else all is sent, or it gave way.
Task<Result<bool>> Download::one_by_one() {
  while (!gave_way_ && reader_.left() > 0) {
    Instant began = context_.deps.clock.now();
    MAS_CO_TRY(Slice bytes, co_await reader_.next());
    bool cold = context_.deps.clock.now() - began > kCold;
    MAS_CO_CHECK(co_await send(std::move(bytes)));
    if (gave_way_ || !cold || reader_.left() <= unit_) continue;
    if (!more_) more_ = context_.budget.try_read((kUnitsAhead - 1) * unit_);
    if (more_) co_return true;
  }
  co_return false;
}

Task<Result<void>> Download::read_ahead() {
  Gate gate;
  units_ = 0;
  ended_ = false;
  spawn(home_, gate, produce(), "read ahead");
  Result<void> consumed = co_await consume();
  stopped_ = true;
  room_.set();
  co_await gate.close();
  stopped_ = false;
  ready_.clear();
  co_return consumed;
}

Task<void> Download::produce() {
  while (!stopped_ && !gave_way_ && status_.has_value() && reader_.left() > 0) {
    if (units_ >= kUnitsAhead) {
      room_.reset();
      co_await room_.wait();
      continue;
    }
    ++units_;
    reading_ = true;
    Result<Slice> unit = co_await reader_.next();
    reading_ = false;
    if (gave_way_) {
      unit = Slice();
      let_go();
      break;
    }
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

Task<Result<void>> Download::consume() {
  while (!gave_way_) {
    if (!ready_.empty()) {
      Slice unit = std::move(ready_.front());
      ready_.pop_front();
      MAS_CO_CHECK(co_await send(std::move(unit)));
      --units_;
      room_.set();
    } else if (ended_) {
      co_return status_;
    } else {
      news_.reset();
      co_await news_.wait();
    }
  }
  co_return Result<void>();
}

// Until the sink has all of it, or it gave way.
Task<Result<void>> Download::send(Slice unit) {
  for (;;) {
    MAS_CO_TRY(std::size_t taken, co_await sink_.write_some(unit));
    sent_ += taken;
    if (taken == unit.size()) co_return Result<void>();
    waiting_ = unit.sub(taken, unit.size() - taken);
    unit = Slice();
    MAS_CO_CHECK(co_await wait_for_client());
    if (gave_way_) co_return Result<void>();
    unit = std::move(waiting_);
  }
}

Task<Result<void>> Download::wait_for_client() {
  const std::uint64_t held = permit_->units() + (more_ ? more_->units() : 0);
  auto offer = context_.budget.readers().offer(home_, held, [this] { give_way(); });
  co_return co_await sink_.wait_for_room();
}

// While the client is waited for.
void Download::give_way() {
  gave_way_ = true;
  waiting_ = Slice();
  ready_.clear();
  more_.reset();
  room_.set();
  // Else when what is being read has come.
  if (!reading_) let_go();
}

void Download::let_go() {
  reader_.forget();
  permit_.reset();
}

}  // namespace

Task<Result<void>> download(Context& context, meta::Object object, std::uint64_t from,
                            std::uint64_t length, ByteSink& sink) {
  if (from > object.size || length > object.size - from) {
    co_return Error(Code::range_unsatisfiable, "This file is shorter than that.");
  }
  // Small ones are over at once as a rule, and not worth the bookkeeping.
  const bool small = length <= context.options.small_object && object.size <= context.options.unit;
  Download one(context, std::move(object), from, length, sink);
  if (small) co_return co_await one.run_small();
  co_return co_await one.run(kPatience);
}

}  // namespace mas::object

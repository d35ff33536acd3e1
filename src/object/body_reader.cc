#include "object/body_reader.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "mas/runtime/contain.h"

namespace mas::object {
namespace {

// How long an upload waits for its first buffer.
constexpr Duration kPatience = std::chrono::seconds(10);

// For this long a small buffer is its upload's even while others wait: a turn should be worth it.
constexpr Duration kTurn = std::chrono::milliseconds(250);
// How long an upload that gave way lets the rest of its body gather in the system's memory.
constexpr Duration kLongestRest = std::chrono::seconds(5);
// How long a large buffer may wait for its sender: at 35 KB/s a stripe of 4 MiB takes this.
constexpr Duration kLargePatience = std::chrono::minutes(2);

// Moves what was read so far to a larger buffer, if there is memory for one.
bool grow(Budget& budget, Head& head, std::size_t size, std::uint64_t memory) {
  auto permit = budget.try_large(memory);
  if (!permit) return false;
  Piece larger{std::move(*permit), budget.buffer(size), head.piece.size};
  std::memcpy(larger.buffer.data(), head.piece.buffer.data(), larger.size);
  std::swap(head.piece, larger);
  head.large = true;
  return true;
}

}  // namespace

Task<void> BodyReader::close() {
  if (landing_) co_await landing_->gate.close();
}

Task<Result<std::size_t>> BodyReader::fill(MutableBytes into, Hold hold) {
  began_ = context_.deps.clock.now();
  waited_ = Duration::zero();
  std::size_t filled = 0;
  while (!ended_) {
    // The source has to see its own end too: a form's closing boundary, a last chunk.
    const bool lacks_end = declared_ && size_ == *declared_;
    if (filled == into.size() && !lacks_end) break;
    std::array<std::uint8_t, 1> more{};
    const MutableBytes room = lacks_end ? MutableBytes(more) : into.subspan(filled);
    MAS_CO_TRY(std::optional<std::size_t> got, co_await next(room, hold));
    if (!got) break;
    if (*got == 0) {
      MAS_CO_CHECK(at_end());
      break;
    }
    size_ += *got;
    if (!lacks_end) filled += *got;
    MAS_CO_CHECK(check());
  }
  co_return filled;
}

Task<Result<std::optional<std::size_t>>> BodyReader::next(MutableBytes into, Hold hold) {
  Clock& clock = context_.deps.clock;
  const Instant began = clock.now();
  if (!landing_ || landing_->is_empty()) {
    if (source_.ready()) {
      MAS_CO_TRY(std::size_t got, co_await source_.read(into));
      co_return got;
    }
    Executor home = co_await boost::asio::this_coro::executor;
    if (!landing_) landing_ = std::make_unique<Landing>(context_.deps.clock, home);
    landing_->running = true;
    spawn(home, landing_->gate, land(), "body");
  }
  while (landing_->running && !gave_way_) co_await wait_for_landing(hold);
  waited_ += clock.now() - began;
  if (waited_ > hold.patience) gave_way_ = true;
  if (gave_way_) co_return std::optional<std::size_t>();
  co_return take_landed(into);
}

Result<std::optional<std::size_t>> BodyReader::take_landed(MutableBytes into) {
  if (landing_->error) return *landing_->error;
  const std::size_t size = std::min(into.size(), landing_->end - landing_->begin);
  if (size > 0) std::memcpy(into.data(), landing_->bytes.data() + landing_->begin, size);
  landing_->begin += size;
  return std::optional<std::size_t>(size);
}

Task<void> BodyReader::land() {
  auto reading = contain(source_.read(landing_->bytes), "body");
  Result<std::size_t> got = co_await std::move(reading);
  landing_->begin = 0;
  landing_->end = got.has_value() ? *got : 0;
  landing_->at_end = got.has_value() && *got == 0;
  if (got.has_error()) landing_->error = got.error();
  landing_->running = false;
  landing_->news.wake();
}

// For something to land; or gives way.
Task<void> BodyReader::wait_for_landing(Hold hold) {
  Clock& clock = context_.deps.clock;
  Vigil& news = landing_->news;
  const Duration turn_left = kTurn - (clock.now() - began_);
  if (hold.offered == 0) {
    co_await news.wait();
  } else if (turn_left > Duration::zero()) {
    (void)co_await news.wait(turn_left);
  } else {
    auto offer = context_.budget.senders().offer(news.home(), hold.offered, [this] { give_way(); });
    if (!gave_way_) co_await news.wait();
  }
}

void BodyReader::give_way() {
  gave_way_ = true;
  landing_->news.wake();
}

Task<void> BodyReader::wait_for_sender() {
  // So long that it is worth a buffer, but no longer than what was in the last one took.
  Clock& clock = context_.deps.clock;
  const Duration rest = std::min(clock.now() - began_, kLongestRest);
  co_await clock.sleep(rest);
  while (landing_->running) co_await landing_->news.wait();
  gave_way_ = false;
}

Result<void> BodyReader::check() const {
  if (declared_ && size_ > *declared_) {
    return Error(Code::wrong_length, "The body is longer than the size declared for it.");
  }
  if (size_ > max_size_) {
    return Error(Code::body_too_large, "The body is larger than is allowed here.");
  }
  return {};
}

Result<void> BodyReader::at_end() {
  ended_ = true;
  if (declared_ && size_ < *declared_) {
    return Error(Code::wrong_length, "The body is shorter than the size declared for it.");
  }
  return {};
}

std::uint64_t memory_of(std::uint64_t size, const Profile& profile) {
  // Copies share one buffer.
  if (profile.k <= 1) return size;
  return size * static_cast<std::uint64_t>(profile.width()) / profile.k;
}

Hold hold_of(const Permit& permit, bool large) {
  if (large) return {0, kLargePatience};
  return {permit.units(), Duration::max()};
}

Task<Result<Head>> read_head(Context& context, BodyReader& body, const Profile& profile) {
  Budget& budget = context.budget;
  Head head;
  head.stripe_size = budget.small_size();
  std::uint64_t expected = body.declared().value_or(UINT64_MAX);
  auto first = static_cast<std::size_t>(
      std::clamp<std::uint64_t>(expected, 1, static_cast<std::uint64_t>(head.stripe_size)));
  MAS_CO_TRY(head.piece.permit, co_await budget.small(memory_of(first, profile), kPatience));
  head.piece.buffer = budget.buffer(first);
  const Instant began = context.deps.clock.now();
  const Hold small = hold_of(head.piece.permit, false);
  MAS_CO_TRY(head.piece.size, co_await body.fill(head.piece.buffer.bytes().first(first), small));
  if (body.ended() || body.gave_way()) co_return head;

  if (context.options.stripe <= head.stripe_size) co_return head;
  if (context.deps.clock.now() - began > kQuick) co_return head;
  auto stripe = static_cast<std::size_t>(std::min(expected, context.options.stripe));
  if (!grow(budget, head, stripe, memory_of(stripe, profile))) co_return head;
  head.stripe_size = static_cast<std::uint32_t>(context.options.stripe);
  MutableBytes rest = head.piece.buffer.bytes().first(stripe).subspan(head.piece.size);
  const Hold large = hold_of(head.piece.permit, true);
  MAS_CO_TRY(std::size_t more, co_await body.fill(rest, large));
  head.piece.size += more;
  co_return head;
}

}  // namespace mas::object

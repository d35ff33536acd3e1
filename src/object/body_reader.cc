#include "object/body_reader.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace mas::object {
namespace {

// How long an upload waits for its first buffer.
constexpr Duration kPatience = std::chrono::seconds(10);

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

Task<Result<std::size_t>> BodyReader::fill(MutableBytes into) {
  std::size_t filled = 0;
  while (filled < into.size() && !ended_) {
    MAS_CO_TRY(std::size_t got, co_await source_.read(into.subspan(filled)));
    if (got == 0) {
      MAS_CO_CHECK(at_end());
      break;
    }
    filled += got;
    size_ += got;
    MAS_CO_CHECK(check());
  }
  if (!ended_ && declared_ && size_ == *declared_) {
    // The source has to see its own end too: a form's closing boundary, a last chunk.
    std::array<std::uint8_t, 1> more{};
    MAS_CO_TRY(std::size_t got, co_await source_.read(more));
    size_ += got;
    MAS_CO_CHECK(check());
    ended_ = true;
  }
  co_return filled;
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

Task<Result<Head>> read_head(Context& context, BodyReader& body, const Profile& profile) {
  Budget& budget = context.budget;
  Head head;
  head.stripe_size = budget.small_size();
  std::uint64_t expected = body.declared().value_or(UINT64_MAX);
  auto first = static_cast<std::size_t>(
      std::clamp<std::uint64_t>(expected, 1, static_cast<std::uint64_t>(head.stripe_size)));
  MAS_CO_TRY(head.piece.permit, co_await budget.small(memory_of(first, profile), kPatience));
  head.piece.buffer = budget.buffer(first);
  MAS_CO_TRY(head.piece.size, co_await body.fill(head.piece.buffer.bytes().first(first)));
  if (body.ended()) co_return head;

  if (context.options.stripe <= head.stripe_size) co_return head;
  auto stripe = static_cast<std::size_t>(std::min(expected, context.options.stripe));
  if (!grow(budget, head, stripe, memory_of(stripe, profile))) co_return head;
  head.stripe_size = static_cast<std::uint32_t>(context.options.stripe);
  MutableBytes rest = head.piece.buffer.bytes().first(stripe).subspan(head.piece.size);
  MAS_CO_TRY(std::size_t more, co_await body.fill(rest));
  head.piece.size += more;
  co_return head;
}

}  // namespace mas::object

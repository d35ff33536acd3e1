#include "http/body_reader.h"

#include <algorithm>

namespace mas::http {
namespace {

Error ended_early() {
  return {Code::body_unreadable, "The body ended before it was complete; send it again."};
}

MutableBytes up_to(MutableBytes into, std::uint64_t size) {
  return into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size)));
}

}  // namespace

Task<Result<std::size_t>> BodyReader::read(MutableBytes into) {
  if (failed_) co_return ended_early();
  if (framing_ == Framing::chunked) {
    Result<void> found = co_await read_framing();
    if (found.has_error()) {
      failed_ = true;
      co_return found.error();
    }
  }
  if (complete()) co_return std::size_t{0};
  if (framing_ == Framing::length) into = up_to(into, left_);
  if (framing_ == Framing::chunked) into = up_to(into, chunks_.data_left());

  Result<std::size_t> size = co_await read_some(into);
  if (size.has_error()) {
    failed_ = true;
    co_return size;
  }
  if (*size == 0) {
    if (framing_ == Framing::until_end) {
      ended_ = true;
      co_return size;
    }
    failed_ = true;
    co_return ended_early();
  }
  if (framing_ == Framing::length) left_ -= *size;
  if (framing_ == Framing::chunked) chunks_.took(*size);
  taken_ += *size;
  co_return size;
}

bool BodyReader::ready() {
  if (failed_ || ended_ || chunks_.done()) return true;
  if (framing_ == Framing::length && left_ == 0) return true;
  // A chunk's size may come byte by byte.
  if (framing_ == Framing::chunked && chunks_.data_left() == 0) return false;
  return !ahead_.empty() || connection_.ready();
}

Task<Result<std::size_t>> BodyReader::read_some(MutableBytes into) {
  if (!ahead_.empty()) co_return ahead_.take(into);
  co_return co_await connection_.read(into);
}

Result<void> BodyReader::parse_ahead() {
  MAS_TRY(std::size_t used, chunks_.parse(ahead_.pending()));
  ahead_.consume(used);
  return {};
}

Task<Result<void>> BodyReader::read_framing() {
  while (true) {
    MAS_CO_CHECK(parse_ahead());
    if (chunks_.done() || chunks_.data_left() > 0) co_return Result<void>();
    MAS_CO_TRY(std::size_t size, co_await connection_.read(ahead_.room()));
    if (size == 0) co_return ended_early();
    ahead_.filled(size);
  }
}

bool BodyReader::complete() {
  switch (framing_) {
    case Framing::length:
      return left_ == 0;
    case Framing::until_end:
      return ended_;
    case Framing::chunked:
      break;
  }
  if (!failed_ && !chunks_.done() && chunks_.data_left() == 0) failed_ = parse_ahead().has_error();
  return chunks_.done();
}

std::optional<std::uint64_t> BodyReader::left() const noexcept {
  if (framing_ == Framing::length) return left_;
  return std::nullopt;
}

}  // namespace mas::http

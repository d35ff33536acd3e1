#include "maintain/freed_marks.h"

#include <algorithm>

#include "maintain/marks_file.h"
#include "mas/core/xxh3.h"

namespace mas::maintain {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMost = 256;
constexpr MarksFormat kFormat{0x4c52464d, 8 + 8 + 8, kMost};      // "MFRL"
constexpr int kSpacing = 64;                                      // marks in a grace
constexpr std::uint64_t kOldest = 1000ULL * 3600 * 24 * 366 * 9;  // milliseconds

std::uint64_t sum_of(const meta::FreedEntry& entry) {
  const std::string bytes = meta::encode(entry);
  return xxh3_64(as_bytes(bytes));
}

}  // namespace

bool FreedMarks::wants(Instant now) const {
  if (marks_.empty()) return true;
  return marks_.size() < kMost && now - marks_.back().since >= grace_ / kSpacing;
}

void FreedMarks::add(const meta::FreedEntry& last, Instant now) {
  marks_.push_back({last.sequence, sum_of(last), now});
}

bool FreedMarks::is_of(const Mark& mark, const meta::FreedEntry& entry) {
  return mark.sequence == entry.sequence && mark.sum == sum_of(entry);
}

std::uint64_t FreedMarks::due(Instant now) {
  auto is_due = [&](const Mark& mark) { return now - mark.since >= grace_; };
  while (marks_.size() > 1 && is_due(marks_[1])) marks_.pop_front();
  return !marks_.empty() && is_due(marks_.front()) ? marks_.front().sequence : 0;
}

std::optional<Instant> FreedMarks::due_at(std::uint64_t sequence) const {
  auto covers = [&](const Mark& mark) { return mark.sequence >= sequence; };
  auto at = std::find_if(marks_.begin(), marks_.end(), covers);
  if (at == marks_.end()) return std::nullopt;
  return at->since + grace_;
}

std::string FreedMarks::save(Instant now) const {
  ByteWriter out = begin_marks(kFormat, marks_.size());
  for (const Mark& mark : marks_) {
    out.write(mark.sequence);
    out.write(mark.sum);
    const auto age = std::chrono::duration_cast<milliseconds>(now - mark.since).count();
    out.write(static_cast<std::uint64_t>(std::max<std::int64_t>(age, 0)));
  }
  return end_marks(std::move(out));
}

Result<void> FreedMarks::load(std::string_view bytes, Instant now) {
  MAS_TRY(std::string_view body, marks_in(kFormat, bytes));
  ByteReader in(as_bytes(body));
  std::deque<Mark> loaded;
  while (in.remaining() > 0) {
    Mark mark;
    mark.sequence = in.read<std::uint64_t>();
    mark.sum = in.read<std::uint64_t>();
    const std::uint64_t age = std::min(in.read<std::uint64_t>(), kOldest);
    mark.since = now + -Duration(milliseconds(age));
    const bool follows = mark.sequence > (loaded.empty() ? 0 : loaded.back().sequence);
    if (!follows) return Error(Code::corrupt, "The marks of the freed list are out of order.");
    loaded.push_back(mark);
  }
  marks_ = std::move(loaded);
  return {};
}

std::size_t FreedMarks::most_bytes() { return kFormat.most_bytes(); }

}  // namespace mas::maintain

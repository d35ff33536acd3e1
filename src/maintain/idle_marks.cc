#include "maintain/idle_marks.h"

#include <algorithm>

#include "maintain/marks_file.h"

namespace mas::maintain {
namespace {

constexpr std::uint32_t kMagic = 0x4c44494d;                       // "MIDL"
constexpr std::uint64_t kLongestIdle = 1000ULL * 3600 * 24 * 366;  // milliseconds

MarksFormat format_of(std::size_t most) { return {kMagic, 16 + 8 + 8, most}; }

}  // namespace

Duration IdleMarks::see(const Id128& upload, std::uint64_t touches, Instant now) {
  auto at = marks_.find(upload);
  if (at == marks_.end()) {
    if (marks_.size() >= most_) return Duration(0);
    Mark fresh;
    fresh.touches = touches;
    at = marks_.emplace(upload, fresh).first;
  }
  Mark& mark = at->second;
  if (mark.touches != touches) {
    mark.touches = touches;
    mark.idle = Duration(0);
  } else if (mark.seen && mark.misses == misses_) {
    mark.idle += std::min(now - *mark.seen, longest_);
  }
  mark.seen = now;
  mark.misses = misses_;
  mark.pass = pass_;
  return mark.idle;
}

void IdleMarks::end_pass() {
  std::erase_if(marks_, [this](const auto& entry) { return entry.second.pass != pass_; });
  ++pass_;
}

std::size_t IdleMarks::most_bytes() const { return format_of(most_).most_bytes(); }

std::string IdleMarks::save() const {
  using std::chrono::milliseconds;
  ByteWriter out = begin_marks(format_of(most_), marks_.size());
  for (const auto& [upload, mark] : marks_) {
    out.raw(upload.bytes);
    out.write(mark.touches);
    const auto idle = std::chrono::duration_cast<milliseconds>(mark.idle).count();
    out.write(static_cast<std::uint64_t>(idle));
  }
  return end_marks(std::move(out));
}

Result<void> IdleMarks::load(std::string_view bytes) {
  MAS_TRY(std::string_view body, marks_in(format_of(most_), bytes));
  ByteReader in(as_bytes(body));
  marks_.clear();
  while (in.remaining() > 0) {
    Id128 upload{in.read<std::array<std::uint8_t, 16>>()};
    Mark mark;
    mark.touches = in.read<std::uint64_t>();
    const auto idle = std::min<std::uint64_t>(in.read<std::uint64_t>(), kLongestIdle);
    mark.idle = std::chrono::milliseconds(idle);
    marks_.emplace(upload, mark);
  }
  return {};
}

}  // namespace mas::maintain

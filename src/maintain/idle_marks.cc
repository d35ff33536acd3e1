#include "maintain/idle_marks.h"

#include "mas/core/endian.h"
#include "mas/core/xxh3.h"

namespace mas::maintain {
namespace {

// doc/metadata-format.md
constexpr std::uint32_t kMagic = 0x4c44494d;  // "MIDL"
constexpr std::uint16_t kVersion = 1;
constexpr std::uint64_t kLongestIdle = 1000ULL * 3600 * 24 * 366;  // milliseconds
constexpr std::size_t kHeadBytes = 4 + 2 + 4, kMarkBytes = 16 + 8 + 8, kSumBytes = 8;

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
  } else if (mark.seen) {
    mark.idle += now - *mark.seen;
  }
  mark.seen = now;
  mark.pass = pass_;
  return mark.idle;
}

void IdleMarks::end_pass() {
  std::erase_if(marks_, [this](const auto& entry) { return entry.second.pass != pass_; });
  ++pass_;
}

std::size_t IdleMarks::most_bytes() const { return kHeadBytes + most_ * kMarkBytes + kSumBytes; }

std::string IdleMarks::save() const {
  using std::chrono::milliseconds;
  ByteWriter out;
  out.write(kMagic);
  out.write(kVersion);
  out.write(static_cast<std::uint32_t>(marks_.size()));
  for (const auto& [upload, mark] : marks_) {
    out.raw(upload.bytes);
    out.write(mark.touches);
    const auto idle = std::chrono::duration_cast<milliseconds>(mark.idle).count();
    out.write(static_cast<std::uint64_t>(idle));
  }
  out.write(xxh3_64(as_bytes(out.bytes())));
  return std::move(out).take();
}

Result<void> IdleMarks::load(std::string_view bytes) {
  const Error damaged(Code::corrupt, "The marks of idle uploads cannot be read.");
  if (bytes.size() < kHeadBytes + kSumBytes) return damaged;
  const std::string_view body = bytes.substr(0, bytes.size() - kSumBytes);
  ByteReader sum(as_bytes(bytes.substr(body.size())));
  if (sum.read<std::uint64_t>() != xxh3_64(as_bytes(body))) return damaged;
  ByteReader in(as_bytes(body));
  const bool known = in.read<std::uint32_t>() == kMagic && in.read<std::uint16_t>() == kVersion;
  const auto count = in.read<std::uint32_t>();
  if (!known || count > most_ || in.remaining() != count * kMarkBytes) return damaged;
  marks_.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
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

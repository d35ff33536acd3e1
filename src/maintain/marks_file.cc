#include "maintain/marks_file.h"

#include "mas/core/xxh3.h"
#include "mas/runtime/offload.h"

namespace mas::maintain {
namespace {

constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kSumBytes = 8;

}  // namespace

ByteWriter begin_marks(const MarksFormat& format, std::size_t count) {
  ByteWriter out;
  out.write(format.magic);
  out.write(kVersion);
  out.write(static_cast<std::uint32_t>(count));
  return out;
}

std::string end_marks(ByteWriter marks) {
  marks.write(xxh3_64(as_bytes(marks.bytes())));
  return std::move(marks).take();
}

Result<std::string_view> marks_in(const MarksFormat& format, std::string_view file) {
  const Error damaged(Code::corrupt, "The marks cannot be read.");
  if (file.size() < kMarksFrame) return damaged;
  const std::string_view body = file.substr(0, file.size() - kSumBytes);
  ByteReader sum(as_bytes(file.substr(body.size())));
  if (sum.read<std::uint64_t>() != xxh3_64(as_bytes(body))) return damaged;
  ByteReader in(as_bytes(body));
  const bool known =
      in.read<std::uint32_t>() == format.magic && in.read<std::uint16_t>() == kVersion;
  const auto count = in.read<std::uint32_t>();
  const bool fits = count <= format.most && in.remaining() == count * format.mark_bytes;
  if (!known || !fits) return damaged;
  return body.substr(kMarksFrame - kSumBytes);
}

Task<Result<std::string>> read_marks(MarksFile file, std::size_t most_bytes) {
  auto job = [&file, most_bytes] { return fs::read_file(file.fs, file.path, most_bytes); };
  Result<std::string> read = co_await offload(file.pool, job);
  if (read.has_error() && read.error().code() == Code::not_found) co_return std::string();
  co_return read;
}

Task<Result<void>> write_marks(MarksFile file, std::string bytes) {
  auto job = [&file, &bytes] { return fs::write_file(file.fs, file.path, as_bytes(bytes)); };
  co_return co_await offload(file.pool, job);
}

}  // namespace mas::maintain

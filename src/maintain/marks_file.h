// What a worker has seen for how long, as a file that outlives the process
// (doc/metadata-format.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mas/core/endian.h"
#include "mas/maintain/scheduler.h"

namespace mas::maintain {

// Magic, version, count of marks; then the marks, of one size each; then a sum of it all.
inline constexpr std::size_t kMarksFrame = 4 + 2 + 4 + 8;

struct MarksFormat {
  std::uint32_t magic = 0;
  std::size_t mark_bytes = 0;
  std::size_t most = 0;  // marks

  // What a file is at most.
  [[nodiscard]] std::size_t most_bytes() const { return kMarksFrame + most * mark_bytes; }
};

// The beginning of a file of `count` marks, which the caller writes after it.
[[nodiscard]] ByteWriter begin_marks(const MarksFormat&, std::size_t count);
[[nodiscard]] std::string end_marks(ByteWriter marks);
// The marks of a file, which has to outlive the answer. Errors: corrupt.
[[nodiscard]] Result<std::string_view> marks_in(const MarksFormat&, std::string_view file);

// Reads the file; "" if there is none. Errors: io, corrupt (longer than `most_bytes`).
[[nodiscard]] Task<Result<std::string>> read_marks(MarksFile file, std::size_t most_bytes);
[[nodiscard]] Task<Result<void>> write_marks(MarksFile file, std::string bytes);

}  // namespace mas::maintain

// multipart/form-data (RFC 7578) as a stream: fields are small and kept, the file's bytes go
// straight through.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mas/runtime/byte_stream.h"

namespace mas::http {

struct MultipartLimits {
  std::size_t part_headers = 8 * 1024;  // bytes of one part's headers
  std::uint64_t fields = 64 * 1024;     // bytes of all fields but the file, names included
};

// The boundary of a Content-Type, nullopt if it is not multipart/form-data or has no valid boundary
// (1 to 70 characters of RFC 2046).
[[nodiscard]] std::optional<std::string> multipart_boundary(std::string_view content_type);

// Reads up to the field named `file_field`, then is the ByteSource of that file's bytes. Usage:
//   MAS_CO_CHECK(co_await form->open());   // fields before the file, its filename
//   ... co_await form->read(buffer) ...    // until 0
//   MAS_CO_CHECK(co_await form->finish()); // fields after the file, closing boundary
// read() finds boundaries in the caller's buffer: no copy of file bytes but for what follows a
// boundary. Errors: body_unreadable (malformed, truncated, limits), parameter_missing (no file
// field), parameter_malformed (two file fields), those of the body.
class MultipartForm : public ByteSource {
 public:
  virtual Task<Result<void>> open() = 0;
  virtual Task<Result<void>> finish() = 0;
  // The file part's filename, base name only; "" if none was given.
  [[nodiscard]] virtual const std::string& filename() const = 0;
  [[nodiscard]] virtual const std::vector<std::pair<std::string, std::string>>& fields() const = 0;
};

[[nodiscard]] std::unique_ptr<MultipartForm> make_multipart(ByteSource& body, std::string boundary,
                                                            std::string file_field,
                                                            MultipartLimits limits);

}  // namespace mas::http

// A request's head and chunked body, as they come from a stranger. Properties: the head ends at the
// same byte whatever pieces it comes in; what parses is framed without contradiction; a chunked
// body is the same whatever pieces it comes in.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "http/chunk_framing.h"
#include "http/head_parser.h"
#include "mas/core/result.h"

using namespace mas;
using namespace mas::http;

namespace {

constexpr HeadLimits kLimits{2048, 16};

struct Scanned {
  Code code = Code::ok;
  std::size_t size = 0;  // 0: not whole
};

Scanned scan_in_pieces(ByteView text, std::size_t piece) {
  HeadScan scan(kLimits);
  for (std::size_t size = std::min(piece, text.size());;
       size = std::min(size + piece, text.size())) {
    auto found = scan.scan(text.first(size));
    if (found.has_error()) return {found.error().code(), 0};
    if (found->has_value()) return {Code::ok, **found};
    if (size == text.size()) return {};
  }
}

void check_head(ByteView text) {
  Scanned whole = scan_in_pieces(text, SIZE_MAX / 2);
  for (std::size_t piece : {std::size_t{1}, std::size_t{7}}) {
    Scanned pieces = scan_in_pieces(text, piece);
    // Which error is found first may depend on the pieces; that there is one may not, but for heads
    // over the limit, which end once enough came.
    MAS_ASSERT((pieces.code == Code::ok) == (whole.code == Code::ok));
    MAS_ASSERT(pieces.size == whole.size);
  }
  if (whole.size == 0) return;
  MAS_ASSERT(whole.size <= kLimits.bytes);
  auto request = parse_request_head(text.first(whole.size), kLimits);
  if (request.has_error()) {
    int status = http_status(request.error().code());
    MAS_ASSERT(status == 400 || status == 417 || status == 501);
    return;
  }
  const Headers& headers = request->head.headers;
  MAS_ASSERT(headers.all().size() <= kLimits.fields);
  MAS_ASSERT(!(request->body.chunked && request->body.length));
  MAS_ASSERT(request->body.chunked == (headers.count("Transfer-Encoding") > 0));
  MAS_ASSERT(request->body.length.has_value() == (headers.count("Content-Length") > 0));
  MAS_ASSERT(request->head.minor_version == 0 || headers.count("Host") == 1);
  MAS_ASSERT(request->head.path.find('\0') == std::string::npos);
  MAS_ASSERT(request->head.path.front() == '/' || request->head.path == "*");
  for (const auto& [name, value] : headers.all()) {
    MAS_ASSERT(!name.empty());
    MAS_ASSERT(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  (void)Query::parse(request->head.raw_query);
}

struct Dechunked {
  bool failed = false;
  bool done = false;
  std::string body;
  std::size_t used = 0;
};

Dechunked dechunk(ByteView text, std::size_t piece) {
  Dechunked out;
  ChunkFraming chunks;
  while (out.used < text.size() && !chunks.done()) {
    ByteView next = text.subspan(out.used, std::min(piece, text.size() - out.used));
    if (chunks.data_left() > 0) {
      auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(next.size(), chunks.data_left()));
      out.body += as_text(next.first(size));
      chunks.took(size);
      out.used += size;
      continue;
    }
    auto used = chunks.parse(next);
    if (used.has_error()) {
      out.failed = true;
      return out;
    }
    out.used += *used;
  }
  out.done = chunks.done();
  return out;
}

void check_chunks(ByteView text) {
  Dechunked whole = dechunk(text, SIZE_MAX);
  Dechunked pieces = dechunk(text, 1);
  MAS_ASSERT(whole.failed == pieces.failed);
  MAS_ASSERT(whole.done == pieces.done);
  MAS_ASSERT(whole.body == pieces.body);
  if (!whole.failed) MAS_ASSERT(whole.used == pieces.used);
  MAS_ASSERT(whole.body.size() <= text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteView text(data, size);
  check_head(text);
  check_chunks(text);
  return 0;
}

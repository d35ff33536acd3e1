// A form as a stranger sends it. Differential: the same result whatever pieces it comes in and
// whatever memory it is read into. Byte 0 chooses the sizes; the rest is the body.
#include <cstdint>
#include <string>

#include "http/multipart_part.h"
#include "mas/http/multipart.h"
#include "mas/runtime/io_threads.h"
#include "support/text_source.h"

using namespace mas;
using namespace mas::http;

namespace {

struct Outcome {
  Code code = Code::ok;
  std::string file;
  std::string filename;
  std::vector<std::pair<std::string, std::string>> fields;
};

Task<Result<void>> take_apart(MultipartForm& form, std::size_t into, Outcome& out) {
  MAS_CO_CHECK(co_await form.open());
  out.filename = form.filename();
  std::string memory(into, '\0');
  while (true) {
    MutableBytes bytes(reinterpret_cast<std::uint8_t*>(memory.data()), memory.size());
    MAS_CO_TRY(std::size_t size, co_await form.read(bytes));
    MAS_ASSERT(size <= into);
    if (size == 0) break;
    out.file += memory.substr(0, size);
  }
  co_return co_await form.finish();
}

Task<Outcome> parse(const std::string& body, std::size_t piece, std::size_t into) {
  test::TextSource source(body, piece);
  auto form = make_multipart(source, "b", "file", {300, 200});
  Outcome out;
  Result<void> done = co_await take_apart(*form, into, out);
  if (done.has_error()) out.code = done.error().code();
  out.fields = form->fields();
  co_return out;
}

void check_part(const Outcome& out, const std::string& body) {
  std::string delimiter = "\r\n--b";
  MAS_ASSERT(out.file.find(delimiter) == std::string::npos);
  MAS_ASSERT(out.filename.find_first_of("/\\") == std::string::npos);
  std::size_t total = out.file.size();
  for (const auto& [name, value] : out.fields) {
    MAS_ASSERT(value.find(delimiter) == std::string::npos);
    total += name.size() + value.size();
  }
  MAS_ASSERT(total <= body.size());
}

Task<void> compare(const std::string& body, std::size_t piece, std::size_t into) {
  Outcome whole = co_await parse(body, SIZE_MAX, 1 << 16);
  check_part(whole, body);
  for (auto [p, i] :
       {std::pair{piece, into}, std::pair{SIZE_MAX, into}, std::pair{piece, std::size_t{1} << 16},
        std::pair{piece * 100, into + 1023}}) {
    Outcome other = co_await parse(body, p, i);
    MAS_ASSERT(other.code == whole.code);
    MAS_ASSERT(other.filename == whole.filename);
    if (whole.code != Code::ok) continue;
    MAS_ASSERT(other.file == whole.file);
    MAS_ASSERT(other.fields == whole.fields);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string body(reinterpret_cast<const char*>(data + 1), size - 1);
  run_blocking(compare(body, data[0] % 16 + 1, data[0] / 16 + 1));
  (void)multipart_boundary(body);
  return 0;
}

#include "mas/http/multipart.h"

#include <catch2/catch.hpp>

#include "mas/runtime/io_threads.h"
#include "support/must.h"
#include "support/pausing_source.h"
#include "support/text_source.h"

using namespace mas;
using namespace mas::http;
using mas::test::PausingSource;
using mas::test::read_promised;
using mas::test::TextSource;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Outcome {
  Code code = Code::ok;  // of the first step that failed
  std::string step = "none";
  std::string filename;
  std::string file;
  Fields fields;
};

Task<Result<void>> take_apart(MultipartForm& form, std::size_t into, Outcome& out) {
  out.step = "open";
  MAS_CO_CHECK(co_await form.open());
  out.filename = form.filename();
  out.step = "read";
  std::string memory(into, '\0');
  while (true) {
    MutableBytes bytes(reinterpret_cast<std::uint8_t*>(memory.data()), memory.size());
    MAS_CO_TRY(std::size_t size, co_await form.read(bytes));
    if (size == 0) break;
    out.file += memory.substr(0, size);
  }
  out.step = "finish";
  MAS_CO_CHECK(co_await form.finish());
  out.step = "none";
  co_return Result<void>();
}

Outcome parse(const std::string& body, std::size_t piece = SIZE_MAX, std::size_t into = 4096,
              MultipartLimits limits = {}) {
  TextSource source(body, piece);
  auto form = make_multipart(source, "xYz", "file", limits);
  Outcome out;
  out.code = code_of(run_blocking_for(take_apart(*form, into, out)));
  out.fields = form->fields();
  return out;
}

// One part: Content-Disposition with `parameters`, then `content`.
std::string part(const std::string& parameters, const std::string& content) {
  return "--xYz\r\nContent-Disposition: form-data; " + parameters + "\r\n\r\n" + content + "\r\n";
}

std::string file_part(const std::string& content, const std::string& more = "") {
  return part("name=\"file\"; filename=\"f.bin\"" + more, content);
}

const std::string kEnd = "--xYz--\r\n";

}  // namespace

TEST_CASE("A form is the same whatever sizes it is read in") {
  std::string content = "line\r\n--xY\r\n\r--xYz\r\r\n-\r\n--XYZ\0\xff end\r";
  std::string body = "preamble\r\n" + part("name=\"a\"", "1\r\n2") + file_part(content) +
                     part("name=b", "") + "--xYz--  \r\nepilogue\r\n--xYz";
  for (std::size_t piece : {1, 2, 3, 7, 64, 5000}) {
    for (std::size_t into : {1, 2, 9, 1023, 1024, 5000}) {
      Outcome out = parse(body, piece, into);
      INFO("pieces of " << piece << " into " << into);
      CHECK(out.code == Code::ok);
      CHECK(out.file == content);
      CHECK(out.filename == "f.bin");
      CHECK(out.fields == Fields{{"a", "1\r\n2"}, {"b", ""}});
    }
  }
}

TEST_CASE("A large file comes through unchanged and without copies through small buffers") {
  std::string content;
  for (int i = 0; content.size() < (1 << 20); ++i) content += std::to_string(i) + "\r\n--xY";
  Outcome out = parse(file_part(content) + kEnd, 100'000, 65'536);
  CHECK(out.code == Code::ok);
  CHECK(out.file == content);
}

// Read with all kinds of pauses near its byte 1024.
std::size_t check_promises(const std::string& content) {
  const std::string body = part("name=a", "1") + file_part(content) + part("name=b", "2") + kEnd;
  const std::size_t begin = body.find(content.substr(0, 100));
  std::size_t promised = 0;
  for (std::size_t cut = begin + 1010; cut < body.size(); ++cut) {
    for (std::size_t more : {1, 2, 7, 30}) {
      for (std::size_t into : {1, 9, 1024, 5000}) {
        PausingSource source(body, {begin, cut, std::min(cut + more, body.size())});
        auto form = make_multipart(source, "xYz", "file", {});
        must(run_blocking_for(form->open()));
        INFO("pauses at " << cut << " and " << more << " later, read into " << into);
        const std::string read =
            must(run_blocking_for(read_promised(*form, source, into, promised)));
        const bool same = read == content;
        CHECK(same);
      }
    }
  }
  return promised;
}

TEST_CASE("A form that is ready gives a byte of its file without waiting") {
  const std::string plain(1024, 'd');
  const std::string delimiter = "\r\n--xYz";
  // The whole of it ends the file there.
  CHECK(check_promises(plain) > 0);
  for (std::size_t half = 1; half < delimiter.size(); ++half) {
    CHECK(check_promises(plain + delimiter.substr(0, half)) > 0);
    CHECK(check_promises(plain + delimiter.substr(0, half) + "e\r") > 0);
  }
  CHECK(check_promises(plain + "\r\r\n\r\n-\r\n--xY\r\n--xY") > 0);
}

TEST_CASE("A form whose sender is quick is ready whenever it is read") {
  const std::string content(1'000'000, 'c');
  PausingSource source(file_part(content) + kEnd, {});
  auto form = make_multipart(source, "xYz", "file", {});
  must(run_blocking_for(form->open()));
  std::size_t promised = 0;
  CHECK(must(run_blocking_for(read_promised(*form, source, 5000, promised))) == content);
  CHECK(promised > content.size() / 5000 - 5);
}

TEST_CASE("An empty file is a file") {
  Outcome out = parse(file_part("") + kEnd);
  CHECK(out.code == Code::ok);
  CHECK(out.file.empty());
}

TEST_CASE("Nothing need follow the closing boundary, or come before the first") {
  CHECK(parse(file_part("x") + "--xYz--").code == Code::ok);
  CHECK(parse("\r\n" + file_part("x") + kEnd).code == Code::ok);
  CHECK(parse("--xYz \t\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n" + kEnd).code ==
        Code::ok);
}

TEST_CASE("A form without the file, or with two, is refused with the fitting code") {
  Outcome none = parse(part("name=\"other\"", "x") + kEnd);
  CHECK(none.code == Code::parameter_missing);
  CHECK(none.step == "open");
  CHECK(parse("--xYz--\r\n").code == Code::parameter_missing);
  Outcome two = parse(file_part("x") + file_part("y") + kEnd);
  CHECK(two.code == Code::parameter_malformed);
  CHECK(two.step == "finish");
  Outcome two_large = parse(file_part("x") + file_part(std::string(1 << 20, 'y')) + kEnd, SIZE_MAX,
                            std::size_t{4} << 20);
  CHECK(two_large.code == Code::parameter_malformed);
}

TEST_CASE("A form cut anywhere is unreadable, its file never taken for whole") {
  std::string body = part("name=a", "1") + file_part("content") + part("name=b", "2") + "--xYz--";
  for (std::size_t size = 0; size < body.size(); ++size) {
    for (std::size_t into : {16, 4096}) {
      Outcome out = parse(body.substr(0, size), SIZE_MAX, into);
      INFO(size);
      CHECK(out.code == Code::body_unreadable);
    }
  }
}

TEST_CASE("Malformed forms are unreadable") {
  std::string head = "--xYz\r\nContent-Disposition: form-data; name=file\r\n\r\n";
  for (std::string body : {
           std::string("no boundary"),
           std::string(
               "--other\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--other--"),
           // Line ends that are LF only.
           std::string("--xYz\nContent-Disposition: form-data; name=file\n\nx\n--xYz--\n"),
           std::string("--xYz\r\nContent-Disposition: form-data; name=file\n\nx\r\n--xYz--\r\n"),
           // Something behind a boundary.
           std::string("--xYzabc\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--xYz--"),
           head + "x\r\n--xYz-\r\n",
           head + "x\r\n--xYz" + std::string(200, ' ') + "\r\n",
           // Headers.
           std::string("--xYz\r\n\r\nx\r\n--xYz--"),
           std::string("--xYz\r\nContent-Type: a/b\r\n\r\nx\r\n--xYz--"),
           std::string("--xYz\r\nContent-Disposition: attachment; name=file\r\n\r\nx\r\n--xYz--"),
           std::string("--xYz\r\nContent-Disposition: form-data\r\n\r\nx\r\n--xYz--"),
           std::string("--xYz\r\nContent-Disposition: form-data; name=\"file\r\n\r\nx\r\n--xYz--"),
           std::string("--xYz\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\nx\r\n"
                       "--xYz--"),
           std::string("--xYz\r\nContent-Disposition: form-data; name\r\n\r\nx\r\n--xYz--"),
           std::string("--xYz\r\nContent-Disposition: form-data; name=file\r\n folded\r\n\r\nx\r\n"
                       "--xYz--"),
           std::string("--xYz\r\nContent-Disposition: form-data; name=\"fi\x01le\"\r\n\r\nx\r\n"
                       "--xYz--"),
           std::string("--xYz\r\nnot a header\r\n\r\nx\r\n--xYz--"),
           head.substr(0, head.size() - 2) +
               "Content-Transfer-Encoding: base64\r\n\r\neA==\r\n--xYz--",
           head.substr(0, head.size() - 2) +
               "Content-Disposition: form-data; name=b\r\n\r\nx\r\n--xYz--",
       }) {
    INFO(body);
    CHECK(parse(body).code == Code::body_unreadable);
    CHECK(parse(body, 1, 8).code == Code::body_unreadable);
  }
}

TEST_CASE("What a form may take is bounded") {
  MultipartLimits limits{200, 100};
  auto code = [limits](const std::string& body) {
    return parse(body, SIZE_MAX, 4096, limits).code;
  };
  std::string long_name = "name=\"" + std::string(200, 'n') + "\"";
  CHECK(code(part("name=abcd", std::string(96, 'v')) + file_part("x") + kEnd) == Code::ok);
  CHECK(code(part("name=abcd", std::string(97, 'v')) + file_part("x") + kEnd) ==
        Code::body_unreadable);
  CHECK(code(part("name=abcd", std::string(60, 'v')) + file_part("x") +
             part("name=b", std::string(60, 'v')) + kEnd) == Code::body_unreadable);
  CHECK(code(part(long_name, "v") + file_part("x") + kEnd) == Code::body_unreadable);
  CHECK(code(std::string(9000, 'p') + "\r\n" + file_part("x") + kEnd) == Code::body_unreadable);
  CHECK(code(file_part("x") + kEnd + std::string(100'000, 'e')) == Code::body_unreadable);
  std::string many;
  for (int i = 0; i < 1100; ++i) many += part("name=\"\"", "");
  CHECK(parse(many + file_part("x") + kEnd).code == Code::body_unreadable);
}

TEST_CASE("A file much larger than all limits passes") {
  MultipartLimits limits{200, 100};
  std::string content(3 << 20, 'c');
  Outcome out = parse(file_part(content) + kEnd, SIZE_MAX, 1 << 20, limits);
  CHECK(out.code == Code::ok);
  CHECK(out.file.size() == content.size());
}

TEST_CASE("Only the base name of a file name is kept") {
  auto name = [](const std::string& parameters) {
    return parse(part("name=file; " + parameters, "x") + kEnd).filename;
  };
  CHECK(name("filename=plain.txt") == "plain.txt");
  CHECK(name("filename=\"a b.txt\"") == "a b.txt");
  CHECK(name("filename=\"../../etc/passwd\"") == "passwd");
  CHECK(name("filename=\"C:\\dir\\x.txt\"") == "x.txt");
  CHECK(name("filename=\"a%22b%41.txt\"") == "a\"b%41.txt");
  CHECK(name("filename=\"a\\\"b.txt\"") == "a\"b.txt");
  CHECK(name("filename=\"\xe4\xb8\xad.txt\"") == "\xe4\xb8\xad.txt");
  CHECK(name("filename=\"x\"; filename*=UTF-8''%E4%B8%AD%2Fy.txt") == "y.txt");
  CHECK(name("filename*=utf-8'en'a%20b") == "a b");
  CHECK(name("filename=\"\"") == "");
  CHECK(name("FileName=\"x\";") == "x");
  CHECK(parse(part("name=file; filename*=latin1''x", "x") + kEnd).code == Code::body_unreadable);
  CHECK(parse(part("name=file; filename*=UTF-8''%zz", "x") + kEnd).code == Code::body_unreadable);
}

TEST_CASE("The body's own error comes through") {
  TextSource source(file_part("abc").substr(0, 70));
  source.fail_at_end(Error(Code::sender_too_slow, "slow"));
  auto form = make_multipart(source, "xYz", "file", {});
  Outcome out;
  CHECK(code_of(run_blocking_for(take_apart(*form, 4096, out))) == Code::sender_too_slow);
}

TEST_CASE("A file that was not read to its end cannot be finished") {
  TextSource source(file_part("abc") + kEnd);
  auto form = make_multipart(source, "xYz", "file", {});
  CHECK(code_of(run_blocking_for(form->open())) == Code::ok);
  CHECK(code_of(run_blocking_for(form->finish())) == Code::internal);
}

TEST_CASE("The boundary is taken from the Content-Type") {
  CHECK(multipart_boundary("multipart/form-data; boundary=abc") == "abc");
  CHECK(multipart_boundary("Multipart/Form-Data;boundary=\"a b'()+_,-./:=?c\"") ==
        "a b'()+_,-./:=?c");
  CHECK(multipart_boundary("multipart/form-data; charset=utf-8; Boundary=x;") == "x");
  CHECK(multipart_boundary("multipart/form-data; boundary=" + std::string(70, 'b')) ==
        std::string(70, 'b'));
  for (std::string type :
       {std::string("multipart/form-data"), std::string("text/plain"),
        std::string("multipart/mixed; boundary=a"), std::string("multipart/form-data; boundary="),
        std::string("multipart/form-data; boundary=\"\""),
        std::string("multipart/form-data; boundary=\"a \""),
        std::string("multipart/form-data; boundary=a@b"),
        std::string("multipart/form-data; boundary=\"a"),
        std::string("multipart/form-data; boundary=a; boundary=a"),
        std::string("multipart/form-data boundary=a"),
        "multipart/form-data; boundary=" + std::string(71, 'b'),
        std::string("multipart/form-data; boundary=\"a\r\n\""), std::string()}) {
    INFO(type);
    CHECK_FALSE(multipart_boundary(type).has_value());
  }
}

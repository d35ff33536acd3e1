#include <catch2/catch.hpp>

#include "http/body_reader.h"
#include "mas/runtime/io_threads.h"
#include "support/must.h"
#include "support/pausing_source.h"
#include "support/text_source.h"

using namespace mas;
using namespace mas::http;
using mas::test::TextSource;

namespace {

struct Read {
  Code code = Code::ok;
  std::string body;
  std::string rest;  // read ahead, behind the body
  bool complete = false;
};

Task<void> read_all(BodyReader& reader, std::size_t into, Read& out) {
  std::string memory(into, '\0');
  while (true) {
    MutableBytes bytes(reinterpret_cast<std::uint8_t*>(memory.data()), memory.size());
    Result<std::size_t> size = co_await reader.read(bytes);
    if (size.has_error()) {
      out.code = size.error().code();
      co_return;
    }
    if (*size == 0) co_return;
    out.body += memory.substr(0, *size);
  }
}

Read read_body(const std::string& text, BodyReader::Framing framing, std::uint64_t length,
               std::size_t piece, std::size_t into) {
  TextSource source(text, piece);
  InputBuffer ahead;
  BodyReader reader(source, ahead, framing, length);
  Read out;
  run_blocking(read_all(reader, into, out));
  out.rest = as_text(ahead.pending());
  out.complete = reader.complete();
  return out;
}

Read chunked(const std::string& text, std::size_t piece = SIZE_MAX, std::size_t into = 1000) {
  return read_body(text, BodyReader::Framing::chunked, 0, piece, into);
}

}  // namespace

TEST_CASE("A chunked body is the same whatever sizes it is read in") {
  std::string text =
      "5\r\nhello\r\n1;a=b;c=\"d\"\r\n \r\nA\t ;x\r\n0123456789\r\n000\r\nT: x\r\n\r\n";
  for (std::size_t piece : {1, 2, 3, 5, 7, 100}) {
    for (std::size_t into : {1, 2, 4, 1000}) {
      Read read = chunked(text, piece, into);
      INFO(piece << " into " << into);
      CHECK(read.code == Code::ok);
      CHECK(read.body == "hello 0123456789");
      CHECK(read.complete);
      CHECK(read.rest.empty());
    }
  }
}

TEST_CASE("What follows a chunked body is kept for the next request") {
  Read read = chunked("3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
  CHECK(read.body == "abc");
  CHECK(read.rest == "GET / HTTP/1.1\r\n");
}

TEST_CASE("Malformed chunks are refused") {
  for (const std::string& text : std::vector<std::string>{
           "\r\n",          // no size
           "x\r\n",         // no number
           "-1\r\n",        // negative
           "+1\r\n",        // signed
           " 1\r\n",        // blank first
           "0x1\r\na\r\n",  // prefix
           ";a\r\n",        // only an extension
           "1\na\n0\n\n",   // LF only
           "1\r\nab\r\n",   // longer than it says
           "1\r\na\n",      // data ended by LF
           "1\r\na\rb",     // data ended by CR
           "1\rx",          // size ended by CR
           "1 1\r\na\r\n",  // two sizes
           "1 \r\na\r\n",   // blanks with no extension after them
           "1\t\r\na\r\n",
           "1 \t1\r\na\r\n",
           "1 a=b\r\na\r\n",  // an extension without its semicolon
           "1,1\r\na\r\n",
           "1_0\r\na\r\n",
           "1\v\r\na\r\n",
           std::string("1\0\r\na\r\n", 7),
           "1\r\r\na\r\n",                // CR twice
           "1;a\na\r\n",                  // LF alone in an extension
           "1;a\rb\r\na\r\n",             // CR alone in an extension
           "1\r\na\r\n\r\n0\r\n\r\n",     // an empty line between chunks
           "1\r\na\r\n 0\r\n\r\n",        // a blank before the next size
           "0\n\r\n",                     // the last chunk ended by LF
           "0\r\n\n",                     // trailers ended by LF
           "0\r\nT\r\n\r\n",              // a trailer without a colon
           "0\r\n: x\r\n\r\n",            // without a name
           "0\r\nT : x\r\n\r\n",          // a blank before the colon
           "0\r\n T: x\r\n\r\n",          // a blank first
           "0\r\nT: x\r\n y\r\n\r\n",     // folded
           "1;\x01\r\na\r\n",             // control character
           "1000000000000000\r\n",        // 2^60
           "ffffffffffffffffffffff\r\n",  // overflows
           "0\r\nT: \x02\r\n\r\n",        // control character in a trailer
           "0\r\nT: x\n\r\n",             // trailer ended by LF
           "0\r\n\rx",                    // no end
       }) {
    INFO(text);
    CHECK(chunked(text).code == Code::body_unreadable);
    CHECK(chunked(text, 1).code == Code::body_unreadable);
  }
}

TEST_CASE("A chunked body cut anywhere is unreadable, never shorter") {
  std::string text = "3\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t size = 0; size < text.size(); ++size) {
    Read read = chunked(text.substr(0, size));
    INFO(size);
    CHECK(read.code == Code::body_unreadable);
    CHECK_FALSE(read.complete);
  }
}

TEST_CASE("Chunk extensions and trailers are bounded") {
  CHECK(chunked("1;" + std::string(1000, 'a') + "\r\nb\r\n0\r\n\r\n").code == Code::ok);
  CHECK(chunked("1;" + std::string(1100, 'a') + "\r\n").code == Code::body_unreadable);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 100; ++i) trailers += "T: " + std::string(80, 'x') + "\r\n";
  CHECK(chunked(trailers + "\r\n").code == Code::body_unreadable);
}

TEST_CASE("A body of known length ends with its last byte") {
  for (std::size_t piece : {1, 3, 100}) {
    Read read = read_body("hello, world", BodyReader::Framing::length, 12, piece, 5);
    CHECK(read.code == Code::ok);
    CHECK(read.body == "hello, world");
    CHECK(read.complete);
  }
  CHECK(read_body("hello, world", BodyReader::Framing::length, 5, 100, 100).body == "hello");
  CHECK(read_body("hello", BodyReader::Framing::length, 6, 100, 100).code == Code::body_unreadable);
  CHECK(read_body("", BodyReader::Framing::length, 0, 100, 100).complete);
}

TEST_CASE("A body without a length ends with the connection") {
  Read read = read_body("hello", BodyReader::Framing::until_end, 0, 2, 100);
  CHECK(read.code == Code::ok);
  CHECK(read.body == "hello");
  CHECK(read.complete);
}

TEST_CASE("The error of the connection comes through and stays") {
  TextSource source("ab");
  source.fail_at_end(Error(Code::sender_too_slow, "slow"));
  InputBuffer ahead;
  BodyReader reader(source, ahead, BodyReader::Framing::length, 10);
  Read out;
  run_blocking(read_all(reader, 10, out));
  CHECK(out.code == Code::sender_too_slow);
  CHECK(out.body == "ab");
  CHECK(reader.failed());
  CHECK_FALSE(reader.complete());
}

TEST_CASE("A body that is ready gives something without waiting, however it is framed") {
  const std::string text = "5;a=b\r\nhello\r\n1\r\n!\r\n0a\r\n0123456789\r\n0\r\nT: x\r\n\r\n";
  std::size_t promised = 0;
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    for (std::size_t more : {1, 2, 5, 13}) {
      for (std::size_t into : {1, 4, 1000}) {
        const std::vector<std::size_t> pauses{cut, std::min(cut + more, text.size())};
        INFO("pauses at " << cut << " and " << more << " later, read into " << into);
        test::PausingSource chunks(text, pauses);
        InputBuffer ahead;
        BodyReader chunked(chunks, ahead, BodyReader::Framing::chunked, 0);
        CHECK(must(run_blocking_for(test::read_promised(chunked, chunks, into, promised))) ==
              "hello!0123456789");
        test::PausingSource plain(text, pauses);
        BodyReader whole(plain, ahead, BodyReader::Framing::length, text.size());
        CHECK(must(run_blocking_for(test::read_promised(whole, plain, into, promised))) == text);
      }
    }
  }
  CHECK(promised > 0);
}

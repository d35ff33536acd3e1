// What a benchmark stands on: its content and its percentiles.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "app/bench/content.h"
#include "app/bench/samples.h"
#include "mas/runtime/io_threads.h"

namespace {

using mas::app::Content;
using mas::app::ContentSource;
using mas::app::Samples;
using std::chrono::microseconds;
using std::chrono::milliseconds;

std::vector<std::uint8_t> bytes_of(const Content& content, std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  content.fill(0, bytes);
  return bytes;
}

TEST_CASE("Content is the same each time and differs between objects and seeds") {
  CHECK(bytes_of(Content(1, 2), 100) == bytes_of(Content(1, 2), 100));
  CHECK(bytes_of(Content(1, 2), 100) != bytes_of(Content(1, 3), 100));
  CHECK(bytes_of(Content(1, 2), 100) != bytes_of(Content(2, 2), 100));
}

TEST_CASE("Content repeats no word, within an object or between objects") {
  std::set<std::uint64_t> words;
  for (std::uint64_t object = 0; object < 50; ++object) {
    auto bytes = bytes_of(Content(7, object), 8000);
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
      std::uint64_t word = 0;
      std::copy_n(bytes.data() + at, 8, reinterpret_cast<std::uint8_t*>(&word));
      words.insert(word);
    }
  }
  CHECK(words.size() == 50 * 1000);
}

TEST_CASE("Any piece is recognised, and one wrong bit in it is seen") {
  Content content(3, 4);
  auto bytes = bytes_of(content, 1000);
  for (std::size_t from : {0, 1, 7, 8, 500, 999}) {
    std::vector<std::uint8_t> piece(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end());
    CAPTURE(from);
    CHECK(content.matches(from, piece));
    piece.back() ^= 1;
    CHECK_FALSE(content.matches(from, piece));
  }
}

mas::Task<std::vector<std::uint8_t>> read_in_steps(ContentSource& source, std::size_t step) {
  std::vector<std::uint8_t> all;
  std::vector<std::uint8_t> buffer(step);
  for (;;) {
    auto count = co_await source.read(buffer);
    if (count.has_error() || *count == 0) break;
    all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*count));
  }
  co_return all;
}

TEST_CASE("A source gives the content whatever the steps it is read in") {
  Content content(5, 6);
  auto expected = bytes_of(content, 1003);
  for (std::size_t step : {1, 3, 7, 8, 9, 64, 1003, 5000}) {
    CAPTURE(step);
    ContentSource source(content, 1003);
    CHECK(mas::run_blocking_for(read_in_steps(source, step)) == expected);
  }
}

TEST_CASE("Percentiles are right within a percent") {
  Samples samples;
  for (int i = 1; i <= 1000; ++i) samples.add(microseconds(i * 100));
  CHECK(samples.count() == 1000);
  CHECK(samples.max() == milliseconds(100));
  auto near = [](mas::Duration value, mas::Duration expected) {
    return value >= expected * 99 / 100 && value <= expected * 102 / 100;
  };
  CHECK(near(samples.percentile(0.5), milliseconds(50)));
  CHECK(near(samples.percentile(0.99), milliseconds(99)));
  CHECK(samples.percentile(1) == milliseconds(100));
}

TEST_CASE("Samples of several workers add up; none give zero") {
  Samples one;
  Samples two;
  CHECK(one.percentile(0.5) == mas::Duration(0));
  one.add(milliseconds(1));
  two.add(milliseconds(100));
  two.add(mas::Duration(0));
  two.add(std::chrono::hours(20));
  one.merge(two);
  CHECK(one.count() == 4);
  CHECK(one.max() == std::chrono::hours(20));
}

}  // namespace

// Files: what every Fs does alike.
#include <catch2/catch.hpp>
#include <vector>

#include "disks.h"

namespace mas::fs::test {
namespace {

#define FS_TEST(name) TEMPLATE_TEST_CASE(name, "", FaultDisk, RealDisk, MemoryDisk)

FS_TEST("a file reads back what was written") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a");
  must(write_text(*file, 0, "hello"));
  must(write_text(*file, 3, "p!"));
  CHECK(read_text(*file, 0, 100) == "help!");
  CHECK(read_text(*file, 2, 2) == "lp");
  CHECK(must(file->size()) == 5);
  CHECK(must(open_file(*disk.fs, disk.root + "/a")->size()) == 5);
}

FS_TEST("pieces are written one after the other, empty ones and thousands included") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a");
  std::vector<std::string> texts;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    texts.push_back(i % 7 == 0 ? std::string() : std::to_string(i) + ";");
    expected += texts.back();
  }
  std::vector<ByteView> pieces;
  for (const auto& text : texts) pieces.push_back(as_bytes(text));
  must(file->write_at(10, pieces));
  CHECK(read_text(*file, 10, expected.size() + 1) == expected);
  must(file->write_at(0, {}));
  CHECK(must(file->size()) == 10 + expected.size());
}

FS_TEST("a gap reads as zeros") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a");
  must(write_text(*file, 3 * kBlockSize + 1, "x"));
  CHECK(read_text(*file, kBlockSize, kBlockSize) == std::string(kBlockSize, '\0'));
  CHECK(read_text(*file, 3 * kBlockSize, 2) == std::string("\0x", 2));
}

FS_TEST("reading past the end gives nothing") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a");
  must(write_text(*file, 0, "abc"));
  CHECK(read_text(*file, 3, 10).empty());
  CHECK(read_text(*file, 1U << 20U, 10).empty());
  CHECK(read_text(*file, 0, 0).empty());
}

FS_TEST("direct files take whole blocks in any number of pieces") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a", true);
  auto first = Buffer::allocate(2 * kBlockSize);
  auto second = Buffer::allocate(kBlockSize);
  std::fill_n(first.data(), first.capacity(), std::uint8_t{'a'});
  std::fill_n(second.data(), second.capacity(), std::uint8_t{'b'});
  const ByteView pieces[] = {first.bytes(), second.bytes()};
  must(file->write_at(kBlockSize, pieces));
  must(file->sync_data());
  CHECK(must(file->size()) == 4 * kBlockSize);

  auto into = Buffer::allocate(8 * kBlockSize);
  REQUIRE(must(file->read_at(0, into.bytes())) == 4 * kBlockSize);
  CHECK(into.data()[kBlockSize - 1] == 0);
  CHECK(into.data()[kBlockSize] == 'a');
  CHECK(into.data()[3 * kBlockSize] == 'b');
}

FS_TEST("a direct read ends where a file of odd length ends") {
  TestType disk;
  must(write_text(*open_file(*disk.fs, disk.root + "/a"), 0, std::string(kBlockSize + 7, 'z')));
  const auto file = open_file(*disk.fs, disk.root + "/a", true);
  auto into = Buffer::allocate(4 * kBlockSize);
  CHECK(must(file->read_at(0, into.bytes())) == kBlockSize + 7);
}

FS_TEST("what was just written is read from the cache or reported busy, never cut short") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a");
  const std::string text(3 * kBlockSize + 5, 'q');
  must(write_text(*file, 0, text));
  std::string into(8 * kBlockSize, '?');
  const auto got =
      file->read_cached(kBlockSize, {reinterpret_cast<std::uint8_t*>(into.data()), into.size()});
  if (got.has_error()) {
    CHECK(got.error().code() == Code::busy);
  } else {
    CHECK(*got == text.size() - kBlockSize);
    CHECK(into.substr(0, *got) == text.substr(kBlockSize));
  }
}

FS_TEST("cached reads do not stand in for a direct file's") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a", true);
  auto block = Buffer::allocate(kBlockSize);
  std::fill_n(block.data(), block.capacity(), std::uint8_t{1});
  const ByteView pieces[] = {block.bytes()};
  must(file->write_at(0, pieces));
  const auto got = file->read_cached(0, block.bytes());
  // Where O_DIRECT is unknown the file is an ordinary one and may answer.
  CHECK((code_of(got) == Code::busy || *got == kBlockSize));
}

FS_TEST("opening says what is wrong") {
  TestType disk;
  const auto path = disk.root + "/a";
  CHECK(code_of(disk.fs->open(path, {})) == Code::not_found);
  OpenOptions options;
  options.access = Access::read_write;
  CHECK(code_of(disk.fs->open(path, options)) == Code::not_found);
  options.create = true;
  CHECK(code_of(disk.fs->open(disk.root + "/none/a", options)) == Code::not_found);
  options.exclusive = true;
  CHECK(code_of(disk.fs->open(path, options)) == Code::ok);
  CHECK(code_of(disk.fs->open(path, options)) == Code::already_exists);
  options.direct = true;
  CHECK(code_of(disk.fs->open(path, options)) == Code::already_exists);
  CHECK(code_of(disk.fs->open(disk.root + "/b", options)) == Code::ok);
  CHECK(code_of(disk.fs->open(path + "/below", {})) == Code::not_found);
}

FS_TEST("opening can cut a file to nothing") {
  TestType disk;
  must(write_text(*open_file(*disk.fs, disk.root + "/a"), 0, "abc"));
  OpenOptions options;
  options.access = Access::read_write;
  options.truncate = true;
  CHECK(must(must(disk.fs->open(disk.root + "/a", options))->size()) == 0);
}

FS_TEST("a file opened for reading refuses writes") {
  TestType disk;
  must(write_text(*open_file(*disk.fs, disk.root + "/a"), 0, "abc"));
  const auto file = must(disk.fs->open(disk.root + "/a", {}));
  CHECK(code_of(write_text(*file, 0, "x")) == Code::io);
  CHECK(read_text(*file, 0, 9) == "abc");
}

FS_TEST("allocating extends a file with zeros and keeps what is there") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a");
  must(write_text(*file, 0, "abc"));
  must(file->allocate(0, 10 * kBlockSize));
  CHECK(must(file->size()) == 10 * kBlockSize);
  CHECK(read_text(*file, 0, 4) == std::string("abc\0", 4));
  must(file->allocate(0, kBlockSize));
  CHECK(must(file->size()) == 10 * kBlockSize);
  must(file->allocate(0, 0));
}

FS_TEST("truncating cuts, and a file grown again reads as zeros there") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a");
  must(write_text(*file, 0, std::string(2 * kBlockSize, 'x')));
  must(file->truncate(100));
  CHECK(must(file->size()) == 100);
  must(file->truncate(2 * kBlockSize));
  CHECK(read_text(*file, 99, 3) == std::string("x\0\0", 3));
  CHECK(read_text(*file, kBlockSize, 2) == std::string("\0\0", 2));
}

FS_TEST("syncing and advice leave the content alone") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a");
  must(write_text(*file, 0, "abc"));
  must(file->sync_data());
  must(file->sync_all());
  file->drop_cache(0, kBlockSize);
  CHECK(read_text(*file, 0, 9) == "abc");
}

FS_TEST("two handles of one file see each other's writes") {
  TestType disk;
  const auto writer = open_file(*disk.fs, disk.root + "/a");
  const auto reader = must(disk.fs->open(disk.root + "/a", {}));
  must(write_text(*writer, 0, "abc"));
  CHECK(read_text(*reader, 0, 9) == "abc");
}

FS_TEST("a removed file lives on for those who have it open") {
  TestType disk;
  const auto file = open_file(*disk.fs, disk.root + "/a");
  must(write_text(*file, 0, "abc"));
  must(disk.fs->remove(disk.root + "/a"));
  CHECK(read_text(*file, 0, 9) == "abc");
  must(write_text(*file, 0, "x"));
  CHECK_FALSE(must(disk.fs->exists(disk.root + "/a")));
}

FS_TEST("small files are replaced whole and read whole") {
  TestType disk;
  const auto path = disk.root + "/config";
  CHECK(code_of(read_file(*disk.fs, path)) == Code::not_found);
  must(write_file(*disk.fs, path, as_bytes("one, the longer")));
  must(write_file(*disk.fs, path, as_bytes("two")));
  CHECK(must(read_file(*disk.fs, path)) == "two");
  CHECK(code_of(read_file(*disk.fs, path, 2)) == Code::corrupt);
  CHECK(must(disk.fs->list(disk.root)) == std::vector<std::string>{"config"});
  must(write_file(*disk.fs, path, {}));
  CHECK(must(read_file(*disk.fs, path)).empty());
  CHECK(code_of(write_file(*disk.fs, disk.root + "/none/a", {})) == Code::not_found);
}

}  // namespace
}  // namespace mas::fs::test

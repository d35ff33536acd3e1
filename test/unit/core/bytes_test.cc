#include "mas/core/bytes.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "mas/core/endian.h"

using namespace mas;

TEST_CASE("buffers are aligned and a whole number of blocks") {
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, kBlockSize, kBlockSize + 1}) {
    Buffer buffer = Buffer::allocate(size);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % kBlockSize == 0);
    CHECK(buffer.capacity() % kBlockSize == 0);
    CHECK(buffer.capacity() >= std::max<std::size_t>(size, 1));
  }
}

TEST_CASE("a slice keeps its memory alive after the buffer and the pool are gone") {
  Slice slice;
  {
    BufferPool pool(8192, 2);
    Buffer buffer = pool.get();
    std::memset(buffer.data(), 42, 8192);
    slice = std::move(buffer).freeze(5000);
  }
  CHECK(slice.size() == 5000);
  CHECK(std::ranges::all_of(slice.view(), [](std::uint8_t b) { return b == 42; }));
  CHECK(slice.sub(10, 20).data() == slice.data() + 10);
}

TEST_CASE("a pool hands out what was given back, and keeps no more than it may") {
  BufferPool pool(4096, 1);
  std::uint8_t* first = nullptr;
  {
    Buffer a = pool.get();
    Buffer b = pool.get();
    first = b.data();  // destroyed first, so it is the one kept
  }
  CHECK(pool.get().data() == first);
}

TEST_CASE("hex round-trips and refuses what is not hex") {
  std::array<std::uint8_t, 3> bytes{0x00, 0xff, 0x1a};
  CHECK(to_hex(bytes) == "00ff1a");
  std::array<std::uint8_t, 3> back{};
  CHECK(from_hex("00FF1a", back));
  CHECK(back == bytes);
  CHECK_FALSE(from_hex("00ff1", back));
  CHECK_FALSE(from_hex("00ff1z", back));
}

TEST_CASE("constant-time comparison compares") {
  CHECK(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
  CHECK_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abd")));
  CHECK_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("ab")));
  CHECK(constant_time_equal({}, {}));
}

TEST_CASE("a reader never reads past the end") {
  ByteWriter writer;
  writer.write<std::uint32_t>(7);
  writer.text("hello");
  ByteReader reader(as_bytes(writer.bytes()));
  CHECK(reader.read<std::uint32_t>() == 7);
  CHECK(reader.text() == "hello");
  CHECK(reader.at_end());
  CHECK(reader.read<std::uint8_t>() == 0);
  CHECK_FALSE(reader.ok());

  ByteWriter lie;
  lie.write<std::uint32_t>(1000);  // a text that claims more than there is
  ByteReader cautious(as_bytes(lie.bytes()));
  CHECK(cautious.text().empty());
  CHECK_FALSE(cautious.ok());
}

// What a caller of a healthy store sees.
#include <catch2/catch.hpp>

#include "fixture.h"

namespace mas::store::test {
namespace {

TEST_CASE("what was put can be read back, whole and in part") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  const std::size_t size =
      GENERATE(1, 7, 4096, 4097, 32 * 1024 - 1, 32 * 1024, 100'000, 262'144, 1'500'000);
  const std::string text = bytes_of(size, size);
  put(*store, key_of(1), text);
  CHECK(get(*store, key_of(1)) == text);
  const std::size_t half = size / 2;
  CHECK(as_text(must(try_get(*store, key_of(1), half)).view()) == text.substr(half));
  CHECK(as_text(must(try_get(*store, key_of(1), half, 1)).view()) == text.substr(half, 1));
  CHECK(must(try_get(*store, key_of(1), size)).empty());
  CHECK(must(run_blocking_for(store->stat(key_of(1)))).length == size);
  close(*store);
}

TEST_CASE("a payload may come in pieces of any alignment") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  const std::string a = bytes_of(1, 3 * 4096);
  const std::string b = bytes_of(2, 5 * 4096 + 100);
  const std::string c = bytes_of(3, 77);
  std::vector<std::vector<Slice>> shapes{
      {aligned_slice(a), aligned_slice(b), slice_of(c)},
      {slice_of(c), aligned_slice(a), aligned_slice(b)},
      {aligned_slice(b), aligned_slice(a), slice_of(c)},
      {aligned_slice(b).sub(100, 5 * 4096), slice_of(c), aligned_slice(a)},
      {aligned_slice(a), Slice(), aligned_slice(a), aligned_slice(b).sub(4096, 4096)},
  };
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    std::string whole;
    for (const Slice& piece : shapes[i]) whole += as_text(piece.view());
    must(run_blocking_for(store->put(key_of(i), shapes[i])));
    CHECK(get(*store, key_of(i)) == whole);
  }
  close(*store);
}

TEST_CASE("a later put replaces the earlier one, and a remove is final until the next put") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  put(*store, key_of(1), "one");
  const auto first = must(run_blocking_for(store->stat(key_of(1))));
  put(*store, key_of(1), "two");
  CHECK(get(*store, key_of(1)) == "two");
  CHECK(must(run_blocking_for(store->stat(key_of(1)))).version > first.version);
  remove(*store, key_of(1));
  CHECK_FALSE(get(*store, key_of(1)));
  remove(*store, key_of(1));
  put(*store, key_of(1), "three");
  CHECK(get(*store, key_of(1)) == "three");
  close(*store);
}

TEST_CASE("an absent key is not found") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  CHECK(code_of(try_get(*store, key_of(9))) == Code::not_found);
  CHECK(code_of(run_blocking_for(store->stat(key_of(9)))) == Code::not_found);
  CHECK(run_blocking_for(store->remove({key_of(9)})).has_value());
  CHECK(run_blocking_for(store->quarantine(key_of(9), 1)).has_value());
  close(*store);
}

TEST_CASE("empty and oversized payloads are refused") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  auto store = machine.open();
  CHECK(code_of(run_blocking_for(store->put(key_of(1), {}))) == Code::invalid_argument);
  CHECK(code_of(try_put(*store, key_of(1), "")) == Code::invalid_argument);
  const Slice half = slice_of(std::string(65 << 20, 'x'));
  CHECK(code_of(run_blocking_for(store->put(key_of(1), {half, half}))) == Code::invalid_argument);
  close(*store);
}

TEST_CASE("a list is in key order and goes on behind a key") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  machine.index = GENERATE(IndexKind::rocksdb, IndexKind::memory);
  auto store = machine.open();
  for (std::uint64_t i : {5, 3, 9, 1, 7}) put(*store, key_of(i), std::to_string(i));
  put(*store, RecordKey::manifest(Hash(), 4, 1), "manifest");
  remove(*store, key_of(9));
  const auto all = list(*store);
  REQUIRE(all.size() == 5);
  CHECK(all[0].key == key_of(1));
  CHECK(all[3].key == key_of(7));
  CHECK(all[4].key == RecordKey::manifest(Hash(), 4, 1));
  CHECK(all[4].length == 8);
  const auto page = list(*store, key_of(3), 2);
  REQUIRE(page.size() == 2);
  CHECK(page[0].key == key_of(5));
  CHECK(page[1].key == key_of(7));
  CHECK(list(*store, key_of(4), 1).front().key == key_of(5));
  close(*store);
}

TEST_CASE("all is there after a clean stop and a start, with either index") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  machine.index = GENERATE(IndexKind::rocksdb, IndexKind::memory);
  Id128 incarnation;
  for (std::uint64_t life = 0; life < 4; ++life) {
    auto store = machine.open();
    if (life > 0) CHECK(store->incarnation() == incarnation);
    incarnation = store->incarnation();
    for (std::uint64_t i = 0; i < life * 20; ++i) {
      CHECK(get(*store, key_of(i)) == bytes_of(i, 50'000 + i));
    }
    for (std::uint64_t i = life * 20; i < life * 20 + 20; ++i) {
      put(*store, key_of(i), bytes_of(i, 50'000 + i));
    }
    CHECK(store->usage().records == life * 20 + 20);
    CHECK(store->usage().quarantined == 0);
    close(*store);
  }
}

TEST_CASE("all is there when the process dies without a stop") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  for (std::uint64_t life = 0; life < 4; ++life) {
    auto store = machine.open();
    for (std::uint64_t i = 0; i < life * 20; ++i) {
      CHECK(get(*store, key_of(i)) == bytes_of(i, 50'000 + i));
    }
    for (std::uint64_t i = life * 20; i < life * 20 + 20; ++i) {
      put(*store, key_of(i), bytes_of(i, 50'000 + i));
    }
  }
  CHECK(machine.metrics.text().find("mas_store_cuts_total 0") != std::string::npos);
}

TEST_CASE("it works on the real file system") {
  TemporaryDirectory directory;
  auto disk = fs::make_real_fs();
  Machine machine(*disk);
  machine.directories = {directory.path() + "/a/b"};
  for (int life = 0; life < 2; ++life) {
    auto store = machine.open();
    for (std::uint64_t i = 0; i < 40; ++i) {
      if (life == 1) CHECK(get(*store, key_of(i)) == bytes_of(i, 30'000 + 1000 * i));
      put(*store, key_of(i), bytes_of(i, 30'000 + 1000 * i));
      CHECK(get(*store, key_of(i)) == bytes_of(i, 30'000 + 1000 * i));
    }
    CHECK(store->usage().segments > 1);
    CHECK(store->usage().writable);
    close(*store);
  }
}

}  // namespace
}  // namespace mas::store::test

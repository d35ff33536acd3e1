// Calls of the fault-injecting Fs that are made to fail.
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "files.h"

namespace mas::fs::test {
namespace {

FaultFs::Hook fail_all(FsOp op, Code code = Code::io) {
  return [=](const FsCall& call) -> Result<void> {
    if (call.op == op) return Error(code, "injected");
    return {};
  };
}

std::unique_ptr<FaultFs> nothing_kept(const FaultFs& fs) {
  const auto rng = make_seeded_rng(1);
  return fs.after_power_loss(*rng, 0.0);
}

TEST_CASE("every call that changes something counts as one mutation and no other does") {
  const auto fs = make_fault_fs(1);
  must(fs->make_directories("/d"));
  const auto file = open_file(*fs, "/d/a");
  CHECK(fs->mutations() == 0);
  must(write_text(*file, 0, "abc"));
  must(file->allocate(0, 10));
  must(file->truncate(5));
  must(file->sync_data());
  must(file->sync_all());
  must(fs->sync_directory("/d"));
  must(fs->rename("/d/a", "/d/b"));
  must(fs->remove("/d/b"));
  CHECK(fs->mutations() == 8);
  char byte = 0;
  must(file->read_at(0, {reinterpret_cast<std::uint8_t*>(&byte), 1}));
  must(fs->list("/d"));
  must(fs->exists("/d"));
  must(fs->space("/d"));
  CHECK(fs->mutations() == 8);
}

TEST_CASE("after the power went off nothing is applied and every call fails") {
  // What the file holds after each number of mutations that were let through.
  const std::vector<std::string> expected = {"", "one", "one", "two", "two"};
  for (std::uint64_t n = 0; n < expected.size(); ++n) {
    const auto fs = make_fault_fs(1);
    const auto file = open_file(*fs, "/a");
    fs->power_off_after(n);
    std::uint64_t succeeded = 0;
    succeeded += write_text(*file, 0, "one").has_value();
    succeeded += file->sync_data().has_value();
    succeeded += write_text(*file, 0, "two").has_value();
    succeeded += fs->sync_directory("/").has_value();
    CHECK(succeeded == n);
    const bool dead = n < 4;
    char byte = 0;
    CHECK(file->read_at(0, {reinterpret_cast<std::uint8_t*>(&byte), 1}).has_error() == dead);
    CHECK(fs->open("/a", {}).has_error() == dead);
    CHECK(fs->list("/").has_error() == dead);
    CHECK(fs->exists("/").has_error() == dead);
    CHECK(fs->space("/").has_error() == dead);
    CHECK(fs->make_directories("/d").has_error() == dead);
    CHECK(fs->lock("/LOCK").has_error() == dead);
    CHECK(file->size().has_error() == dead);
    CHECK(must(read_file(*fs->after_restart(), "/a")) == expected[n]);
  }
}

TEST_CASE("the hook sees each call and its error is the call's error") {
  const auto fs = make_fault_fs(1);
  const auto file = open_file(*fs, "/a");
  std::vector<FsCall> calls;
  fs->set_hook([&](const FsCall& call) -> Result<void> {
    calls.push_back(call);
    if (call.op == FsOp::allocate) return Error(Code::disk_full, "injected");
    return {};
  });
  must(write_text(*file, 7, "abc"));
  CHECK(code_of(file->allocate(0, 100)) == Code::disk_full);
  CHECK(must(file->size()) == 10);
  fs->set_hook({});
  must(file->allocate(0, 100));
  REQUIRE(calls.size() == 2);
  CHECK(calls[0].op == FsOp::write);
  CHECK(calls[0].path == "/a");
  CHECK(calls[0].offset == 7);
  CHECK(calls[0].length == 3);
}

TEST_CASE("the hook can refuse every kind of call") {
  const auto op =
      GENERATE(FsOp::open, FsOp::write, FsOp::read, FsOp::sync, FsOp::allocate, FsOp::truncate,
               FsOp::rename, FsOp::remove, FsOp::sync_directory, FsOp::list);
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", "abc");
  fs->set_hook(fail_all(op));
  std::uint8_t byte = 0;
  CHECK(fs->open("/a", {}).has_error() == (op == FsOp::open));
  CHECK(write_text(*file, 0, "x").has_error() == (op == FsOp::write));
  CHECK(file->read_at(0, {&byte, 1}).has_error() == (op == FsOp::read));
  CHECK(file->read_cached(0, {&byte, 1}).has_error() == (op == FsOp::read));
  CHECK(file->sync_data().has_error() == (op == FsOp::sync));
  CHECK(file->allocate(0, 1).has_error() == (op == FsOp::allocate));
  CHECK(file->truncate(9).has_error() == (op == FsOp::truncate));
  CHECK(fs->sync_directory("/").has_error() == (op == FsOp::sync_directory));
  CHECK(fs->list("/").has_error() == (op == FsOp::list));
  CHECK(fs->rename("/a", "/b").has_error() == (op == FsOp::rename));
  CHECK(fs->remove(op == FsOp::rename ? "/a" : "/b").has_error() == (op == FsOp::remove));
}

TEST_CASE("the hook may look at the disk it is called from") {
  const auto fs = make_fault_fs(1);
  const auto file = open_file(*fs, "/a");
  std::vector<std::string> seen;
  fs->set_hook([&](const FsCall& call) -> Result<void> {
    if (call.op == FsOp::write) seen.push_back(must(read_file(*fs->after_restart(), "/a")));
    return {};
  });
  must(write_text(*file, 0, "one"));
  must(write_text(*file, 0, "two"));
  CHECK(seen == std::vector<std::string>{"", "one"});
}

TEST_CASE("a failed write leaves a prefix of its blocks") {
  std::set<std::size_t> lengths;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto fs = make_fault_fs(seed);
    const auto file = open_file(*fs, "/a");
    fs->set_hook(fail_all(FsOp::write));
    CHECK(code_of(write_text(*file, 0, std::string(3 * kBlockSize, 'x'))) == Code::io);
    const auto text = must(read_file(*fs, "/a"));
    CHECK(text == std::string(text.size(), 'x'));
    lengths.insert(text.size() / kBlockSize);
  }
  CHECK(lengths == std::set<std::size_t>{0, 1, 2, 3});
}

TEST_CASE("a failed sync makes nothing durable, and a later good one may not repair that") {
  bool lost = false;
  bool kept = false;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto fs = make_fault_fs(seed);
    const auto file = durable_file(*fs, "/a", block_of('a'));
    must(write_text(*file, 0, block_of('b')));
    fs->set_hook(fail_all(FsOp::sync));
    CHECK(file->sync_data().has_error());
    CHECK(must(read_file(*nothing_kept(*fs), "/a")) == block_of('a'));
    fs->set_hook({});
    must(file->sync_data());
    const auto text = must(read_file(*nothing_kept(*fs), "/a"));
    lost = lost || text == block_of('a');
    kept = kept || text == block_of('b');
    // Written again, the content is an ordinary change.
    must(write_text(*file, 0, block_of('c')));
    must(file->sync_data());
    CHECK(must(read_file(*nothing_kept(*fs), "/a")) == block_of('c'));
  }
  CHECK(lost);
  CHECK(kept);
}

TEST_CASE("a lying sync answers success and makes nothing durable") {
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", "old");
  int asked = 0;
  fs->set_lying_sync([&](const FsCall& call) {
    ++asked;
    return call.path == "/a" || call.op == FsOp::sync_directory;
  });
  must(write_text(*file, 0, "new"));
  must(file->sync_data());
  must(file->sync_all());
  const auto other = open_file(*fs, "/b");
  must(other->sync_data());
  must(fs->sync_directory("/"));
  CHECK(asked == 4);
  CHECK(must(read_file(*nothing_kept(*fs), "/a")) == "old");
  CHECK_FALSE(must(nothing_kept(*fs)->exists("/b")));
  fs->set_lying_sync({});
  must(file->sync_data());
  CHECK(must(read_file(*nothing_kept(*fs), "/a")) == "new");
}

TEST_CASE("a flipped bit is seen by readers and survives") {
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", "abc");
  must(fs->flip_bit("/a", 1, 0));
  CHECK(must(read_file(*fs, "/a")) == "acc");
  CHECK(must(read_file(*nothing_kept(*fs), "/a")) == "acc");
  must(fs->flip_bit("/a", 1, 0));
  CHECK(must(read_file(*fs, "/a")) == "abc");
  CHECK(code_of(fs->flip_bit("/a", 3, 0)) == Code::not_found);
  CHECK(code_of(fs->flip_bit("/b", 0, 0)) == Code::not_found);
}

TEST_CASE("beyond its capacity the disk is full until something is removed") {
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", block_of('a'));
  fs->set_capacity(2 * kBlockSize);
  CHECK(must(fs->space("/")).free == 2 * kBlockSize);
  CHECK(must(fs->space("/")).total == 3 * kBlockSize);
  CHECK(code_of(write_text(*file, kBlockSize, std::string(3 * kBlockSize, 'x'))) ==
        Code::disk_full);
  must(file->truncate(kBlockSize));
  CHECK(code_of(file->allocate(0, 4 * kBlockSize)) == Code::disk_full);
  CHECK(code_of(file->truncate(4 * kBlockSize)) == Code::disk_full);
  CHECK(must(file->size()) == kBlockSize);
  must(file->allocate(0, 3 * kBlockSize));
  must(write_text(*file, 0, std::string(3 * kBlockSize, 'y')));
  CHECK(code_of(write_text(*open_file(*fs, "/b"), 0, "x")) == Code::disk_full);
  must(fs->remove("/a"));
  must(write_text(*open_file(*fs, "/b"), 0, "x"));
}

TEST_CASE("a write that meets the end of the room leaves a prefix") {
  const auto fs = make_fault_fs(1);
  const auto file = open_file(*fs, "/a");
  fs->set_capacity(2 * kBlockSize);
  CHECK(code_of(write_text(*file, 0, std::string(3 * kBlockSize, 'x'))) == Code::disk_full);
  CHECK(must(file->size()) == 2 * kBlockSize);
}

TEST_CASE("a misaligned direct access is refused") {
  const auto fs = make_fault_fs(1);
  OpenOptions options;
  options.access = Access::read_write;
  options.create = true;
  options.direct = true;
  const auto file = must(fs->open("/a", options));
  auto memory = Buffer::allocate(2 * kBlockSize);
  const auto whole = memory.bytes().first(kBlockSize);
  const auto shifted = memory.bytes().subspan(512, kBlockSize);
  const auto part = memory.bytes().first(512);
  const auto write = [&](std::uint64_t offset, ByteView piece) {
    const ByteView pieces[] = {piece};
    return code_of(file->write_at(offset, pieces));
  };
  CHECK(write(0, whole) == Code::ok);
  CHECK(write(512, whole) == Code::io);
  CHECK(write(0, shifted) == Code::io);
  CHECK(write(0, part) == Code::io);
  CHECK(code_of(file->read_at(0, shifted)) == Code::io);
  CHECK(code_of(file->read_at(1, whole)) == Code::io);
  CHECK(code_of(file->read_at(0, part)) == Code::io);
  CHECK(code_of(file->read_at(0, whole)) == Code::ok);
}

}  // namespace
}  // namespace mas::fs::test

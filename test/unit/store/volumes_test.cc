// Data directories: how they are founded, told apart, and used several at a time.
#include <catch2/catch.hpp>

#include "fixture.h"
#include "mas/store/directories.h"
#include "segment_file.h"

namespace mas::store::test {
namespace {

std::string content(std::uint64_t number) { return bytes_of(number, 5'000); }

std::string message_of(Result<std::unique_ptr<Store>> opened) {
  return opened.has_error() ? opened.error().message() : "";
}

TEST_CASE("the volume file holds the ids, and anything else is refused") {
  VolumeIdentity identity;
  identity.volume.bytes.fill(0x12);
  identity.set.bytes.fill(0xAB);
  identity.versions = 1'048'576;
  identity.revision = 2;
  identity.members = {{identity.volume, "/mnt/a b"}, {identity.set, ""}};
  const std::string text = format_volume_file(identity);
  CHECK(text ==
        "mas-volume 2\nvolume 12121212121212121212121212121212\n"
        "set abababababababababababababababab\nversions 1048576\nrevision 2\n"
        "directory 12121212121212121212121212121212 /mnt/a b\n"
        "directory abababababababababababababababab \nsum 3f99920ce6da7e2f\n");
  CHECK(must(parse_volume_file(text)) == identity);
  // As mas 0.1.0 wrote it.
  const VolumeIdentity old =
      must(parse_volume_file("mas-volume 1\nvolume 12121212121212121212121212121212\n"
                             "set abababababababababababababababab\n"));
  CHECK(old == VolumeIdentity{identity.volume, identity.set, 0, 0, {}});
  for (std::size_t size = 0; size < text.size(); ++size) {
    CHECK(code_of(parse_volume_file(text.substr(0, size))) == Code::corrupt);
  }
  for (const std::string& bad :
       {text + "x", text + "\n", std::string("mas-volume x\n"), "mas-volume \n" + text,
        std::string("mas-volume 1\nset 12121212121212121212121212121212\nvolume "
                    "12121212121212121212121212121212\n"),
        std::string("mas-volume 1\nvolume 1212\nset 1212\n"), std::string(4096, '\n')}) {
    CHECK(code_of(parse_volume_file(bad)) == Code::corrupt);
  }
  const auto newer = parse_volume_file("mas-volume 3\nwhatever\n");
  REQUIRE(newer.has_error());
  CHECK(newer.error().message().find("format 3") != std::string::npos);
}

TEST_CASE("files of others in a data directory do not disturb") {
  auto disk = fs::make_fault_fs(1);
  must(disk->make_directories("/data/meta"));
  must(disk->make_directories("/data/lost+found"));
  must(fs::write_file(*disk, "/data/system-token", as_bytes("secret")));
  Machine machine(*disk);
  for (int life = 0; life < 2; ++life) {
    auto store = machine.open();
    put(*store, key_of(1), "one");
    close(*store);
    must(fs::write_file(*disk, "/data/segments/notes.txt", as_bytes("by hand")));
  }
  CHECK(must(fs::read_file(*disk, "/data/system-token")) == "secret");
  CHECK(must(check(*disk, {"/data"}, nullptr)).problems.empty());
}

TEST_CASE("a directory of another format, or without its volume file, is refused in words") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  {
    auto store = machine.open();
    put(*store, key_of(1), "one");
    close(*store);
  }
  SECTION("another format") {
    must(fs::write_file(*disk, "/data/volume", as_bytes("mas-volume 7\n")));
    const std::string message = message_of(machine.try_open());
    CHECK(message.find("/data") != std::string::npos);
    CHECK(message.find("format 7") != std::string::npos);
  }
  SECTION("damaged files") {
    for (const char* path : {"/data/volume", "/data/volume.copy"}) {
      must(fs::write_file(*disk, path, as_bytes("?")));
    }
  }
  SECTION("no file") {
    must(disk->remove("/data/volume"));
    must(disk->remove("/data/volume.copy"));
  }
  CHECK(code_of(machine.try_open()) == Code::corrupt);
  CHECK(code_of(check(*disk, {"/data"}, nullptr)) == Code::corrupt);
}

TEST_CASE("a directory opens by the copy of its volume file, and both are written anew") {
  auto disk = fs::make_fault_fs(1);
  Machine machine(*disk);
  {
    auto store = machine.open();
    put(*store, key_of(1), "one");
    close(*store);
  }
  const std::string text = must(fs::read_file(*disk, "/data/volume"));
  CHECK(must(fs::read_file(*disk, "/data/volume.copy")) == text);
  const std::string path = GENERATE("/data/volume", "/data/volume.copy");
  INFO(path);
  const auto unreadable = [path](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::read && call.path == path) return Error(Code::io, "bad sector");
    return {};
  };
  SECTION("damaged") {
    must(fs::write_file(*disk, path, as_bytes("mas-volume 2\n")));
    const CheckReport report = must(check(*disk, {"/data"}, nullptr));
    CHECK(report.problems.empty());
    CHECK(report.notes.size() == 1);
  }
  SECTION("missing") { must(disk->remove(path)); }
  SECTION("unreadable") { disk->set_hook(unreadable); }
  auto store = machine.open();
  CHECK(get(*store, key_of(1)) == "one");
  disk->set_hook(nullptr);
  CHECK(must(fs::read_file(*disk, path)) == text);
  store.reset();
  CHECK(must(check(*disk, {"/data"}, nullptr)).notes.empty());
}

struct Pair {
  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(2);
  Machine machine{*disk};
  Pair() { machine.directories = {"/a/data", "/b/data"}; }
};

TEST_CASE("shards spread over several volumes, each found again") {
  Pair pair;
  for (int life = 0; life < 2; ++life) {
    auto store = pair.machine.open();
    for (std::uint64_t i = 0; i < 60; ++i) {
      if (life == 0) put(*store, key_of(i), content(i));
      CHECK(get(*store, key_of(i)) == content(i));
    }
    CHECK(list(*store).size() == 60);
    const auto page = list(*store, key_of(9), 10);
    REQUIRE(page.size() == 10);
    CHECK(page.front().key == key_of(10));
    CHECK(page.back().key == key_of(19));
    CHECK(must(run_blocking_for(store->scrub(std::nullopt, 1 << 30))).records == 60);
    close(*store);
  }
  for (const char* directory : {"/a/data", "/b/data"}) {
    std::size_t records = 0;
    for (const auto& frame : frames_of(*pair.disk, 1, directory)) records += frame.records.size();
    CHECK(records > 15);
    CHECK(records < 45);
  }
  CHECK(must(check(*pair.disk, pair.machine.directories, nullptr)).records == 60);
}

TEST_CASE("a volume that stops writing leaves the others working") {
  Pair pair;
  auto store = pair.machine.open();
  for (std::uint64_t i = 0; i < 20; ++i) put(*store, key_of(i), content(i));
  CHECK(store->usage().stopped.empty());
  const std::uint64_t free_before = store->usage().free;
  pair.disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    const bool is_a = call.path.starts_with("/a/") && call.path.ends_with(".seg");
    if (is_a && call.op == fs::FsOp::sync) return Error(Code::io, "injected");
    return {};
  });
  // The first that goes there fails; after that all go to the other.
  std::uint64_t failed = 0;
  for (std::uint64_t i = 20; i < 60; ++i) {
    if (try_put(*store, key_of(i), content(i)).has_error()) ++failed;
  }
  CHECK(failed == 1);
  const Usage usage = store->usage();
  CHECK(usage.writable);
  // It is said which, and its room is not offered.
  REQUIRE(usage.stopped.size() == 1);
  CHECK(usage.stopped[0].find("/a/data: The volume has stopped writing") == 0);
  CHECK(usage.free < free_before / 2 + (1 << 20));
  // Newer records of keys that the stopped volume has too.
  for (std::uint64_t i = 0; i < 20; ++i) {
    CHECK(get(*store, key_of(i)) == content(i));
    put(*store, key_of(i), "newer");
  }
  pair.disk->set_hook(nullptr);
  for (int life = 0; life < 2; ++life) {
    for (std::uint64_t i = 0; i < 20; ++i) CHECK(get(*store, key_of(i)) == "newer");
    store.reset();
    store = pair.machine.open();
  }
  // Whole again: an overwritten or removed record is gone from both.
  for (std::uint64_t i = 0; i < 10; ++i) put(*store, key_of(i), "newest");
  for (std::uint64_t i = 10; i < 20; ++i) remove(*store, key_of(i));
  for (int life = 0; life < 2; ++life) {
    for (std::uint64_t i = 0; i < 10; ++i) CHECK(get(*store, key_of(i)) == "newest");
    for (std::uint64_t i = 10; i < 20; ++i) CHECK_FALSE(get(*store, key_of(i)));
    store.reset();
    store = pair.machine.open();
  }
}

TEST_CASE("what is removed goes from the volumes that write, and from one that stopped later") {
  Pair pair;
  auto store = pair.machine.open();
  std::vector<RecordKey> keys;
  for (std::uint64_t i = 0; i < 40; ++i) {
    keys.push_back(key_of(i));
    put(*store, keys.back(), content(i));
  }
  const std::string stopped = GENERATE("/a/", "/b/");
  pair.disk->set_hook([stopped](const fs::FsCall& call) -> Result<void> {
    const bool is_its = call.path.starts_with(stopped) && call.path.ends_with(".seg");
    if (is_its && call.op == fs::FsOp::sync) return Error(Code::io, "injected");
    return {};
  });
  CHECK(reach(*store).is_whole);
  // This one finds it out, the next knows it.
  for (int time = 0; time < 2; ++time) {
    must(run_blocking_for(store->remove(keys)));
    CHECK_FALSE(reach(*store).is_whole);
    const std::size_t left = list(*store).size();
    CHECK(left > 5);
    CHECK(left < 35);
    REQUIRE(store->usage().stopped.size() == 1);
    CHECK(store->usage().stopped[0].find("freed after the next start") != std::string::npos);
  }
  const std::size_t left = list(*store).size();
  pair.disk->set_hook(nullptr);
  store = nullptr;
  store = pair.machine.open();
  CHECK(reach(*store).is_whole);
  // The frame that failed may have been written.
  CHECK(list(*store).size() <= left);
  must(run_blocking_for(store->remove(keys)));
  for (int life = 0; life < 2; ++life) {
    CHECK(list(*store).empty());
    store.reset();
    store = pair.machine.open();
  }
}

TEST_CASE("where no volume writes any more, a removal says that it was none") {
  Pair pair;
  auto store = pair.machine.open();
  std::vector<RecordKey> keys;
  for (std::uint64_t i = 0; i < 20; ++i) {
    keys.push_back(key_of(i));
    put(*store, keys.back(), content(i));
  }
  pair.disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    if (call.op == fs::FsOp::sync) return Error(Code::io, "injected");
    return {};
  });
  CHECK(code_of(run_blocking_for(store->remove(keys))) == Code::io);
  CHECK(code_of(run_blocking_for(store->remove(keys))) == Code::io);
  CHECK(list(*store).size() == 20);
  // What none of them can hold is not there.
  must(run_blocking_for(store->remove({key_of(99)})));
}

TEST_CASE("a record on a volume that has stopped outlives its removal, and it is said") {
  Pair pair;
  auto store = pair.machine.open();
  for (std::uint64_t i = 0; i < 20; ++i) put(*store, key_of(i), content(i));
  pair.disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    const bool is_a = call.path.starts_with("/a/") && call.path.ends_with(".seg");
    if (is_a && call.op == fs::FsOp::write) return Error(Code::io, "injected");
    return {};
  });
  int kept = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    must(run_blocking_for(store->remove({key_of(i)})));
    const auto left = get(*store, key_of(i));
    if (!left) continue;
    CHECK(*left == content(i));
    CHECK_FALSE(reach(*store).is_whole);
    ++kept;
  }
  CHECK(kept > 2);
  CHECK(kept < 18);
}

TEST_CASE("a disk that does not answer at start is left out, unless it is the only one") {
  Pair pair;
  {
    auto store = pair.machine.open();
    for (std::uint64_t i = 0; i < 20; ++i) put(*store, key_of(i), content(i));
    close(*store);
  }
  pair.disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    if (call.path.starts_with("/b/")) return Error(Code::io, "injected");
    return {};
  });
  {
    auto store = pair.machine.open();
    const std::size_t left = list(*store).size();
    CHECK(left > 0);
    CHECK(left < 20);
    put(*store, key_of(100), "new");
  }
  pair.machine.directories = {"/b/data"};
  CHECK(code_of(pair.machine.try_open()) == Code::io);
}

TEST_CASE("directories of different pods, or copies of one, are not mixed") {
  Pair pair;
  close(*pair.machine.open());
  auto other_rng = make_seeded_rng(123);
  const auto original = volume_of(*pair.disk, "/a/data");
  SECTION("another pod's") {
    Machine other(*pair.disk);
    other.rng = make_seeded_rng(50);
    other.directories = {"/c"};
    close(*other.open());
    pair.machine.directories = {"/a/data", "/c"};
  }
  SECTION("a copy") {
    must(pair.disk->make_directories("/c"));
    const std::string text = must(fs::read_file(*pair.disk, "/a/data/volume"));
    must(fs::write_file(*pair.disk, "/c/volume", as_bytes(text)));
    must(pair.disk->make_directories("/c/segments"));
    pair.machine.directories = {"/a/data", "/c"};
  }
  CHECK(code_of(pair.machine.try_open()) == Code::corrupt);
  // An added, empty one joins.
  pair.machine.directories = {"/a/data", "/b/data", "/d"};
  auto store = pair.machine.open();
  CHECK(volume_of(*pair.disk, "/a/data") == original);
  CHECK(must(read_identity(*pair.disk, VolumePaths("/d")))->set == store->incarnation());
}

}  // namespace
}  // namespace mas::store::test

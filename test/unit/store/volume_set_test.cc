// The directories of a pod know each other: which is missing, emptied or new, and where versions go
// on while one is away.
#include <catch2/catch.hpp>

#include "fixture.h"
#include "mas/store/directories.h"
#include "segment_file.h"
#include "store/versions.h"

namespace mas::store::test {
namespace {

std::string content(std::uint64_t number) { return bytes_of(number, 5'000); }

struct Rig {
  std::unique_ptr<fs::FaultFs> disk = fs::make_fault_fs(2);
  Machine machine{*disk};
  OnEmptied on_emptied = OnEmptied::leave_out;
  std::vector<std::string> accept_lost;

  Rig() {
    machine.directories = {"/a", "/b"};
    auto store = must(try_open());
    for (std::uint64_t i = 0; i < 20; ++i) put(*store, key_of(i), content(i));
    close(*store);
  }
  Result<std::unique_ptr<Store>> try_open() {
    const Dependencies dependencies{*disk, machine.pool, *machine.clock, *machine.rng,
                                    machine.metrics};
    const Directories directories{machine.directories, on_emptied, accept_lost};
    return store::open(machine.options, directories, dependencies);
  }
  std::unique_ptr<Store> open() { return must(try_open()); }
  void empty(const std::string& directory) {
    for (const std::string& name : must(disk->list(directory))) {
      must(disk->remove_tree(directory + "/" + name));
    }
  }
  [[nodiscard]] VolumeIdentity identity(const std::string& directory) const {
    auto read = must(read_identity(*disk, VolumePaths(directory)));
    REQUIRE(read);
    return *read;
  }
  [[nodiscard]] std::vector<std::string> paths(const std::string& directory) const {
    std::vector<std::string> all;
    for (const SetMember& member : identity(directory).members) all.push_back(member.path);
    return all;
  }
  [[nodiscard]] bool is_blank(const std::string& directory) const {
    return !must(read_identity(*disk, VolumePaths(directory)));
  }
};

std::size_t held(Store& store) { return list(store).size(); }

// Their records would be looked for in each other's files, found damaged, and removed with them.
TEST_CASE("segments that lie in each other's directory are not taken for what is named so") {
  Rig rig;
  const bool is_lone = GENERATE(false, true);
  const auto swap = [&] {
    const std::string other = is_lone ? segment_path(2, "/a") : segment_path(1, "/b");
    must(rig.disk->rename(segment_path(1, "/a"), "/a/aside"));
    must(rig.disk->rename(other, segment_path(1, "/a")));
    must(rig.disk->rename("/a/aside", other));
  };
  if (is_lone) {
    auto store = rig.open();
    for (std::uint64_t i = 20; i < 100; ++i) put(*store, key_of(i), bytes_of(i, 60'000));
    close(*store);
    REQUIRE(segment_numbers(*rig.disk, "/a").size() > 1);
  }
  swap();
  for (int life = 0; life < 2; ++life) {
    const auto opened = rig.try_open();
    REQUIRE(code_of(opened) == Code::corrupt);
    CHECK(opened.error().message().find(segment_path(1, "/a")) != std::string::npos);
  }
  swap();
  const auto store = rig.open();
  for (std::uint64_t i = 0; i < 20; ++i) CHECK(get(*store, key_of(i)) == content(i));
}

TEST_CASE("each directory knows all of its pod") {
  Rig rig;
  const std::vector<std::string> both{"/a", "/b"};
  CHECK(rig.paths("/a") == both);
  CHECK(rig.paths("/b") == both);
  CHECK(rig.identity("/a").revision == rig.identity("/b").revision);
  int written = 0;
  rig.disk->set_hook([&](const fs::FsCall& call) -> Result<void> {
    written += call.op == fs::FsOp::rename && call.path.ends_with("/volume.tmp") ? 1 : 0;
    return {};
  });
  auto store = rig.open();
  CHECK(absent_directories(*store).empty());
  CHECK(held(*store) == 20);
  // Nothing is written to say again what is known.
  CHECK(written == 0);
  store.reset();
  rig.disk->set_hook(nullptr);
  // Directories may be named in another order, and mounted elsewhere.
  rig.machine.directories = {"/b", "/a/"};
  store = rig.open();
  CHECK(absent_directories(*store).empty());
  CHECK(held(*store) == 20);
  CHECK(rig.paths("/a") == std::vector<std::string>{"/a/", "/b"});
}

TEST_CASE("an emptied directory is said, and not taken for a new disk without a word") {
  Rig rig;
  rig.empty("/b");
  {
    auto store = rig.open();
    REQUIRE(absent_directories(*store).size() == 1);
    CHECK(absent_directories(*store)[0].find("/b") != std::string::npos);
    CHECK(absent_directories(*store)[0].find("--accept-lost /b") != std::string::npos);
    CHECK(held(*store) < 20);
    CHECK(held(*store) > 0);
    put(*store, key_of(30), content(30));
    CHECK(rig.is_blank("/b"));
    close(*store);
  }
  SECTION("again at the next start") {
    auto store = rig.open();
    CHECK(absent_directories(*store).size() == 1);
    CHECK(get(*store, key_of(30)) == content(30));
  }
  SECTION("with the word, once") {
    rig.accept_lost = {"/b/"};
    close(*rig.open());
    CHECK_FALSE(rig.is_blank("/b"));
    rig.accept_lost.clear();
    auto store = rig.open();
    CHECK(absent_directories(*store).empty());
    CHECK(rig.paths("/a") == std::vector<std::string>{"/a", "/b"});
  }
  SECTION("where other pods hold copies") {
    rig.on_emptied = OnEmptied::take;
    auto store = rig.open();
    CHECK(absent_directories(*store).empty());
    CHECK_FALSE(rig.is_blank("/b"));
    CHECK(rig.identity("/a").members == rig.identity("/b").members);
  }
}

TEST_CASE("the first directory, which holds more than records, is not passed over") {
  Rig rig;
  rig.empty("/a");
  const auto refused = rig.try_open();
  REQUIRE(refused.has_error());
  CHECK(refused.error().code() == Code::refused);
  CHECK(refused.error().message().find("/a: ") == 0);
  rig.accept_lost = {"/a"};
  CHECK(held(*rig.open()) < 20);
}

TEST_CASE("a disk that is mounted again brings back what it held") {
  Rig rig;
  must(rig.disk->rename("/b", "/elsewhere"));
  {
    auto store = rig.open();
    CHECK(absent_directories(*store).size() == 1);
    close(*store);
  }
  rig.empty("/b");
  must(rig.disk->remove("/b"));
  must(rig.disk->rename("/elsewhere", "/b"));
  auto store = rig.open();
  CHECK(absent_directories(*store).empty());
  CHECK(held(*store) == 20);
}

TEST_CASE("a directory that is not listed any more is missed until it is given up") {
  Rig rig;
  rig.machine.directories = {"/a"};
  for (int life = 0; life < 2; ++life) {
    auto store = rig.open();
    REQUIRE(absent_directories(*store).size() == 1);
    CHECK(absent_directories(*store)[0].find("/b") == 0);
    close(*store);
  }
  rig.accept_lost = {"/b"};
  close(*rig.open());
  rig.accept_lost.clear();
  {
    auto store = rig.open();
    CHECK(absent_directories(*store).empty());
    CHECK(rig.paths("/a") == std::vector<std::string>{"/a"});
    close(*store);
  }
  // Back after all.
  rig.machine.directories = {"/a", "/b"};
  auto store = rig.open();
  CHECK(held(*store) == 20);
  CHECK(rig.paths("/b") == std::vector<std::string>{"/a", "/b"});
}

TEST_CASE("a directory that is added is new, and one put in another's place is not") {
  Rig rig;
  SECTION("added") {
    rig.machine.directories = {"/a", "/c", "/b"};
    auto store = rig.open();
    CHECK(absent_directories(*store).empty());
    CHECK(rig.paths("/c") == std::vector<std::string>{"/a", "/b", "/c"});
    CHECK(rig.identity("/a").members == rig.identity("/c").members);
  }
  SECTION("added while another was emptied") {
    rig.empty("/b");
    rig.machine.directories = {"/a", "/b", "/c"};
    auto store = rig.open();
    CHECK(absent_directories(*store).size() == 1);
    CHECK(rig.is_blank("/b"));
    CHECK_FALSE(rig.is_blank("/c"));
  }
  SECTION("in the place of another") {
    rig.machine.directories = {"/a", "/c"};
    {
      auto store = rig.open();
      REQUIRE(absent_directories(*store).size() == 1);
      CHECK(rig.is_blank("/c"));
      close(*store);
    }
    // Either name gives up the one that is gone.
    rig.accept_lost = {GENERATE(std::string("/b"), std::string("/c"))};
    auto store = rig.open();
    CHECK(absent_directories(*store).empty());
    CHECK(rig.paths("/c") == std::vector<std::string>{"/a", "/c"});
  }
}

TEST_CASE("a disk that does not answer is neither emptied nor missing") {
  Rig rig;
  rig.disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    if (call.path.starts_with("/b")) return Error(Code::io, "no disk");
    return {};
  });
  {
    auto store = rig.open();
    REQUIRE(absent_directories(*store).size() == 1);
    CHECK(absent_directories(*store)[0].find("/b") == 0);
    close(*store);
  }
  rig.disk->set_hook(nullptr);
  auto store = rig.open();
  CHECK(absent_directories(*store).empty());
  CHECK(held(*store) == 20);
}

TEST_CASE("versions go on above those of a directory that cannot be used") {
  Rig rig;
  // The highest version is on /b alone.
  auto store = rig.open();
  std::uint64_t highest = 0;
  const RecordKey on_b = frames_of(*rig.disk, 1, "/b").at(0).records.at(0).key;
  for (int i = 0; i < 100; ++i) put(*store, on_b, "x");
  highest = must(run_blocking_for(store->stat(on_b))).version;
  store.reset();
  rig.disk->set_hook([](const fs::FsCall& call) -> Result<void> {
    if (call.path.starts_with("/b")) return Error(Code::io, "no disk");
    return {};
  });
  store = rig.open();
  std::map<RecordKey, std::string> anew;
  for (std::uint64_t i = 0; i < 20; ++i) {
    put(*store, key_of(i), "made anew");
    CHECK(must(run_blocking_for(store->stat(key_of(i)))).version > highest);
  }
  close(*store);
  store.reset();
  rig.disk->set_hook(nullptr);
  store = rig.open();
  for (std::uint64_t i = 0; i < 20; ++i) CHECK(get(*store, key_of(i)) == "made anew");
}

TEST_CASE("the bound of versions is raised in time, in every directory") {
  std::uint64_t kept = 0;
  int writes = 0;
  Versions versions;
  bool fails = false;
  versions.begin(1, kVersionBlock + 1, [&](std::uint64_t bound) -> Result<void> {
    ++writes;
    if (fails) return Error(Code::disk_full, "full");
    kept = bound;
    return {};
  });
  for (std::uint64_t next = 1; next < 3 * kVersionBlock;) {
    const std::uint64_t count = 1000;
    CHECK(must(versions.take(count)) == next);
    next += count;
    REQUIRE(std::max(kept, kVersionBlock + 1) >= versions.next());
  }
  CHECK(writes < 8);
  // While it cannot be kept, what is left of the block is given, and nothing above it.
  fails = true;
  const std::uint64_t bound = kept;
  Result<std::uint64_t> taken = std::uint64_t{0};
  while ((taken = versions.take(5'000)).has_value()) REQUIRE(*taken + 5'000 <= bound);
  CHECK(taken.error().code() == Code::disk_full);
  CHECK(versions.next() <= bound);
  fails = false;
  CHECK(versions.take(5'000).has_value());
}

TEST_CASE("what mas 0.1.0 wrote opens, and is written anew in the format of now") {
  Rig rig;
  for (const char* directory : {"/a", "/b"}) {
    const VolumeIdentity now = rig.identity(directory);
    const std::string old =
        "mas-volume 1\nvolume " + now.volume.hex() + "\nset " + now.set.hex() + "\n";
    must(fs::write_file(*rig.disk, std::string(directory) + "/volume", as_bytes(old)));
  }
  {
    auto store = rig.open();
    CHECK(absent_directories(*store).empty());
    CHECK(held(*store) == 20);
    close(*store);
  }
  CHECK(rig.paths("/b") == std::vector<std::string>{"/a", "/b"});
  CHECK(rig.identity("/a").versions > 20);
  rig.empty("/b");
  CHECK(absent_directories(*rig.open()).size() == 1);
}

TEST_CASE("a crash while the set is founded or grows leaves one that opens") {
  for (std::uint64_t step = 0;; ++step) {
    INFO("power lost before change " << step);
    auto disk = fs::make_fault_fs(step);
    auto rng = make_seeded_rng(step);
    std::vector<std::string> directories{"/a", "/b"};
    bool is_done = false;
    for (int grows = 0; grows < 2; ++grows) {
      if (grows == 1) directories.emplace_back("/c");
      Machine machine(*disk);
      machine.directories = directories;
      if (grows == 1) disk->power_off_after(step);
      const std::uint64_t before = disk->mutations();
      (void)machine.try_open();
      is_done = grows == 1 && disk->mutations() - before < step;
    }
    for (const double keep : {0.0, 0.5, 1.0}) {
      auto after = disk->after_power_loss(*rng, keep);
      Machine machine(*after);
      machine.directories = directories;
      auto store = machine.open();
      REQUIRE(absent_directories(*store).empty());
      for (const auto& directory : directories) {
        REQUIRE(must(read_identity(*after, VolumePaths(directory)))->members.size() == 3);
      }
    }
    if (is_done) break;
  }
  for (std::uint64_t step = 0; step < 40; ++step) {
    INFO("power lost before change " << step << " of the founding");
    auto disk = fs::make_fault_fs(step);
    auto rng = make_seeded_rng(step);
    disk->power_off_after(step);
    {
      Machine machine(*disk);
      machine.directories = {"/a", "/b"};
      (void)machine.try_open();
    }
    auto after = disk->after_power_loss(*rng, 0.5);
    Machine machine(*after);
    machine.directories = {"/a", "/b"};
    auto store = machine.open();
    REQUIRE(absent_directories(*store).empty());
  }
}

}  // namespace
}  // namespace mas::store::test

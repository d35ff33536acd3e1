// What the fault-injecting Fs forgets when the power goes.
#include <catch2/catch.hpp>
#include <set>

#include "files.h"
#include "mas/fs/directories.h"

namespace mas::fs::test {
namespace {

// The disk after a power loss that keeps nothing, or everything, that was not synced.
std::unique_ptr<FaultFs> nothing_kept(const FaultFs& fs) {
  const auto rng = make_seeded_rng(1);
  return fs.after_power_loss(*rng, 0.0);
}
std::unique_ptr<FaultFs> all_kept(const FaultFs& fs) {
  const auto rng = make_seeded_rng(1);
  return fs.after_power_loss(*rng, 1.0);
}

// Everything `look` sees over many power losses of one disk.
template <class F>
std::set<std::string> outcomes(const FaultFs& fs, F look) {
  std::set<std::string> seen;
  const auto rng = make_seeded_rng(7);
  for (int i = 0; i < 300; ++i) seen.insert(look(*fs.after_power_loss(*rng, 0.5)));
  return seen;
}

std::string content_of(Fs& fs, const std::string& path) {
  const auto text = read_file(fs, path);
  return text.has_value() ? *text : "-";
}

TEST_CASE("synced content survives, unsynced content does not with nothing kept") {
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", block_of('a') + block_of('b'));
  must(write_text(*file, kBlockSize, block_of('B') + block_of('C')));
  CHECK(content_of(*nothing_kept(*fs), "/a") == block_of('a') + block_of('b'));
  CHECK(content_of(*all_kept(*fs), "/a") == block_of('a') + block_of('B') + block_of('C'));
  must(file->sync_data());
  CHECK(content_of(*nothing_kept(*fs), "/a") == block_of('a') + block_of('B') + block_of('C'));
}

TEST_CASE("each unsynced block is kept or lost whole and on its own") {
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", block_of('a') + block_of('b'));
  must(write_text(*file, 0, block_of('A') + block_of('B')));
  const auto seen = outcomes(*fs, [](Fs& disk) { return content_of(disk, "/a"); });
  CHECK(seen == std::set<std::string>{block_of('a') + block_of('b'), block_of('a') + block_of('B'),
                                      block_of('A') + block_of('b'),
                                      block_of('A') + block_of('B')});
}

TEST_CASE("an unsynced size may be the old one, the new one or between") {
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", "");
  must(write_text(*file, 0, block_of('x')));
  std::set<std::size_t> sizes;
  for (const auto& text : outcomes(*fs, [](Fs& disk) { return content_of(disk, "/a"); })) {
    sizes.insert(text.size());
    CHECK((text == std::string(text.size(), 'x') || text == std::string(text.size(), '\0')));
  }
  CHECK(sizes.contains(0));
  CHECK(sizes.contains(kBlockSize));
  CHECK(sizes.size() > 3);
}

TEST_CASE("a part-written block keeps the synced part when the rest is lost") {
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", "0123456789");
  must(write_text(*file, 5, "xxxxx"));
  must(write_text(*file, 8, "yy"));
  CHECK(content_of(*nothing_kept(*fs), "/a") == "0123456789");
  CHECK(content_of(*all_kept(*fs), "/a") == "01234xxxyy");
}

TEST_CASE("an unsynced truncation is undone or done, with the content it cut") {
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", block_of('a') + block_of('b'));
  must(file->truncate(0));
  const auto seen = outcomes(*fs, [](Fs& disk) { return content_of(disk, "/a"); });
  CHECK(seen == std::set<std::string>{"", block_of('a') + block_of('b')});
  must(file->sync_data());
  CHECK(content_of(*nothing_kept(*fs), "/a").empty());
}

TEST_CASE("an allocation that was not synced may be forgotten") {
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", "abc");
  must(file->allocate(0, 4 * kBlockSize));
  CHECK(content_of(*nothing_kept(*fs), "/a") == "abc");
  must(file->sync_data());
  CHECK(content_of(*nothing_kept(*fs), "/a").size() == 4 * kBlockSize);
}

TEST_CASE("a new file whose directory was not synced may vanish, synced or not") {
  const auto fs = make_fault_fs(1);
  const auto file = open_file(*fs, "/a");
  must(write_text(*file, 0, "abc"));
  must(file->sync_all());
  const auto seen = outcomes(*fs, [](Fs& disk) { return content_of(disk, "/a"); });
  CHECK(seen == std::set<std::string>{"-", "abc"});
  must(fs->sync_directory("/"));
  CHECK(content_of(*nothing_kept(*fs), "/a") == "abc");
}

TEST_CASE("an entry that is durable says nothing about the content") {
  const auto fs = make_fault_fs(1);
  const auto file = open_file(*fs, "/a");
  must(write_text(*file, 0, "abc"));
  must(fs->sync_directory("/"));
  CHECK(content_of(*nothing_kept(*fs), "/a").empty());
}

TEST_CASE("a directory that is not durable takes everything in it along") {
  const auto fs = make_fault_fs(1);
  must(fs->make_directories("/d/e"));
  const auto file = open_file(*fs, "/d/e/a");
  must(file->sync_all());
  must(fs->sync_directory("/d/e"));
  must(fs->sync_directory("/d"));
  CHECK(must(nothing_kept(*fs)->list("/")).empty());
  must(fs->sync_directory("/"));
  CHECK(must(nothing_kept(*fs)->exists("/d/e/a")));
}

TEST_CASE("a removal that was not synced may be undone, content and all") {
  const auto fs = make_fault_fs(1);
  durable_file(*fs, "/a", "abc");
  must(fs->remove("/a"));
  const auto seen = outcomes(*fs, [](Fs& disk) { return content_of(disk, "/a"); });
  CHECK(seen == std::set<std::string>{"-", "abc"});
  must(fs->sync_directory("/"));
  CHECK(content_of(*all_kept(*fs), "/a") == "-");
  CHECK(content_of(*nothing_kept(*fs), "/a") == "-");
}

TEST_CASE("a file removed and made again is the old one or the new one") {
  const auto fs = make_fault_fs(1);
  durable_file(*fs, "/a", "old");
  must(fs->remove("/a"));
  must(write_text(*open_file(*fs, "/a"), 0, "new"));
  must(open_file(*fs, "/a")->sync_data());
  const auto seen = outcomes(*fs, [](Fs& disk) { return content_of(disk, "/a"); });
  CHECK(seen == std::set<std::string>{"old", "new"});
}

TEST_CASE("a rename that was not synced leaves each of its names as before or after") {
  const auto fs = make_fault_fs(1);
  durable_file(*fs, "/from", "new");
  durable_file(*fs, "/to", "old");
  must(fs->rename("/from", "/to"));
  const auto seen = outcomes(
      *fs, [](Fs& disk) { return content_of(disk, "/from") + " " + content_of(disk, "/to"); });
  CHECK(seen == std::set<std::string>{"new old", "new new", "- old", "- new"});
  must(fs->sync_directory("/"));
  CHECK(content_of(*nothing_kept(*fs), "/to") == "new");
  CHECK(content_of(*nothing_kept(*fs), "/from") == "-");
}

TEST_CASE("where order is kept, a power loss undoes the last changes of a directory only") {
  const auto fs = make_fault_fs(1);
  durable_file(*fs, "/a", "1");
  fs->keep_order_in("/");
  must(fs->rename("/a", "/b"));
  open_file(*fs, "/c");
  must(fs->remove("/c"));
  must(fs->rename("/b", "/a"));
  const auto names = [](Fs& disk) {
    std::string all;
    for (const auto& name : must(disk.list("/"))) all += name;
    return all;
  };
  CHECK(outcomes(*fs, names) == std::set<std::string>{"a", "b", "bc"});
  CHECK(outcomes(*fs->after_restart(), names) == std::set<std::string>{"a", "b", "bc"});
  must(fs->remove("/a"));
  CHECK(names(*all_kept(*fs)).empty());
  CHECK(names(*nothing_kept(*fs)) == "a");
  must(fs->sync_directory("/"));
  CHECK(outcomes(*fs, names) == std::set<std::string>{""});
}

TEST_CASE("a small file replaced by write_file is durable at once, and always the old or the new") {
  const auto fs = make_fault_fs(1);
  must(write_file(*fs, "/a", as_bytes("one")));
  for (std::uint64_t n = 0;; ++n) {
    const auto copy = fs->after_restart();
    copy->power_off_after(n);
    const bool done = write_file(*copy, "/a", as_bytes("two")).has_value();
    for (const auto& text : outcomes(*copy, [](Fs& disk) { return content_of(disk, "/a"); })) {
      CHECK((text == "two" || (!done && text == "one")));
    }
    if (done) break;
  }
}

TEST_CASE("the same seed loses the same things") {
  const auto fs = make_fault_fs(1);
  for (int i = 0; i < 20; ++i) {
    must(write_text(*open_file(*fs, "/" + std::to_string(i)), 0, std::string(10'000, 'x')));
  }
  const auto look = [&](std::uint64_t seed) {
    const auto rng = make_seeded_rng(seed);
    const auto disk = fs->after_power_loss(*rng, 0.5);
    std::string all;
    for (const auto& name : must(disk->list("/"))) all += name + content_of(*disk, "/" + name);
    return all;
  };
  CHECK(look(3) == look(3));
  CHECK(look(3) != look(4));
}

TEST_CASE("what a power loss left is durable, and independent of the disk it came from") {
  const auto fs = make_fault_fs(1);
  const auto file = open_file(*fs, "/a");
  must(write_text(*file, 0, "abc"));
  const auto disk = all_kept(*fs);
  must(write_text(*file, 0, "xyz"));
  must(write_text(*open_file(*disk, "/a"), 2, "!"));
  CHECK(content_of(*nothing_kept(*disk), "/a") == "abc");
  CHECK(content_of(*disk, "/a") == "ab!");
  CHECK(content_of(*fs, "/a") == "xyz");
}

TEST_CASE("a restart of the process loses nothing, and makes nothing durable") {
  const auto fs = make_fault_fs(1);
  const auto file = durable_file(*fs, "/a", "abc");
  must(write_text(*file, 0, "xyz"));
  open_file(*fs, "/b");
  const auto held = must(fs->lock("/LOCK"));
  const auto restarted = fs->after_restart();
  must(restarted->lock("/LOCK"));
  CHECK(content_of(*restarted, "/a") == "xyz");
  CHECK(must(restarted->exists("/b")));
  CHECK(content_of(*nothing_kept(*restarted), "/a") == "abc");
  CHECK_FALSE(must(nothing_kept(*restarted)->exists("/b")));
}

TEST_CASE("a durable directory is there after a power loss, with all above it") {
  const auto fs = make_fault_fs(1);
  must(make_durable_directory(*fs, "/a/b/c/"));
  must(make_durable_directory(*fs, "/a/b/c"));
  CHECK(must(nothing_kept(*fs)->exists("/a/b/c")));
  must(make_durable_directory(*fs, "/a/b/d"));
  CHECK(must(nothing_kept(*fs)->exists("/a/b/d")));
  must(fs->make_directories("/e/f"));
  CHECK_FALSE(must(nothing_kept(*fs)->exists("/e")));
}

TEST_CASE("a path's parent is all but its last component") {
  CHECK(parent_of("/a/b") == "/a");
  CHECK(parent_of("/a/b//") == "/a");
  CHECK(parent_of("/a") == "/");
  CHECK(parent_of("/") == "/");
  CHECK(parent_of("a/b") == "a");
  CHECK(parent_of("a") == ".");
  CHECK(parent_of("") == ".");
}

}  // namespace
}  // namespace mas::fs::test

// Directories, names, locks and room: what every Fs does alike.
#include <catch2/catch.hpp>
#include <vector>

#include "disks.h"

namespace mas::fs::test {
namespace {

#define FS_TEST(name) TEMPLATE_TEST_CASE(name, "", FaultDisk, RealDisk, MemoryDisk)

using Names = std::vector<std::string>;

FS_TEST("directories are made with their parents, and again without harm") {
  TestType disk;
  must(disk.fs->make_directories(disk.root + "/a/b/c"));
  must(disk.fs->make_directories(disk.root + "/a/b"));
  must(disk.fs->make_directories(disk.root + "/a/b/c/"));
  CHECK(must(disk.fs->list(disk.root + "/a")) == Names{"b"});
  CHECK(must(disk.fs->list(disk.root + "/a/b/c")).empty());
}

FS_TEST("a file in the way of a directory is an error") {
  TestType disk;
  open_file(*disk.fs, disk.root + "/a");
  CHECK(disk.fs->make_directories(disk.root + "/a").has_error());
  CHECK(disk.fs->make_directories(disk.root + "/a/b").has_error());
}

FS_TEST("listing is sorted and holds files and directories") {
  TestType disk;
  for (const auto* name : {"c", "a", "B", ".hidden"}) open_file(*disk.fs, disk.root + "/" + name);
  must(disk.fs->make_directories(disk.root + "/b"));
  CHECK(must(disk.fs->list(disk.root)) == Names{".hidden", "B", "a", "b", "c"});
  CHECK(must(disk.fs->list(disk.root + "/")).size() == 5);
}

FS_TEST("listing what is not a directory says so") {
  TestType disk;
  open_file(*disk.fs, disk.root + "/a");
  CHECK(code_of(disk.fs->list(disk.root + "/none")) == Code::not_found);
  CHECK(code_of(disk.fs->list(disk.root + "/a")) == Code::not_found);
}

FS_TEST("removing takes files and empty directories only") {
  TestType disk;
  must(disk.fs->make_directories(disk.root + "/d"));
  open_file(*disk.fs, disk.root + "/d/a");
  CHECK(disk.fs->remove(disk.root + "/d").has_error());
  must(disk.fs->remove(disk.root + "/d/a"));
  must(disk.fs->remove(disk.root + "/d"));
  CHECK(code_of(disk.fs->remove(disk.root + "/d")) == Code::not_found);
  CHECK(must(disk.fs->list(disk.root)).empty());
}

FS_TEST("removing a tree takes everything below, and an absent one is fine") {
  TestType disk;
  must(disk.fs->make_directories(disk.root + "/t/u/v"));
  open_file(*disk.fs, disk.root + "/t/u/a");
  open_file(*disk.fs, disk.root + "/t/b");
  must(disk.fs->remove_tree(disk.root + "/t"));
  CHECK(must(disk.fs->list(disk.root)).empty());
  must(disk.fs->remove_tree(disk.root + "/t"));
}

FS_TEST("renaming moves a file and replaces its target") {
  TestType disk;
  must(disk.fs->make_directories(disk.root + "/d"));
  must(write_text(*open_file(*disk.fs, disk.root + "/a"), 0, "from"));
  must(write_text(*open_file(*disk.fs, disk.root + "/d/b"), 0, "target"));
  must(disk.fs->rename(disk.root + "/a", disk.root + "/d/b"));
  CHECK(must(read_file(*disk.fs, disk.root + "/d/b")) == "from");
  CHECK(must(disk.fs->list(disk.root)) == Names{"d"});
  must(disk.fs->rename(disk.root + "/d/b", disk.root + "/d/b"));
  CHECK(must(read_file(*disk.fs, disk.root + "/d/b")) == "from");
}

FS_TEST("renaming moves a directory with what is in it") {
  TestType disk;
  must(disk.fs->make_directories(disk.root + "/d"));
  must(write_text(*open_file(*disk.fs, disk.root + "/d/a"), 0, "x"));
  must(disk.fs->rename(disk.root + "/d", disk.root + "/e"));
  CHECK(must(read_file(*disk.fs, disk.root + "/e/a")) == "x");
  CHECK_FALSE(must(disk.fs->exists(disk.root + "/d/a")));
}

FS_TEST("renaming says what is missing") {
  TestType disk;
  open_file(*disk.fs, disk.root + "/a");
  CHECK(code_of(disk.fs->rename(disk.root + "/none", disk.root + "/b")) == Code::not_found);
  CHECK(code_of(disk.fs->rename(disk.root + "/a", disk.root + "/none/b")) == Code::not_found);
  CHECK(must(disk.fs->exists(disk.root + "/a")));
}

FS_TEST("directories can be synced, absent ones cannot") {
  TestType disk;
  must(disk.fs->sync_directory(disk.root));
  CHECK(code_of(disk.fs->sync_directory(disk.root + "/none")) == Code::not_found);
}

FS_TEST("existence is told for files and directories") {
  TestType disk;
  open_file(*disk.fs, disk.root + "/a");
  CHECK(must(disk.fs->exists(disk.root)));
  CHECK(must(disk.fs->exists(disk.root + "/a")));
  CHECK_FALSE(must(disk.fs->exists(disk.root + "/b")));
  CHECK_FALSE(must(disk.fs->exists(disk.root + "/a/b")));
  CHECK_FALSE(must(disk.fs->exists(disk.root + "/none/b")));
}

FS_TEST("room is told for existing places") {
  TestType disk;
  const auto space = must(disk.fs->space(disk.root));
  CHECK(space.total > 0);
  CHECK(space.free <= space.total);
  CHECK(code_of(disk.fs->space(disk.root + "/none")) == Code::not_found);
}

FS_TEST("a lock has one holder, in this process too, until it is let go") {
  TestType disk;
  auto held = must(disk.fs->lock(disk.root + "/LOCK"));
  CHECK(code_of(disk.fs->lock(disk.root + "/LOCK")) == Code::busy);
  const auto other = must(disk.fs->lock(disk.root + "/OTHER"));
  held.reset();
  held = must(disk.fs->lock(disk.root + "/LOCK"));
  CHECK(must(disk.fs->exists(disk.root + "/LOCK")));
  CHECK(code_of(disk.fs->lock(disk.root + "/none/LOCK")) == Code::not_found);
}

FS_TEST("messages name the file but not the directories above it") {
  TestType disk;
  const auto opened = disk.fs->open(disk.root + "/segment-7", {});
  REQUIRE(opened.has_error());
  CHECK_THAT(opened.error().message(), Catch::Contains("segment-7"));
  CHECK_THAT(opened.error().message(), !Catch::Contains(disk.root));
}

}  // namespace
}  // namespace mas::fs::test

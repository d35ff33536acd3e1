// RocksDB runs on every Fs: log, flushes, compactions, reopening, its own lock.
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "disks.h"
#include "mas/fs/descriptors.h"
#include "mas/fs/rocksdb_env.h"

namespace mas::fs::test {
namespace {

#define FS_TEST(name) TEMPLATE_TEST_CASE(name, "", FaultDisk, RealDisk, MemoryDisk)

rocksdb::Options options_for(rocksdb::Env& env) {
  rocksdb::Options options;
  options.env = &env;
  options.create_if_missing = true;
  options.info_log_level = rocksdb::FATAL_LEVEL;
  options.write_buffer_size = 64 << 10;
  options.target_file_size_base = 64 << 10;
  options.max_bytes_for_level_base = 256 << 10;
  options.level0_file_num_compaction_trigger = 2;
  return options;
}

std::unique_ptr<rocksdb::DB> open_database(const rocksdb::Options& options,
                                           const std::string& path) {
  rocksdb::DB* database = nullptr;
  const auto status = rocksdb::DB::Open(options, path, &database);
  INFO(status.ToString());
  REQUIRE(status.ok());
  return std::unique_ptr<rocksdb::DB>(database);
}

std::string value_of(int i) { return std::string(500, static_cast<char>('a' + i % 26)); }

FS_TEST("a database keeps its content through flushes, compactions and reopening") {
  TestType disk;
  const auto env = make_rocksdb_env(*disk.fs);
  const auto options = options_for(*env);
  const auto path = disk.root + "/db";
  constexpr int kKeys = 1500;
  {
    const auto database = open_database(options, path);
    rocksdb::WriteOptions synced;
    for (int i = 0; i < kKeys; ++i) {
      synced.sync = i % 100 == 0;
      REQUIRE(database->Put(synced, std::to_string(i), value_of(i)).ok());
      if (i % 3 == 0) REQUIRE(database->Delete({}, std::to_string(i)).ok());
    }
    REQUIRE(database->Flush({}).ok());
    REQUIRE(database->CompactRange({}, nullptr, nullptr).ok());
  }
  const auto database = open_database(options, path);
  for (int i = 0; i < kKeys; ++i) {
    std::string value;
    const auto status = database->Get({}, std::to_string(i), &value);
    if (i % 3 == 0) {
      REQUIRE(status.IsNotFound());
    } else {
      REQUIRE(status.ok());
      REQUIRE(value == value_of(i));
    }
  }
}

FS_TEST("a database is opened once") {
  TestType disk;
  const auto env = make_rocksdb_env(*disk.fs);
  const auto options = options_for(*env);
  auto first = open_database(options, disk.root + "/db");
  rocksdb::DB* second = nullptr;
  CHECK_FALSE(rocksdb::DB::Open(options, disk.root + "/db", &second).ok());
  first.reset();
  open_database(options, disk.root + "/db");
}

FS_TEST("a database can be destroyed") {
  TestType disk;
  const auto env = make_rocksdb_env(*disk.fs);
  const auto options = options_for(*env);
  open_database(options, disk.root + "/db");
  CHECK(rocksdb::DestroyDB(disk.root + "/db", options).ok());
  CHECK_FALSE(must(disk.fs->exists(disk.root + "/db/CURRENT")));
}

TEST_CASE("a database on the real disk tells want of descriptors from a fault of the disk") {
  RealDisk disk;
  const auto env = make_rocksdb_env(*disk.fs);
  const auto options = options_for(*env);
  const auto path = disk.root + "/db";
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{0, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  rocksdb::DB* opened = nullptr;
  const auto lacking = rocksdb::DB::Open(options, path, &opened);
  const auto file = disk.fs->open(path, {});
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(lacking.ok());
  INFO(lacking.ToString());
  CHECK(is_exhausted(lacking));
  REQUIRE(file.has_error());
  CHECK(is_exhausted(file.error()));

  auto absent = options;
  absent.create_if_missing = false;
  const auto missing = rocksdb::DB::Open(absent, disk.root + "/other", &opened);
  REQUIRE_FALSE(missing.ok());
  CHECK_FALSE(is_exhausted(missing));
  open_database(options, path);
}

TEST_CASE("a database on the fault disk never touches the real one") {
  FaultDisk disk;
  RealDisk real;
  const auto env = make_rocksdb_env(*disk.fs);
  const auto path = real.root + "/db";  // a path that exists really
  must(disk.fs->make_directories(real.root));
  open_database(options_for(*env), path);
  CHECK(must(disk.fs->exists(path + "/CURRENT")));
  CHECK(must(real.fs->list(real.root)).empty());
}

}  // namespace
}  // namespace mas::fs::test

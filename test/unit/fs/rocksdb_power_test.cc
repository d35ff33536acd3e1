// RocksDB on a disk that loses power: what it said was synced is there, and it always opens.
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <catch2/catch.hpp>

#include "files.h"
#include "mas/fs/rocksdb_env.h"

namespace mas::fs::test {
namespace {

constexpr int kKeys = 60;

rocksdb::Options options_for(rocksdb::Env& env) {
  rocksdb::Options options;
  options.env = &env;
  options.create_if_missing = true;
  options.level0_file_num_compaction_trigger = 2;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return options;
}

std::unique_ptr<rocksdb::DB> open_database(rocksdb::Env& env) {
  rocksdb::DB* database = nullptr;
  const auto status = rocksdb::DB::Open(options_for(env), "/db", &database);
  if (!status.ok()) WARN(status.ToString());
  return std::unique_ptr<rocksdb::DB>(status.ok() ? database : nullptr);
}

// Writes key after key, each synced, with flushes and a compaction in between; how many were
// acknowledged.
int run_workload(Fs& fs) {
  const auto env = make_rocksdb_env(fs);
  rocksdb::DB* raw = nullptr;
  if (!rocksdb::DB::Open(options_for(*env), "/db", &raw).ok()) return 0;
  const std::unique_ptr<rocksdb::DB> database(raw);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  int acknowledged = 0;
  for (; acknowledged < kKeys; ++acknowledged) {
    const auto key = std::to_string(acknowledged);
    if (!database->Put(synced, key, std::string(300, 'v') + key).ok()) break;
    if (acknowledged % 20 == 19 && !database->Flush({}).ok()) break;
    if (acknowledged == 45) (void)database->CompactRange({}, nullptr, nullptr);
  }
  return acknowledged;
}

// The directory of the database is made durable by whoever creates it.
std::unique_ptr<FaultFs> make_disk() {
  auto fs = make_fault_fs(1);
  must(fs->make_directories("/db"));
  must(fs->sync_directory("/"));
  return fs;
}

void check_content(Fs& fs, int acknowledged) {
  const auto env = make_rocksdb_env(fs);
  const auto database = open_database(*env);
  REQUIRE(database);
  for (int i = 0; i < kKeys; ++i) {
    std::string value;
    const auto key = std::to_string(i);
    const auto status = database->Get({}, key, &value);
    if (i < acknowledged) REQUIRE(status.ok());
    REQUIRE((status.IsNotFound() || value == std::string(300, 'v') + key));
  }
}

TEST_CASE("synced writes of a database survive a power loss") {
  const auto fs = make_disk();
  REQUIRE(run_workload(*fs) == kKeys);
  const auto rng = make_seeded_rng(1);
  check_content(*fs->after_power_loss(*rng, 0.0), kKeys);
  for (int i = 0; i < 20; ++i) check_content(*fs->after_power_loss(*rng, 0.5), kKeys);
}

TEST_CASE("a database opens with all its synced writes wherever the power went off") {
  const auto whole = make_disk();
  REQUIRE(run_workload(*whole) == kKeys);
  const auto points = whole->mutations();
  REQUIRE(points > 2 * kKeys);  // each key was written and synced
  const auto rng = make_seeded_rng(2);
  for (std::uint64_t n = 0; n < points; ++n) {
    INFO("power off after " << n << " of " << points);
    const auto fs = make_disk();
    fs->power_off_after(n);
    const int acknowledged = run_workload(*fs);
    for (const double keep : {0.0, 0.5, 1.0}) {
      check_content(*fs->after_power_loss(*rng, keep), acknowledged);
    }
  }
}

TEST_CASE("a synced write is lost when the sync of the log is taken away") {
  const auto lies = GENERATE(false, true);
  const auto fs = make_disk();
  fs->set_lying_sync([=](const FsCall& call) {
    return lies && call.op == FsOp::sync && call.path.ends_with(".log");
  });
  {
    const auto env = make_rocksdb_env(*fs);
    rocksdb::WriteOptions synced;
    synced.sync = true;
    REQUIRE(open_database(*env)->Put(synced, "key", "value").ok());
  }
  const auto rng = make_seeded_rng(1);
  const auto disk = fs->after_power_loss(*rng, 0.0);
  const auto env = make_rocksdb_env(*disk);
  const auto database = open_database(*env);
  REQUIRE(database);
  std::string value;
  CHECK(database->Get({}, "key", &value).IsNotFound() == lies);
}

}  // namespace
}  // namespace mas::fs::test

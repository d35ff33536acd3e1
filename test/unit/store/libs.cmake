set(MAS_TEST_LIBS RocksDB::rocksdb-shared)

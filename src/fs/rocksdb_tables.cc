#include "mas/fs/rocksdb_tables.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

namespace mas::fs {
namespace {

constexpr double kFilterBitsPerKey = 10;  // one look-up in a hundred for nothing

}  // namespace

std::shared_ptr<rocksdb::TableFactory> make_rocksdb_tables(std::uint64_t cache_bytes) {
  rocksdb::BlockBasedTableOptions table;
  table.format_version = 5;
  table.block_cache = rocksdb::NewLRUCache(cache_bytes);
  // Filters and index blocks live in the cache, so that the bound holds for them too.
  table.cache_index_and_filter_blocks = true;
  table.cache_index_and_filter_blocks_with_high_priority = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // In pieces of a block each. One filter for a whole table is larger than a slice of the cache
  // from some hundred thousand records on: it is never kept, and each look-up reads all of it.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kFilterBitsPerKey));
  table.partition_filters = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.pin_top_level_index_and_filter = true;
  table.metadata_block_size = 4096;
  return std::shared_ptr<rocksdb::TableFactory>(rocksdb::NewBlockBasedTableFactory(table));
}

}  // namespace mas::fs

// How the databases of mas keep their tables: so that a look-up costs a few blocks of 4 KiB,
// however many records there are, and all that stays in memory for it lies within one bound.
#pragma once

#include <cstdint>
#include <memory>

namespace rocksdb {
class TableFactory;
}

namespace mas::fs {

// `cache_bytes`: bound of the blocks kept in memory: data, index and filters together.
[[nodiscard]] std::shared_ptr<rocksdb::TableFactory> make_rocksdb_tables(std::uint64_t cache_bytes);

}  // namespace mas::fs

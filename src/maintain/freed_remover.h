// Removes from this pod's store what an entry of the freed list names, after a second look at the
// metadata: a reference to it means that the list is wrong.
#pragma once

#include "mas/maintain/scheduler.h"

namespace mas::maintain {

class FreedRemover {
 public:
  explicit FreedRemover(const Dependencies& deps);

  // All shards of an extent, or all manifests of a range but for the one that the record goes by.
  // Fine if they are gone. Errors: internal (something refers to the extent), those of the metadata
  // and of the store.
  Task<Result<void>> remove(meta::FreedEntry freed);

 private:
  Task<Result<void>> remove_range(meta::ManifestRange range);
  Task<Result<void>> remove_extent(Id128 extent);

  Dependencies deps_;
  observe::Counter& shards_;
  observe::Counter& manifests_;
  observe::Counter& refused_;
};

}  // namespace mas::maintain

// Whether what the metadata of a pod alone says is stored is stored, and nothing else is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mas/meta/meta_store.h"
#include "mas/store/directories.h"

namespace mas::app {

struct Comparison {
  bool compared = false;              // with all of the metadata
  std::uint64_t objects = 0;          // files, without the deleted ones
  std::uint64_t uploads = 0;          // open ones
  std::vector<std::string> problems;  // one sentence each
  std::vector<std::string> notes;
};

// `inventory`: of all directories, by key. A live file's and an open upload's stripes have to be
// there and sound, as many shards of each as the layout gives this pod, and a file's manifest;
// nothing may be there twice, or without an owner; what a crash in the
// middle of an upload leaves without one is a note. Errors: those of the metadata; refused, if it
// is that of several pods.
Task<Result<Comparison>> compare(meta::MetaStore& meta,
                                 const std::vector<store::CheckedRecord>& inventory);

}  // namespace mas::app

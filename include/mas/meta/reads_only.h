// Reading on from a metadata store that takes no changes any more, because a write of it failed.
#pragma once

#include "mas/meta/meta_store.h"

namespace mas::meta {

// A store that keeps what it last knew to be durable. What failed may come back with the next
// start, so this is for showing and downloading files only: whoever decides about a change by it,
// or tells a client that something need not be sent, may be wrong.
class ReadsOnly {
 public:
  virtual ~ReadsOnly() = default;
  // Whether it takes no changes and has kept such a state.
  [[nodiscard]] virtual bool reads_only() const = 0;
  // As MetaStore's, of that state. Errors also: metadata_unavailable, unless reads_only().
  virtual Task<Result<std::optional<Object>>> find_durable(Hash hash) = 0;
  virtual Task<Result<ObjectPage>> list_durable(ListQuery query) = 0;
};

// Null while the store takes changes, and of stores that keep nothing.
[[nodiscard]] ReadsOnly* reads_only(MetaStore& store);

}  // namespace mas::meta

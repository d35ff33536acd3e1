// What an adapter supplies to run the MetaStore contract suite: one file with make_backend().
#pragma once

#include <memory>

#include "mas/meta/meta_store.h"

namespace mas::test {

class MetaBackend {
 public:
  virtual ~MetaBackend() = default;
  [[nodiscard]] virtual meta::MetaStore& store() = 0;
  // Whether records outlive restart().
  [[nodiscard]] virtual bool persists() const = 0;
  // Closes the store and opens it again on what it kept.
  virtual void restart() = 0;
};

// An empty store of its own.
[[nodiscard]] std::unique_ptr<MetaBackend> make_backend();

}  // namespace mas::test

// The checksums that are kept over a body while it streams.
#pragma once

#include <optional>

#include "mas/codec/hash.h"
#include "mas/core/xxh3.h"

namespace mas::object {

struct ContentHasher {
  std::optional<codec::Sha256> whole;  // of the object: from its first byte up to here
  std::optional<codec::Sha256> own;    // of this body alone, if its digest is to be checked
  std::optional<Xxh3> sum;             // of this body alone, to tell repeated parts

  void update(ByteView bytes) {
    if (whole) whole->update(bytes);
    if (own) own->update(bytes);
    if (sum) sum->update(bytes);
  }
};

}  // namespace mas::object

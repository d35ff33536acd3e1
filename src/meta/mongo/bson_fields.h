// BSON as the MongoDB adapter needs it: small documents built field by field, and one record read
// back. Only for the .cc files that speak to the driver.
#pragma once

#include <bson/bson.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "mas/core/result.h"
#include "meta/mongo/documents.h"

namespace mas::meta::mongo {

// Owns a bson_t.
class Bson {
 public:
  Bson() { bson_init(&bson_); }
  ~Bson() { bson_destroy(&bson_); }
  Bson(const Bson&) = delete;
  Bson& operator=(const Bson&) = delete;

  [[nodiscard]] bson_t* get() noexcept { return &bson_; }
  Bson& text(const char* name, std::string_view value);
  Bson& bytes(const char* name, std::string_view value);
  Bson& number(const char* name, std::int64_t value);
  Bson& flag(const char* name, bool value);
  Bson& nested(const char* name, Bson& value);
  Bson& list(const char* name, Bson& value);

 private:
  bson_t bson_;
};

// What field `g` holds: the stamp, or this while there is a lock (and the stamp stands in `t`).
[[nodiscard]] std::string locked_state(std::string_view lock);
// The whole document of `step`: value, stamp or lock, and the fields it is found by. Errors:
// corrupt.
[[nodiscard]] Result<void> fill(Bson& to, const Step& step);
// Errors: corrupt (not a document of this adapter).
[[nodiscard]] Result<Document> read_document(const bson_t* from);

[[nodiscard]] const char* name_of(Field field);

}  // namespace mas::meta::mongo

// The bytes of an intent: what it changes. doc/metadata-mongodb.md describes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "meta/mongo/intents.h"

namespace mas::meta::mongo {

// A document of the server holds 16 MiB; some is left for its other fields.
inline constexpr std::size_t kMostIntentBytes = (16U << 20U) - (64U << 10U);

struct IntentBody {
  std::int64_t written = 0;  // Unix seconds
  std::vector<Change> changes;
};

// The version that is written now.
[[nodiscard]] std::string encode_intent(const IntentBody& body);
// Both versions. Errors: corrupt.
[[nodiscard]] Result<IntentBody> decode_intent(std::string_view bytes);

}  // namespace mas::meta::mongo

// A pod's share of the ledger as it travels to the pod that adds them up.
#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "mas/core/bytes.h"
#include "mas/maintain/cluster_ledger.h"

namespace mas::maintain {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMostRows = 64;  // a stripe has 16 shards
using SliceBytes = std::array<std::uint8_t, kSlices / 8>;

std::string hex_of(const SliceSet& slices) {
  SliceBytes bytes{};
  for (std::size_t i = 0; i < kSlices; ++i) {
    if (slices[i]) bytes[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
  }
  return to_hex(bytes);
}

SliceSet slices_of(const SliceBytes& bytes) {
  SliceSet slices;
  for (std::size_t i = 0; i < kSlices; ++i) slices[i] = (bytes[i / 8] >> (i % 8) & 1) != 0;
  return slices;
}

// Takes fields; after the first that is missing or wrong, good() is false.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}

  std::uint64_t number(std::string_view key) { return number(object_.if_contains(key)); }
  std::uint64_t number(const json::value* value) {
    json::error_code failed;
    std::uint64_t found = value == nullptr ? 0 : value->to_number<std::uint64_t>(failed);
    good_ = good_ && value != nullptr && !failed;
    return failed ? 0 : found;
  }
  std::optional<int> survives() {
    const json::value* value = object_.if_contains("survives");
    if (value != nullptr && value->is_null()) return std::nullopt;
    bool fine = value != nullptr && value->is_int64() && value->get_int64() >= -16 &&
                value->get_int64() <= 16;
    good_ = good_ && fine;
    return fine ? static_cast<int>(value->get_int64()) : 0;
  }
  bool flag(std::string_view key) {
    const json::value* value = object_.if_contains(key);
    good_ = good_ && value != nullptr && value->is_bool();
    return good_ && value->get_bool();
  }
  SliceSet slices() {
    const json::value* value = object_.if_contains("slices");
    SliceBytes bytes{};
    good_ = good_ && value != nullptr && value->is_string() && from_hex(value->get_string(), bytes);
    return slices_of(bytes);
  }
  std::vector<LedgerRow> rows() {
    const json::value* value = object_.if_contains("rows");
    const json::array* list = value == nullptr ? nullptr : value->if_array();
    good_ = good_ && list != nullptr && list->size() <= kMostRows;
    std::vector<LedgerRow> rows;
    if (!good_) return rows;
    for (const json::value& entry : *list) {
      const json::array* row = entry.if_array();
      if (row == nullptr || row->size() != 3) {
        good_ = false;
        return rows;
      }
      std::uint64_t lost = number(&(*row)[0]);
      good_ = good_ && lost <= kMostRows;
      rows.push_back({static_cast<int>(lost), number(&(*row)[1]), number(&(*row)[2])});
    }
    return rows;
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  const json::object& object_;
  bool good_ = true;
};

}  // namespace

std::string encode(const LedgerShare& share) {
  const LedgerPicture& picture = share.picture;
  json::array rows;
  for (const LedgerRow& row : picture.rows) {
    rows.push_back(json::array{row.lost, row.stripes, row.bytes});
  }
  json::object out;
  out["v"] = kVersion;
  out["complete"] = picture.complete;
  out["layout"] = picture.layout_version;
  out["slices"] = hex_of(picture.slices);
  out["walked"] = static_cast<std::uint64_t>(std::max<std::int64_t>(picture.walked_at, 0));
  out["rows"] = std::move(rows);
  if (picture.survives) {
    out["survives"] = *picture.survives;
  } else {
    out["survives"] = nullptr;
  }
  out["beyond_repair"] = picture.beyond_repair;
  out["unexplained"] = share.unexplained.shards;
  out["records"] = share.unexplained.records;
  out["strays"] = share.unexplained.strays;
  return json::serialize(out);
}

Result<LedgerShare> decode_share(std::string_view text) {
  json::parse_options options;
  options.max_depth = 4;
  json::error_code failed;
  json::value parsed = json::parse(text, failed, {}, options);
  const json::object* object = failed ? nullptr : parsed.if_object();
  Error wrong(Code::corrupt, "What came is no share of the ledger that this version knows.");
  if (object == nullptr) return wrong;
  Fields fields(*object);
  if (fields.number("v") != kVersion) return wrong;
  LedgerShare share;
  LedgerPicture& picture = share.picture;
  picture.complete = fields.flag("complete");
  picture.layout_version = fields.number("layout");
  picture.slices = fields.slices();
  picture.walked_at = static_cast<std::int64_t>(fields.number("walked"));
  picture.rows = fields.rows();
  picture.survives = fields.survives();
  picture.beyond_repair = fields.number("beyond_repair");
  share.unexplained.shards = fields.number("unexplained");
  share.unexplained.records = fields.number("records");
  share.unexplained.strays = fields.number("strays");
  if (!fields.good()) return wrong;
  return share;
}

}  // namespace mas::maintain

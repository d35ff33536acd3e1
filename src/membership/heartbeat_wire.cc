#include "membership/heartbeat_wire.h"

#include <array>
#include <boost/json.hpp>
#include <optional>

#include "mas/core/bytes.h"
#include "mas/core/utf8.h"
#include "mas/membership/leavers.h"

namespace mas::membership {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;
// Hex of a SliceSet: slice i is bit i % 8 of byte i / 8.
using SliceBytes = std::array<std::uint8_t, kSlices / 8>;
// Two sets, and pairs of numbers of at most five and twenty digits.
constexpr std::size_t kMostSettling = 2 * 2 * sizeof(SliceBytes) + 29 * kMostWithout;
// Seven bit text may take six bytes a byte ("\u0000"); the rest is names and numbers.
static_assert(5 * kMaxHeartbeatText * 6 + kMostSettling + 1024 <= kMaxHeartbeatBytes);

std::string_view state_name(PodState state) {
  switch (state) {
    case PodState::joining:
      return "joining";
    case PodState::active:
      return "active";
    case PodState::draining:
      return "draining";
  }
  return state == kReturned ? "returned" : "";
}

bool fits(std::string_view text) {
  return text.size() <= kMaxHeartbeatText && utf8_valid_prefix(text) == text.size();
}

std::optional<std::uint64_t> unsigned_of(const json::value& value) {
  if (value.is_uint64()) return value.get_uint64();
  const std::int64_t* number = value.if_int64();
  if (number == nullptr || *number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

// Takes the fields of one object; after the first that is missing or wrong, good() is false.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}

  void text(std::string_view key, std::string& out) {
    const json::value* value = object_.if_contains(key);
    const json::string* found = value == nullptr ? nullptr : value->if_string();
    if (!check(found != nullptr && found->size() <= kMaxHeartbeatText)) return;
    out.assign(found->data(), found->size());
  }
  void number(std::string_view key, std::uint64_t& out) {
    const json::value* value = object_.if_contains(key);
    const std::optional<std::uint64_t> found =
        value == nullptr ? std::nullopt : unsigned_of(*value);
    if (check(found.has_value())) out = *found;
  }
  void id(std::string_view key, Id128& out) {
    std::string hex;
    text(key, hex);
    std::optional<Id128> parsed = Id128::parse(hex);
    if (check(parsed.has_value())) out = *parsed;
  }
  void state(std::string_view key, PodState& out) {
    std::string name;
    text(key, name);
    for (PodState state : {PodState::joining, PodState::active, PodState::draining, kReturned}) {
      if (name == state_name(state)) {
        out = state;
        return;
      }
    }
    good_ = false;
  }
  void slices(std::string_view key, SliceSet& out) {
    std::string hex;
    text(key, hex);
    SliceBytes bytes{};
    if (!check(from_hex(hex, bytes))) return;
    for (std::size_t i = 0; i < kSlices; ++i) out[i] = (bytes[i / 8] >> (i % 8) & 1) != 0;
  }
  // By ascending member.
  void missing(std::string_view key, std::vector<Missing>& out) {
    const json::value* value = object_.if_contains(key);
    const json::array* list = value == nullptr ? nullptr : value->if_array();
    if (!check(list != nullptr && list->size() <= kMostWithout)) return;
    for (const json::value& entry : *list) {
      const json::array* pair = entry.if_array();
      if (!check(pair != nullptr && pair->size() == 2)) return;
      const std::optional<std::uint64_t> member = unsigned_of((*pair)[0]);
      const std::optional<std::uint64_t> last_beat = unsigned_of((*pair)[1]);
      const bool fits = member && last_beat && *member <= UINT16_MAX &&
                        (out.empty() || *member > out.back().member);
      if (!check(fits)) return;
      out.push_back({static_cast<std::uint16_t>(*member), *last_beat});
    }
  }
  // Zero if it is not said.
  void optional_id(std::string_view key, Id128& out) {
    if (object_.contains(key)) id(key, out);
  }
  // What mas 0.1.0 does not say.
  void settling(std::optional<Settling>& out) {
    if (!object_.contains("acknowledged")) return;
    Settling& mine = out.emplace();
    number("acknowledged", mine.acknowledged);
    const json::value* value = object_.if_contains("walked");
    if (value == nullptr) return;
    const json::object* walked = value->if_object();
    if (!check(walked != nullptr)) return;
    Fields inner(*walked);
    inner.number("layout", mine.layout_version);
    inner.missing("without", mine.without);
    inner.slices("uploads", mine.found.uploads);
    inner.slices("objects", mine.found.objects);
    check(inner.good());
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  bool check(bool holds) {
    good_ = good_ && holds;
    return holds;
  }

  const json::object& object_;
  bool good_ = true;
};

}  // namespace

namespace {

std::string hex_of(const SliceSet& slices) {
  SliceBytes bytes{};
  for (std::size_t i = 0; i < kSlices; ++i) {
    if (slices[i]) bytes[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
  }
  return to_hex(bytes);
}

void write_settling(const Settling& settling, json::object& out) {
  out["acknowledged"] = settling.acknowledged;
  if (settling.layout_version == 0) return;
  json::object walked;
  walked["layout"] = settling.layout_version;
  json::array without;
  for (const Missing& one : settling.without) {
    without.push_back(json::array{one.member, one.last_beat});
  }
  walked["without"] = std::move(without);
  walked["uploads"] = hex_of(settling.found.uploads);
  walked["objects"] = hex_of(settling.found.objects);
  out["walked"] = std::move(walked);
}

}  // namespace

std::string_view fault_name(WireFault fault) noexcept {
  switch (fault) {
    case WireFault::none:
      return "none";
    case WireFault::oversized:
      return "oversized";
    case WireFault::malformed:
      return "malformed";
    case WireFault::unknown_version:
      return "unknown_version";
    case WireFault::unsealed:
      return "unsealed";
    case WireFault::forged:
      return "forged";
    case WireFault::repeated:
      return "repeated";
  }
  return "";
}

HeartbeatReading read_heartbeat(std::string_view wire) {
  if (wire.size() > kMaxHeartbeatBytes) return {WireFault::oversized, {}};
  json::parse_options options;
  options.max_depth = 8;
  boost::system::error_code error;
  json::value parsed = json::parse(wire, error, {}, options);
  const json::object* object = error ? nullptr : parsed.if_object();
  const json::value* version = object == nullptr ? nullptr : object->if_contains("v");
  if (version == nullptr || !version->is_int64()) return {WireFault::malformed, {}};
  if (version->get_int64() != kVersion) return {WireFault::unknown_version, {}};

  HeartbeatReading reading;
  Heartbeat& beat = reading.beat;
  Fields fields(*object);
  fields.id("cluster", beat.cluster);
  fields.text("slot", beat.slot);
  fields.id("incarnation", beat.incarnation);
  fields.text("api", beat.api_address);
  fields.text("peer", beat.peer_address);
  fields.text("zone", beat.zone);
  fields.number("capacity", beat.capacity);
  fields.number("used", beat.used);
  fields.state("state", beat.state);
  fields.number("layout", beat.layout_version);
  fields.number("generation", beat.generation);
  fields.text("software", beat.software);
  fields.number("sequence", beat.sequence);
  fields.optional_id("boot", beat.boot);
  fields.optional_id("twin", beat.twin);
  fields.settling(beat.settling);
  if (!fields.good()) return {WireFault::malformed, {}};
  return reading;
}

Result<void> check_texts(const Heartbeat& beat) {
  for (const std::string* text :
       {&beat.slot, &beat.api_address, &beat.peer_address, &beat.zone, &beat.software}) {
    if (!fits(*text)) {
      return Error(Code::invalid_argument,
                   "A text in this pod's heartbeat is too long or not UTF-8.");
    }
  }
  return {};
}

Result<std::string> write_heartbeat(const Heartbeat& beat) {
  MAS_CHECK(check_texts(beat));
  MAS_ASSERT(!beat.settling || beat.settling->without.size() <= kMostWithout);
  json::object out;
  out["v"] = kVersion;
  out["cluster"] = beat.cluster.hex();
  out["slot"] = beat.slot;
  out["incarnation"] = beat.incarnation.hex();
  out["api"] = beat.api_address;
  out["peer"] = beat.peer_address;
  out["zone"] = beat.zone;
  out["capacity"] = beat.capacity;
  out["used"] = beat.used;
  out["state"] = state_name(beat.state);
  out["layout"] = beat.layout_version;
  out["generation"] = beat.generation;
  out["software"] = beat.software;
  out["sequence"] = beat.sequence;
  if (!beat.boot.is_zero()) out["boot"] = beat.boot.hex();
  if (!beat.twin.is_zero()) out["twin"] = beat.twin.hex();
  if (beat.settling) write_settling(*beat.settling, out);
  return json::serialize(out);
}

}  // namespace mas::membership

#include "membership/heartbeat_wire.h"

#include <boost/json.hpp>
#include <optional>

#include "mas/core/utf8.h"
#include "mas/membership/leavers.h"

namespace mas::membership {
namespace {

namespace json = boost::json;

constexpr std::int64_t kVersion = 1;
// Seven bit text may take six bytes a byte ("\u0000"); the rest is names and numbers.
static_assert(5 * kMaxHeartbeatText * 6 + 1024 <= kMaxHeartbeatBytes);

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
    if (value != nullptr && value->is_uint64()) {
      out = value->get_uint64();
    } else if (check(value != nullptr && value->is_int64() && value->get_int64() >= 0)) {
      out = static_cast<std::uint64_t>(value->get_int64());
    }
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
  return json::serialize(out);
}

}  // namespace mas::membership

#include "membership/heartbeat_wire.h"

#include <catch2/catch.hpp>
#include <limits>

#include "mas/membership/leavers.h"
#include "support/must.h"

using namespace mas;
using namespace mas::membership;

namespace {

constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();

const std::string kId(32, 'a');

Heartbeat full() {
  Heartbeat beat;
  beat.cluster = *Id128::parse("000102030405060708090a0b0c0d0e0f");
  beat.slot = "mas-12";
  beat.incarnation = *Id128::parse("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
  beat.api_address = "10.0.0.1:7080";
  beat.peer_address = "[fe80::1]:7081";
  beat.zone = "z\xc3\xbcrich \"1\"\n";
  beat.capacity = kMost;
  beat.used = kMost - 1;
  beat.state = PodState::draining;
  beat.layout_version = 7;
  beat.generation = std::uint64_t{1} << 63;
  beat.software = "0.1.0";
  beat.sequence = 42;
  return beat;
}

// One that walks.
Heartbeat walking() {
  Heartbeat beat = full();
  Settling& settling = beat.settling.emplace();
  settling.acknowledged = 7;
  settling.layout_version = 7;
  settling.without = {{0, 0}, {3, 12}, {UINT16_MAX, kMost}};
  settling.found.uploads.set();
  settling.found.objects.set(0);
  settling.found.objects.set(9);
  settling.found.objects.set(255);
  return beat;
}

// A good message with `key` left out, or with `value` in its place.
std::string message(const std::string& key = "", const std::string& value = "") {
  std::string out = "{";
  for (const auto& [name, good] :
       std::vector<std::pair<std::string, std::string>>{{"v", "1"},
                                                        {"cluster", "\"" + kId + "\""},
                                                        {"slot", "\"mas-0\""},
                                                        {"incarnation", "\"" + kId + "\""},
                                                        {"api", "\"\""},
                                                        {"peer", "\"\""},
                                                        {"zone", "\"\""},
                                                        {"capacity", "0"},
                                                        {"used", "0"},
                                                        {"state", "\"active\""},
                                                        {"layout", "0"},
                                                        {"generation", "0"},
                                                        {"software", "\"\""},
                                                        {"sequence", "0"}}) {
    if (name == key && value.empty()) continue;
    if (out.size() > 1) out += ",";
    out += "\"" + name + "\":" + (name == key ? value : good);
  }
  return out + "}";
}

WireFault fault(const std::string& wire) { return read_heartbeat(wire).fault; }

}  // namespace

TEST_CASE("a heartbeat reads back as it was written") {
  Heartbeat idle = full();
  idle.settling.emplace().acknowledged = kMost;
  for (const Heartbeat& beat : {full(), Heartbeat{}, idle, walking()}) {
    std::string wire = must(write_heartbeat(beat));
    HeartbeatReading reading = read_heartbeat(wire);
    REQUIRE(reading.fault == WireFault::none);
    CHECK(reading.beat == beat);
  }
}

TEST_CASE("the written form is the one other versions read") {
  CHECK(must(write_heartbeat(full())) ==
        "{\"v\":1,\"cluster\":\"000102030405060708090a0b0c0d0e0f\",\"slot\":\"mas-12\","
        "\"incarnation\":\"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff\",\"api\":\"10.0.0.1:7080\","
        "\"peer\":\"[fe80::1]:7081\",\"zone\":\"z\xc3\xbcrich \\\"1\\\"\\n\","
        "\"capacity\":18446744073709551615,\"used\":18446744073709551614,\"state\":\"draining\","
        "\"layout\":7,\"generation\":9223372036854775808,\"software\":\"0.1.0\",\"sequence\":42}");
}

TEST_CASE("each state has a name of its own") {
  for (PodState state : {PodState::joining, PodState::active, PodState::draining, kReturned}) {
    Heartbeat beat = full();
    beat.state = state;
    CHECK(read_heartbeat(must(write_heartbeat(beat))).beat.state == state);
  }
}

TEST_CASE("fields this version does not know are passed over") {
  std::string wire = message();
  REQUIRE(fault(wire) == WireFault::none);
  wire.back() = ',';
  CHECK(fault(wire + R"("load":[1,{"deep":null}],"more":1.5})") == WireFault::none);
}

TEST_CASE("another version is told from a malformed message") {
  CHECK(fault(message("v", "2")) == WireFault::unknown_version);
  CHECK(fault(message("v", "0")) == WireFault::unknown_version);
  CHECK(fault(message("v", "-1")) == WireFault::unknown_version);
  CHECK(fault(R"({"v":2})") == WireFault::unknown_version);
  CHECK(fault(message("v", "1.0")) == WireFault::malformed);
  CHECK(fault(message("v", "\"1\"")) == WireFault::malformed);
  CHECK(fault(message("v", "18446744073709551615")) == WireFault::malformed);
}

TEST_CASE("a missing field, or one of another kind, is malformed") {
  for (const char* key : {"v", "cluster", "slot", "incarnation", "api", "peer", "zone", "capacity",
                          "used", "state", "layout", "generation", "software", "sequence"}) {
    CAPTURE(key);
    CHECK(fault(message(key)) == WireFault::malformed);
    for (const char* wrong : {"null", "[]", "{}", "true", "1.5"}) {
      CAPTURE(wrong);
      CHECK(fault(message(key, wrong)) == WireFault::malformed);
    }
  }
  for (const char* key : {"capacity", "used", "layout", "generation", "sequence"}) {
    CAPTURE(key);
    CHECK(fault(message(key, "18446744073709551615")) == WireFault::none);
    for (const char* wrong : {"-1", "18446744073709551616", "1e3", "\"1\"", "00", "+1"}) {
      CAPTURE(wrong);
      CHECK(fault(message(key, wrong)) == WireFault::malformed);
    }
  }
  for (const char* key : {"cluster", "incarnation"}) {
    CAPTURE(key);
    for (const std::string& wrong :
         {std::string("\"\""), "\"" + std::string(31, 'a') + "\"",
          "\"" + std::string(33, 'a') + "\"", "\"" + std::string(31, 'a') + "g\""}) {
      CAPTURE(wrong);
      CHECK(fault(message(key, wrong)) == WireFault::malformed);
    }
  }
  for (const char* wrong : {"\"\"", "\"Active\"", "\"dead\"", "2"}) {
    CAPTURE(wrong);
    CHECK(fault(message("state", wrong)) == WireFault::malformed);
  }
}

TEST_CASE("texts have a bound") {
  for (const char* key : {"slot", "api", "peer", "zone", "software"}) {
    CAPTURE(key);
    CHECK(fault(message(key, "\"" + std::string(256, 'x') + "\"")) == WireFault::none);
    CHECK(fault(message(key, "\"" + std::string(257, 'x') + "\"")) == WireFault::malformed);
  }
}

TEST_CASE("what is no JSON object is malformed") {
  std::string good = message();
  for (const std::string& wire :
       {std::string(), std::string("\0", 1), std::string("null"), std::string("[]"),
        std::string("1"), std::string("{}"), good + good, good + "x", "\xef\xbb\xbf" + good,
        message("slot", "\"\xff\""), message("slot", "\"\\ud800\""), std::string(1000, '['),
        R"({"v":1,"deep":)" + std::string(100, '[') + std::string(100, ']') + "}"}) {
    CAPTURE(wire);
    CHECK(fault(wire) == WireFault::malformed);
  }
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(fault(good.substr(0, size)) == WireFault::malformed);
  }
}

TEST_CASE("a message over the bound is not looked at") {
  std::string good = message();
  good += std::string(kMaxHeartbeatBytes - good.size(), ' ');
  CHECK(fault(good) == WireFault::none);
  CHECK(fault(good + " ") == WireFault::oversized);
}

TEST_CASE("what cannot be read back is not written") {
  for (std::string Heartbeat::*text :
       {&Heartbeat::slot, &Heartbeat::api_address, &Heartbeat::peer_address, &Heartbeat::zone,
        &Heartbeat::software}) {
    Heartbeat beat = full();
    beat.*text = std::string(257, 'x');
    CHECK(code_of(write_heartbeat(beat)) == Code::invalid_argument);
    beat.*text = "\xc3";
    CHECK(code_of(write_heartbeat(beat)) == Code::invalid_argument);
    // Six bytes for each on the wire.
    beat.*text = std::string(256, '\x01');
    CHECK(read_heartbeat(must(write_heartbeat(beat))).beat == beat);
  }
  Heartbeat widest = full();
  widest.slot = widest.api_address = widest.peer_address = widest.zone = widest.software =
      std::string(256, '\x01');
  CHECK(must(write_heartbeat(widest)).size() <= kMaxHeartbeatBytes);
}

TEST_CASE("every fault has a name") {
  CHECK(fault_name(WireFault::none) == "none");
  CHECK(fault_name(WireFault::oversized) == "oversized");
  CHECK(fault_name(WireFault::malformed) == "malformed");
  CHECK(fault_name(WireFault::unknown_version) == "unknown_version");
}

TEST_CASE("what a pod walked stands in keys that mas 0.1.0 ignores") {
  const std::string wire = must(write_heartbeat(walking()));
  const std::string tail = wire.substr(wire.find(",\"acknowledged\""));
  CHECK(tail ==
        ",\"acknowledged\":7,\"walked\":{\"layout\":7,\"without\":[[0,0],[3,12],"
        "[65535,18446744073709551615]],"
        "\"uploads\":\"" +
            std::string(64, 'f') + "\",\"objects\":\"0102" + std::string(58, '0') + "80\"}}");
  // As 0.1.0 wrote it.
  CHECK_FALSE(read_heartbeat(must(write_heartbeat(full()))).beat.settling.has_value());
}

TEST_CASE("a heartbeat whose walk is not well formed is none") {
  const std::string good = must(write_heartbeat(walking()));
  REQUIRE(fault(good) == WireFault::none);
  auto with = [&](const std::string& part, const std::string& other) {
    std::string wire = good;
    const std::size_t at = wire.find(part);
    REQUIRE(at != std::string::npos);
    wire.replace(at, part.size(), other);
    return fault(wire);
  };
  CHECK(with("\"acknowledged\":7", "\"acknowledged\":-7") == WireFault::malformed);
  CHECK(with("{\"layout\":7", "{\"layout\":\"7\"") == WireFault::malformed);
  CHECK(with("[65535,", "[65536,") == WireFault::malformed);
  CHECK(with("[3,12]", "[0,12]") == WireFault::malformed);
  CHECK(with("[3,12]", "[-3,12]") == WireFault::malformed);
  CHECK(with("[3,12]", "[3,-12]") == WireFault::malformed);
  CHECK(with("[3,12]", "[3]") == WireFault::malformed);
  CHECK(with("[3,12]", "[3,12,0]") == WireFault::malformed);
  CHECK(with("[3,12]", "3") == WireFault::malformed);
  CHECK(with("[[0,0],[3,12],[65535,18446744073709551615]]", "3") == WireFault::malformed);
  CHECK(with("\"0102", "\"01") == WireFault::malformed);
  CHECK(with("\"0102", "\"01zz") == WireFault::malformed);
  CHECK(with("\"uploads\"", "\"upload\"") == WireFault::malformed);
}

TEST_CASE("the largest heartbeat with a walk fits") {
  Heartbeat beat = walking();
  beat.settling->without.clear();
  for (std::size_t i = 0; i < kMostWithout; ++i) {
    beat.settling->without.push_back(
        {static_cast<std::uint16_t>(UINT16_MAX - kMostWithout + i), kMost});
  }
  for (std::string* text :
       {&beat.slot, &beat.api_address, &beat.peer_address, &beat.zone, &beat.software}) {
    *text = std::string(kMaxHeartbeatText, '\0');
  }
  const std::string wire = must(write_heartbeat(beat));
  CHECK(wire.size() <= kMaxHeartbeatBytes);
  CHECK(read_heartbeat(wire).beat == beat);
  // One more is not read.
  const std::string longer = "[[0,0]," + wire.substr(wire.find("[") + 1);
  CHECK(fault(wire.substr(0, wire.find("[")) + longer) != WireFault::none);
}

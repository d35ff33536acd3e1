// The words of the peer protocol (doc/peer-protocol.md), as both sides write and read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mas/core/ids.h"
#include "mas/http/message.h"
#include "mas/peer/http.h"

namespace mas::peer::wire {

inline constexpr std::string_view kVersion = "2";
// Of mas 0.1.0: without TLS by key, and with the cluster's secret in every request.
inline constexpr std::string_view kVersion1 = "1";
// Calls keep their names from one version to the next.
inline constexpr std::string_view kPrefix = "/peer/v1/";
// Keys in one `have`.
inline constexpr std::size_t kMaxKeys = 4096;
// The longest a pod pings another one on a peer's behalf.
inline constexpr std::chrono::milliseconds kLongestProbe{10'000};
// The longest share of the ledger.
inline constexpr std::size_t kMaxLedger = 64 * 1024;
// The largest page of object records: 256 KiB and one record of any size more.
inline constexpr std::uint64_t kMaxCarriedBytes = 8 * kMiB;
// The longest layout document.
inline constexpr std::uint64_t kMaxLayoutBytes = 16 * kMiB;
// The longest sentence of an error that is read.
inline constexpr std::size_t kMaxSentence = 4096;

// Fields of requests.
inline constexpr std::string_view kTargetSlot = "Mas-Target-Slot";
inline constexpr std::string_view kTargetIncarnation = "Mas-Target-Incarnation";
// Of both.
inline constexpr std::string_view kProtocol = "Mas-Peer-Version";
inline constexpr std::string_view kCluster = "Mas-Cluster";
inline constexpr std::string_view kSlot = "Mas-Slot";
inline constexpr std::string_view kIncarnation = "Mas-Incarnation";
inline constexpr std::string_view kLayout = "Mas-Layout";
inline constexpr std::string_view kSum = "Mas-Sum";  // XXH3-128 of the body, 32 hex digits
// Of answers.
inline constexpr std::string_view kCode = "Mas-Code";
inline constexpr std::string_view kMaybe = "Mas-Maybe-Happened";
inline constexpr std::string_view kClusterId = "Mas-Cluster-Id";
inline constexpr std::string_view kSoftware = "Mas-Software";
inline constexpr std::string_view kNext = "Mas-Next";  // KEY where the next page goes on after
inline constexpr std::string_view kWall = "Mas-Wall";  // microseconds since 1970

// The value of a field that is there exactly once.
[[nodiscard]] std::optional<std::string_view> only(const http::Headers& headers,
                                                   std::string_view name);
void add(http::Headers& headers, std::string_view name, std::string value);

// 86 hex digits.
[[nodiscard]] std::string key_text(const RecordKey& key);
[[nodiscard]] std::optional<RecordKey> parse_key(std::string_view text);
[[nodiscard]] std::string sum_text(const Sum128& sum);
[[nodiscard]] std::optional<Sum128> parse_sum(std::string_view text);

// The fields of a ping's answer, both ways. Parsing gives nullopt for what is none.
[[nodiscard]] http::Headers ping_fields(const PingAnswer& answer);
[[nodiscard]] std::optional<PingAnswer> parse_ping(const http::Headers& headers);

// The records of a page, one after the other: key, length (u32), that many bytes. Parsing gives
// nullopt for what is none.
[[nodiscard]] std::string carried_body(const std::vector<Carried>& records);
[[nodiscard]] std::optional<std::vector<Carried>> parse_carried(std::string_view body);

// An error as an answer, and back. What is no peer's answer is `closed`.
[[nodiscard]] http::ResponseHead error_head(const Error& error);
[[nodiscard]] Error parse_error(const http::ResponseHead& head, std::string sentence);

}  // namespace mas::peer::wire

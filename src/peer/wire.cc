#include "peer/wire.h"

#include <algorithm>
#include <array>

#include "mas/core/endian.h"
#include "mas/core/units.h"

namespace mas::peer::wire {
namespace {

// Codes that mean the same on the other side; every other one says that the peer refused.
constexpr std::array kSharedCodes{Code::not_found, Code::disk_full,    Code::busy,
                                  Code::io,        Code::corrupt,      Code::closed,
                                  Code::timeout,   Code::stale_layout, Code::internal};

int status_of(Code code) {
  switch (code) {
    case Code::not_found:
      return 404;
    case Code::refused:
      return 403;
    case Code::stale_layout:
      return 409;
    case Code::corrupt:
      return 422;
    default:
      return http_status(code);
  }
}

}  // namespace

std::optional<std::string_view> only(const http::Headers& headers, std::string_view name) {
  if (headers.count(name) != 1) return std::nullopt;
  return headers.get(name);
}

void add(http::Headers& headers, std::string_view name, std::string value) {
  headers.add(std::string(name), std::move(value));
}

std::string key_text(const RecordKey& key) { return to_hex(key.encode()); }

std::optional<RecordKey> parse_key(std::string_view text) {
  RecordKey::Encoded bytes;
  if (!from_hex(text, bytes)) return std::nullopt;
  return RecordKey::decode(bytes);
}

std::string sum_text(const Sum128& sum) { return to_hex(sum.bytes); }

std::optional<Sum128> parse_sum(std::string_view text) {
  Sum128 sum;
  if (!from_hex(text, sum.bytes)) return std::nullopt;
  return sum;
}

http::Headers ping_fields(const PingAnswer& answer) {
  http::Headers headers;
  add(headers, kSlot, http::percent_encode(answer.slot));
  add(headers, kIncarnation, answer.incarnation.hex());
  add(headers, kCluster, http::percent_encode(answer.cluster));
  add(headers, kClusterId, answer.cluster_id.hex());
  add(headers, kLayout, std::to_string(answer.layout_version));
  add(headers, kSoftware, http::percent_encode(answer.software));
  add(headers, kWall, std::to_string(std::max<std::int64_t>(answer.wall.unix_micros, 0)));
  return headers;
}

std::optional<PingAnswer> parse_ping(const http::Headers& headers) {
  auto text = [&](std::string_view name) -> std::optional<std::string> {
    auto value = only(headers, name);
    return value ? http::percent_decode(*value) : std::nullopt;
  };
  auto id = [&](std::string_view name) { return Id128::parse(only(headers, name).value_or("")); };
  auto number = [&](std::string_view name) { return parse_u64(only(headers, name).value_or("")); };
  auto slot = text(kSlot);
  auto cluster = text(kCluster);
  auto software = text(kSoftware);
  auto incarnation = id(kIncarnation);
  auto cluster_id = id(kClusterId);
  auto layout = number(kLayout);
  auto wall = number(kWall);
  bool whole = slot && cluster && software && incarnation && cluster_id && layout.has_value() &&
               wall.has_value() && *wall <= static_cast<std::uint64_t>(INT64_MAX);
  if (!whole) return std::nullopt;
  PingAnswer answer;
  answer.slot = std::move(*slot);
  answer.incarnation = *incarnation;
  answer.cluster = std::move(*cluster);
  answer.cluster_id = *cluster_id;
  answer.layout_version = *layout;
  answer.software = std::move(*software);
  answer.wall = WallTime{static_cast<std::int64_t>(*wall)};
  return answer;
}

std::string carried_body(const std::vector<Carried>& records) {
  std::string body;
  for (const Carried& record : records) {
    RecordKey::Encoded key = record.key.encode();
    body += as_text(key);
    ByteWriter length;
    length.write(static_cast<std::uint32_t>(record.object.size()));
    body += length.bytes();
    body += record.object;
  }
  return body;
}

std::optional<std::vector<Carried>> parse_carried(std::string_view body) {
  constexpr std::size_t kHead = RecordKey::kEncodedSize + sizeof(std::uint32_t);
  std::vector<Carried> records;
  while (!body.empty()) {
    if (body.size() < kHead) return std::nullopt;
    auto key = RecordKey::decode(as_bytes(body.substr(0, RecordKey::kEncodedSize)));
    ByteReader in(as_bytes(body.substr(RecordKey::kEncodedSize, sizeof(std::uint32_t))));
    auto length = in.read<std::uint32_t>();
    body.remove_prefix(kHead);
    if (!key || length > body.size()) return std::nullopt;
    records.push_back({*key, std::string(body.substr(0, length))});
    body.remove_prefix(length);
  }
  return records;
}

http::ResponseHead error_head(const Error& error) {
  http::ResponseHead head;
  head.status = status_of(error.code());
  add(head.headers, kProtocol, std::string(kVersion));
  add(head.headers, kCode, std::to_string(static_cast<int>(error.code())));
  if (error.maybe_happened()) add(head.headers, kMaybe, "1");
  if (is_retryable(error.code())) add(head.headers, "Retry-After", "1");
  add(head.headers, "Content-Type", "text/plain; charset=utf-8");
  return head;
}

Error parse_error(const http::ResponseHead& head, std::string sentence) {
  auto number = parse_u64(only(head.headers, kCode).value_or(""));
  if (!only(head.headers, kProtocol) || number.has_error()) {
    // A proxy, perhaps, and who knows what it did with the request.
    return Error(Code::closed, "What answers there is not a pod of mas.").mark_maybe_happened();
  }
  const auto* known = std::ranges::find_if(kSharedCodes, [&](Code code) {
    return static_cast<std::uint64_t>(static_cast<int>(code)) == *number;
  });
  Error error(known != kSharedCodes.end() ? *known : Code::refused, std::move(sentence));
  if (only(head.headers, kMaybe) == "1") error.mark_maybe_happened();
  return error;
}

}  // namespace mas::peer::wire

#include "auth/redis/script.h"

#include <openssl/sha.h>

#include <array>

namespace mas::auth::redis {
namespace {

// Times are microseconds: below 2^53 until the year 2255, so Lua's numbers hold them exactly. A
// key lives a second longer than what it says is true; one that is gone reads as issued_at +
// first_use, which is no later than the end it held. Writing after TIME needs no
// replicate_commands() since Redis 5.
constexpr const char* kScript = R"(
local now = tonumber(ARGV[6])
if now == 0 then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
end
if ARGV[1] == 'now' then return {1, now, now} end

local issued, first_use, extension, max_life =
  tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local known = tonumber(redis.call('GET', KEYS[1]) or '')
local till = known or issued + first_use
local longest = issued + max_life

local new = math.max(till, now + extension)
if ARGV[1] == 'use' then
  if now > till or now >= longest then return {0, now, till} end
  new = math.max(new, math.min(till + extension, longest))
end
local keep = math.ceil((new - now) / 1000) + 1000
redis.call('SET', KEYS[1], string.format('%.0f', new), 'PX', string.format('%.0f', keep))
return {1, now, new}
)";

constexpr const char* kKeyPrefix = "mas:token:";

std::string sha1_hex(const std::string& text) {
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return to_hex(digest);
}

std::string micros(Duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(d).count());
}

const char* name_of(Operation operation) {
  switch (operation) {
    case Operation::use:
      return "use";
    case Operation::renew:
      return "renew";
    case Operation::now:
      return "now";
  }
  return "now";
}

}  // namespace

Script::Script(const config::Token& options, Clock* ledger_clock)
    : options_(options), ledger_clock_(ledger_clock), digest_(sha1_hex(kScript)) {}

Command Script::call(const char* how, const std::string& script, const Request& request) const {
  std::int64_t now = ledger_clock_ == nullptr ? 0 : ledger_clock_->wall().unix_micros;
  return {how,
          script,
          "1",
          kKeyPrefix + request.token.hex(),
          name_of(request.operation),
          std::to_string(request.issued_at.unix_micros),
          micros(options_.first_use),
          micros(options_.extension),
          micros(options_.max_life),
          std::to_string(now)};
}

Command Script::short_call(const Request& request) const {
  return call("EVALSHA", digest_, request);
}

Command Script::whole_call(const Request& request) const { return call("EVAL", kScript, request); }

Result<LedgerEntry> Script::read(const Reply& reply) {
  Error strange(Code::corrupt, "The answer is not one of the ledger's script.");
  if (reply.kind != Reply::Kind::array || reply.elements.size() != 3) return strange;
  for (const Reply& element : reply.elements) {
    if (element.kind != Reply::Kind::integer) return strange;
  }
  if (reply.elements[0].integer != 1) {
    return Error(Code::token_invalid, "The token has expired; ask for a new one.");
  }
  return LedgerEntry{WallTime{reply.elements[1].integer}, WallTime{reply.elements[2].integer}};
}

}  // namespace mas::auth::redis

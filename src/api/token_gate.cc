#include "api/token_gate.h"

namespace mas::api {
namespace {

// A refused token: counted, and 429 if this address has been refused too often. A good token is
// never turned away for what others behind the same address do.
Error refuse(Call& call, Error error) {
  const Dependencies& deps = call.services.deps;
  deps.metrics
      .counter("mas_token_refusals_total", "Requests refused for their token, by reason.",
               {{"reason", std::string(code_name(error.code()))}})
      .add();
  if (error.code() == Code::too_many_requests) return error;
  if (deps.authority.count_refusal(call.head().client_address)) return error;
  return Error(Code::too_many_requests,
               "Too many refused tokens came from this address; wait a second and use a good one.");
}

Result<void> check_system_token(Call& call) {
  auto given = call.head().headers.get("systemToken");
  if (given && call.services.deps.authority.is_system_token(*given)) return {};
  return refuse(call, Error(Code::system_token_invalid,
                            given ? "The system token is not a valid one."
                                  : "This call needs the system token in the header systemToken."));
}

// The token's text: the header, and on a download also the query, which must agree.
Result<std::string_view> find_token(Call& call, Needs needs) {
  std::string_view header = call.head().headers.get("token").value_or("");
  std::string_view query;
  if (needs == Needs::download) query = call.query.get("token").value_or("");
  if (!header.empty() && !query.empty() && header != query) {
    return Error(Code::parameter_malformed,
                 "The token in the header and the one in the query differ; send one of them.");
  }
  if (header.empty()) header = query;
  if (!header.empty()) return header;
  return refuse(call, Error(Code::token_invalid, "This call needs a token in the header token."));
}

// A hash in the query of a token's call says nothing new, but another one than the token's is a
// mistake that must not look like success.
Result<void> check_foreign_hash(Call& call) {
  auto text = call.query.get("hash");
  if (!text || text->empty()) return {};
  auto hash = Hash::parse(*text);
  if (!hash) {
    return Error(Code::hash_malformed, "The hash must be a SHA-256: exactly 64 hex digits.");
  }
  if (*hash == call.claims().hash) return {};
  return refuse(call, Error(Code::token_invalid, "The token is for another file than this hash."));
}

}  // namespace

Task<Result<void>> admit(Call& call, Needs needs) {
  if (needs == Needs::nothing) co_return Result<void>();
  // The system token first: its check costs no call to the ledger and extends nothing.
  if (needs == Needs::system || needs == Needs::upload_and_system) {
    MAS_CO_CHECK(check_system_token(call));
    if (needs == Needs::system) co_return Result<void>();
  }
  MAS_CO_TRY(std::string_view text, find_token(call, needs));
  auto type = needs == Needs::download ? auth::TokenType::download : auth::TokenType::upload;
  auto use = co_await call.services.deps.authority.begin(text, type);
  if (use.has_error()) {
    Code code = use.error().code();
    bool refused = code == Code::token_invalid || code == Code::token_wrong_type ||
                   code == Code::too_many_requests;
    if (refused) co_return refuse(call, use.error());
    co_return use.error();
  }
  call.token = *std::move(use);
  co_return check_foreign_hash(call);
}

}  // namespace mas::api

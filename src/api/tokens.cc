// Minting temporary tokens for holders of the system token.
#include "api/endpoints.h"
#include "api/params.h"

namespace mas::api {
namespace {

// Together with a name of 1 KiB this stays well under the 4 KiB a token may have.
constexpr std::size_t kSessionBytes = 256;

Task<Result<Reply>> mint(Call& call, auth::Claims claims) {
  MAS_CO_TRY(std::string token, co_await call.services.deps.authority.mint(std::move(claims)));
  boost::json::object data;
  data["token"] = token;
  co_return success(std::move(data));
}

}  // namespace

Task<Result<Reply>> mint_upload_token(Call& call) {
  auth::Claims claims;
  claims.type = auth::TokenType::upload;
  MAS_CO_TRY(claims.hash, required_hash(call.query, "hash"));
  MAS_CO_TRY(claims.session, optional_text(call.query, "session", kSessionBytes));
  MAS_CO_TRY(claims.max_size, optional_number(call.query, "max_size", 0, UINT64_MAX));
  MAS_CO_TRY(claims.instant, optional_flag(call.query, "instant"));
  co_return co_await mint(call, std::move(claims));
}

Task<Result<Reply>> mint_download_token(Call& call) {
  auth::Claims claims;
  claims.type = auth::TokenType::download;
  MAS_CO_TRY(claims.hash, required_hash(call.query, "hash"));
  std::string_view name = call.query.get("name").value_or("");
  MAS_CO_TRY(claims.name, check_name(name, call.services.config.limits.name_bytes));
  MAS_CO_TRY(auto shown_inline, optional_flag(call.query, "inline"));
  claims.inline_disposition = shown_inline.value_or(false);
  co_return co_await mint(call, std::move(claims));
}

}  // namespace mas::api

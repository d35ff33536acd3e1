// The check that stands before every endpoint: who may call it. It reads no body.
#pragma once

#include "api/call.h"
#include "api/router.h"

namespace mas::api {

// Checks what `needs` asks for and fills in call.token. Refusals are counted, and answered 429
// while their address makes too many. Errors: system_token_invalid, token_invalid,
// token_wrong_type, too_many_requests, parameter_malformed, ledger_*.
Task<Result<void>> admit(Call& call, Needs needs);

}  // namespace mas::api

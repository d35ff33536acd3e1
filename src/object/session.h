// Opening, looking at and dropping sessions.
#pragma once

#include "object/context.h"

namespace mas::object {

// See the functions of these names in Objects.
Task<Result<InitResult>> init_session(Context& context, SessionKey key, std::string name,
                                      bool instant);
Task<Result<SessionStatus>> session_status(Context& context, SessionKey key);
Task<Result<void>> abort_session(Context& context, SessionKey key);

}  // namespace mas::object

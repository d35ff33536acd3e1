// The bound on what an upload token sends and does not keep, at the calls that take bytes.
#pragma once

#include <functional>
#include <vector>

#include "api/call.h"
#include "api/reply.h"

namespace mas::api {

// Who `call` is in the book of abandoned bytes.
[[nodiscard]] TokenAndHash sender_of(const Call& call);
// The refusal, 429 with Retry-After, where the token of `call` has sent too much in vain: three
// times its max_size, or limits.resent where it has none.
[[nodiscard]] std::optional<Reply> refuse_resent(const Call& call);
// `sent` bytes of a body came to nothing, for `error`: they count, but for what is in flight at
// once where the trouble is not the sender's.
void note_failed(const Call& call, std::uint64_t sent, const Error& error);
// For object::FinishRequest: counts the parts of a file that was there already, for each sender his
// own. May be called when `call` has ended.
[[nodiscard]] std::function<void(const std::vector<object::SentInVain>&)> count_in_vain(
    const Call& call);

}  // namespace mas::api

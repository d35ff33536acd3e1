// Requests to other pods and what comes back.
#pragma once

#include <string>

#include "mas/http/client.h"
#include "mas/peer/http.h"

namespace mas::peer {

// With all that the other side's gatekeeper wants to see; `target` null: whoever is there.
[[nodiscard]] http::ClientRequest make_request(std::string method, std::string path,
                                               const Self& self, const Address* target,
                                               std::uint64_t layout_version);

// Sends and takes the answer's head; an error answer becomes its error. What the connection does
// wrong is closed or timeout.
Task<Result<http::ResponseHead>> send(http::Client& client, http::ClientRequest request);

// The body of an answer, at most `limit` bytes, in one aligned piece. Errors: corrupt (not what its
// checksum says), closed, timeout.
Task<Result<Slice>> take_answer(http::Client& client, const http::ResponseHead& head,
                                std::uint64_t limit);

}  // namespace mas::peer

// Requests to other pods and what comes back.
#pragma once

#include <string>

#include "mas/http/client.h"
#include "mas/peer/http.h"

namespace mas::peer {

// With all that the other side's gatekeeper wants to see; `target` null: whoever is there. `v1`: in
// version 1 of the protocol, which sends the cluster's secret.
[[nodiscard]] http::ClientRequest make_request(std::string method, std::string path,
                                               const Self& self, const Address* target,
                                               std::uint64_t layout_version, bool v1);

// Sends and takes the answer's head; an error answer becomes its error. What the connection does
// wrong is closed or timeout, and so is an answer of another pod than `target`, if there is one.
Task<Result<http::ResponseHead>> send(http::Client& client, http::ClientRequest request,
                                      const Address* target = nullptr);

// The body of an answer, at most `limit` bytes, in one aligned piece. Errors: corrupt (not what its
// checksum says), closed, timeout.
Task<Result<Slice>> take_answer(http::Client& client, const http::ResponseHead& head,
                                std::uint64_t limit);

}  // namespace mas::peer

#include "peer/request.h"

#include "mas/core/units.h"
#include "mas/core/xxh3.h"
#include "peer/wire.h"

namespace mas::peer {
namespace {

// Whatever else goes wrong below (no HTTP, no TLS, no certificate): the peer cannot be reached. The
// codes of stores must not come from here: a `corrupt` would have a good record quarantined.
Error unreachable(const Error& error) {
  if (error.code() == Code::closed || error.code() == Code::timeout) return error;
  Error closed(Code::closed, error.message());
  if (error.maybe_happened()) closed.mark_maybe_happened();
  return closed;
}

bool is_from(const http::Headers& headers, const Address& pod) {
  return wire::only(headers, wire::kSlot) == http::percent_encode(pod.slot) &&
         wire::only(headers, wire::kIncarnation) == pod.incarnation.hex();
}

}  // namespace

http::ClientRequest make_request(std::string method, std::string path, const Self& self,
                                 const Address* target, std::uint64_t layout_version, bool v1) {
  http::ClientRequest request;
  request.method = std::move(method);
  request.target = std::string(wire::kPrefix) + std::move(path);
  request.ask_first = false;
  request.repeatable = true;
  http::Headers& headers = request.headers;
  if (v1) wire::add(headers, "Authorization", "Bearer " + self.secrets.front());
  wire::add(headers, wire::kProtocol, std::string(v1 ? wire::kVersion1 : wire::kVersion));
  wire::add(headers, wire::kCluster, http::percent_encode(self.cluster));
  wire::add(headers, wire::kSlot, http::percent_encode(self.slot));
  wire::add(headers, wire::kIncarnation, self.incarnation.hex());
  wire::add(headers, wire::kLayout, std::to_string(layout_version));
  if (target != nullptr) {
    wire::add(headers, wire::kTargetSlot, http::percent_encode(target->slot));
    wire::add(headers, wire::kTargetIncarnation, target->incarnation.hex());
  }
  return request;
}

Task<Result<http::ResponseHead>> send(http::Client& client, http::ClientRequest request,
                                      const Address* target) {
  Result<http::ResponseHead> head = co_await client.send(std::move(request));
  if (head.has_error()) co_return unreachable(head.error());
  bool fine = head->status == 200 && wire::only(head->headers, wire::kProtocol).has_value();
  if (fine && (target == nullptr || target->v1 || is_from(head->headers, *target))) co_return head;
  if (fine) {
    client.close();
    co_return Error(Code::closed, "Another pod answers there.").mark_maybe_happened();
  }
  Result<std::string> sentence = co_await client.read_all(wire::kMaxSentence);
  std::string text = sentence.has_value() ? std::move(*sentence) : "The pod refused.";
  co_return wire::parse_error(*head, std::move(text));
}

Task<Result<Slice>> take_answer(http::Client& client, const http::ResponseHead& head,
                                std::uint64_t limit) {
  auto size = parse_u64(wire::only(head.headers, "Content-Length").value_or(""));
  auto sum = wire::parse_sum(wire::only(head.headers, wire::kSum).value_or(""));
  if (size.has_error() || *size > limit || !sum) {
    client.close();
    co_return Error(Code::closed, "The pod's answer is not one of mas.");
  }
  Slice bytes;
  if (*size > 0) {
    auto wanted = static_cast<std::size_t>(*size);
    Buffer buffer = Buffer::allocate(wanted);
    Result<std::size_t> got = co_await client.read_full(buffer.bytes().first(wanted));
    if (got.has_error()) co_return unreachable(got.error());
    if (*got < wanted) co_return Error(Code::closed, "The pod's answer was cut short.");
    bytes = std::move(buffer).freeze(wanted);
  }
  if (xxh3_128(bytes.view()) != *sum) {
    client.close();
    co_return Error(Code::corrupt, "The bytes arrived with a wrong checksum.");
  }
  co_return bytes;
}

}  // namespace mas::peer

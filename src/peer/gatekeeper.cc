#include "peer/gatekeeper.h"

#include "mas/core/units.h"
#include "peer/wire.h"

namespace mas::peer {
namespace {

Error refused(std::string sentence) { return {Code::refused, std::move(sentence)}; }

// Of a pod of mas 0.1.0.
Result<void> check_secret(const http::Headers& headers, const Self& self) {
  constexpr std::string_view kScheme = "Bearer ";
  auto field = wire::only(headers, "Authorization");
  if (!field || !field->starts_with(kScheme)) {
    return Error(Code::system_token_invalid, "The peer port wants the cluster's secret, once.");
  }
  const std::string_view shown = field->substr(kScheme.size());
  bool known = false;
  for (const std::string& secret : self.secrets) {
    known = constant_time_equal(as_bytes(shown), as_bytes(secret)) || known;
  }
  if (!known) {
    return Error(Code::system_token_invalid,
                 "This is not the cluster's secret; all pods need the same cluster.secret_file.");
  }
  return {};
}

// Whether the sender is a pod of the cluster: its connection has proved it, or, in version 1, the
// secret does.
Result<void> check_sender(const http::RequestHead& head, const Self& self, bool accept_v1) {
  const auto version = wire::only(head.headers, wire::kProtocol);
  if (accept_v1 && version == wire::kVersion1) return check_secret(head.headers, self);
  if (!head.proven) {
    return Error(Code::system_token_invalid, "The peer port wants TLS with the cluster's key.");
  }
  if (version && version != wire::kVersion) {
    return Error(Code::not_implemented,
                 "This pod speaks version " + std::string(wire::kVersion) +
                     " of the peer protocol only; peer.accept_v1 lets it hear version 1, too.");
  }
  return {};
}

// A field that has to be there exactly once.
Result<std::string_view> field(const http::Headers& headers, std::string_view name) {
  if (auto value = wire::only(headers, name)) return *value;
  bool missing = headers.count(name) == 0;
  return Error(missing ? Code::parameter_missing : Code::parameter_malformed,
               missing ? "The field " + std::string(name) + " is missing."
                       : "Send one field " + std::string(name) + " only.");
}

Error malformed(std::string_view name) {
  return {Code::parameter_malformed, "The field " + std::string(name) + " is malformed."};
}

Result<Id128> id_field(const http::Headers& headers, std::string_view name) {
  MAS_TRY(std::string_view text, field(headers, name));
  auto id = Id128::parse(text);
  if (!id) return malformed(name);
  return *id;
}

Result<std::string> text_field(const http::Headers& headers, std::string_view name) {
  MAS_TRY(std::string_view text, field(headers, name));
  auto decoded = http::percent_decode(text);
  if (!decoded || decoded->empty()) return malformed(name);
  return std::move(*decoded);
}

// Whom the sender believes to be here. Calls of an address leave it out.
Result<void> check_target(const http::Headers& headers, const Self& self, CallKind kind) {
  if (kind != CallKind::shard && headers.count(wire::kTargetSlot) == 0) return {};
  MAS_TRY(std::string slot, text_field(headers, wire::kTargetSlot));
  MAS_TRY(Id128 incarnation, id_field(headers, wire::kTargetIncarnation));
  if (slot == self.slot && incarnation == self.incarnation) return {};
  return refused("This is pod " + self.slot + " with the data of " + self.incarnation.hex() +
                 ", not the pod this was meant for.");
}

}  // namespace

Result<Caller> admit(const http::RequestHead& head, const Self& self, const HandlerOptions& options,
                     CallKind kind) {
  const http::Headers& headers = head.headers;
  MAS_CHECK(check_sender(head, self, options.accept_v1));
  MAS_CHECK(field(headers, wire::kProtocol));
  MAS_TRY(std::string cluster, text_field(headers, wire::kCluster));
  if (cluster != self.cluster) return refused("This pod belongs to another cluster.");
  MAS_CHECK(check_target(headers, self, kind));
  Caller caller;
  MAS_TRY(caller.slot, text_field(headers, wire::kSlot));
  MAS_TRY(caller.incarnation, id_field(headers, wire::kIncarnation));
  MAS_TRY(std::string_view layout, field(headers, wire::kLayout));
  auto number = parse_u64(layout);
  if (number.has_error()) return malformed(wire::kLayout);
  caller.layout_version = *number;
  if (kind != CallKind::ping && !options.known(caller.slot, caller.incarnation)) {
    return refused("The layout does not name these data of pod " + caller.slot +
                   ": until it does, they may only ping.");
  }
  return caller;
}

}  // namespace mas::peer

#include "peer/remote_calls.h"

#include <algorithm>
#include <span>

#include "mas/core/xxh3.h"
#include "peer/request.h"
#include "peer/wire.h"

namespace mas::peer {
namespace {

Task<Result<Slice>> read_once(Lane& lane, const Self& self, const Address& to, RecordKey key,
                              std::uint64_t offset, std::uint32_t length) {
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to.slot, to.address));
  std::string path = "record/" + wire::key_text(key) + "?offset=" + std::to_string(offset) +
                     "&length=" + std::to_string(length);
  auto request = make_request("GET", std::move(path), self, &to, self.layout().version);
  MAS_CO_TRY(http::ResponseHead head, co_await send(lease.client(), std::move(request)));
  co_return co_await take_answer(lease.client(), head, length);
}

Task<Result<void>> have_batch(Lane& lane, const Self& self, const Address& to,
                              std::span<const RecordKey> keys, std::vector<bool>& held) {
  std::string body;
  body.reserve(keys.size() * RecordKey::kEncodedSize);
  for (const RecordKey& key : keys) {
    RecordKey::Encoded bytes = key.encode();
    body += as_text(bytes);
  }
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to.slot, to.address));
  auto request = make_request("POST", "have", self, &to, self.layout().version);
  wire::add(request.headers, wire::kSum, wire::sum_text(xxh3_128(as_bytes(body))));
  request.text = std::move(body);
  MAS_CO_TRY(http::ResponseHead head, co_await send(lease.client(), std::move(request)));
  MAS_CO_TRY(Slice answer, co_await take_answer(lease.client(), head, keys.size()));
  if (answer.size() != keys.size()) co_return Error(Code::closed, "The pod's answer is too short.");
  for (std::uint8_t one : answer.view()) held.push_back(one == '1');
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> put_remote(Lane& lane, const Self& self, Address to,
                              std::uint64_t layout_version, RecordKey key,
                              std::vector<Slice> pieces) {
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to.slot, to.address));
  auto request = make_request("PUT", "record/" + wire::key_text(key), self, &to, layout_version);
  wire::add(request.headers, wire::kSum, wire::sum_text(xxh3_128(pieces)));
  request.pieces = std::move(pieces);
  // Sent again only if nothing of it was sent: what came after may stand on the answer.
  request.repeatable = false;
  MAS_CO_CHECK(co_await send(lease.client(), std::move(request)));
  co_return Result<void>();
}

Task<Result<Slice>> read_remote(Lane& lane, const Self& self, Address to, RecordKey key,
                                std::uint64_t offset, std::uint32_t length) {
  // Longer ones do not exist.
  length = std::min(length, static_cast<std::uint32_t>(kMaxRecordBytes));
  Result<Slice> bytes = co_await read_once(lane, self, to, key, offset, length);
  // Bytes that changed on the way are no reason to throw the record away: once more.
  if (bytes.has_error() && bytes.error().code() == Code::corrupt) {
    bytes = co_await read_once(lane, self, to, key, offset, length);
  }
  co_return bytes;
}

Task<Result<std::vector<bool>>> have_remote(Lane& lane, const Self& self, Address to,
                                            std::vector<RecordKey> keys) {
  std::vector<bool> held;
  std::span<const RecordKey> rest = keys;
  while (!rest.empty()) {
    auto batch = rest.first(std::min(rest.size(), wire::kMaxKeys));
    rest = rest.subspan(batch.size());
    MAS_CO_CHECK(co_await have_batch(lane, self, to, batch, held));
  }
  co_return held;
}

Task<Result<void>> quarantine_remote(Lane& lane, const Self& self, Address to, RecordKey key) {
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to.slot, to.address));
  auto request =
      make_request("POST", "quarantine/" + wire::key_text(key), self, &to, self.layout().version);
  MAS_CO_CHECK(co_await send(lease.client(), std::move(request)));
  co_return Result<void>();
}

Task<Result<CarriedPage>> carried_remote(Lane& lane, const Self& self, Address to,
                                         std::optional<RecordKey> after) {
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to.slot, to.address));
  std::string path = "objects";
  if (after) path += "?after=" + wire::key_text(*after);
  auto request = make_request("GET", std::move(path), self, &to, self.layout().version);
  MAS_CO_TRY(http::ResponseHead head, co_await send(lease.client(), std::move(request)));
  MAS_CO_TRY(Slice body, co_await take_answer(lease.client(), head, wire::kMaxCarriedBytes));
  auto records = wire::parse_carried(as_text(body.view()));
  auto next = wire::only(head.headers, wire::kNext);
  CarriedPage page;
  if (next) page.next = wire::parse_key(*next);
  // Without an end it would be asked for ever.
  bool forward = !page.next || !after || *page.next > *after;
  if (!records || next.has_value() != page.next.has_value() || !forward) {
    co_return Error(Code::closed, "The pod's answer is not one of mas.");
  }
  page.records = std::move(*records);
  co_return page;
}

Task<Result<std::string>> layout_remote(Lane& lane, const Self& self, Address to) {
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to.slot, to.address));
  auto request = make_request("GET", "layout", self, &to, self.layout().version);
  MAS_CO_TRY(http::ResponseHead head, co_await send(lease.client(), std::move(request)));
  MAS_CO_TRY(Slice body, co_await take_answer(lease.client(), head, wire::kMaxLayoutBytes));
  co_return std::string(as_text(body.view()));
}

}  // namespace mas::peer

#include "peer/remote_calls.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <span>

#include "mas/core/xxh3.h"
#include "peer/request.h"
#include "peer/wire.h"

namespace mas::peer {
namespace {

// While it lives, a recall closes the connection in use, on the lane's thread.
class Closing {
 public:
  Closing(Lane& lane, http::Client& client, std::shared_ptr<Recall> recall)
      : recall_(std::move(recall)) {
    if (!recall_) return;
    // Where the call has ended before its turn comes, nothing is closed.
    client_ = std::make_shared<http::Client*>(&client);
    auto close = [executor = lane.executor(), client = client_] {
      boost::asio::post(executor, [client] {
        if (*client != nullptr) (*client)->close();
      });
    };
    recall_->when_recalled(close);
  }
  ~Closing() {
    if (!recall_) return;
    recall_->when_recalled(nullptr);
    *client_ = nullptr;
  }
  Closing(const Closing&) = delete;
  Closing& operator=(const Closing&) = delete;

 private:
  std::shared_ptr<Recall> recall_;
  std::shared_ptr<http::Client*> client_;
};

// A call that waited for a connection may have been recalled meanwhile.
Result<void> still_wanted(const std::shared_ptr<Recall>& recall) {
  if (!recall || !recall->is_recalled()) return {};
  return Error(Code::closed, "The call was taken back.");
}

Task<Result<Slice>> read_once(Lane& lane, const Self& self, const Address& to, RecordKey key,
                              std::uint64_t offset, std::uint32_t length,
                              const std::shared_ptr<Recall>& recall) {
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to));
  MAS_CO_CHECK(still_wanted(recall));
  Closing closing(lane, lease.client(), recall);
  std::string path = "record/" + wire::key_text(key) + "?offset=" + std::to_string(offset) +
                     "&length=" + std::to_string(length);
  auto request = make_request("GET", std::move(path), self, &to, self.layout().version, to.v1);
  MAS_CO_TRY(http::ResponseHead head, co_await send(lease.client(), std::move(request), &to));
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
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to));
  auto request = make_request("POST", "have", self, &to, self.layout().version, to.v1);
  wire::add(request.headers, wire::kSum, wire::sum_text(xxh3_128(as_bytes(body))));
  request.text = std::move(body);
  MAS_CO_TRY(http::ResponseHead head, co_await send(lease.client(), std::move(request), &to));
  MAS_CO_TRY(Slice answer, co_await take_answer(lease.client(), head, keys.size()));
  if (answer.size() != keys.size()) co_return Error(Code::closed, "The pod's answer is too short.");
  for (std::uint8_t one : answer.view()) held.push_back(one == '1');
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> put_remote(Lane& lane, const Self& self, Address to,
                              std::uint64_t layout_version, RecordKey key,
                              std::vector<Slice> pieces, std::shared_ptr<Recall> recall) {
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to));
  MAS_CO_CHECK(still_wanted(recall));
  Closing closing(lane, lease.client(), recall);
  auto request =
      make_request("PUT", "record/" + wire::key_text(key), self, &to, layout_version, to.v1);
  wire::add(request.headers, wire::kSum, wire::sum_text(xxh3_128(pieces)));
  request.pieces = std::move(pieces);
  // Sent again only if nothing of it was sent: what came after may stand on the answer.
  request.repeatable = false;
  MAS_CO_CHECK(co_await send(lease.client(), std::move(request), &to));
  co_return Result<void>();
}

Task<Result<Slice>> read_remote(Lane& lane, const Self& self, Address to, RecordKey key,
                                std::uint64_t offset, std::uint32_t length,
                                std::shared_ptr<Recall> recall) {
  // Longer ones do not exist.
  length = std::min(length, static_cast<std::uint32_t>(kMaxRecordBytes));
  Result<Slice> bytes = co_await read_once(lane, self, to, key, offset, length, recall);
  // Bytes that changed on the way are no reason to throw the record away: once more.
  if (bytes.has_error() && bytes.error().code() == Code::corrupt) {
    bytes = co_await read_once(lane, self, to, key, offset, length, recall);
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
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to));
  auto request = make_request("POST", "quarantine/" + wire::key_text(key), self, &to,
                              self.layout().version, to.v1);
  MAS_CO_CHECK(co_await send(lease.client(), std::move(request), &to));
  co_return Result<void>();
}

Task<Result<CarriedPage>> carried_remote(Lane& lane, const Self& self, Address to,
                                         std::optional<RecordKey> after) {
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to));
  std::string path = "objects";
  if (after) path += "?after=" + wire::key_text(*after);
  auto request = make_request("GET", std::move(path), self, &to, self.layout().version, to.v1);
  MAS_CO_TRY(http::ResponseHead head, co_await send(lease.client(), std::move(request), &to));
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
  MAS_CO_TRY(Lane::Lease lease, co_await lane.connection(to));
  auto request = make_request("GET", "layout", self, &to, self.layout().version, to.v1);
  MAS_CO_TRY(http::ResponseHead head, co_await send(lease.client(), std::move(request), &to));
  MAS_CO_TRY(Slice body, co_await take_answer(lease.client(), head, wire::kMaxLayoutBytes));
  co_return std::string(as_text(body.view()));
}

}  // namespace mas::peer

#include "sim/links.h"

namespace mas::sim {
namespace {

constexpr Duration kPatience = std::chrono::seconds(10);

}  // namespace

Task<Result<void>> PeerLink::put(layout::MemberIndex member, std::uint64_t layout_version,
                                 RecordKey key, std::vector<Slice> pieces) {
  if (member == self_) co_return co_await own_.put(0, layout_version, key, std::move(pieces));
  // What is sent is a copy: the sender may use its memory again while this is on its way.
  std::vector<Slice> sent;
  for (const Slice& piece : pieces) sent.push_back(Slice::copy_of(piece.view()));
  pieces.clear();
  Request<void> request = [=](Services& services, Life&) {
    return services.shards->put(0, layout_version, key, sent);
  };
  co_return co_await network_.call<void>(life_, self_, member, kPatience, std::move(request), true);
}

Task<Result<Slice>> PeerLink::read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                                   std::uint32_t length) {
  if (member == self_) co_return co_await own_.read(0, key, offset, length);
  Request<Slice> request = [=](Services& services, Life&) {
    return services.shards->read(0, key, offset, length);
  };
  co_return co_await network_.call<Slice>(life_, self_, member, kPatience, std::move(request),
                                          true);
}

Task<Result<std::vector<bool>>> PeerLink::have(layout::MemberIndex member,
                                               std::vector<RecordKey> keys) {
  if (member == self_) co_return co_await own_.have(0, std::move(keys));
  Request<std::vector<bool>> request = [=](Services& services, Life&) {
    return services.shards->have(0, keys);
  };
  co_return co_await network_.call<std::vector<bool>>(life_, self_, member, kPatience,
                                                      std::move(request), true);
}

Task<Result<void>> PeerLink::quarantine(layout::MemberIndex member, RecordKey key) {
  if (member == self_) co_return co_await own_.quarantine(0, key);
  Request<void> request = [=](Services& services, Life&) {
    return services.shards->quarantine(0, key);
  };
  co_return co_await network_.call<void>(life_, self_, member, kPatience, std::move(request), true);
}

Task<Result<peer::CarriedPage>> PeerLink::carried(layout::MemberIndex member,
                                                  std::optional<RecordKey> after) {
  if (member == self_) co_return co_await own_.carried(0, after);
  Request<peer::CarriedPage> request = [=](Services& services, Life&) {
    return services.shards->carried(0, after);
  };
  co_return co_await network_.call<peer::CarriedPage>(life_, self_, member, kPatience,
                                                      std::move(request), true);
}

}  // namespace mas::sim

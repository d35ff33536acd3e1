#include "app/serve/refreshing_transport.h"

#include <mutex>

#include "mas/runtime/contain.h"
#include "mas/runtime/sync.h"

namespace mas::app {
namespace {

class Refreshing final : public RefreshingTransport {
 public:
  Refreshing(peer::PeerTransport& inner, Executor home) : inner_(inner), home_(std::move(home)) {}

  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t layout_version, RecordKey key,
                         std::vector<Slice> pieces) override {
    return put_unless(nullptr, member, layout_version, key, std::move(pieces));
  }
  Task<Result<Slice>> read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                           std::uint32_t length) override {
    return inner_.read(member, key, offset, length);
  }
  Task<Result<void>> put_unless(std::shared_ptr<peer::Recall> recall, layout::MemberIndex member,
                                std::uint64_t layout_version, RecordKey key,
                                std::vector<Slice> pieces) override {
    Result<void> stored = co_await inner_.put_unless(std::move(recall), member, layout_version, key,
                                                     std::move(pieces));
    bool stale = stored.has_error() && stored.error().code() == Code::stale_layout;
    if (stale) co_await refresh();
    co_return stored;
  }
  Task<Result<Slice>> read_unless(std::shared_ptr<peer::Recall> recall, layout::MemberIndex member,
                                  RecordKey key, std::uint64_t offset,
                                  std::uint32_t length) override {
    return inner_.read_unless(std::move(recall), member, key, offset, length);
  }
  Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                       std::vector<RecordKey> keys) override {
    return inner_.have(member, std::move(keys));
  }
  Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) override {
    return inner_.quarantine(member, key);
  }
  Task<Result<peer::CarriedPage>> carried(layout::MemberIndex member,
                                          std::optional<RecordKey> after) override {
    return inner_.carried(member, after);
  }

  void refresh_with(membership::Membership* membership) override {
    std::lock_guard lock(mutex_);
    membership_ = membership;
  }
  Task<void> close() override { return gate_.close(); }

 private:
  // On membership's own thread. What comes of it shows on the board; an error changes nothing.
  static Task<void> ask(membership::Membership& membership, std::shared_ptr<Event> done) {
    auto refreshing = contain(membership.refresh(), "layout refresh");
    (void)co_await std::move(refreshing);
    done->set();
  }
  Task<void> refresh() {
    auto done = std::make_shared<Event>();
    {
      std::lock_guard lock(mutex_);
      if (membership_ == nullptr) co_return;
      if (!spawn(home_, gate_, ask(*membership_, done), "layout refresh")) co_return;
    }
    co_await done->wait();
  }

  peer::PeerTransport& inner_;
  const Executor home_;
  Gate gate_;
  std::mutex mutex_;
  membership::Membership* membership_ = nullptr;
};

}  // namespace

std::unique_ptr<RefreshingTransport> make_refreshing_transport(peer::PeerTransport& inner,
                                                               Executor home) {
  return std::make_unique<Refreshing>(inner, std::move(home));
}

}  // namespace mas::app

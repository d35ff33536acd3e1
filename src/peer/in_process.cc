#include "mas/core/result.h"
#include "mas/peer/transport.h"
#include "peer/store_calls.h"

namespace mas::peer {
namespace {

class InProcessTransport final : public PeerTransport {
 public:
  explicit InProcessTransport(std::vector<store::Store*>& stores) : stores_(stores) {}

  Task<Result<void>> put(layout::MemberIndex member, std::uint64_t, RecordKey key,
                         std::vector<Slice> pieces) override {
    MAS_CO_TRY(store::Store * store, find(member));
    co_return co_await store->put(key, std::move(pieces));
  }

  Task<Result<Slice>> read(layout::MemberIndex member, RecordKey key, std::uint64_t offset,
                           std::uint32_t length) override {
    MAS_CO_TRY(store::Store * store, find(member));
    co_return co_await store->read(key, offset, length);
  }

  Task<Result<std::vector<bool>>> have(layout::MemberIndex member,
                                       std::vector<RecordKey> keys) override {
    MAS_CO_TRY(store::Store * store, find(member));
    co_return co_await have_in(*store, std::move(keys));
  }

  Task<Result<void>> quarantine(layout::MemberIndex member, RecordKey key) override {
    MAS_CO_TRY(store::Store * store, find(member));
    co_return co_await quarantine_in(*store, key);
  }

  Task<Result<CarriedPage>> carried(layout::MemberIndex member,
                                    std::optional<RecordKey> after) override {
    MAS_CO_TRY(store::Store * store, find(member));
    co_return co_await carried_in(*store, after);
  }

 private:
  [[nodiscard]] Result<store::Store*> find(layout::MemberIndex member) const {
    store::Store* store = member < stores_.size() ? stores_[member] : nullptr;
    if (store == nullptr) return Error(Code::closed, "The pod cannot be reached.");
    return store;
  }

  std::vector<store::Store*>& stores_;
};

}  // namespace

std::unique_ptr<PeerTransport> make_in_process_transport(std::vector<store::Store*>& stores) {
  return std::make_unique<InProcessTransport>(stores);
}

}  // namespace mas::peer

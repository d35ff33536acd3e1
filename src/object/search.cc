#include "mas/object/search.h"

#include <set>

#include "mas/layout/leavers.h"
#include "mas/object/holders.h"

namespace mas::object {
namespace {

struct Question {
  std::size_t stripe;
  std::uint16_t shard;
};

}  // namespace

Task<std::vector<Found>> search(peer::PeerTransport& transport,
                                std::shared_ptr<const membership::ClusterView> view,
                                std::vector<StripeRef> stripes) {
  std::vector<RecordKey> keys;
  std::vector<Question> questions;
  for (std::size_t i = 0; i < stripes.size(); ++i) {
    for (std::uint16_t shard = 0; shard < stripes[i].extent.profile.width(); ++shard) {
      keys.push_back(RecordKey::shard(stripes[i].extent.id, stripes[i].number, shard));
      questions.push_back({i, shard});
    }
  }
  std::vector<std::set<std::uint16_t>> seen(stripes.size());  // shards that somebody has
  bool unanswered = false;
  for (std::size_t i = 0; i < view->layout.members.size(); ++i) {
    const auto member = static_cast<layout::MemberIndex>(i);
    if (!layout::is_present(view->layout.members[i])) continue;
    Result<std::vector<bool>> held = Error(Code::closed, "The member is down.");
    if (!is_down(*view, member)) {
      auto asking = transport.have(member, keys);
      held = co_await std::move(asking);
    }
    if (held.has_error() || held->size() != keys.size()) {
      unanswered = true;
      continue;
    }
    for (std::size_t at = 0; at < keys.size(); ++at) {
      if ((*held)[at]) seen[questions[at].stripe].insert(questions[at].shard);
    }
  }
  std::vector<Found> found;
  for (const auto& shards : seen) {
    found.push_back({static_cast<int>(shards.size()), unanswered});
  }
  co_return found;
}

}  // namespace mas::object

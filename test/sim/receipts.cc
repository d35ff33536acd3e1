#include "sim/receipts.h"

#include <algorithm>
#include <set>

#include "mas/layout/leavers.h"
#include "sim/at_once.h"

namespace mas::sim {
namespace {

// One stripe, and the shards of it that are somewhere.
struct Stripe {
  meta::Extent extent;
  std::uint64_t number = 0;
  std::set<int> there = {};
};

std::vector<RecordKey> keys_of(const std::vector<Stripe>& stripes) {
  std::vector<RecordKey> keys;
  for (const Stripe& stripe : stripes) {
    for (int shard = 0; shard < stripe.extent.profile.width(); ++shard) {
      const auto minor = static_cast<std::uint16_t>(shard);
      keys.push_back(RecordKey::shard(stripe.extent.id, stripe.number, minor));
    }
  }
  return keys;
}

Task<std::vector<bool>> held_by(store::Store& store, std::vector<RecordKey> keys) {
  std::vector<bool> held;
  for (const RecordKey& key : keys) {
    const auto record = co_await store.stat(key);
    held.push_back(record.has_value());
  }
  co_return held;
}

void add_running(Pod& pod, std::vector<Stripe>& stripes) {
  const std::vector<bool> held = at_once(held_by(pod.store(), keys_of(stripes)));
  std::size_t at = 0;
  for (Stripe& stripe : stripes) {
    for (int shard = 0; shard < stripe.extent.profile.width(); ++shard) {
      if (held[at++]) stripe.there.insert(shard);
    }
  }
}

void add_down(Cluster& cluster, const layout::Layout& layout, const Pod& pod,
              std::vector<Stripe>& stripes) {
  for (Stripe& stripe : stripes) {
    const std::uint32_t partition = layout::partition_of(stripe.extent.id, stripe.number);
    for (const auto* row : {&layout.row(partition), &layout.previous_row(partition)}) {
      const std::size_t width = std::min<std::size_t>(
          row->size(), static_cast<std::size_t>(stripe.extent.profile.width()));
      for (std::size_t shard = 0; shard < width; ++shard) {
        if (cluster.pod_of(layout, (*row)[shard]) != &pod) continue;
        stripe.there.insert(static_cast<int>(shard));
      }
    }
  }
}

std::vector<Stripe> stripes_of(const std::vector<meta::Extent>& extents) {
  std::vector<Stripe> stripes;
  for (const meta::Extent& extent : extents) {
    for (std::uint64_t number = 0; number < object::stripe_count(extent); ++number) {
      stripes.push_back({extent, number});
    }
  }
  return stripes;
}

// What this pod's directory has, or should have if nobody can ask it.
void add_directory(Cluster& cluster, const layout::Layout& layout, Pod& pod,
                   std::vector<Stripe>& stripes) {
  if (pod.is_up() && !pod.is_stopping()) {
    add_running(pod, stripes);
  } else if (pod.incarnation()) {
    add_down(cluster, layout, pod, stripes);
  }
}

void add_set_aside(const Pod& pod, std::vector<Stripe>& stripes) {
  for (Stripe& stripe : stripes) {
    for (const RecordKey& key : keys_of({stripe})) {
      if (pod.has_set_aside(key)) stripe.there.insert(key.minor);
    }
  }
}

std::vector<Stripe> look(Cluster& cluster, const meta::Object& object) {
  std::vector<Stripe> stripes = stripes_of(object.extents);
  const layout::Layout layout = cluster.layout();
  for (std::size_t i = 0; i < cluster.size() && !layout.rows.empty(); ++i) {
    add_directory(cluster, layout, cluster.pod(i), stripes);
  }
  return stripes;
}

// Data directories that were expected back under `before`, and are not any more.
std::set<Id128> given_up_since(const layout::Layout& before, const layout::Layout& now) {
  std::set<Id128> gone;
  for (const layout::Member& member : before.members) {
    if (member.state != layout::kGivenUp) gone.insert(member.incarnation);
  }
  for (const layout::Member& member : now.members) {
    if (member.state != layout::kGivenUp) gone.erase(member.incarnation);
  }
  return gone;
}

bool is_current(Cluster& cluster, const meta::Object& object) {
  if (cluster.restorer().is_lost() || object.extents.empty()) return false;
  const auto now = at_once(cluster.meta().find(object.hash));
  return now.has_value() && *now && (*now)->state == meta::ObjectState::live &&
         (*now)->generation == object.generation && (*now)->extents == object.extents;
}

void check(Cluster& cluster, const meta::Object& object, Instant asked, int durable, int survives,
           const char* what) {
  if (!is_current(cluster, object)) return;
  const auto unknown = static_cast<int>(cluster.losses().unknown_to_receipt(asked));
  // The worst stripe is said: of several profiles it is not known of which.
  const auto differs = [&](const meta::Extent& extent) {
    return extent.profile != object.extents.front().profile;
  };
  if (std::any_of(object.extents.begin(), object.extents.end(), differs)) durable = 0;
  for (const Stripe& stripe : look(cluster, object)) {
    if (cluster.losses().may_not_know(stripe.extent.id, asked)) continue;
    const Profile& profile = stripe.extent.profile;
    const int there = static_cast<int>(stripe.there.size());
    const bool says_more = there + unknown < std::max(durable, profile.k + survives);
    if (!says_more) continue;
    cluster.world().violate(std::string(what) + " says durable " + std::to_string(durable) +
                            " and survives " + std::to_string(survives) + " of file " +
                            object.hash.hex().substr(0, 8) + ", but of stripe " +
                            std::to_string(stripe.number) + " of extent " +
                            stripe.extent.id.hex().substr(0, 8) + ", profile " + profile.text() +
                            ", only " + std::to_string(there) + " shards are there");
    return;
  }
}

}  // namespace

std::string needed_of_refused(Cluster& cluster) {
  std::vector<meta::Extent> extents = cluster.uploading();
  for (const meta::Object& object : cluster.objects()) {
    // What has lost more than it was to survive nobody has to keep.
    const bool lost = cluster.losses().is_excused(object);
    if (object.state != meta::ObjectState::live || lost) continue;
    extents.insert(extents.end(), object.extents.begin(), object.extents.end());
  }
  std::vector<Stripe> others = stripes_of(extents);
  std::vector<Stripe> all = others;
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    Pod& pod = cluster.pod(i);
    if (!pod.is_up() || pod.is_stopping()) continue;
    add_running(pod, all);
    if (!pod.is_refused()) add_running(pod, others);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Profile& profile = all[i].extent.profile;
    const int there = static_cast<int>(others[i].there.size());
    if (there >= profile.k || static_cast<int>(all[i].there.size()) < profile.k) continue;
    return "extent " + all[i].extent.id.hex().substr(0, 8) + ", stripe " +
           std::to_string(all[i].number) + ", profile " + profile.text() + " has " +
           std::to_string(there) + " shards elsewhere";
  }
  return "";
}

void check_given_up(Cluster& cluster, const layout::Layout& before) {
  const layout::Layout now = cluster.layout();
  const std::set<Id128> gone = given_up_since(before, now);
  if (gone.empty() || now.rows.empty() || cluster.restorer().is_lost()) return;
  std::vector<meta::Extent> extents;
  for (const meta::Object& object : cluster.objects()) {
    const bool is_live = object.state == meta::ObjectState::live && !object.damaged;
    if (!is_live || cluster.losses().is_excused(object)) continue;
    extents.insert(extents.end(), object.extents.begin(), object.extents.end());
  }
  std::vector<Stripe> kept = stripes_of(extents);
  std::vector<Stripe> given_up = kept;
  const auto is_gone = [&](const std::optional<Id128>& id) { return id && gone.contains(*id); };
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    Pod& pod = cluster.pod(i);
    const bool goes = is_gone(pod.incarnation());
    add_directory(cluster, goes ? before : now, pod, goes ? given_up : kept);
    add_set_aside(pod, is_gone(pod.unmounted()) ? given_up : kept);
  }
  const std::size_t lost = cluster.losses().pods_that_lost();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const meta::Extent& extent = kept[i].extent;
    const std::size_t place = now.row(layout::partition_of(extent.id, kept[i].number)).size();
    const std::size_t whole = std::min<std::size_t>(place, extent.profile.width());
    const std::set<int>& there = kept[i].there;
    const bool adds = !std::includes(there.begin(), there.end(), given_up[i].there.begin(),
                                     given_up[i].there.end());
    if (!adds || there.size() + lost >= whole) continue;
    cluster.world().violate("a directory is given up that alone has some of stripe " +
                            std::to_string(kept[i].number) + " of extent " +
                            extent.id.hex().substr(0, 8) + ", profile " + extent.profile.text() +
                            ": of " + std::to_string(whole) + " shards only " +
                            std::to_string(there.size()) + " are elsewhere");
    return;
  }
}

void check_receipt(Cluster& cluster, const object::Receipt& receipt, Instant asked) {
  check(cluster, receipt.object, asked, receipt.durable, receipt.survives, "a receipt");
}

void check_stored(Cluster& cluster, const meta::Object& object, Instant asked) {
  check(cluster, object, asked, 0, 0, "an instant upload");
}

}  // namespace mas::sim

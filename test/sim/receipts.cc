#include "sim/receipts.h"

#include <algorithm>
#include <set>

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

std::vector<Stripe> look(Cluster& cluster, const meta::Object& object) {
  std::vector<Stripe> stripes = stripes_of(object.extents);
  const layout::Layout layout = cluster.layout();
  for (std::size_t i = 0; i < cluster.size() && !layout.rows.empty(); ++i) {
    Pod& pod = cluster.pod(i);
    if (pod.is_up() && !pod.is_stopping()) {
      add_running(pod, stripes);
    } else if (pod.incarnation()) {
      add_down(cluster, layout, pod, stripes);
    }
  }
  return stripes;
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
    if (object.state != meta::ObjectState::live) continue;
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

void check_receipt(Cluster& cluster, const object::Receipt& receipt, Instant asked) {
  check(cluster, receipt.object, asked, receipt.durable, receipt.survives, "a receipt");
}

void check_stored(Cluster& cluster, const meta::Object& object, Instant asked) {
  check(cluster, object, asked, 0, 0, "an instant upload");
}

}  // namespace mas::sim

#include "sim/checker.h"

#include <algorithm>
#include <set>

#include "mas/codec/stripe.h"

namespace mas::sim {
namespace {

std::string describe(const Error& error) {
  return std::string(code_name(error.code())) + " (" + error.message() + ")";
}

std::uint64_t stripes_of(const meta::Extent& extent) {
  return (extent.length + extent.stripe_size - 1) / extent.stripe_size;
}

// ---- Objects ----

// Whether this pod has the shard, with the bytes it was written with.
Task<bool> has_good_shard(store::Store& store, RecordKey key) {
  Result<Slice> record = co_await store.read(key, 0, UINT32_MAX);
  if (record.has_error() || record->size() < codec::kHeaderPrefix) co_return false;
  Result<std::size_t> size = codec::header_size(record->view());
  if (size.has_error() || *size > record->size()) co_return false;
  Result<codec::ShardHeader> header = codec::parse_header(record->view().first(*size));
  if (header.has_error()) co_return false;
  co_return codec::verify_blocks(*header, 0, record->view().subspan(*size)).has_value();
}

// A pod whose disk is bad counts as lost; the others must hold enough to survive what is promised.
void check_stripe(Workload& workload, const meta::Object& object, const meta::Extent& extent,
                  std::uint64_t stripe) {
  Cluster& cluster = workload.cluster;
  const auto& row = cluster.layout().row(layout::partition_of(extent.id, stripe));
  int good = 0;
  int lost = 0;
  for (int shard = 0; shard < extent.profile.width(); ++shard) {
    Pod& pod = cluster.pod(row.at(static_cast<std::size_t>(shard)));
    if (pod.has_rotted) {
      ++lost;
      continue;
    }
    const RecordKey key = RecordKey::shard(extent.id, stripe, static_cast<std::uint16_t>(shard));
    good += cluster.ask(pod.life(), has_good_shard(pod.store(), key)) ? 1 : 0;
  }
  const int wanted = extent.profile.k + least_survived(workload, object) - lost;
  if (good >= wanted) return;
  workload.world.violate("content " + std::to_string(workload.model->find(object.hash)) +
                         ": a stripe has " + std::to_string(good) + " good shards (" +
                         std::to_string(lost) + " on a bad disk); its receipt needs " +
                         std::to_string(wanted) + ", profile " + extent.profile.text());
}

void check_records(Workload& workload) {
  meta::ListQuery query;
  for (;;) {
    const auto page =
        workload.cluster.ask(workload.cluster.clients(), workload.cluster.meta().list(query));
    for (const meta::Object& object : page->objects) {
      if (workload.model->find(object.hash) == workload.model->size()) {
        workload.world.violate("a record of bytes that nobody ever had: " + object.hash.hex());
        continue;
      }
      for (const meta::Extent& extent : object.extents) {
        for (std::uint64_t stripe = 0; stripe < stripes_of(extent); ++stripe) {
          check_stripe(workload, object, extent, stripe);
        }
      }
    }
    if (!page->next) break;
    query.after = page->next;
  }
}

void check_download(Workload& workload, Client& client, std::size_t content, std::size_t pod) {
  Cluster& cluster = workload.cluster;
  const Result<void> got = cluster.ask(cluster.clients(), client.get(pod, content, true, true));
  if (got.has_value() || got.error().code() == Code::no_such_file) return;
  const auto record =
      cluster.ask(cluster.clients(), cluster.meta().find(workload.model->content(content).hash));
  if (record.has_value() && *record && may_be_lost(workload, **record)) return;
  workload.world.violate("content " + std::to_string(content) +
                         " cannot be read though everything works: " + describe(got.error()));
}

// ---- Garbage ----

Task<Result<std::set<Id128>>> extents_in(store::Store& store) {
  std::set<Id128> extents;
  std::optional<RecordKey> after;
  for (;;) {
    MAS_CO_TRY(auto page, co_await store.list(after, 1000));
    if (page.empty()) co_return extents;
    for (const store::RecordInfo& record : page) {
      if (record.key.kind == RecordKind::shard) extents.insert(record.key.extent());
    }
    after = page.back().key;
  }
}

}  // namespace

void check_objects(Workload& workload) {
  World& world = workload.world;
  Client client(workload);
  for (std::size_t content = 0; content < workload.model->size(); ++content) {
    const std::size_t first = world.rand().below(workload.cluster.size());
    for (std::size_t i = 0; i < std::min<std::size_t>(2, workload.cluster.size()); ++i) {
      check_download(workload, client, content, (first + i) % workload.cluster.size());
      if (!world.violations().empty()) return;
    }
  }
  check_records(workload);
  for (std::size_t i = 0; i < workload.cluster.size(); ++i) {
    Pod& pod = workload.cluster.pod(i);
    if (!pod.has_rotted && pod.store().usage().quarantined > 0) {
      world.violate(pod.name() + " took good records for damaged");
    }
  }
}

void check_service(Workload& workload) {
  Cluster& cluster = workload.cluster;
  Client client(workload);
  const auto must = [&](const char* what, const Pod& pod, const Result<void>& done) {
    if (done.has_value()) return;
    workload.world.violate(pod.name() + ": " + what +
                           " fails though everything works: " + describe(done.error()));
  };
  for (std::size_t i = 0; i < cluster.size() && workload.world.violations().empty(); ++i) {
    const std::size_t content = i + 1;
    const Pod& pod = cluster.pod(i);
    // Its body may break off, as any client's.
    Result<void> stored = Error(Code::body_unreadable, "");
    for (int attempt = 0;
         attempt < 10 && stored.has_error() && stored.error().code() == Code::body_unreadable;
         ++attempt) {
      stored = cluster.ask(cluster.clients(), client.put(i, content, false));
    }
    must("an upload", pod, stored);
    must("a download", pod, cluster.ask(cluster.clients(), client.get(i, content, true, true)));
    must("a deletion", pod, cluster.ask(cluster.clients(), client.remove(i, content)));
  }
}

void check_garbage(Workload& workload) {
  Cluster& cluster = workload.cluster;
  const auto freed = cluster.ask(cluster.clients(), cluster.meta().freed(0, 100'000));
  if (!freed->empty()) {
    workload.world.violate(std::to_string(freed->size()) +
                           " freed extents are not collected long after the grace");
    return;
  }
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    Pod& pod = cluster.pod(i);
    const auto extents = cluster.ask(pod.life(), extents_in(pod.store()));
    std::vector<Id128> asked(extents->begin(), extents->end());
    const auto referenced = cluster.ask(cluster.clients(), cluster.meta().referenced(asked));
    for (std::size_t at = 0; at < asked.size(); ++at) {
      if ((*referenced)[at] || !cluster.was_known(asked[at])) continue;
      workload.world.violate(pod.name() +
                             " keeps a shard of an extent that was given up: " + asked[at].hex());
      return;
    }
  }
}

}  // namespace mas::sim

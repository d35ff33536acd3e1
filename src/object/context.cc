#include "object/context.h"

namespace mas::object {

Instruments::Instruments(observe::Metrics& metrics)
    : shard_writes_failed(metrics.counter("mas_object_shard_writes_failed_total",
                                          "Shards that a holder did not store")),
      shards_bad(metrics.counter("mas_object_shards_bad_total",
                                 "Shards found with wrong bytes and quarantined")),
      degraded_reads(metrics.counter("mas_object_degraded_reads_total",
                                     "Reads served around a missing or wrong shard")),
      deduplicated(metrics.counter("mas_object_deduplicated_total",
                                   "Uploads of content that was stored already")),
      read_back(metrics.counter("mas_object_read_back_bytes_total",
                                "Bytes of stored parts read again to hash them")),
      repaired(metrics.counter("mas_repaired_total",
                               "Shards and manifests made anew, read back and verified")),
      repaired_bytes(metrics.counter("mas_repaired_bytes_total", "Bytes of repaired records")) {}

Context::Context(const config::Object& object_options, const config::Limits& upload_limits,
                 const Dependencies& dependencies)
    : options(object_options),
      limits(upload_limits),
      deps(dependencies),
      instruments(dependencies.metrics),
      budget(options, dependencies.clock, dependencies.background, background),
      records(options.record_cache_entries),
      generations(dependencies.meta, dependencies.watch),
      reads(dependencies.clock),
      writes(dependencies.clock) {}

std::int64_t Context::expiry() const { return (deps.clock.wall() + limits.session).unix_seconds(); }

}  // namespace mas::object

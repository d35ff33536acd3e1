#include "object/context.h"

namespace mas::object {

Instruments::Instruments(observe::Metrics& metrics)
    : shard_writes_failed(metrics.counter("mas_object_shard_writes_failed_total",
                                          "Shards that a holder did not store")),
      stragglers(metrics.counter("mas_object_stragglers_total",
                                 "Shards whose holder was silent too long to be waited for")),
      skipped(metrics.counter("mas_object_skipped_total",
                              "Shards not sent, or asked for last, as their holder was silent")),
      hedges(metrics.counter("mas_object_read_hedges_total",
                             "Reads that asked one more pod because the first was late")),
      shards_bad(metrics.counter("mas_object_shards_bad_total",
                                 "Shards found with wrong bytes and quarantined")),
      degraded_reads(metrics.counter("mas_object_degraded_reads_total",
                                     "Reads served around a missing or wrong shard")),
      deduplicated(metrics.counter("mas_object_deduplicated_total",
                                   "Uploads of content that was stored already")),
      stored_again(metrics.counter("mas_object_stored_again_total",
                                   "Uploads of content that has a record but too few shards")),
      read_back(metrics.counter("mas_object_read_back_bytes_total",
                                "Bytes of stored parts read again to hash them")),
      outage_records(metrics.counter("mas_object_outage_records_total",
                                     "Reads that used a remembered record because the metadata "
                                     "store could not be reached")),
      repaired(metrics.counter("mas_repaired_total",
                               "Shards and manifests made anew, read back and verified")),
      repaired_bytes(metrics.counter("mas_repaired_bytes_total", "Bytes of repaired records")) {}

Context::Context(const config::Object& object_options, const config::Limits& upload_limits,
                 const Dependencies& dependencies, const config::Write& write_options,
                 const config::Read& read_options)
    : options(object_options),
      limits(upload_limits),
      write(write_options),
      read(read_options),
      deps(dependencies),
      instruments(dependencies.metrics),
      budget(options, dependencies.clock, dependencies.background, background),
      records(options.record_cache_entries),
      presences(*this),
      generations(dependencies.meta, dependencies.watch),
      newest_layout(dependencies.meta),
      skips(dependencies.clock, write.skip_for),
      hedging(read, dependencies.clock),
      reads(dependencies.clock),
      writes(dependencies.clock) {}

std::int64_t Context::expiry() const { return (deps.clock.wall() + limits.session).unix_seconds(); }

}  // namespace mas::object

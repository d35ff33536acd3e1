// What every part of this module works with: the seams, the options, and what all requests share.
#pragma once

#include <cstdint>
#include <memory>

#include "mas/object/objects.h"
#include "object/budget.h"
#include "object/generation_source.h"
#include "object/hedging.h"
#include "object/newest_layout.h"
#include "object/presence_cache.h"
#include "object/pulse.h"
#include "object/record_cache.h"
#include "object/repair_queue.h"
#include "object/skip_list.h"
#include "object/unrecorded.h"
#include "object/write_epochs.h"

namespace mas::object {

struct Instruments {
  explicit Instruments(observe::Metrics& metrics);

  observe::Counter& shard_writes_failed;
  observe::Counter& stragglers;      // shards not waited for
  observe::Counter& skipped;         // shards not sent, or asked for last: their holder is skipped
  observe::Counter& hedges;          // reads that asked one more because the first was late
  observe::Counter& shards_bad;      // wrong bytes, quarantined
  observe::Counter& degraded_reads;  // units served without their first choice of shard
  observe::Counter& deduplicated;    // uploads of content that was there
  observe::Counter& stored_again;    // uploads of content whose record is there, but not its shards
  observe::Counter& read_back;       // bytes hashed from stored parts
  observe::Counter& outage_records;  // reads by a remembered record, the metadata being away
  observe::Counter& repaired;        // shards and manifests made anew, verified
  observe::Counter& repaired_bytes;  // of them
};

struct Context {
  Context(const config::Object& object_options, const config::Limits& upload_limits,
          const Dependencies& dependencies, const config::Write& write_options,
          const config::Read& read_options);
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] std::int64_t now_seconds() const { return deps.clock.wall().unix_seconds(); }
  // To be held while one stripe, or one manifest with its commit, is written; never while a body is
  // waited for.
  [[nodiscard]] WriteEpochs::Write begin_write() { return epochs.begin(deps.view); }
  // Unix seconds when an upload touched now would expire.
  [[nodiscard]] std::int64_t expiry() const;

  const config::Object options;
  const config::Limits limits;
  const config::Write write;
  const config::Read read;
  Dependencies deps;
  Instruments instruments;
  Gate background;  // work that outlives its caller
  Gate calls;       // shard calls; background work makes some, so this one is closed after it
  Budget budget;
  RecordCache records;
  PresenceCache presences;
  GenerationSource generations;
  NewestLayout newest_layout;
  WriteEpochs epochs;
  Unrecorded unrecorded;
  RepairQueue hints;
  SkipList skips;
  Hedging hedging;
  Pulse reads;   // steps of downloads
  Pulse writes;  // stripes of uploads
};

}  // namespace mas::object

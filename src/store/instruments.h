// The counters of mas_store_*, looked up once.
#pragma once

#include "mas/observe/metrics.h"

namespace mas::store {

struct Instruments {
  explicit Instruments(observe::Metrics& metrics)
      : frames(metrics.counter("mas_store_frames_total",
                               "Frames written, each with one sync that answered all in it.")),
        records(metrics.counter("mas_store_records_written_total", "Records written in frames.")),
        bytes_written(metrics.counter("mas_store_written_bytes_total", "Bytes of frames written.")),
        bytes_read(metrics.counter("mas_store_read_bytes_total", "Payload bytes read.")),
        reads_cached(metrics.counter("mas_store_reads_total", "Reads of payloads, by source.",
                                     {{"source", "cache"}})),
        reads_disk(metrics.counter("mas_store_reads_total", "Reads of payloads, by source.",
                                   {{"source", "disk"}})),
        refused_full(metrics.counter("mas_store_refused_total", "Puts refused, by reason.",
                                     {{"reason", "full"}})),
        refused_busy(metrics.counter("mas_store_refused_total", "Puts refused, by reason.",
                                     {{"reason", "busy"}})),
        quarantined(metrics.counter("mas_store_quarantined_total", "Records found damaged.")),
        cuts(metrics.counter("mas_store_cuts_total", "Unfinished frames cut off at start.")),
        compacted(metrics.counter("mas_store_compacted_total", "Segments compacted away.")),
        compacted_bytes(metrics.counter("mas_store_compacted_bytes_total",
                                        "Payload bytes copied forward by compaction.")),
        scrubbed_bytes(metrics.counter("mas_store_scrubbed_bytes_total",
                                       "Payload bytes verified by scrub.")) {}

  observe::Counter& frames;
  observe::Counter& records;
  observe::Counter& bytes_written;
  observe::Counter& bytes_read;
  observe::Counter& reads_cached;
  observe::Counter& reads_disk;
  observe::Counter& refused_full;
  observe::Counter& refused_busy;
  observe::Counter& quarantined;
  observe::Counter& cuts;
  observe::Counter& compacted;
  observe::Counter& compacted_bytes;
  observe::Counter& scrubbed_bytes;
};

}  // namespace mas::store

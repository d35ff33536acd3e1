// How long each open upload has been seen without a sign of life, in time that this pod ran.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "mas/core/ids.h"
#include "mas/core/result.h"
#include "mas/runtime/clock.h"

namespace mas::maintain {

class IdleMarks {
 public:
  // Marks of more uploads than `most` are not kept: the rest wait until others have ended. Between
  // two looks no more than `longest` counts: who was stopped for longer could not have been reached
  // by the clients meanwhile.
  IdleMarks(std::size_t most, Duration longest) : most_(most), longest_(longest) {}

  // The upload has `touches` now: for how long it has been seen with just these. Time counts
  // between two looks of this process only, and whatever happened in between would have raised
  // `touches`.
  Duration see(const Id128& upload, std::uint64_t touches, Instant now);
  // A look has failed: the time from the one before to the one after does not count, as no client
  // may have got through either.
  void miss() { ++misses_; }
  // All uploads have been looked at: those that were not among them have ended.
  void end_pass();
  [[nodiscard]] std::size_t size() const { return marks_.size(); }

  // As a file (doc/metadata-format.md), for the next process.
  [[nodiscard]] std::string save() const;
  // Before the first look. Errors: corrupt; then nothing is changed.
  Result<void> load(std::string_view bytes);
  // What a file of them is at most.
  [[nodiscard]] std::size_t most_bytes() const;

 private:
  struct Mark {
    std::uint64_t touches = 0;
    Duration idle{0};
    std::optional<Instant> seen;  // by this process
    std::uint64_t pass = 0;
    std::uint64_t misses = 0;  // that had been when it was seen
  };

  std::size_t most_;
  Duration longest_;
  std::uint64_t pass_ = 1;
  std::uint64_t misses_ = 0;
  std::map<Id128, Mark> marks_;
};

}  // namespace mas::maintain

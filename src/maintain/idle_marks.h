// How long each open upload has been seen without a sign of life, in time that this pod ran.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "mas/core/ids.h"
#include "mas/runtime/clock.h"

namespace mas::maintain {

class IdleMarks {
 public:
  // Marks of more uploads than `most` are not kept: the rest wait until others have ended.
  explicit IdleMarks(std::size_t most) : most_(most) {}

  // The upload has `touches` now: for how long it has been seen with just these. Time counts
  // between two looks of this process only, and whatever happened in between would have raised
  // `touches`.
  Duration see(const Id128& upload, std::uint64_t touches, Instant now) {
    auto at = marks_.find(upload);
    if (at == marks_.end()) {
      if (marks_.size() >= most_) return Duration(0);
      at = marks_.emplace(upload, Mark{touches, Duration(0), std::nullopt, 0}).first;
    }
    Mark& mark = at->second;
    if (mark.touches != touches) {
      mark.touches = touches;
      mark.idle = Duration(0);
    } else if (mark.seen) {
      mark.idle += now - *mark.seen;
    }
    mark.seen = now;
    mark.pass = pass_;
    return mark.idle;
  }

  // All uploads have been looked at: those that were not among them have ended.
  void end_pass() {
    std::erase_if(marks_, [this](const auto& entry) { return entry.second.pass != pass_; });
    ++pass_;
  }

  [[nodiscard]] std::size_t size() const { return marks_.size(); }

 private:
  struct Mark {
    std::uint64_t touches = 0;
    Duration idle;
    std::optional<Instant> seen;  // by this process
    std::uint64_t pass = 0;
  };

  std::size_t most_;
  std::uint64_t pass_ = 1;
  std::map<Id128, Mark> marks_;
};

}  // namespace mas::maintain

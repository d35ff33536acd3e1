// EarlyWatch: a generation watch that stands in for a membership that is made later.
#pragma once

#include <atomic>
#include <cstdint>

#include "mas/membership/membership.h"

namespace mas::app {

// What membership sees of generations, for parts that are there before membership is: until then
// nothing is known and nothing is doubted. Thread-safe.
class EarlyWatch final : public membership::GenerationWatch {
 public:
  void watch_with(membership::Membership* membership) { membership_ = membership; }
  std::uint64_t highest_generation() const override {
    membership::Membership* now = membership_;
    return now == nullptr ? 0 : now->highest_generation();
  }
  void note_generation(std::uint64_t generation) override {
    if (membership::Membership* now = membership_) now->note_generation(generation);
  }
  void doubt_metadata(std::uint64_t taken) override {
    if (membership::Membership* now = membership_) now->doubt_metadata(taken);
  }
  bool doubts_metadata() const override {
    membership::Membership* now = membership_;
    return now != nullptr && now->doubts_metadata();
  }

 private:
  std::atomic<membership::Membership*> membership_{nullptr};
};

}  // namespace mas::app

// What a pod's store said is durable: it has to be there at the next start, whatever happened to
// the process.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "mas/store/store.h"

namespace mas::sim {

// Outlives the processes of a pod. Follows one data directory.
class Acknowledged {
 public:
  // The same store, followed.
  [[nodiscard]] std::unique_ptr<store::Store> follow(std::unique_ptr<store::Store> store);
  // Something of the disk is gone for good, or cannot be read: what is missing says nothing then.
  void give_up() { given_up_ = true; }
  // The first record that is missing from the store that was opened; "" if there is none.
  [[nodiscard]] std::string missing_from(store::Store& store);

 private:
  class Followed;
  std::uint64_t now() { return ++now_; }

  bool given_up_ = false;
  std::uint64_t now_ = 0;
  std::set<RecordKey> there_;
  std::map<RecordKey, std::uint64_t> removed_;  // when the last removal began
  std::multiset<RecordKey> being_removed_;
};

}  // namespace mas::sim

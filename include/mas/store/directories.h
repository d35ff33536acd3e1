// The data directories of a pod as a set: opening it when not all is as it was, what is missing of
// it, and the records that a stopped one holds.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mas/store/store.h"

namespace mas::store {

// What is done with a directory of the pod that has come back empty.
enum class OnEmptied {
  leave_out,  // nothing is written to it: nothing else holds what it held, and it may be a disk
              // that is not mounted
  take,       // it is a new disk: what it held is made anew from other pods
};

struct Directories {
  std::vector<std::string> paths;
  OnEmptied on_emptied = OnEmptied::leave_out;
  // Directories, as they were named, that are given up: emptied ones are taken as new, and those
  // that are not there are no longer missed.
  std::vector<std::string> accept_lost = {};
};

// As store::open(), which leaves emptied directories out. The directories know each other: an empty
// one is new if more are listed than were known, else it is one of the known that was emptied. One
// whose disk does not answer, or that is not listed any more, is said in the log and by
// absent_directories(); the others are used. Errors also: refused (the first directory was emptied
// and is not to be taken).
[[nodiscard]] Result<std::unique_ptr<Store>> open(const config::Store& options,
                                                  const Directories& directories,
                                                  const Dependencies& dependencies);

// Directories of the pod that are missing, emptied, or cannot be read now: a sentence each. Of a
// store that was not opened from directories: none.
[[nodiscard]] std::vector<std::string> absent_directories(const Store& store);

// How much of a store can be reached, for those who promise something of all that it holds.
struct Reach {
  bool is_whole = true;      // no directory is absent, and none has stopped writing
  std::uint64_t losses = 0;  // how often one went since the start; only grows
};
[[nodiscard]] Reach reach(const Store& store);

// As Store::list(), with the records that their disk does not give now, as they may come back; but
// nothing of a directory that is absent.
[[nodiscard]] Task<Result<std::vector<RecordInfo>>> list_all(Store& store,
                                                             std::optional<RecordKey> after,
                                                             std::size_t limit);

// A record that a start would show.
struct CheckedRecord {
  RecordKey key;
  bool is_sound = false;  // its bytes are those that were written
  bool is_twice = false;  // live in more than one directory; the newest counts
};

struct CheckedStore {
  CheckReport report;
  std::vector<CheckedRecord> inventory;  // by key
};

// As check(), and lists what it found. What cannot be read is a problem like any other. Some 150
// bytes of memory a record.
[[nodiscard]] Result<CheckedStore> check_and_list(
    fs::Fs& fs, const std::vector<std::string>& directories,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

}  // namespace mas::store

// What waits on the list of freed extents to be collected, between this pod's collection, its
// operators and the other pods: how much room comes back and when; the operator's word that it need
// not wait for the grace; and what running downloads still read, which it does wait for.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mas/maintain/scheduler.h"
#include "mas/observe/metrics.h"
#include "mas/runtime/clock.h"

namespace mas::maintain {

struct FreedOutlook {
  std::uint64_t entries = 0;  // of the list that this pod has not collected yet
  // What this pod's disks get back by them: its even share, before compression. An estimate.
  std::uint64_t bytes = 0;
  Instant next;  // when the first of it is due
  Instant all;   // and when all that is known of is
};

// What a pod says of its downloads: none that it has begun or will begin reads what was freed
// before entry `up_to` of the list, but for the extents `held`.
struct Quiet {
  std::uint64_t up_to = 0;
  std::vector<Id128> held = {};
};

// Adds `quiet` to the text that a pod is asked for by others (cluster_ledger.h), an object of JSON.
[[nodiscard]] std::string with_quiet(std::string share, const Quiet& quiet);
// Errors: corrupt; also what says nothing of it, which is a pod of an earlier version.
[[nodiscard]] Result<Quiet> quiet_in(std::string_view share);

// Thread-safe. Also sets the gauges mas_collect_waiting_entries, mas_collect_waiting_bytes,
// mas_collect_next_seconds and mas_collect_all_seconds.
class FreedBoard {
  using Reads = std::list<std::vector<Id128>>;  // extents of each download

 public:
  // `record_age`: for how long after a record has changed a download may begin that goes by the
  // older one, while the metadata can be reached: its age in the cache, and the time it takes to
  // ask for it.
  FreedBoard(observe::Metrics& metrics, Clock& clock, Duration record_age);

  // ---- what waits
  void publish(const FreedOutlook& outlook);
  [[nodiscard]] FreedOutlook outlook() const;
  // How long ago that was published; Duration::max() if it never was.
  [[nodiscard]] Duration outlook_age() const;
  // What was put on the list before `instant` and never was part of a file is off this pod's disks.
  void set_gone_before(Instant instant);
  // As last told; the clock's beginning before anything was.
  [[nodiscard]] Instant gone_before() const;
  // Of `due` from now on; 0 if that has passed, or nothing waits.
  [[nodiscard]] Duration until(Instant due) const;

  // An upload found the disk full. Whether one had within the last minutes.
  bool note_full();
  // Whether one has: then the list is looked at often.
  [[nodiscard]] bool is_full() const;

  // ---- running downloads
  class [[nodiscard]] Reading {
   public:
    Reading(Reading&& other) noexcept : board_(other.board_), at_(other.at_) {
      other.board_ = nullptr;
    }
    Reading& operator=(Reading&&) = delete;
    ~Reading();

   private:
    friend class FreedBoard;
    Reading(FreedBoard& board, Reads::iterator at) : board_(&board), at_(at) {}
    FreedBoard* board_;
    Reads::iterator at_;
  };
  // To be held while `object` is read; begun when its record was found.
  Reading begin_read(const meta::Object& object);
  [[nodiscard]] std::set<Id128> being_read() const;
  [[nodiscard]] Duration record_age() const noexcept { return record_age_; }

  // ---- the operator's word
  // What is on the list by now, or only what the deleted file `hash` left, need not wait for the
  // grace. False if too many words for single files wait to be heard or are followed.
  bool ask_now(std::optional<Hash> hash);
  // How many words, of all pods, this pod has heard and not done with.
  void set_followed(std::size_t words);
  [[nodiscard]] bool is_asked() const;
  // Those asked since the last call, for the collection. All of the list supersedes single files.
  [[nodiscard]] std::vector<std::optional<Hash>> take_asked();
  // What has become of it: a sentence, "" where nothing was asked for or all of it is done.
  void tell(std::string sentence);
  [[nodiscard]] std::string told() const;

  // ---- what other pods are told
  void publish(Quiet quiet);
  // Of what is held, that which is still being read.
  [[nodiscard]] Quiet quiet() const;

 private:
  void end_read(Reads::iterator at);
  [[nodiscard]] std::set<Id128> being_read_locked() const;
  [[nodiscard]] bool is_full_locked() const;

  Clock& clock_;
  const Duration record_age_;
  mutable std::mutex mutex_;
  FreedOutlook outlook_;
  std::optional<Instant> published_;  // outlook_
  Instant gone_before_;
  std::optional<Instant> full_;  // when an upload found it so
  Reads reads_;
  std::vector<std::optional<Hash>> asked_;
  std::size_t followed_ = 0;
  std::string told_;
  Quiet quiet_;
  std::shared_ptr<void> gauges_;
};

// Why what was deleted cannot be freed without its grace now, a sentence; "" if it can. Nothing may
// be removed, a member is down, or a pod that is no member is there: what those read is not known.
[[nodiscard]] std::string why_not_freed_now(const membership::ClusterView& view);

// What a collection needs to act on words: the board; how others are asked for their share (null:
// there are none); how cached records are forgotten (null: none are kept).
struct FreedWords {
  FreedBoard& board;
  std::function<Task<Result<std::string>>(layout::MemberIndex)> ask = {};
  std::function<void()> forget_records = {};
};

// As make_collect_worker of scheduler.h; tells the board what waits, and follows the words.
[[nodiscard]] std::unique_ptr<Worker> make_collect_worker(const config::Maintain&, Dependencies,
                                                          Ledger* ledger,
                                                          std::optional<MarksFile> file,
                                                          FreedWords words);

}  // namespace mas::maintain

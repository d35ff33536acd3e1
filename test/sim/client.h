// Client: one user of the cluster, who uploads, downloads and deletes at random, at any pod, and
// tells the model what it was told.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "sim/cluster.h"
#include "sim/habits.h"
#include "sim/history.h"
#include "sim/model.h"
#include "sim/requests.h"

namespace mas::sim {

// What clients have in common.
struct Workload {
  World& world;
  Cluster& cluster;
  std::shared_ptr<Model> model;
  Habits habits;
  History history;
  std::deque<std::size_t> lost = {};  // contents that were lost for good, and not sent again yet
  std::uint64_t metadata_losses = 0;
  std::shared_ptr<bool> hurry = std::make_shared<bool>(false);  // slow bodies come to their end
  bool stopping = false;
};

class Client {
 public:
  explicit Client(Workload& workload) : workload_(workload), rand_(workload.world.rand().fork()) {}

  // Until the workload is stopping: a bit of everything.
  Task<void> run();
  // The same: one session after the other, with long rests between parts.
  Task<void> be_patient();
  // The same: one long upload after the other. `crawl`: each until the workload hurries.
  Task<void> stream(bool crawl);

  // One download at `pod`, judged by the model. Errors: what the pod answered.
  Task<Result<void>> get(std::size_t pod, std::size_t content, bool whole, bool fresh);
  // One upload in one request, of the content it says or, with `wrong`, of another.
  Task<Result<void>> put(std::size_t pod, std::size_t content, bool wrong);
  Task<Result<void>> remove(std::size_t pod, std::size_t content);

 private:
  // A part as it is sent.
  struct PartOf {
    std::size_t content;
    std::uint32_t number;
    std::uint32_t parts;  // into which the content is split
    bool wrong = false;   // with other bytes than the content's
  };

  Task<void> one_thing();
  Task<void> instant(std::size_t content);
  Task<void> send_lost(std::size_t content);
  Task<void> session(std::size_t content);
  Task<void> crowd(std::size_t content);
  Task<void> abandon(std::size_t content);
  Task<void> patient_session(std::size_t content);
  Task<bool> still_there(object::SessionKey key, std::size_t parts, Instant touched);
  Task<Result<object::FinishResult>> finish(const object::SessionKey& key, std::size_t content);
  Task<bool> finish_session(object::SessionKey key, std::size_t content, std::uint32_t parts);
  Task<Result<void>> send_part(object::SessionKey key, PartOf part);
  // As send_part, and it is fine if it fails.
  static Task<void> send_anyhow(Client* self, object::SessionKey key, PartOf part, Duration after);
  Task<bool> open(object::SessionKey key);
  [[nodiscard]] Body body_of(std::size_t content, std::size_t from, std::size_t length, bool wrong);
  [[nodiscard]] std::uint32_t parts_of(std::size_t content);
  // What a receipt says must be true, and holds from now on.
  void believe(const object::Receipt& receipt, Instant asked);

  template <class T>
  Task<Result<T>> ask(std::size_t pod, Request<T> request);
  template <class T>
  Task<Result<T>> ask_for(std::size_t pod, Duration patience, Request<T> request);
  [[nodiscard]] std::size_t any_pod() { return rand_.below(workload_.cluster.size()); }
  // For the history: what came of a call just now.
  void record(const char* op, std::size_t pod, std::size_t content, Instant began,
              const char* outcome, Code code);
  void took(const char* what, std::size_t content, Code code);

  Workload& workload_;
  Rand rand_;
  std::uint64_t sessions_ = 0;  // of its own
};

// A judgement on a download: what was written must be the content's own bytes, and what was
// answered must be what the model allows. `from`: where the download began.
void judge_download(Workload& workload, std::size_t content, std::uint64_t from,
                    const Result<Download>& answer, const std::string& received,
                    const Sight* sight);

}  // namespace mas::sim

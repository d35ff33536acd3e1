// Client: one user of the cluster, who uploads, downloads and deletes at random, at any pod, and
// tells the model what it was told.
#pragma once

#include <memory>
#include <string>

#include "sim/cluster.h"
#include "sim/model.h"
#include "sim/requests.h"

namespace mas::sim {

// What clients have in common.
struct Workload {
  World& world;
  Cluster& cluster;
  std::shared_ptr<Model> model;
  bool stopping = false;
};

class Client {
 public:
  explicit Client(Workload& workload) : workload_(workload), rand_(workload.world.rand().fork()) {}

  // Until the workload is stopping.
  Task<void> run();

  // One download at `pod`, judged by the model. Errors: what the pod answered.
  Task<Result<void>> get(std::size_t pod, std::size_t content, bool whole, bool fresh);
  // One upload in one request, of the content it says or, with `wrong`, of another.
  Task<Result<void>> put(std::size_t pod, std::size_t content, bool wrong);
  Task<Result<void>> remove(std::size_t pod, std::size_t content);

 private:
  Task<void> one_thing();
  Task<void> instant(std::size_t content);
  Task<void> session(std::size_t content);
  Task<Result<object::FinishResult>> finish(const object::SessionKey& key, std::size_t content);
  Task<void> finish_session(object::SessionKey key, std::size_t content, std::uint32_t parts);
  Task<Result<void>> send_part(object::SessionKey key, std::size_t content, std::uint32_t number,
                               std::uint32_t parts, bool wrong);
  [[nodiscard]] Body body_of(std::size_t content, std::size_t from, std::size_t length, bool wrong);

  template <class T>
  Task<Result<T>> ask(std::size_t pod, Request<T> request);
  [[nodiscard]] std::size_t any_pod() { return rand_.below(workload_.cluster.size()); }
  void took(const char* what, std::size_t content, Code code);

  Workload& workload_;
  Rand rand_;
};

// A judgement on a download: what was written must be the content's own bytes, and what was
// answered must be what the model allows. `from`: where the download began.
void judge_download(Workload& workload, std::size_t content, std::uint64_t from,
                    const Result<Download>& answer, const std::string& received,
                    const Sight* sight);

}  // namespace mas::sim

// Clients that take their time: uploads that last longer than disks do, sessions with long rests.
#include <algorithm>

#include "sim/client_asks.h"

namespace mas::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Duration kThink = seconds(10);
constexpr int kTries = 10;  // of one part

}  // namespace

// ---- Streams ----

Task<void> Client::stream(bool crawl) {
  Life& life = workload_.cluster.clients();
  while (!workload_.stopping && !life.is_over()) {
    co_await life.pause(rand_.between(Duration(0), kThink));
    if (workload_.stopping || life.is_over()) co_return;
    const Model& model = *workload_.model;
    const std::size_t content = model.size() - 1 - rand_.below(kBigContents);
    if (rand_.chance(0.7)) (void)co_await remove(any_pod(), content);
    Body body;
    body.bytes = std::make_shared<std::string>(model.content(content).bytes);
    body.length = body.bytes->size();
    body.pause = crawl ? seconds(8) : rand_.between(seconds(1), seconds(8));
    if (crawl) body.piece = 2048;
    body.hurry = workload_.hurry;
    object::PutRequest request;
    if (rand_.chance(0.5)) request.hash = model.content(content).hash;
    auto change = workload_.model->begin(content, ChangeKind::store);
    Request<object::Receipt> sent = holding(put_request(request, std::move(body)), change);
    const Instant asked = workload_.world.now();
    const Duration patience = crawl ? Duration(minutes(8)) : Duration(minutes(5));
    const std::size_t pod = any_pod();
    Result<object::Receipt> receipt =
        co_await ask_for<object::Receipt>(pod, patience, std::move(sent));
    record("upload", pod, content, asked, receipt.has_value() ? "stored" : "unknown",
           code_of(receipt));
    took(crawl ? "crawling upload" : "long upload", content, code_of(receipt));
    if (receipt.has_error()) continue;
    believe(*receipt, asked);
    change->acknowledge();
    (void)co_await get(any_pod(), content, true, true);
  }
}

// ---- Sessions ----

Task<void> Client::be_patient() {
  Life& life = workload_.cluster.clients();
  while (!workload_.stopping && !life.is_over()) {
    co_await life.pause(rand_.between(Duration(0), kThink));
    if (workload_.stopping || life.is_over()) co_return;
    co_await patient_session(rand_.below(workload_.model->size()));
  }
}

// Each part comes within the session's life after the one before: nobody may end it, and what was
// acknowledged stays, whatever clocks say.
Task<void> Client::patient_session(std::size_t content) {
  const object::SessionKey key{workload_.model->content(content).hash,
                               "patient-" + std::to_string(rand_.next())};
  const std::uint64_t losses = workload_.metadata_losses;
  Instant touched = workload_.world.now();
  const bool opened = co_await open(key);
  // What was opened in a store that is rebuilt afterwards is not known to the one that is in use.
  if (!opened || workload_.cluster.restorer().is_lost()) co_return;
  workload_.world.count("patient session");
  Life& life = workload_.cluster.clients();
  const Duration longest =
      std::min<Duration>(workload_.cluster.settings().limits.session, minutes(2));
  const std::uint32_t parts = std::max<std::uint32_t>(2, parts_of(content));
  std::uint32_t number = 1;
  for (int tries = 0; number <= parts && tries < kTries && !life.is_over(); ++tries) {
    // What is left of the life covers what the part takes to arrive.
    const Duration since = workload_.world.now() - touched;
    const Duration most = std::max<Duration>(longest * 7 / 10 - since, milliseconds(1));
    if (!workload_.stopping) co_await life.pause(rand_.between(most / 2, most));
    const Instant sent = workload_.world.now();
    const PartOf part{content, number, parts};
    const Result<void> done = co_await send_part(key, part);
    // A loss of the metadata ends it.
    const bool lost = losses != workload_.metadata_losses || workload_.cluster.restorer().is_lost();
    if (lost || life.is_over()) co_return;
    if (done.has_value()) {
      touched = sent;
      ++number;
    }
    if (done.has_error() && done.error().code() != Code::upload_not_open) continue;
    const bool there = co_await still_there(key, number - 1, touched);
    if (!there) co_return;
  }
  if (number > parts) (void)co_await finish_session(key, content, parts);
}

// Parts 1 to `parts` were acknowledged, the last of them sent at `touched`. False: no need to go
// on.
Task<bool> Client::still_there(object::SessionKey key, std::size_t parts, Instant touched) {
  const std::uint64_t losses = workload_.metadata_losses;
  Request<object::SessionStatus> request = session_request(key);
  Result<object::SessionStatus> status =
      co_await ask<object::SessionStatus>(any_pod(), std::move(request));
  const Duration since = workload_.world.now() - touched;
  if (losses != workload_.metadata_losses || workload_.cluster.restorer().is_lost())
    co_return false;
  if (since >= workload_.cluster.settings().limits.session) co_return false;
  const std::string age =
      std::to_string(std::chrono::duration_cast<seconds>(since).count()) + " s after its last part";
  if (status.has_error()) {
    if (status.error().code() != Code::upload_not_open) co_return true;
    workload_.world.violate("an upload whose client goes on was ended " + age);
    co_return false;
  }
  if (status->parts.size() >= parts) co_return true;
  workload_.world.violate("of an upload whose client goes on " + std::to_string(parts) +
                          " parts were acknowledged, and " + std::to_string(status->parts.size()) +
                          " are there " + age);
  co_return false;
}

}  // namespace mas::sim

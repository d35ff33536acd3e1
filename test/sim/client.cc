#include <algorithm>

#include "sim/client_asks.h"
#include "sim/receipts.h"

namespace mas::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kThink = seconds(3);

}  // namespace

void Client::record(const char* op, std::size_t pod, std::size_t content, Instant began,
                    const char* outcome, Code code) {
  const Hash& hash = workload_.model->content(content).hash;
  workload_.history.add({hash, pod, op, outcome, began, code != Code::timeout});
}

void Client::took(const char* what, std::size_t content, Code code) {
  const bool well = code == Code::ok;
  workload_.world.note(std::string("client: ") + what, content, static_cast<std::uint64_t>(code));
  workload_.world.count(std::string(well ? "done: " : "failed: ") + what);
}

Task<void> Client::run() {
  Life& life = workload_.cluster.clients();
  while (!workload_.stopping && !life.is_over()) {
    co_await life.pause(rand_.between(Duration(0), kThink));
    if (workload_.stopping || life.is_over()) break;
    co_await one_thing();
  }
}

Task<void> Client::one_thing() {
  if (!workload_.lost.empty() && rand_.chance(0.5)) {
    const std::size_t content = workload_.lost.front();
    workload_.lost.pop_front();
    co_await send_lost(content);
    co_return;
  }
  const Habits& habits = workload_.habits;
  const std::size_t content = rand_.below(workload_.model->size());
  std::uint64_t left = rand_.below(habits.download + habits.upload + habits.session +
                                   habits.remove + habits.instant + habits.crowd + habits.abandon);
  const auto falls_to = [&left](std::uint64_t share) {
    if (left < share) return true;
    left -= share;
    return false;
  };
  if (falls_to(habits.download)) {
    const bool whole = rand_.chance(0.5);
    const bool fresh = rand_.chance(0.8);
    (void)co_await get(any_pod(), content, whole, fresh);
  } else if (falls_to(habits.upload)) {
    const bool wrong = rand_.chance(0.1);
    (void)co_await put(any_pod(), content, wrong);
  } else if (falls_to(habits.session)) {
    co_await session(content);
  } else if (falls_to(habits.remove)) {
    (void)co_await remove(any_pod(), content);
  } else if (falls_to(habits.instant)) {
    co_await instant(content);
  } else if (falls_to(habits.crowd)) {
    co_await crowd(content);
  } else {
    co_await abandon(content);
  }
}

// Who notices that a file is gone sends it again; and who does not notice may do so, too.
Task<void> Client::send_lost(std::size_t content) {
  workload_.world.count("what was lost is sent again");
  const std::uint64_t how = rand_.below(10);
  if (how < 5) {
    (void)co_await put(any_pod(), content, false);
  } else if (how < 8) {
    co_await session(content);
  } else {
    co_await instant(content);
  }
  (void)co_await get(any_pod(), content, true, true);
}

void Client::believe(const object::Receipt& receipt, Instant asked) {
  check_receipt(workload_.cluster, receipt, asked);
  workload_.cluster.losses().promise(receipt.object, receipt.survives, asked);
}

Body Client::body_of(std::size_t content, std::size_t from, std::size_t length, bool wrong) {
  Body body;
  const std::string& bytes = workload_.model->content(content).bytes;
  auto own = std::make_shared<std::string>(bytes.substr(from, length));
  if (wrong && !own->empty()) (*own)[rand_.below(own->size())] ^= 1;
  body.bytes = std::move(own);
  body.length = length;
  if (rand_.chance(0.05)) body.breaks_after = rand_.below(length + 1);
  if (rand_.chance(0.3)) body.pause = milliseconds(200);
  return body;
}

// ---- Single requests ----

Task<Result<void>> Client::get(std::size_t pod, std::size_t content, bool whole, bool fresh) {
  const Content& wanted = workload_.model->content(content);
  const std::uint64_t size = wanted.bytes.size();
  const std::uint64_t from = whole || size == 0 ? 0 : rand_.below(size);
  const std::uint64_t length = whole ? UINT64_MAX : 1 + rand_.below(size + 1);
  const Duration pause = rand_.chance(0.2) ? Duration(milliseconds(300)) : Duration(0);
  auto received = std::make_shared<std::string>();
  auto sight = workload_.model->look(content);
  const Instant asked = workload_.world.now();
  Request<Download> request = get_request(wanted.hash, fresh, from, length, pause, received);
  Result<Download> answer = co_await ask<Download>(pod, std::move(request));
  judge_download(workload_, content, from, answer, *received, fresh ? sight.get() : nullptr);
  const Code code = answer.has_error() ? answer.error().code() : code_of(answer->read);
  took("download", content, code);
  if (fresh) {
    const bool absent = code == Code::no_such_file;
    record("download", pod, content, asked,
           code == Code::ok ? "found"
           : absent         ? "absent"
                            : "unknown",
           code);
  }
  if (answer.has_error()) co_return answer.error();
  co_return answer->read;
}

Task<Result<void>> Client::put(std::size_t pod, std::size_t content, bool wrong) {
  const Content& wanted = workload_.model->content(content);
  wrong = wrong && !wanted.bytes.empty();
  Body body = body_of(content, 0, wanted.bytes.size(), wrong);
  object::PutRequest request;
  if (wrong || rand_.chance(0.5)) request.hash = wanted.hash;
  if (rand_.chance(0.5)) request.size = body.length;
  // Without a declared size, a body that breaks off must still not be taken for a whole one.
  auto change = workload_.model->begin(content, ChangeKind::store);
  Request<object::Receipt> sent = holding(put_request(request, std::move(body)), change);
  const Instant asked = workload_.world.now();
  Result<object::Receipt> receipt = co_await ask<object::Receipt>(pod, std::move(sent));
  took("upload", content, code_of(receipt));
  record("upload", pod, content, asked, receipt.has_value() ? "stored" : "unknown",
         code_of(receipt));
  if (receipt.has_error()) co_return receipt.error();
  if (wrong) workload_.world.violate("an upload of other bytes than its hash was accepted");
  if (receipt->object.hash != wanted.hash) workload_.world.violate("an upload got another hash");
  believe(*receipt, asked);
  change->acknowledge();
  co_return Result<void>();
}

Task<Result<void>> Client::remove(std::size_t pod, std::size_t content) {
  const Hash hash = workload_.model->content(content).hash;
  auto sight = workload_.model->look(content);
  auto change = workload_.model->begin(content, ChangeKind::remove);
  Request<void> request = holding(remove_request(hash), change);
  const Instant asked = workload_.world.now();
  Result<void> removed = co_await ask<void>(pod, std::move(request));
  const bool absent = code_of(removed) == Code::no_such_file;
  record("delete", pod, content, asked,
         removed.has_value() ? "deleted"
         : absent            ? "absent"
                             : "unknown",
         code_of(removed));
  took("delete", content, code_of(removed));
  if (removed.has_value()) {
    change->acknowledge();
  } else if (removed.error().code() == Code::no_such_file) {
    change->refuse();
    // Its own beginning is no reason for the file to be missing.
    auto now = workload_.model->look(content);
    if (!sight->absent && !now->absent) {
      workload_.world.violate("content " + std::to_string(content) +
                              " was acknowledged and is not found by a delete");
    }
  }
  co_return removed;
}

Task<void> Client::instant(std::size_t content) {
  const object::SessionKey key{workload_.model->content(content).hash, "instant"};
  auto sight = workload_.model->look(content);
  Request<object::InitResult> request = init_request(key, true);
  const Instant asked = workload_.world.now();
  const std::size_t pod = any_pod();
  Result<object::InitResult> opened = co_await ask<object::InitResult>(pod, std::move(request));
  took("instant upload", content, code_of(opened));
  const bool stored = opened.has_value() && opened->stored;
  record("instant", pod, content, asked,
         stored               ? "stored"
         : opened.has_value() ? "open"
                              : "unknown",
         code_of(opened));
  if (opened.has_error()) co_return;
  if (!opened->stored) {
    Request<void> abort = abort_request(key);
    (void)co_await ask<void>(any_pod(), std::move(abort));
    co_return;
  }
  if (!sight->present) {
    workload_.world.violate("content " + std::to_string(content) +
                            " is there for an instant upload after it was deleted");
  }
  check_stored(workload_.cluster, *opened->stored, asked);
  Request<object::Receipt> more = receipt_request(*opened->stored);
  const Instant again = workload_.world.now();
  Result<object::Receipt> receipt = co_await ask<object::Receipt>(any_pod(), std::move(more));
  if (receipt.has_value()) believe(*receipt, again);
  // Who is told that it is there reads it.
  if (rand_.chance(0.5)) (void)co_await get(any_pod(), content, true, true);
}

// ---- Judging ----

void judge_download(Workload& workload, std::size_t content, std::uint64_t from,
                    const Result<Download>& answer, const std::string& received,
                    const Sight* sight) {
  const std::string& bytes = workload.model->content(content).bytes;
  const std::string which = "content " + std::to_string(content);
  // A record that another one took the place of meanwhile does not matter: the bytes are the same.
  if (bytes.compare(std::min<std::size_t>(from, bytes.size()), received.size(), received) != 0) {
    workload.world.violate(which + ": a download gave wrong bytes");
  }
  if (answer.has_error()) {
    if (answer.error().code() != Code::no_such_file || sight == nullptr) return;
    if (!sight->absent) workload.world.violate(which + " was acknowledged and is not found");
    return;
  }
  if (answer->object.size != bytes.size()) {
    workload.world.violate(which + ": its record says another size");
  }
  if (sight != nullptr && !sight->present) {
    workload.world.violate(which + " is found after it was deleted, or before it was uploaded");
  }
  if (answer->read.has_value()) return;
  const Code code = answer->read.error().code();
  if (code == Code::no_such_file && sight != nullptr && !sight->absent) {
    workload.world.violate(which + " was acknowledged and has gone while it was read");
  }
  // While it is being deleted its shards may go under a slow reader.
  const bool deleted = sight == nullptr || sight->absent;
  if (code == Code::damaged && !deleted && !workload.cluster.losses().is_excused(answer->object)) {
    workload.world.violate(which + " is damaged, with fewer losses than it was to survive");
  }
}

}  // namespace mas::sim

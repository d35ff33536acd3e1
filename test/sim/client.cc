#include "sim/client.h"

#include <algorithm>

namespace mas::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kPatience = seconds(40);
constexpr Duration kThink = seconds(3);
constexpr int kFinishes = 4;
constexpr std::uint32_t kMostParts = 5;

template <class T>
Code code_of(const Result<T>& result) {
  return result.has_error() ? result.error().code() : Code::ok;
}

}  // namespace

template <class T>
Task<Result<T>> Client::ask(std::size_t pod, Request<T> request) {
  Cluster& cluster = workload_.cluster;
  return cluster.network().call<T>(cluster.clients(), cluster.client_host(), pod, kPatience,
                                   std::move(request));
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
  const std::size_t content = rand_.below(workload_.model->size());
  const std::uint64_t what = rand_.below(100);
  if (what < 35) {
    const bool whole = rand_.chance(0.5);
    const bool fresh = rand_.chance(0.8);
    (void)co_await get(any_pod(), content, whole, fresh);
  } else if (what < 62) {
    const bool wrong = rand_.chance(0.1);
    (void)co_await put(any_pod(), content, wrong);
  } else if (what < 80) {
    co_await session(content);
  } else if (what < 93) {
    (void)co_await remove(any_pod(), content);
  } else {
    co_await instant(content);
  }
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
  Request<Download> request = get_request(wanted.hash, fresh, from, length, pause, received);
  Result<Download> answer = co_await ask<Download>(pod, std::move(request));
  judge_download(workload_, content, from, answer, *received, fresh ? sight.get() : nullptr);
  const Code code = answer.has_error() ? answer.error().code() : code_of(answer->read);
  took("download", content, code);
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
  Result<object::Receipt> receipt = co_await ask<object::Receipt>(pod, std::move(sent));
  took("upload", content, code_of(receipt));
  if (receipt.has_error()) co_return receipt.error();
  if (wrong) workload_.world.violate("an upload of other bytes than its hash was accepted");
  if (receipt->object.hash != wanted.hash) workload_.world.violate("an upload got another hash");
  workload_.cluster.losses().promise(receipt->object, receipt->survives);
  change->acknowledge();
  co_return Result<void>();
}

Task<Result<void>> Client::remove(std::size_t pod, std::size_t content) {
  const Hash hash = workload_.model->content(content).hash;
  auto sight = workload_.model->look(content);
  auto change = workload_.model->begin(content, ChangeKind::remove);
  Request<void> request = holding(remove_request(hash), change);
  Result<void> removed = co_await ask<void>(pod, std::move(request));
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
  Result<object::InitResult> opened =
      co_await ask<object::InitResult>(any_pod(), std::move(request));
  took("instant upload", content, code_of(opened));
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
  Request<object::Receipt> more = receipt_request(*opened->stored);
  Result<object::Receipt> receipt = co_await ask<object::Receipt>(any_pod(), std::move(more));
  if (receipt.has_value()) workload_.cluster.losses().promise(receipt->object, receipt->survives);
}

// ---- Sessions ----

Task<Result<void>> Client::send_part(object::SessionKey key, std::size_t content,
                                     std::uint32_t number, std::uint32_t parts, bool wrong) {
  const std::size_t size = workload_.model->content(content).bytes.size();
  const std::size_t share = (size + parts - 1) / parts;
  const std::size_t from = std::min(size, share * (number - 1));
  Body body = body_of(content, from, std::min(share, size - from), wrong);
  object::PartRequest request;
  request.number = number;
  request.size = body.length;
  Request<object::PartResult> part = part_request(key, request, std::move(body));
  Result<object::PartResult> sent = co_await ask<object::PartResult>(any_pod(), std::move(part));
  took("part", content, code_of(sent));
  if (sent.has_error()) co_return sent.error();
  co_return Result<void>();
}

Task<void> Client::session(std::size_t content) {
  const Content& wanted = workload_.model->content(content);
  const std::size_t size = wanted.bytes.size();
  const object::SessionKey key{wanted.hash, rand_.chance(0.7) ? "" : "other"};
  Request<object::InitResult> open = init_request(key, false);
  Result<object::InitResult> opened = co_await ask<object::InitResult>(any_pod(), std::move(open));
  if (opened.has_error()) co_return;
  // The same split for everybody, but for some.
  auto parts = static_cast<std::uint32_t>(1 + content % kMostParts);
  if (rand_.chance(0.1)) parts = static_cast<std::uint32_t>(1 + rand_.below(kMostParts));
  parts = std::min<std::uint32_t>(parts, std::max<std::uint32_t>(1, size / 1000));
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 1; i <= parts; ++i) {
    order.push_back(i);
    if (rand_.chance(0.1)) order.push_back(i);
    if (rand_.chance(0.05)) order.pop_back();
  }
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rand_.below(i)]);
  // Some at once.
  Life& life = workload_.cluster.clients();
  Gate sending;
  auto send = [](Client* self, object::SessionKey to, std::size_t what, std::uint32_t number,
                 std::uint32_t of, bool wrong) -> Task<void> {
    (void)co_await self->send_part(std::move(to), what, number, of, wrong);
  };
  for (const std::uint32_t number : order) {
    const bool wrong = rand_.chance(0.03);
    Task<void> sent = send(this, key, content, number, parts, wrong);
    if (rand_.chance(0.5)) {
      spawn(life.executor(), sending, std::move(sent), "part");
    } else {
      co_await std::move(sent);
    }
  }
  co_await sending.close();
  if (rand_.chance(0.15)) {
    Request<void> abort = abort_request(key);
    (void)co_await ask<void>(any_pod(), std::move(abort));
    took("abort", content, Code::ok);
    co_return;
  }
  co_await finish_session(key, content, parts);
}

Task<Result<object::FinishResult>> Client::finish(const object::SessionKey& key,
                                                  std::size_t content) {
  auto change = workload_.model->begin(content, ChangeKind::store);
  Request<object::FinishResult> request = holding(finish_request(key), change);
  Result<object::FinishResult> finished =
      co_await ask<object::FinishResult>(any_pod(), std::move(request));
  const bool lacks = finished.has_value() && !finished->receipt;
  const Code code = lacks ? Code::parts_missing : code_of(finished);
  took("finish", content, code);
  if (finished.has_value() && finished->receipt) {
    workload_.cluster.losses().promise(finished->receipt->object, finished->receipt->survives);
    change->acknowledge();
    co_return finished;
  }
  // An upload that is gone may have a manifest, which counts if the metadata is rebuilt.
  const bool gone = code == Code::upload_not_open;
  const bool is_certain = gone && !workload_.cluster.settings().loses_metadata;
  if (code == Code::parts_missing || code == Code::hash_mismatch || is_certain) {
    change->refuse();
  } else {
    workload_.model->linger(std::move(change));
  }
  co_return finished;
}

Task<void> Client::finish_session(object::SessionKey key, std::size_t content,
                                  std::uint32_t parts) {
  Life& life = workload_.cluster.clients();
  for (int i = 0; i < kFinishes && !life.is_over(); ++i) {
    Result<object::FinishResult> finished = co_await finish(key, content);
    if (finished.has_value() && finished->receipt) co_return;
    std::vector<std::uint32_t> again;
    if (finished.has_value()) {
      again = finished->missing;
    } else if (finished.error().code() == Code::hash_mismatch) {
      for (std::uint32_t number = 1; number <= parts; ++number) again.push_back(number);
    } else if (finished.error().code() == Code::upload_not_open) {
      co_return;
    }
    for (const std::uint32_t number : again) {
      if (number > parts) continue;
      (void)co_await send_part(key, content, number, parts, false);
    }
    co_await life.pause(rand_.between(Duration(0), kThink));
  }
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

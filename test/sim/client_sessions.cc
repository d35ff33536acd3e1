// Sessions: parts in any order at any pod, sent again, with other bytes, by several at once.
#include <algorithm>

#include "sim/client_asks.h"

namespace mas::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kThink = seconds(3);
constexpr int kFinishes = 4;
constexpr std::uint32_t kMostParts = 5;

}  // namespace

Task<bool> Client::open(object::SessionKey key) {
  Request<object::InitResult> open = init_request(std::move(key), false);
  Result<object::InitResult> opened = co_await ask<object::InitResult>(any_pod(), std::move(open));
  co_return opened.has_value();
}

// The same split for everybody, but for some.
std::uint32_t Client::parts_of(std::size_t content) {
  const std::size_t size = workload_.model->content(content).bytes.size();
  auto parts = static_cast<std::uint32_t>(1 + content % kMostParts);
  if (rand_.chance(0.1)) parts = static_cast<std::uint32_t>(1 + rand_.below(kMostParts));
  return std::min<std::uint32_t>(parts, std::max<std::uint32_t>(1, size / 1000));
}

Task<Result<void>> Client::send_part(object::SessionKey key, PartOf part) {
  const std::size_t size = workload_.model->content(part.content).bytes.size();
  const std::size_t share = (size + part.parts - 1) / part.parts;
  const std::size_t from = std::min(size, share * (part.number - 1));
  Body body = body_of(part.content, from, std::min(share, size - from), part.wrong);
  object::PartRequest request;
  request.number = part.number;
  request.size = body.length;
  Request<object::PartResult> sent = part_request(std::move(key), request, std::move(body));
  Result<object::PartResult> answer = co_await ask<object::PartResult>(any_pod(), std::move(sent));
  took("part", part.content, code_of(answer));
  if (answer.has_error()) co_return answer.error();
  co_return Result<void>();
}

Task<void> Client::send_anyhow(Client* self, object::SessionKey key, PartOf part, Duration after) {
  if (after > Duration(0)) co_await self->workload_.cluster.clients().pause(after);
  (void)co_await self->send_part(std::move(key), part);
}

Task<void> Client::session(std::size_t content) {
  const object::SessionKey key{workload_.model->content(content).hash,
                               rand_.chance(0.7) ? "" : "other"};
  const bool opened = co_await open(key);
  if (!opened) co_return;
  const std::uint32_t parts = parts_of(content);
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
  for (const std::uint32_t number : order) {
    const PartOf part{content, number, parts, rand_.chance(0.03)};
    Task<void> sent = send_anyhow(this, key, part, Duration(0));
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
  (void)co_await finish_session(key, content, parts);
}

// Several clients of one session, or one that corrects itself: a part comes again with other bytes,
// through another pod, while the ones behind it are on their way.
Task<void> Client::crowd(std::size_t content) {
  const object::SessionKey key{workload_.model->content(content).hash,
                               "crowd-" + std::to_string(rand_.next())};
  const bool opened = co_await open(key);
  if (!opened) co_return;
  workload_.world.count("crowded session");
  const auto parts = static_cast<std::uint32_t>(2 + rand_.below(2));
  Life& life = workload_.cluster.clients();
  const auto sent_well = 1 + rand_.below(parts - 1);  // parts, before the crowd
  const Duration crush = rand_.chance(0.7) ? milliseconds(300) : kThink;
  for (std::uint32_t number = 1; number <= sent_well; ++number) {
    const PartOf part{content, number, parts};
    (void)co_await send_part(key, part);
  }
  Gate sending;
  for (std::uint32_t number = 1; number <= parts; ++number) {
    const bool again = number <= sent_well;
    PartOf part{content, number, parts, again && rand_.chance(0.6)};
    // Another split has other bytes, too.
    if (again && rand_.chance(0.2)) part.parts = parts + 1;
    if (again && rand_.chance(0.2)) continue;
    Task<void> sent = send_anyhow(this, key, part, rand_.between(Duration(0), crush));
    spawn(life.executor(), sending, std::move(sent), "part");
  }
  co_await sending.close();
  const bool finished = co_await finish_session(key, content, parts);
  // Whoever was told that it is stored under its hash looks.
  if (finished) (void)co_await get(any_pod(), content, true, true);
}

// Its client is gone.
Task<void> Client::abandon(std::size_t content) {
  const object::SessionKey key{workload_.model->content(content).hash,
                               "left-" + std::to_string(rand_.next())};
  const bool opened = co_await open(key);
  if (!opened) co_return;
  workload_.world.count("session left open");
  const std::uint32_t parts = parts_of(content);
  const std::uint64_t sent = 1 + rand_.below(parts);
  for (std::uint32_t number = 1; number <= sent; ++number) {
    const PartOf part{content, number, parts};
    (void)co_await send_part(key, part);
  }
}

Task<Result<object::FinishResult>> Client::finish(const object::SessionKey& key,
                                                  std::size_t content) {
  auto change = workload_.model->begin(content, ChangeKind::store);
  Request<object::FinishResult> request = holding(finish_request(key), change);
  const Instant asked = workload_.world.now();
  const std::size_t pod = any_pod();
  Result<object::FinishResult> finished =
      co_await ask<object::FinishResult>(pod, std::move(request));
  const bool lacks = finished.has_value() && !finished->receipt;
  const Code code = lacks ? Code::parts_missing : code_of(finished);
  took("finish", content, code);
  const bool refused = code == Code::parts_missing || code == Code::hash_mismatch;
  record("upload", pod, content, asked,
         code == Code::ok ? "stored"
         : refused        ? "refused"
                          : "unknown",
         code);
  if (finished.has_value() && finished->receipt) {
    believe(*finished->receipt, asked);
    change->acknowledge();
    co_return finished;
  }
  // An upload that is gone may have a manifest, which counts if the metadata is rebuilt.
  const bool gone = code == Code::upload_not_open;
  const bool is_certain = gone && !workload_.cluster.settings().loses_metadata;
  if (refused || is_certain) {
    change->refuse();
  } else {
    workload_.model->linger(std::move(change));
  }
  co_return finished;
}

// True: it is acknowledged.
Task<bool> Client::finish_session(object::SessionKey key, std::size_t content,
                                  std::uint32_t parts) {
  Life& life = workload_.cluster.clients();
  for (int i = 0; i < kFinishes && !life.is_over(); ++i) {
    Result<object::FinishResult> finished = co_await finish(key, content);
    if (finished.has_value() && finished->receipt) co_return true;
    std::vector<std::uint32_t> again;
    if (finished.has_value()) {
      again = finished->missing;
    } else if (finished.error().code() == Code::hash_mismatch) {
      for (std::uint32_t number = 1; number <= parts; ++number) again.push_back(number);
    } else if (finished.error().code() == Code::upload_not_open) {
      co_return false;
    }
    for (const std::uint32_t number : again) {
      if (number > parts) continue;
      const PartOf part{content, number, parts};
      (void)co_await send_part(key, part);
    }
    co_await life.pause(rand_.between(Duration(0), kThink));
  }
  co_return false;
}

}  // namespace mas::sim

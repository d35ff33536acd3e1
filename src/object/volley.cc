#include "object/volley.h"

#include <algorithm>
#include <utility>

#include "mas/object/holders.h"
#include "mas/observe/log.h"
#include "mas/runtime/contain.h"

namespace mas::object {
namespace {

std::uint64_t bytes_of(const std::vector<Delivery>& deliveries) {
  std::uint64_t bytes = 0;
  for (const Delivery& delivery : deliveries) {
    for (const Slice& piece : delivery.pieces) bytes += piece.size();
  }
  return bytes;
}

}  // namespace

Volley::Volley(Context& context, std::vector<Delivery> deliveries, int minimum, Executor home)
    : context_(context),
      deliveries_(std::move(deliveries)),
      minimum_(minimum),
      news_(context.deps.clock, std::move(home)) {}

Task<void> Volley::send(const membership::ClusterView& view, std::uint32_t partition) {
  const std::uint64_t version = view.layout.version;
  address(view, partition);
  if (wanted_.size() == 1 && skipped_.empty()) {
    // Nobody else to wait for.
    Delivery& only = deliveries_[wanted_.front()];
    only.result =
        co_await context_.deps.transport.put(*only.holder, version, only.key, only.pieces);
    durable_ = only.result.has_value() ? 1 : 0;
    co_return;
  }
  recalls_ = std::make_unique<peer::Recall[]>(deliveries_.size());
  start(wanted_, version);
  co_await settle(version);
  for (std::size_t index : skipped_) {
    silent_ = true;
    context_.instruments.skipped.add();
    deliveries_[index].result = Error(Code::timeout, "This pod was silent a moment ago.");
  }
  if (running_ > 0) co_await let_go(view.layout.members.size());
}

// Who gets which record, and who is left out for now.
void Volley::address(const membership::ClusterView& view, std::uint32_t partition) {
  for (std::size_t i = 0; i < deliveries_.size(); ++i) {
    Delivery& delivery = deliveries_[i];
    delivery.holder = row_holder(view.layout, partition, i);
    if (!delivery.holder || is_down(view, *delivery.holder)) {
      delivery.result = Error(Code::closed, "This pod is down.");
    } else if (context_.skips.contains(*delivery.holder)) {
      skipped_.push_back(i);
    } else {
      wanted_.push_back(i);
    }
  }
  if (static_cast<int>(wanted_.size()) >= minimum_) return;
  wanted_.insert(wanted_.end(), skipped_.begin(), skipped_.end());
  skipped_.clear();
}

void Volley::start(const std::vector<std::size_t>& chosen, std::uint64_t version) {
  for (std::size_t index : chosen) {
    deliveries_[index].running = true;
    ++running_;
    auto task = deliver(shared_from_this(), index, version);
    if (spawn(news_.home(), context_.calls, std::move(task), "shard write")) continue;
    end(index, Error(Code::busy, "The server is stopping."));
  }
}

Task<void> Volley::deliver(std::shared_ptr<Volley> volley, std::size_t index,
                           std::uint64_t version) {
  Delivery& delivery = volley->deliveries_[index];
  std::shared_ptr<peer::Recall> recall(volley, &volley->recalls_[index]);
  std::vector<Slice> pieces = delivery.pieces;
  auto putting = volley->context_.deps.transport.put_unless(
      std::move(recall), *delivery.holder, version, delivery.key, std::move(pieces));
  auto contained = contain(std::move(putting), "shard write");
  Result<void> result = co_await std::move(contained);
  volley->end(index, std::move(result));
}

void Volley::end(std::size_t index, Result<void> result) {
  Delivery& delivery = deliveries_[index];
  delivery.running = false;
  --running_;
  if (delivery.let_go) {
    if (running_ == 0) late_.reset();
  } else {
    delivery.result = std::move(result);
    durable_ += delivery.result.has_value() ? 1 : 0;
  }
  bool short_of_it = !skipped_.empty() && durable_ + running_ < minimum_;
  if (running_ == 0 || durable_ == minimum_ || short_of_it) news_.wake();
}

// First until the minimum is reached, if it can be; then for the others, as long as they may take.
Task<void> Volley::settle(std::uint64_t version) {
  Clock& clock = context_.deps.clock;
  const Duration patience = context_.write.straggler_wait;
  const Instant began = clock.now();
  while (durable_ < minimum_) {
    if (!skipped_.empty()) {
      Duration left = patience - (clock.now() - began);
      // Those who are asked instead are no better.
      bool needed = durable_ + running_ < minimum_ || left <= Duration(0);
      if (needed) {
        start(std::exchange(skipped_, {}), version);
      } else {
        (void)co_await news_.wait(left);
      }
      continue;
    }
    if (running_ == 0) co_return;
    co_await news_.wait();
  }
  const Instant enough = clock.now();
  Duration left = patience;
  while (running_ > 0 && left > Duration(0)) {
    (void)co_await news_.wait(left);
    left = patience - (clock.now() - enough);
  }
}

Task<void> Volley::let_go(std::size_t members) {
  silent_ = true;
  for (std::size_t i = 0; i < deliveries_.size(); ++i) {
    Delivery& delivery = deliveries_[i];
    if (!delivery.running) continue;
    delivery.let_go = true;
    delivery.result = Error(Code::timeout, "This pod stays silent.");
    context_.instruments.stragglers.add();
    if (context_.skips.add(*delivery.holder, members) && log::once_a_minute("pod.skipped")) {
      log::warn("pod.skipped", {{"member", *delivery.holder}, {"why", "silent at a write"}});
    }
    recalls_[i].recall();
  }
  late_ = context_.budget.try_late(bytes_of(deliveries_));
  if (!is_stale()) {
    for (Delivery& delivery : deliveries_) delivery.pieces.clear();
  }
  // Without memory for it nobody is left alone; recalled calls end at once.
  while (!late_ && running_ > 0) co_await news_.wait();
  if (running_ == 0) late_.reset();
}

bool Volley::is_stale() const {
  return std::any_of(deliveries_.begin(), deliveries_.end(), [](const Delivery& d) {
    return d.result.has_error() && d.result.error().code() == Code::stale_layout;
  });
}

std::vector<Delivery> Volley::copy() const {
  std::vector<Delivery> again(deliveries_.size());
  for (std::size_t i = 0; i < again.size(); ++i) {
    again[i].key = deliveries_[i].key;
    again[i].pieces = deliveries_[i].pieces;
  }
  return again;
}

}  // namespace mas::object

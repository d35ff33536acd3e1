#include "store/writer.h"

#include <algorithm>

#include "mas/fs/descriptors.h"
#include "mas/observe/log.h"

namespace mas::store {
namespace {

std::uint64_t cost(const PendingRecord& record) { return footprint(record.length); }

}  // namespace

Writer::Writer(const Parts& parts, const Limits& limits, const Position& tail, bool active)
    : parts_(parts), limits_(limits), tail_(tail), open_active_(active) {
  if (!active) return;
  if (auto info = parts_.segments.find(tail.segment)) {
    active_size_ = info->size;
    active_number_ = tail.segment;
    prepared_ = info->size - std::min(info->size, tail.offset);
  }
}

Result<void> Writer::enqueue(std::vector<PendingRecord> records, std::shared_ptr<WriteWait> wait,
                             bool copies) {
  MAS_ASSERT(!records.empty());
  std::uint64_t bytes = 0;
  for (const PendingRecord& record : records) bytes += cost(record);
  std::lock_guard lock(mutex_);
  if (closing_ || abandoned_) return Error(Code::closed, "The store is being closed.");
  if (!copies && queued_bytes_ > 0 && queued_bytes_ + bytes > limits_.queue_bytes) {
    parts_.instruments.refused_busy.add();
    return Error(Code::busy, "The disk has too much queued work; try again shortly.");
  }
  std::deque<Item>& queue = copies ? copies_ : queue_;
  const std::size_t before = queue.size();
  wait->remaining = records.size();
  for (PendingRecord& record : records) queue.push_back({std::move(record), wait});
  if (!start_locked()) {
    queue.resize(before);
    return Error(Code::busy, "The disk has too much queued work; try again shortly.");
  }
  if (!copies) queued_bytes_ += bytes;
  return {};
}

Result<void> Writer::close(std::shared_ptr<WriteWait> wait) {
  std::lock_guard lock(mutex_);
  if (closing_ || abandoned_) return Error(Code::closed, "The store is closed already.");
  closing_ = true;
  close_wait_ = std::move(wait);
  if (start_locked()) return {};
  close_wait_.reset();
  closing_ = false;
  return Error(Code::busy, "The disk has too much queued work; try again shortly.");
}

bool Writer::start_locked() {
  if (submitted_ || running_) return true;
  self_ = shared_from_this();
  submitted_ = true;
  if (parts_.pool.submit(*this)) return true;
  submitted_ = false;
  self_.reset();
  return false;
}

void Writer::abandon() {
  std::deque<Item> left;
  {
    std::unique_lock lock(mutex_);
    abandoned_ = true;
    idle_.wait(lock, [this] { return !running_; });
    left.swap(queue_);
    std::move(copies_.begin(), copies_.end(), std::back_inserter(left));
    copies_.clear();
    active_.reset();
  }
  for (const Item& item : left) answer(item, Error(Code::closed, "The store has been closed."));
}

void Writer::run() noexcept {
  std::shared_ptr<Writer> self;
  {
    std::lock_guard lock(mutex_);
    self = std::move(self_);
    submitted_ = false;
    if (abandoned_) return;
    running_ = true;
  }
  for (;;) {
    Batch batch;
    std::shared_ptr<WriteWait> close_wait;
    {
      std::lock_guard lock(mutex_);
      if (!abandoned_) batch = take_batch_locked();
      if (batch.empty()) {
        if (!abandoned_) close_wait = std::move(close_wait_);
        if (!close_wait) {
          running_ = false;
          idle_.notify_all();
          return;
        }
      }
    }
    if (close_wait) {
      finish_close(close_wait);
    } else {
      write_batch(std::move(batch));
    }
  }
}

Writer::Batch Writer::take_batch_locked() {
  Batch batch;
  FrameSize size;
  const std::uint64_t room = prepared_;
  std::uint64_t limit = 0;
  for (std::deque<Item>* queue : {&copies_, &queue_}) {
    while (!queue->empty() && batch.size() < limits_.frame_records) {
      FrameSize with = size;
      with.add(queue->front().record.length);
      // Fill up the active segment; what does not fit at all starts the next one.
      if (batch.empty()) {
        limit = with.length() <= room ? std::min(room, limits_.frame_bytes) : limits_.frame_bytes;
      } else if (with.length() > limit) {
        return batch;
      }
      size = with;
      if (queue == &queue_) queued_bytes_ -= cost(queue->front().record);
      batch.push_back(std::move(queue->front()));
      queue->pop_front();
    }
  }
  return batch;
}

void Writer::write_batch(Batch batch) {
  Result<void> result;
  if (is_stopped_) {
    forget_damaged(batch);
    result = Error(Code::io, stopped());
  } else {
    result = catch_up();
    if (result.has_value()) result = write_chosen(batch);
  }
  for (const Item& item : batch) answer(item, result);
}

Result<void> Writer::write_chosen(const Batch& batch) {
  MAS_TRY(const auto chosen, choose(batch));
  if (chosen.empty()) return {};
  return write_frame(chosen, 0);
}

Result<std::vector<const Writer::Item*>> Writer::choose(const Batch& batch) {
  std::vector<const Item*> chosen;
  std::set<RecordKey> fresh;
  for (const Item& item : batch) {
    MAS_TRY(const bool is_wanted, wanted(item.record, fresh));
    if (!is_wanted) continue;
    chosen.push_back(&item);
    if (item.record.version == 0 && item.record.type == RecordType::payload) {
      fresh.insert(item.record.key);
    }
  }
  return chosen;
}

// `fresh`: keys put earlier in the same frame, which the index does not show yet.
Result<bool> Writer::wanted(const PendingRecord& record, const std::set<RecordKey>& fresh) {
  if (record.when == When::always) return true;
  const bool is_fresh = fresh.count(record.key) != 0;
  MAS_TRY(auto current, parts_.catalog.index().find(record.key));
  switch (record.when) {
    case When::key_present:
      return is_fresh || current.has_value();
    case When::key_absent:
      return !is_fresh && !current.has_value();
    case When::points_at_source:
      return !is_fresh && current == record.source;
    case When::always:
      break;
  }
  return true;
}

Result<void> Writer::write_frame(const std::vector<const Item*>& items, std::uint32_t flags) {
  FrameSize size;
  for (const Item* item : items) size.add(item->record.length);
  MAS_CHECK(prepare_segment(size.length()));

  const auto fresh = std::count_if(items.begin(), items.end(),
                                   [](const Item* item) { return item->record.version == 0; });
  MAS_TRY(std::uint64_t version, parts_.versions.take(static_cast<std::uint64_t>(fresh)));
  std::vector<FrameInput> inputs;
  inputs.reserve(items.size());
  for (const Item* item : items) {
    const PendingRecord& record = item->record;
    inputs.push_back({record.key, record.type, record.version != 0 ? record.version : version++,
                      record.first_place, record.length, record.sum, &record.pieces});
  }
  FramePlace place;
  place.identity = {parts_.volume, tail_.segment};
  place.offset = tail_.offset;
  place.frame = tail_.frame + 1;
  place.next_version = parts_.versions.next();
  place.flags = flags;
  const Frame frame(place, inputs);
  MAS_ASSERT(frame.length() == size.length());
  return commit(frame, place.next_version);
}

Result<void> Writer::commit(const Frame& frame, std::uint64_t next_version) {
  if (Result<void> durable = write_down(frame); durable.has_error()) {
    note_uncertain(frame);
    stop(durable.error());
    return Error(Code::io, stopped()).mark_maybe_happened();
  }
  tail_.offset += frame.length();
  tail_.frame += 1;
  tail_.next_version = next_version;
  written_ = true;
  prepared_ = active_size_ - tail_.offset;
  parts_.segments.set_end(tail_.segment, tail_.offset);
  parts_.instruments.frames.add();
  parts_.instruments.records.add(static_cast<double>(frame.records().size()));
  parts_.instruments.bytes_written.add(static_cast<double>(frame.length()));
  (void)parts_.room.refresh_if_old();
  Result<void> indexed = parts_.catalog.apply(frame.records(), tail_);
  if (indexed.has_value()) return {};
  note_uncertain(frame);
  Error error = refuse(indexed.error());
  if (!is_stopped_) unindexed_ = Unindexed{frame.records(), tail_};
  return error.mark_maybe_happened();
}

Result<void> Writer::write_down(const Frame& frame) {
  MAS_CHECK(active_->write_at(tail_.offset, frame.pieces()));
  return active_->sync_data();
}

// What is in a frame that may be durable and is not in the index may show later. Before the volume
// is seen to have stopped: who finds it so goes by this.
void Writer::note_uncertain(const Frame& frame) {
  std::lock_guard lock(mutex_);
  for (const IndexedRecord& record : frame.records()) uncertain_.insert(record.key);
}

Result<void> Writer::catch_up() {
  if (!unindexed_) return {};
  Result<void> indexed = parts_.catalog.ready();
  if (indexed.has_value()) indexed = parts_.catalog.apply(unindexed_->records, unindexed_->end);
  if (indexed.has_error()) return refuse(indexed.error());
  unindexed_.reset();
  std::lock_guard lock(mutex_);
  uncertain_.clear();
  return {};
}

Result<void> Writer::prepare_segment(std::uint64_t length) {
  if (Result<void> ready = parts_.catalog.ready(); ready.has_error()) return refuse(ready.error());
  if (open_active_ && !active_) {
    auto file = parts_.segments.open_for_writing(tail_.segment);
    if (file.has_error()) return refuse(file.error());
    active_ = std::move(*file);
  }
  if (active_ && tail_.offset + length <= active_size_) return {};

  // Flushed here, the index lags behind the segments by no more than two of them. First, as it may
  // be refused.
  if (active_) {
    Result<void> flushed = parts_.catalog.flush();
    if (flushed.has_error()) return refuse(flushed.error());
  }
  const std::uint64_t number = parts_.segments.next_number();
  const std::uint64_t size =
      std::max(next_segment_size(limits_.segment_size, parts_.segments.used()),
               round_up(kSegmentHeaderSize + length, kBlockSize));
  auto file = parts_.segments.create(number, size, tail_.frame + 1, parts_.versions.next());
  (void)parts_.room.refresh();
  if (file.has_error()) return refuse(file.error());
  seal_active();
  active_ = std::move(*file);
  open_active_ = true;
  active_size_ = size;
  active_number_ = number;
  tail_.segment = number;
  tail_.offset = kSegmentHeaderSize;
  prepared_ = size - tail_.offset;
  log::info("store_segment_started", {{"segment", number}, {"size", size}});
  return {};
}

// Why a frame was not begun, or the index not told of it: what is on the disk is known, so that
// what passes by itself need not stop the volume.
Error Writer::refuse(const Error& error) {
  if (error.code() == Code::disk_full) {
    parts_.instruments.refused_full.add();
    if (log::once_a_minute("store full")) {
      log::warn("store.full", {{"why", "no segment can be begun"}, {"error", error}});
    }
    return {Code::disk_full, "The disk has no room for another segment or its index."};
  }
  if (!fs::is_exhausted(error)) {
    stop(error);
    return {Code::io, stopped()};
  }
  if (log::once_a_minute("store.out_of_files")) {
    log::warn("store.out_of_files", {{"error", error}});
  }
  return fs::exhausted();
}

void Writer::seal_active() {
  if (!active_) return;
  // Gives back what was preallocated and not used; no harm if a crash undoes it.
  if (Result<void> cut = active_->truncate(tail_.offset); cut.has_error()) {
    log::warn("store_segment_not_trimmed", {{"segment", tail_.segment}, {"error", cut.error()}});
  }
  active_.reset();
}

void Writer::finish_close(const std::shared_ptr<WriteWait>& wait) {
  Result<void> result;
  if (is_stopped_) {
    result = Error(Code::io, stopped());
  } else {
    result = catch_up();
    if (written_ && result.has_value()) result = write_frame({}, kClosingFrame);
    if (result.has_value()) result = parts_.catalog.flush();
  }
  active_.reset();
  wait->result = result;
  wait->done.set();
}

void Writer::forget_damaged(const Batch& batch) {
  for (const Item& item : batch) {
    const PendingRecord& record = item.record;
    const bool is_quarantine =
        record.type == RecordType::tombstone && record.when == When::points_at_source;
    if (is_quarantine) (void)parts_.catalog.forget(record.key, record.source);
  }
}

void Writer::stop(const Error& error) {
  halt(error);
  log::error("store_volume_stopped", {{"segment", tail_.segment}, {"error", error}});
}

void Writer::halt(const Error& error) {
  {
    std::lock_guard lock(mutex_);
    if (stopped_.empty()) {
      stopped_ = "The volume has stopped writing after an error of the disk: " + error.message();
    }
  }
  is_stopped_ = true;
}

std::string Writer::stopped() const {
  std::lock_guard lock(mutex_);
  return stopped_;
}

bool Writer::may_hold(const RecordKey& key) const {
  std::lock_guard lock(mutex_);
  return uncertain_.contains(key);
}

void Writer::answer(const Item& item, const Result<void>& result) {
  if (result.has_error() && item.wait->result.has_value()) item.wait->result = result;
  if (--item.wait->remaining == 0) item.wait->done.set();
}

}  // namespace mas::store

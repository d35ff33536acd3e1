#include "mas/maintain/freed_board.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "mas/layout/leavers.h"
#include "mas/object/holders.h"

namespace mas::maintain {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostAsked = 64;
constexpr Duration kFull = std::chrono::minutes(10);  // since an upload found it so
constexpr std::size_t kMostHeld = 1'000;              // extents that are told to others, in 64 KiB

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

bool is_present_member(const layout::Layout& layout, const membership::Heartbeat& beat) {
  return std::any_of(layout.members.begin(), layout.members.end(), [&](const auto& member) {
    return layout::is_present(member) && member.slot == beat.slot &&
           member.incarnation == beat.incarnation;
  });
}

}  // namespace

std::string why_not_freed_now(const membership::ClusterView& view) {
  if (view.halted()) return view.halted_why;
  if (view.frozen()) return view.frozen_why;
  if (!view.is_member()) return "This pod is not a member of the cluster yet.";
  for (std::size_t i = 0; i < view.layout.members.size(); ++i) {
    const auto member = static_cast<layout::MemberIndex>(i);
    if (member == view.self || !layout::is_present(view.layout.members[i])) continue;
    if (object::is_down(view, member)) {
      return view.layout.members[i].slot + " is down, and may be reading what was deleted.";
    }
  }
  for (const membership::Pod& pod : view.pods) {
    if (!pod.alive || pod.self || is_present_member(view.layout, pod.last)) continue;
    return pod.last.slot +
           " is no member of the cluster, so it cannot be asked what its downloads read: wait "
           "until "
           "it has joined, or stop it.";
  }
  return "";
}

std::string with_quiet(std::string share, const Quiet& quiet) {
  json::error_code failed;
  json::value parsed = json::parse(share, failed);
  json::object* object = failed ? nullptr : parsed.if_object();
  if (object == nullptr) return share;
  json::array held;
  for (const Id128& extent : quiet.held) held.emplace_back(extent.hex());
  (*object)["quiet"] = quiet.up_to;
  (*object)["held"] = std::move(held);
  return json::serialize(*object);
}

Result<Quiet> quiet_in(std::string_view share) {
  const Error wrong(Code::corrupt, "What came does not say what is being read.");
  json::parse_options options;
  options.max_depth = 4;
  json::error_code failed;
  json::value parsed = json::parse(share, failed, {}, options);
  const json::object* object = failed ? nullptr : parsed.if_object();
  const json::value* up_to = object == nullptr ? nullptr : object->if_contains("quiet");
  const json::value* held = object == nullptr ? nullptr : object->if_contains("held");
  if (up_to == nullptr || held == nullptr || !held->is_array()) return wrong;
  Quiet quiet;
  quiet.up_to = up_to->to_number<std::uint64_t>(failed);
  if (failed || held->get_array().size() > kMostHeld) return wrong;
  for (const json::value& extent : held->get_array()) {
    Id128 id;
    if (!extent.is_string() || !from_hex(extent.get_string(), id.bytes)) return wrong;
    quiet.held.push_back(id);
  }
  return quiet;
}

FreedBoard::FreedBoard(observe::Metrics& metrics, Clock& clock, Duration record_age)
    : clock_(clock), record_age_(record_age) {
  observe::Gauge& entries = metrics.gauge(
      "mas_collect_waiting_entries", "Entries of the freed list that this pod has not collected.");
  observe::Gauge& bytes = metrics.gauge(
      "mas_collect_waiting_bytes",
      "Bytes that this pod gets back once they are collected, before compression (estimate).");
  observe::Gauge& next = metrics.gauge("mas_collect_next_seconds",
                                       "Seconds until the first of them is due; 0: now, or none.");
  observe::Gauge& all = metrics.gauge("mas_collect_all_seconds",
                                      "Seconds until all of them are due; 0: now, or none.");
  gauges_ = metrics.before_scrape([this, &entries, &bytes, &next, &all] {
    const FreedOutlook now = outlook();
    entries.set(static_cast<double>(now.entries));
    bytes.set(static_cast<double>(now.bytes));
    next.set(seconds(until(now.next)));
    all.set(seconds(until(now.all)));
  });
}

void FreedBoard::publish(const FreedOutlook& outlook) {
  std::lock_guard lock(mutex_);
  outlook_ = outlook;
  published_ = clock_.now();
}

FreedOutlook FreedBoard::outlook() const {
  std::lock_guard lock(mutex_);
  return outlook_;
}

Duration FreedBoard::outlook_age() const {
  std::lock_guard lock(mutex_);
  return published_ ? clock_.now() - *published_ : Duration::max();
}

void FreedBoard::set_gone_before(Instant instant) {
  std::lock_guard lock(mutex_);
  gone_before_ = std::max(gone_before_, instant);
}

Instant FreedBoard::gone_before() const {
  std::lock_guard lock(mutex_);
  return gone_before_;
}

bool FreedBoard::note_full() {
  std::lock_guard lock(mutex_);
  const bool before = is_full_locked();
  full_ = clock_.now();
  return before;
}

bool FreedBoard::is_full() const {
  std::lock_guard lock(mutex_);
  return is_full_locked();
}

bool FreedBoard::is_full_locked() const { return full_ && clock_.now() - *full_ < kFull; }

Duration FreedBoard::until(Instant due) const {
  return std::max(due - clock_.now(), Duration::zero());
}

FreedBoard::Reading::~Reading() {
  if (board_ != nullptr) board_->end_read(at_);
}

FreedBoard::Reading FreedBoard::begin_read(const meta::Object& object) {
  std::vector<Id128> extents;
  extents.reserve(object.extents.size());
  for (const meta::Extent& extent : object.extents) extents.push_back(extent.id);
  std::lock_guard lock(mutex_);
  reads_.push_front(std::move(extents));
  return {*this, reads_.begin()};
}

void FreedBoard::end_read(Reads::iterator at) {
  std::lock_guard lock(mutex_);
  reads_.erase(at);
}

std::set<Id128> FreedBoard::being_read() const {
  std::lock_guard lock(mutex_);
  return being_read_locked();
}

std::set<Id128> FreedBoard::being_read_locked() const {
  std::set<Id128> all;
  for (const std::vector<Id128>& extents : reads_) all.insert(extents.begin(), extents.end());
  return all;
}

bool FreedBoard::ask_now(std::optional<Hash> hash) {
  std::lock_guard lock(mutex_);
  if (!hash) asked_.clear();
  if (hash && asked_.size() + followed_ >= kMostAsked) return false;
  asked_.push_back(hash);
  told_ = "It was asked for, and begins with the next look at the list.";
  return true;
}

void FreedBoard::set_followed(std::size_t words) {
  std::lock_guard lock(mutex_);
  followed_ = words;
}

bool FreedBoard::is_asked() const {
  std::lock_guard lock(mutex_);
  return !asked_.empty();
}

std::vector<std::optional<Hash>> FreedBoard::take_asked() {
  std::lock_guard lock(mutex_);
  return std::exchange(asked_, {});
}

void FreedBoard::tell(std::string sentence) {
  std::lock_guard lock(mutex_);
  if (asked_.empty()) told_ = std::move(sentence);
}

std::string FreedBoard::told() const {
  std::lock_guard lock(mutex_);
  return told_;
}

void FreedBoard::publish(Quiet quiet) {
  std::lock_guard lock(mutex_);
  quiet_ = std::move(quiet);
}

Quiet FreedBoard::quiet() const {
  std::lock_guard lock(mutex_);
  if (quiet_.held.empty()) return quiet_;
  Quiet now{quiet_.up_to, {}};
  const std::set<Id128> read = being_read_locked();
  std::copy_if(quiet_.held.begin(), quiet_.held.end(), std::back_inserter(now.held),
               [&](const Id128& extent) { return read.contains(extent); });
  // More than fit into an answer: nothing is said then, and the grace is waited for.
  if (now.held.size() > kMostHeld) return {};
  return now;
}

}  // namespace mas::maintain

#include <array>
#include <sstream>

#include "app/client/json_values.h"
#include "app/client/output.h"
#include "app/client/status.h"
#include "mas/core/units.h"

namespace mas::app {
namespace {

using boost::json::value;
using Row = std::vector<std::string>;
using Rows = std::vector<Row>;

// What may be said of data directories that are not worked with.
constexpr std::array kOutOfWork = {"absent", "stopped"};

std::string size(const value& from) { return describe_size(number(from)); }

// "in 3 h"; seconds as the status says them.
std::string in(const value& from) {
  const std::uint64_t seconds = number(from);
  if (seconds < 60) return "now";
  if (seconds < 7200) return "in " + std::to_string((seconds + 59) / 60) + " min";
  return "in " + std::to_string((seconds + 3599) / 3600) + " h";
}

std::string progress(const value& from) {
  const std::optional<int> share = percent(from);
  return share ? std::to_string(*share) + " %" : "-";
}

std::string describe_worker(const value& worker) {
  const value& error = at(worker, "last_error");
  if (error.is_string() && !error.get_string().empty()) return "failed: " + text(error);
  if (is_true(at(worker, "paused"))) return "paused";
  return is_true(at(worker, "running")) ? "running" : "waiting";
}

std::string pods_table(const value& status) {
  Rows rows{{"POD", "STATE", "DATA", "API", "ZONE", "VERSION"}};
  for (const value& pod : list(at(status, "pods"))) {
    std::string zone = text(at(pod, "zone"));
    std::string data = size(at(pod, "used")) + " of " + size(at(pod, "capacity"));
    rows.push_back({text(at(pod, "name")), text(at(pod, "state")),
                    number(at(pod, "capacity")) == 0 ? "-" : data, text(at(pod, "api")),
                    zone.empty() ? "-" : zone, text(at(pod, "version"))});
  }
  return table(rows);
}

// " of mas-0", the pod that was asked: what is said of disks and segments is its own.
std::string of_asked(const value& status) {
  for (const value& pod : list(at(status, "pods"))) {
    if (is_true(at(pod, "self"))) return " of " + text(at(pod, "name"));
  }
  return "";
}

std::string workers_table(const value& status) {
  Rows rows{{"WORKER", "STATE", "PROGRESS", "DONE", "NEXT (UTC)"}};
  for (const value& worker : list(at(status, "workers"))) {
    auto next = static_cast<std::int64_t>(number(at(worker, "next_run")));
    rows.push_back({text(at(worker, "name")), describe_worker(worker),
                    progress(at(worker, "progress")), text(at(worker, "done")),
                    next == 0 ? "-" : date_text(next)});
  }
  return table(rows);
}

// What the pod that was asked says of its own disks.
Rows facts_of_asked(const value& status) {
  const value& capacity = at(status, "capacity");
  const value& layout = at(status, "layout");
  const std::string whose = of_asked(status);
  Rows facts{
      {"disk" + whose, size(at(capacity, "free")) + " free of " + size(at(capacity, "total"))},
      {"store" + whose, size(at(capacity, "stored")) + " in " + text(at(capacity, "segments")) +
                            " segments, " + size(at(capacity, "live")) + " of it live, " +
                            text(at(capacity, "records")) + " records"},
      {"layout",
       "version " + text(at(layout, "version")) + ", " + text(at(layout, "members")) + " members"}};
  if (const value& freeing = at(capacity, "freeing"); number(at(freeing, "bytes")) > 0) {
    facts.push_back({"to be freed" + whose,
                     "about " + size(at(freeing, "bytes")) + " of what was deleted: the first " +
                         in(at(freeing, "next")) + ", all " + in(at(freeing, "all"))});
  }
  const value& freed_now = at(at(capacity, "freeing"), "now");
  if (freed_now.is_string() && !freed_now.get_string().empty()) {
    facts.push_back({"collect-now", text(freed_now)});
  }
  for (const char* state : kOutOfWork) {
    for (const value& directory : list(at(capacity, state))) {
      facts.push_back({state + whose, text(directory)});
    }
  }
  return facts;
}

// What is known of all that is stored, and of those who left.
Rows facts_of_cluster(const value& status) {
  Rows facts;
  for (const value& step : list(at(status, "redundancy"))) {
    std::uint64_t lost = number(at(step, "lost"));
    std::string state = lost == 0 ? "whole" : "short of " + std::to_string(lost) + " shards";
    facts.push_back({"stripes", text(at(step, "stripes")) + " " + state});
  }
  const value& ledger = at(status, "ledger");
  if (std::uint64_t lost = number(at(ledger, "beyond_repair")); lost > 0) {
    facts.push_back({"damaged", std::to_string(lost) + " stripes are beyond repair"});
  }
  if (std::uint64_t shards = number(at(ledger, "unexplained")); shards > 0) {
    facts.push_back({"unexplained", std::to_string(shards) + " shards that nothing refers to"});
  }
  if (std::uint64_t shards = number(at(ledger, "strays")); shards > 0) {
    facts.push_back({"strays", std::to_string(shards) + " shards that belong to other pods"});
  }
  for (const value& leaver : list(at(status, "left"))) {
    const bool back = is_true(at(leaver, "there"));
    facts.push_back({"left", text(at(leaver, "name")) +
                                 ", with data that may still be needed; it is " +
                                 (back ? "back and read" : "away")});
  }
  for (const value& sentence : list(at(status, "waiting"))) {
    facts.push_back({"waits", text(sentence)});
  }
  return facts;
}

}  // namespace

std::string status_text(const value& status) {
  std::ostringstream out;
  std::string problem = unhealthy_because(status);
  out << (problem.empty() ? "healthy" : "not healthy: " + problem) << ", "
      << text(at(status, "summary")) << ", profile " << text(at(status, "profile")) << "\n\n";
  out << pods_table(status) << "\n";
  Rows facts = facts_of_asked(status);
  for (Row& fact : facts_of_cluster(status)) facts.push_back(std::move(fact));
  out << table(facts) << "\n" << workers_table(status);
  return out.str();
}

std::string unhealthy_because(const value& status) {
  if (list(at(status, "pods")).empty()) return "no pods are known";
  const value& halted = at(status, "halted");
  if (halted.is_string() && !halted.get_string().empty()) return text(halted);
  for (const value& pod : list(at(status, "pods"))) {
    if (text(at(pod, "state")) != "active") {
      return text(at(pod, "name")) + " is " + text(at(pod, "state"));
    }
  }
  for (const char* state : kOutOfWork) {
    const value& directories = at(at(status, "capacity"), state);
    if (!list(directories).empty()) return text(list(directories).front());
  }
  for (const value& step : list(at(status, "redundancy"))) {
    if (number(at(step, "lost")) > 0 && number(at(step, "stripes")) > 0) {
      return text(at(step, "stripes")) + " stripes have lost shards";
    }
  }
  // Only what all pods have told can be said to be whole.
  if (is_true(at(at(status, "ledger"), "partial"))) {
    return "the ledger is partial: " + text(at(at(status, "ledger"), "partial_because"));
  }
  const value& capacity = at(status, "capacity");
  if (!is_true(at(capacity, "writable"))) {
    std::string reason = text(at(capacity, "not_writable_reason"));
    return "the store does not write" + (reason.empty() ? "" : " (" + reason + ")");
  }
  return "";
}

}  // namespace mas::app

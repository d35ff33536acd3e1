#include "http/crowd.h"

#include "mas/core/network.h"

namespace mas::http {

Crowd::Place::Place(Crowd& crowd, Session& session, std::string_view client_address)
    : crowd_(crowd), address_(&*crowd.addresses_.try_emplace(network_of(client_address)).first) {
  std::list<Entry>& working = address_->second.working;
  entry_ = working.insert(working.end(), Entry{&session, {}});
}

Crowd::Place::~Place() {
  Address& address = address_->second;
  (waiting_ ? address.waiting : address.working).erase(entry_);
  if (address.size() > 0) return;
  const std::string key = address_->first;
  crowd_.addresses_.erase(key);
}

void Crowd::Place::wait(Instant now) {
  if (retired_) return;
  Address& address = address_->second;
  std::list<Entry>& from = waiting_ ? address.waiting : address.working;
  address.waiting.splice(address.waiting.end(), from, entry_);
  entry_->since = now;
  waiting_ = true;
}

void Crowd::Place::work() {
  if (!waiting_) return;
  Address& address = address_->second;
  address.working.splice(address.working.end(), address.waiting, entry_);
  waiting_ = false;
}

void Crowd::Place::retire() {
  work();
  retired_ = true;
}

Session* Crowd::longest_waiting() const {
  const Address* most = nullptr;
  for (const auto& [key, address] : addresses_) {
    if (address.waiting.empty()) continue;
    const bool is_better = most == nullptr || address.size() > most->size() ||
                           (address.size() == most->size() &&
                            address.waiting.front().since < most->waiting.front().since);
    if (is_better) most = &address;
  }
  return most == nullptr ? nullptr : most->waiting.front().session;
}

}  // namespace mas::http

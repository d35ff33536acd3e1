// The connections of one io thread, by the network of the client (core/network.h): which of them
// makes room when all are taken.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "mas/runtime/clock.h"

namespace mas::http {

class Session;

// Used from its io thread only.
//
// A connection works from when a request of it was admitted (Exchange::admitted) until that is
// answered. Else it waits: for a head, for a token to be looked at, for its other side to take an
// answer that it needed no token for. Such a one is easily made anew, and may make room.
class Crowd {
  struct Entry {
    Session* session;
    Instant since{};  // when it began to wait
  };
  struct Address {
    std::list<Entry> waiting;  // the longest first
    std::list<Entry> working;
    [[nodiscard]] std::size_t size() const noexcept { return waiting.size() + working.size(); }
  };
  using Map = std::unordered_map<std::string, Address>;

 public:
  // A session's place, taken when it is made: it works at first.
  class Place {
   public:
    Place(Crowd& crowd, Session& session, std::string_view client_address);
    ~Place();
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    // It waits from `now` on, whether it did before or not.
    void wait(Instant now);
    void work();
    // It works for good: nobody is to choose it any more.
    void retire();

   private:
    Crowd& crowd_;
    Map::value_type* address_;  // iterators do not survive a rehash
    std::list<Entry>::iterator entry_;
    bool waiting_ = false;
    bool retired_ = false;
  };

  // Of the addresses with a waiting connection, the one with the most connections: its connection
  // that waits longest. So nobody can take what others hold while holding more himself. Null if
  // none waits. Takes time with the number of addresses.
  [[nodiscard]] Session* longest_waiting() const;
  template <class Function>
  void for_each(Function function) {
    for (auto& [key, address] : addresses_) {
      for (auto* list : {&address.waiting, &address.working}) {
        for (Entry& entry : *list) function(*entry.session);
      }
    }
  }

 private:
  Map addresses_;
};

}  // namespace mas::http

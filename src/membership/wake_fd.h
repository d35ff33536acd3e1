// WakeFd: what another thread makes readable to end a wait on a socket.
#pragma once

#include "mas/core/units.h"

namespace mas::membership {

class WakeFd {
 public:
  WakeFd();
  ~WakeFd();
  WakeFd(const WakeFd&) = delete;
  WakeFd& operator=(const WakeFd&) = delete;

  // Thread-safe.
  void wake();
  // Returns when woken (which is then used up), when `socket` is readable or broken, or when `most`
  // has passed. A negative socket is none.
  void wait(int socket, Duration most);

 private:
  int fd_;
};

}  // namespace mas::membership

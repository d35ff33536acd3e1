#include "mas/peer/recall.h"

#include <utility>

namespace mas::peer {

void Recall::recall() {
  std::lock_guard lock(mutex_);
  recalled_ = true;
  if (auto end = std::exchange(end_, nullptr)) end();
}

bool Recall::is_recalled() const {
  std::lock_guard lock(mutex_);
  return recalled_;
}

void Recall::when_recalled(std::function<void()> end) {
  std::lock_guard lock(mutex_);
  if (recalled_ && end) {
    end();
  } else {
    end_ = std::move(end);
  }
}

}  // namespace mas::peer

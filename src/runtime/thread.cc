#include "mas/runtime/thread.h"

#include <pthread.h>

#include <utility>

namespace mas {

OwnedThread::OwnedThread(const std::string& name, std::function<void()> body)
    : thread_(std::move(body)) {
  pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

OwnedThread::~OwnedThread() { thread_.join(); }

}  // namespace mas

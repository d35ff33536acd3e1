#include "mas/runtime/thread.h"

#include <pthread.h>

#include <catch2/catch.hpp>
#include <string>

using namespace mas;

TEST_CASE("an owned thread runs its body under its name, and is waited for") {
  std::string name;
  std::thread::id where;
  {
    OwnedThread thread("a-name-longer-than-fits", [&] {
      where = std::this_thread::get_id();
      char text[16] = "";
      // The name is given by the thread that starts this one.
      while (std::string(text) != "a-name-longer-t") {
        pthread_getname_np(pthread_self(), text, sizeof(text));
      }
      name = text;
    });
  }
  CHECK(name == "a-name-longer-t");
  CHECK(where != std::this_thread::get_id());
  CHECK(where != std::thread::id());
}

// The one Catch2 main of all suites.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

#ifdef __SANITIZE_THREAD__
// Of libraries that were built without it, ThreadSanitizer sees that memory goes from thread to
// thread, and not the atomics that they do it with.
extern "C" const char* __tsan_default_suppressions();  // NOLINT: the sanitizer's name for it

extern "C" const char* __tsan_default_suppressions() {
  return "race:librocksdb\n"
         "race:libmongoc-1.0\n"
         "race:libbson-1.0\n";
}
#endif

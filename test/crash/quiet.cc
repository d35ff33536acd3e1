// Thousands of recoveries, each with its warnings: only errors are printed.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>

#include "mas/observe/log.h"

namespace mas::crash {
namespace {

class Quiet final : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;
  void testRunStarting(const Catch::TestRunInfo& /*info*/) override {
    log::set_up({log::Level::error, false});
  }
};

}  // namespace
}  // namespace mas::crash

// The macro needs a name without a namespace, and declares an object that is never read.
using MasCrashQuiet = mas::crash::Quiet;
CATCH_REGISTER_LISTENER(MasCrashQuiet)

// The one Catch2 main of all suites.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>

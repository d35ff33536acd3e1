#include "mas/core/units.h"

#include <catch2/catch.hpp>

using namespace mas;

TEST_CASE("a size is digits and a known unit") {
  CHECK(*parse_size("0") == 0);
  CHECK(*parse_size("17") == 17);
  CHECK(*parse_size("64 KiB") == 64 * kKiB);
  CHECK(*parse_size("5TiB") == 5 * kTiB);
  CHECK(*parse_size("3 MB") == 3'000'000);
  for (const char* bad : {"", "KiB", "-1", "1.5 GiB", "1 kib", "1 KiB ", " 1",
                          "99999999999999999999", "9000000 TiB", "1 K"}) {
    INFO(bad);
    CHECK(parse_size(bad).has_error());
  }
}

TEST_CASE("a duration is digits and a known unit") {
  CHECK(*parse_duration("0") == Duration(0));
  CHECK(*parse_duration("250 ms") == std::chrono::milliseconds(250));
  CHECK(*parse_duration("10s") == std::chrono::seconds(10));
  CHECK(*parse_duration("2 m") == std::chrono::minutes(2));
  CHECK(*parse_duration("24 h") == std::chrono::hours(24));
  CHECK(*parse_duration("30 d") == std::chrono::hours(24 * 30));
  for (const char* bad : {"", "10", "s", "-1 s", "1 year", "300000000000 d"}) {
    INFO(bad);
    CHECK(parse_duration(bad).has_error());
  }
}

TEST_CASE("formatting a size or duration and parsing it again gives the same value") {
  for (std::uint64_t size : {0ULL, 1ULL, 1000ULL, 1024ULL, 4194304ULL, 5497558138880ULL, 1025ULL}) {
    CHECK(*parse_size(format_size(size)) == size);
  }
  for (Duration d : {Duration(0), Duration(std::chrono::milliseconds(1500)),
                     Duration(std::chrono::seconds(90)), Duration(std::chrono::hours(24))}) {
    CHECK(*parse_duration(format_duration(d)) == d);
  }
  CHECK(format_size(4 * kMiB) == "4 MiB");
  CHECK(format_duration(std::chrono::hours(24)) == "1 d");
  CHECK(describe_size(1536 * kMiB) == "1.5 GiB");
}

TEST_CASE("a whole number has digits only") {
  CHECK(*parse_u64("18446744073709551615") == UINT64_MAX);
  for (const char* bad : {"", "+1", "-1", "1 ", "0x10", "18446744073709551616", "1e3"}) {
    INFO(bad);
    CHECK(parse_u64(bad).has_error());
  }
}

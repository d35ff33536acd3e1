// What the log says of refused requests.
#include "http/refusal_tally.h"

#include "server_rig.h"
#include "support/logged_lines.h"

using namespace mas;
using namespace mas::test;

TEST_CASE("Refusals are one line for each address, with how many of each kind") {
  LoggedLines lines;
  http::RefusalTally tally("http.refused");
  for (int i = 0; i < 300; ++i) tally.count("192.0.2.1", 401);
  tally.count("192.0.2.1", 429);
  tally.count("192.0.2.2", 403);
  tally.count("192.0.2.2", 404);  // no refusal
  tally.tell();
  tally.tell();  // nothing is said twice
  REQUIRE(lines.with("http.refused").size() == 2);
  CHECK(lines.with("http.refused")[0].find("client=192.0.2.1 count=301 status_401=300 "
                                           "status_403=0 status_429=1") != std::string::npos);
  CHECK(lines.with("http.refused")[1].find("client=192.0.2.2 count=1 status_401=0 "
                                           "status_403=1 status_429=0") != std::string::npos);
}

TEST_CASE("However many addresses are refused, few lines are written and none is left out") {
  LoggedLines lines;
  http::RefusalTally tally("http.refused");
  const std::size_t addresses = 2 * http::RefusalTally::kMostAddresses;
  for (std::size_t i = 0; i < addresses; ++i) {
    tally.count("2001:db8:0:" + std::to_string(i) + "::1", 401);
  }
  // Whoever has one address of a network has all of them.
  for (int i = 0; i < 9; ++i) tally.count("2001:db8:0:7::" + std::to_string(i), 401);
  tally.tell();
  auto told = lines.with("http.refused");
  REQUIRE(told.size() == http::RefusalTally::kMostLines + 1);
  CHECK(told.front().find("client=2001:db8:0:7::/64 count=10 ") != std::string::npos);
  const std::size_t rest = addresses + 9 - 10 - (http::RefusalTally::kMostLines - 1);
  CHECK(told.back().find("client=others count=" + std::to_string(rest)) != std::string::npos);
}

TEST_CASE("A refused request is no line of its own, and is told when the server stops") {
  auto clock = make_system_clock();
  LoggedLines lines;
  {
    ServerRig rig(*clock);
    rig.start();
    RawClient client(rig.address());
    for (int i = 0; i < 5; ++i) CHECK(client.ask(get("/refuse")).status == 401);
    // The last one is counted behind its answer, before the next request of the connection.
    CHECK(client.ask(get("/hello")).status == 200);
    CHECK(rig.metric(R"(mas_http_requests_total{method="GET",route="/refuse",status="401"})") == 5);
    CHECK(lines.with("http.re").empty());
  }
  REQUIRE(lines.with("http.re").size() == 1);
  CHECK(lines.with("http.refused")[0].find("client=127.0.0.1 count=5 status_401=5") !=
        std::string::npos);
}

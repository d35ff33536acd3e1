// What a token sends and does not keep is bounded.
#include "api/abandoned.h"

#include "mas/core/units.h"
#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;
using std::chrono::minutes;

namespace {

const api::TokenAndHash kOne{Id128{{1}}, Hash{}};
const api::TokenAndHash kOther{Id128{{2}}, Hash{}};
const Instant kStart = Instant() + std::chrono::hours(1);

struct Parts : Fixture {
  explicit Parts(const config::Limits& limits = {}) {
    config.limits = limits;
    hash = Hash{};
    auth::Claims& claims = token("up", auth::TokenType::upload, hash);
    claims.id.bytes.fill(7);
    claims.max_size = 10;
    FakeExchange init("POST", "/api/file/upload/init");
    init.header("token", "up");
    run(init);
  }
  FakeExchange send(const std::string& body, const std::string& path = "chuck?chuck=1",
                    bool right = true) {
    FakeExchange exchange("POST", "/api/file/upload/" + path);
    exchange.header("token", "up");
    if (!right) {
      exchange.header("Content-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:");
    }
    exchange.send_body(body);
    run(exchange);
    return exchange;
  }
  Hash hash;
};

}  // namespace

TEST_CASE("bytes that were not kept count until they are off the disk") {
  api::AbandonedBook book(minutes(40));
  CHECK(book.wait(kOne, 100, kStart) == Duration(0));
  book.add(kOne, 60, kStart);
  CHECK(book.wait(kOne, 100, kStart) == Duration(0));
  book.add(kOne, 60, kStart + minutes(10));
  CHECK(book.wait(kOne, 100, kStart + minutes(10)) == minutes(30));
  CHECK(book.wait(kOne, 10, kStart + minutes(10)) == minutes(40));
  CHECK(book.wait(kOther, 100, kStart + minutes(10)) == Duration(0));
  CHECK(book.wait(kOne, 100, kStart + minutes(40)) == Duration(0));
  CHECK(book.wait(kOne, 60, kStart + minutes(40)) == minutes(10));
  CHECK(book.wait(kOne, 60, kStart + minutes(50)) == Duration(0));
}

TEST_CASE("they count on where collection is behind") {
  Instant gone = kStart;
  api::AbandonedBook book(minutes(40), [&gone] { return gone; });
  book.add(kOne, 60, kStart);
  book.add(kOne, 60, kStart + minutes(1));
  CHECK(book.wait(kOne, 100, kStart + minutes(1)) == minutes(39));
  CHECK(book.wait(kOne, 100, kStart + minutes(90)) == minutes(1));
  gone = kStart + minutes(1);
  CHECK(book.wait(kOne, 100, kStart + minutes(90)) == minutes(1));
  gone = kStart + minutes(10);
  CHECK(book.wait(kOne, 100, kStart + minutes(30)) == minutes(10));
  CHECK(book.wait(kOne, 100, kStart + minutes(90)) == Duration(0));
}

TEST_CASE("of parts only what the session did not grow by counts") {
  api::AbandonedBook book(minutes(40));
  book.session(kOne, 0);
  // Parts at once, told in another order than they were recorded in.
  book.part(kOne, 10, 20, kStart);
  book.part(kOne, 10, 10, kStart);
  for (std::uint64_t stored = 30; stored <= 1'000; stored += 10) {
    book.part(kOne, 10, stored, kStart);
  }
  CHECK(book.wait(kOne, 1, kStart) == Duration(0));
  book.part(kOne, 10, 1'000, kStart);
  CHECK(book.wait(kOne, 10, kStart) > Duration(0));
  CHECK(book.wait(kOne, 11, kStart) == Duration(0));
  // A session that others have brought far: only what is seen of it counts.
  book.part(kOther, 10, 5'000, kStart);
  CHECK(book.wait(kOther, 1, kStart) == Duration(0));
  book.part(kOther, 10, 5'000, kStart);
  CHECK(book.wait(kOther, 10, kStart) > Duration(0));
  // The next session of the same token begins from nothing.
  book.session(kOther, 0);
  book.part(kOther, 10, 10, kStart);
  CHECK(book.wait(kOther, 11, kStart) == Duration(0));
}

TEST_CASE("one token's account does not push out all others") {
  api::AbandonedBook book(minutes(40));
  book.add(kOne, 60, kStart);
  for (std::uint32_t i = 0; i < 99'999; ++i) {
    api::TokenAndHash key = kOther;
    for (int byte = 0; byte < 4; ++byte) {
      key.token.bytes[static_cast<std::size_t>(4 + byte)] =
          static_cast<std::uint8_t>(i >> (8 * byte));
    }
    book.add(key, 1, kStart);
  }
  CHECK(book.wait(kOne, 60, kStart) > Duration(0));
}

TEST_CASE("a part that is sent again and again is refused once thrice max_size came to nothing") {
  Parts api;
  int taken = 0;
  FakeExchange last = api.send("0123456789");
  for (; last.status() == 200; last = api.send("0123456789")) REQUIRE(++taken < 50);
  // The first is kept, the three after it take each other's place.
  CHECK(taken == 4);
  check_refusal(last, 429, 5916);
  CHECK(std::stoi(std::string(last.answer_header("Retry-After"))) > 600);
  check_refusal(api.send("0123456789", "single"), 429, 5916);
  api.clock.seconds += 3600;
  check_refusal(api.send("0123456789"), 429, 5916);
  api.freed.set_gone_before(api.clock.now());
  CHECK(api.send("0123456789").status() == 200);
}

TEST_CASE("one part sent again after its file did not match passes") {
  Parts api;
  CHECK(api.send("0123456789").status() == 200);
  CHECK(api.send("9876543210").status() == 200);
}

TEST_CASE("parts of a file that was there already at the end count for who sent them") {
  Parts api;
  const Id128 sender = api.authority.tokens["up"].id;
  for (int i = 0; i < 4; ++i) {
    FakeExchange finish("POST", "/api/file/upload/finish");
    finish.header("token", "up").header("systemToken", "system");
    api.run(finish);
    REQUIRE(api.objects.last_finish.in_vain);
    const Id128 one = i == 0 ? Id128{{9}} : sender;
    api.objects.last_finish.in_vain({{one, 10}});
    if (i == 2) CHECK(api.send("0123456789").status() == 200);
  }
  check_refusal(api.send("0123456789"), 429, 5916);
}

TEST_CASE("bodies that fail count, too") {
  Parts api;
  for (int i = 0; i < 3; ++i) {
    check_refusal(api.send("0123456789", "chuck?chuck=1", false), 422, 5403);
  }
  check_refusal(api.send("0123456789"), 429, 5916);
}

TEST_CASE("what fails for this pod's own trouble does not count, for the sender's it does") {
  Parts api;
  api.objects.fail["record_part"] = Error(Code::metadata_unavailable, "Try again.");
  for (int i = 0; i < 10; ++i) check_refusal(api.send("0123456789"), 503, 5501);
  api.objects.fail["record_part"] = Error(Code::disk_full, "The disk is full.");
  for (int i = 0; i < 10; ++i) check_refusal(api.send("0123456789"), 507, 5902);
  api.objects.fail["record_part"] = Error(Code::body_too_large, "Too large.");
  for (int i = 0; i < 3; ++i) check_refusal(api.send("0123456789"), 413, 5412);
  check_refusal(api.send("0123456789"), 429, 5916);
}

TEST_CASE("a token without max_size has the configured sum, and at least one part") {
  for (const auto& [resent, part, most] : {std::tuple{30, 20, 3}, std::tuple{5, 20, 2}}) {
    config::Limits limits;
    limits.resent = static_cast<std::uint64_t>(resent);
    limits.part = static_cast<std::uint64_t>(part);
    Parts api(limits);
    api.authority.tokens["up"].max_size.reset();
    for (int i = 0; i < most; ++i) {
      check_refusal(api.send("0123456789", "chuck?chuck=1", false), 422, 5403);
    }
    check_refusal(api.send("0123456789"), 429, 5916);
  }
}

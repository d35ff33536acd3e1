#include <catch2/catch.hpp>

#include "mas/fs/fault_fs.h"
#include "mas/peer/http.h"
#include "peer/wire.h"
#include "support/must.h"

using namespace mas;
using namespace mas::peer;

TEST_CASE("The secret is one line of printable characters, or two during a change") {
  auto fs = fs::make_fault_fs(1);
  auto read = [&](std::string_view content) {
    must(fs::write_file(*fs, "/secret", as_bytes(content)));
    return read_secrets(*fs, "/secret");
  };
  using Lines = std::vector<std::string>;
  CHECK(must(read("0123456789abcdef")) == Lines{"0123456789abcdef"});
  CHECK(must(read("  0123456789abcdef\r\n")) == Lines{"0123456789abcdef"});
  CHECK(must(read("the-new-one-0123\n\n 0123456789abcdef\n")) ==
        Lines{"the-new-one-0123", "0123456789abcdef"});
  for (std::string_view bad :
       {"", "\n", "short", "0123456789abcde", "0123456789 abcdef", "0123456789abcdef\n0123",
        "0123456789abcdef\x7f", "0123456789\xc3\xa4xxxxxx",
        "0123456789abcdef\n0123456789abcdef\n0123456789abcdef\n"}) {
    auto result = read(bad);
    CHECK(code_of(result) == Code::invalid_argument);
    CHECK((bad.size() < 5 || result.error().message().find(bad) == std::string::npos));
  }
  CHECK(code_of(read(std::string(5000, 'x'))) == Code::corrupt);
  CHECK(code_of(read_secrets(*fs, "/absent")) == Code::not_found);
}

TEST_CASE("Members are found where they were last heard, if they are alive and are who they were") {
  Id128 first, second;
  first.bytes.fill(1);
  second.bytes.fill(2);
  auto pod = [](std::string slot, Id128 incarnation, std::string address, bool alive) {
    membership::Pod out;
    out.last.slot = std::move(slot);
    out.last.incarnation = incarnation;
    out.last.peer_address = std::move(address);
    out.alive = alive;
    return out;
  };
  membership::ClusterView view;
  view.layout.members = {{"a", first, "", 1}, {"b", second, "", 1}, {"c", first, "", 1}};
  view.pods = {pod("b", second, "10.0.0.2:1", true), pod("c", first, "10.0.0.3:1", false)};
  membership::ViewBoard board(view);
  Resolver resolver = resolver_of(board);
  // This pod itself, heard or not.
  CHECK(resolver(0)->slot == "a");
  CHECK(resolver(0)->incarnation == first);
  CHECK(resolver(1)->address == "10.0.0.2:1");
  CHECK(resolver(1)->incarnation == second);
  CHECK_FALSE(resolver(2).has_value());
  CHECK_FALSE(resolver(3).has_value());
  view.pods[0].last.peer_address = "10.0.0.9:1";
  board.publish(view);
  CHECK(resolver(1)->address == "10.0.0.9:1");
  view.pods[0].last.incarnation = first;
  board.publish(view);
  CHECK_FALSE(resolver(1).has_value());
}

TEST_CASE("The peer port has the front's limits, and less patience") {
  config::Config config;
  config.cluster.listen = "127.0.0.1:7081";
  config::Http options = server_options(config);
  CHECK(options.listen == "127.0.0.1:7081");
  CHECK(options.max_header_bytes == config.http.max_header_bytes);
  CHECK(options.max_connections == config.http.max_connections);
  CHECK(options.body_grace == config.peer.io_timeout);
  CHECK(options.min_body_rate > config.http.min_body_rate);
}

TEST_CASE("A ping's answer comes through whole, and half ones are none") {
  PingAnswer answer;
  answer.slot = "mas-0";
  answer.incarnation.bytes.fill(3);
  answer.cluster = "a cluster: \xc3\xa4";
  answer.cluster_id.bytes.fill(4);
  answer.layout_version = 5;
  answer.software = "1.0";
  answer.wall = WallTime{6};
  http::Headers fields = wire::ping_fields(answer);
  auto back = wire::parse_ping(fields);
  REQUIRE(back.has_value());
  CHECK(back->slot == answer.slot);
  CHECK(back->incarnation == answer.incarnation);
  CHECK(back->cluster == answer.cluster);
  CHECK(back->cluster_id == answer.cluster_id);
  CHECK(back->layout_version == 5);
  CHECK(back->software == "1.0");
  CHECK(back->wall == answer.wall);
  for (const auto& [name, value] : fields.all()) {
    http::Headers without;
    http::Headers spoiled;
    for (const auto& [other, text] : fields.all()) {
      if (other != name) without.add(other, text);
      spoiled.add(other, other == name ? "%" : text);
    }
    INFO(name);
    CHECK_FALSE(wire::parse_ping(without).has_value());
    CHECK_FALSE(wire::parse_ping(spoiled).has_value());
    without.add(name, value);
    without.add(name, value);
    CHECK_FALSE(wire::parse_ping(without).has_value());
  }
}

TEST_CASE("Keys and sums are hexadecimal, of exactly their length") {
  RecordKey key = RecordKey::shard(Id128{}, 0x0123456789abcdef, 0xfedc);
  std::string text = wire::key_text(key);
  CHECK(text.size() == 86);
  CHECK(wire::parse_key(text) == key);
  for (const std::string& bad : {text + "0", text + "00", text.substr(1), text.substr(2),
                                 std::string(86, 'g'), std::string(86, '0'), std::string()}) {
    CHECK_FALSE(wire::parse_key(bad).has_value());
  }
  Sum128 sum;
  sum.bytes.fill(0xab);
  CHECK(wire::parse_sum(wire::sum_text(sum)) == sum);
  CHECK_FALSE(wire::parse_sum(std::string(31, 'a')).has_value());
  CHECK_FALSE(wire::parse_sum(std::string(34, 'a')).has_value());
}

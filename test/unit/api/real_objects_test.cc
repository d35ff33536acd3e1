// The api over the real objects module, with stores and metadata in memory: what the fakes of the
// other tests only pretend.
#include "support/object_rig.h"
#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

namespace {

// The pods' fakes of Fixture, but real objects over as many pods as asked.
struct RealApi {
  explicit RealApi(std::size_t pods) : rig({.pods = pods}) {
    config.object = small_options();
    handler = api::make_api(
        config, {rig.objects(), fakes.authority, rig.store(0), fakes.workers, rig.meta(),
                 fakes.ledger, rig.board(), fakes.metrics, fakes.clock, fakes.cluster_ledger});
  }
  FakeExchange ask(std::string_view method, std::string_view target, std::string body = "",
                   std::vector<std::pair<std::string, std::string>> headers = {}) {
    FakeExchange exchange(method, target);
    exchange.header("systemToken", "system").send_body(std::move(body));
    for (auto& [name, value] : headers) exchange.header(name, value);
    run_blocking(handler->handle(exchange));
    return exchange;
  }
  FakeExchange with(const char* token, std::string_view method, std::string_view target,
                    std::string body = "") {
    return ask(method, target, std::move(body), {{"token", token}});
  }

  ObjectRig rig;
  Fixture fakes;
  config::Config config;
  std::unique_ptr<http::Handler> handler;
};

}  // namespace

TEST_CASE("a file goes in whole and comes out whole, in ranges and with pods lost") {
  RealApi api(6);
  std::string content = make_content(700'000);
  Hash hash = hash_of(content);
  api.fakes.token("up", auth::TokenType::upload, hash);
  api.fakes.token("down", auth::TokenType::download, hash);
  FakeExchange put = api.with("up", "PUT", "/api/file/upload/single?name=a.bin", content);
  CHECK(put.status() == 200);
  CHECK(put.answer_header("Mas-Durable") == "6/6");
  CHECK(put.answer_header("Mas-Survives") == "2");
  api.rig.drop(1);
  api.rig.drop(4);
  CHECK(api.with("down", "GET", "/api/file/download").answer_body() == content);
  FakeExchange range = api.ask("GET", "/api/file/download", "",
                               {{"token", "down"}, {"Range", "bytes=131070-131080"}});
  CHECK(range.status() == 206);
  CHECK(range.answer_body() == content.substr(131'070, 11));
  FakeExchange rest = api.with("down", "GET", "/api/file/download?seek=699990");
  CHECK(rest.answer_body() == content.substr(699'990));
  // One more than is survived: what lies whole on a pod that is left is sent, then the answer ends
  // short; it is never filled up with anything else.
  api.rig.drop(2);
  FakeExchange cut = api.with("down", "GET", "/api/file/download");
  CHECK(cut.wire_code == 5701);
  CHECK((cut.answer_body().size() < content.size() || cut.status() == 503));
  if (cut.status() == 200) CHECK(content.substr(0, cut.answer_body().size()) == cut.answer_body());
}

TEST_CASE("an upload in parts is finished, repeated and instant for the next") {
  RealApi api(1);
  std::string content = make_content(300'000, 2);
  Hash hash = hash_of(content);
  api.fakes.token("up", auth::TokenType::upload, hash);
  CHECK(field_of(api.with("up", "GET", "/api/file/upload/init?name=p"), "persistence") == "false");
  CHECK(
      api.with("up", "POST", "/api/file/upload/chuck?chuck=2", content.substr(100'000)).status() ==
      200);
  FakeExchange holes = api.with("up", "GET", "/api/file/upload/finish?chucks=3");
  check_refusal(holes, 409, 5413);
  CHECK(boost::json::serialize(data_of(holes)) == R"({"missing":[1,3]})");
  CHECK(api.with("up", "POST", "/api/file/upload/chuck?chuck=1", content.substr(0, 100'000))
            .status() == 200);
  for (int i = 0; i < 2; ++i) {
    FakeExchange finish = api.with("up", "GET", "/api/file/upload/finish");
    CHECK(finish.status() == 200);
    CHECK(field_of(finish, "size") == "300000");
    CHECK(field_of(finish, "name") == "\"p\"");
  }
  FakeExchange again = api.with("up", "GET", "/api/file/upload/init");
  CHECK(field_of(again, "persistence") == "true");
  CHECK(field_of(again, "name") == "\"" + hash.hex() + "\"");
  check_refusal(api.with("up", "POST", "/api/file/upload/chuck?chuck=1", "x"), 409, 5411);
}

TEST_CASE("what is deleted is gone for every call") {
  RealApi api(1);
  std::string content = make_content(50'000, 3);
  Hash hash = hash_of(content);
  api.fakes.token("down", auth::TokenType::download, hash);
  CHECK(api.ask("POST", "/api/file/upload/object?name=d", content).status() == 200);
  auto files = [&] {
    auto page = data_of(api.ask("GET", "/api/file/list"));
    return page.as_object().at("files").as_array().size();
  };
  CHECK(files() == 1);
  std::string target = "/api/file?hash=" + hash.hex();
  CHECK(api.ask("DELETE", target).status() == 200);
  check_refusal(api.ask("DELETE", target), 404, 5407);
  check_refusal(api.with("down", "GET", "/api/file/download"), 404, 5407);
  CHECK(files() == 0);
}

TEST_CASE("content that is not what its token names leaves nothing behind") {
  RealApi api(1);
  Hash hash = hash_of("expected");
  api.fakes.token("up", auth::TokenType::upload, hash);
  for (const std::string& body : {std::string("other"), make_content(400'000, 4)}) {
    check_refusal(api.with("up", "POST", "/api/file/upload/single", body), 422, 5403);
  }
  check_refusal(api.ask("GET", "/api/file/info?hash=" + hash.hex()), 404, 5407);
}

TEST_CASE("who is told to send what a record has lost can send and finish it") {
  RealApi api(6);
  std::string content = make_content(300'000);
  Hash hash = hash_of(content);
  api.fakes.token("up", auth::TokenType::upload, hash);
  CHECK(api.with("up", "PUT", "/api/file/upload/single", content).status() == 200);
  for (std::size_t pod = 0; pod < 3; ++pod) {
    for (const RecordKey& key : api.rig.store(pod).keys()) api.rig.store(pod).lose(key);
  }
  // Without a session it is not told that there is nothing left to send.
  FakeExchange early = api.with("up", "POST", "/api/file/upload/chuck?chuck=1", content);
  CHECK(early.status() == 409);
  CHECK(early.answer_body().find("5410") != std::string::npos);
  FakeExchange init = api.with("up", "GET", "/api/file/upload/init");
  CHECK(init.answer_body().find("\"persistence\":false") != std::string::npos);
  CHECK(api.with("up", "POST", "/api/file/upload/chuck?chuck=1", content).status() == 200);
  FakeExchange finish = api.with("up", "POST", "/api/file/upload/finish");
  CHECK(finish.status() == 200);
  CHECK(finish.answer_header("Mas-Durable") == "6/6");
  FakeExchange late = api.with("up", "POST", "/api/file/upload/chuck?chuck=1", content);
  CHECK(late.answer_body().find("5411") != std::string::npos);
}

// Whole files in one request: raw or in a form, named by their token or by themselves.
#include "unit/api/fixture.h"

using namespace mas;
using namespace mas::test;

namespace {

const char* const kForm = "multipart/form-data; boundary=XX";

std::string part(std::string_view disposition, std::string_view content) {
  return "--XX\r\nContent-Disposition: form-data; " + std::string(disposition) + "\r\n\r\n" +
         std::string(content) + "\r\n";
}
std::string file_part(std::string_view content, std::string_view filename = "f.bin") {
  return part("name=\"file\"; filename=\"" + std::string(filename) + "\"", content);
}

struct Upload : Fixture {
  Hash hash = codec::sha256(as_bytes("hello"));
  Upload() { token("up", auth::TokenType::upload, hash); }
  FakeExchange post(std::string_view query = "") {
    FakeExchange exchange("POST", "/api/file/upload/single" + std::string(query));
    exchange.header("token", "up");
    return exchange;
  }
  FakeExchange form(std::string body, std::string_view query = "") {
    FakeExchange exchange = post(query);
    exchange.header("Content-Type", kForm).send_body(std::move(body));
    return exchange;
  }
};

}  // namespace

TEST_CASE("a record has exactly six fields in order") {
  Upload api;
  FakeExchange exchange = api.post("?name=a.txt");
  exchange.send_body("hello");
  api.run(exchange);
  CHECK(exchange.answer_body() ==
        R"({"status":true,"code":200,"msg":"","data":{"size":5,"name":"a.txt","hash":")" +
            api.hash.hex() + R"(","persistence":true,"create_time":5000,"server_ip":null}})");
  CHECK(exchange.answer_header("Mas-Durable") == "1/1");
  CHECK(exchange.answer_header("Mas-Survives") == "0");
}

TEST_CASE("a raw body of any content type is the file's bytes") {
  for (const char* type : {"application/octet-stream", "text/plain", "image/png",
                           "application/x-www-form-urlencoded", "multipart/form-datax"}) {
    Upload api;
    FakeExchange exchange = api.post();
    exchange.header("Content-Type", type).send_body("hello");
    CHECK(api.run(exchange).status() == 200);
    CHECK(api.objects.last_put.size == 5);
  }
  Upload api;
  FakeExchange put("PUT", "/api/file/upload/single");
  put.header("token", "up").send_chunked("hello");
  CHECK(api.run(put).status() == 200);
  CHECK_FALSE(api.objects.last_put.size.has_value());
}

TEST_CASE("the field file of a form is the file's bytes") {
  Upload api;
  FakeExchange exchange = api.form(part("name=\"note\"", "x") + file_part("hello") + "--XX--\r\n");
  CHECK(api.run(exchange).status() == 200);
  CHECK(field_of(exchange, "name") == "\"f.bin\"");
}

TEST_CASE("the name stands in the query, the header, the form, the filename, or is the hash") {
  std::string end = "--XX--\r\n";
  std::string named = part("name=\"name\"", "form.txt") + file_part("hello") + end;
  auto name_of = [](FakeExchange exchange, Upload& api) {
    CHECK(api.run(exchange).status() == 200);
    return field_of(exchange, "name");
  };
  Upload api;
  FakeExchange all = api.form(named, "?name=query.txt");
  all.header("name", "header.txt");
  CHECK(name_of(all, api) == "\"query.txt\"");
  FakeExchange header = api.form(named);
  header.header("name", "h%C3%A9ader.txt");
  CHECK(name_of(header, api) ==
        "\"h\xc3\xa9"
        "ader.txt\"");
  CHECK(name_of(api.form(named), api) == "\"form.txt\"");
  CHECK(name_of(api.form(file_part("hello", "dir/../disk.txt") + end), api) == "\"disk.txt\"");
  CHECK(name_of(api.form(part("name=\"file\"", "hello") + end), api) ==
        "\"" + api.hash.hex() + "\"");
}

TEST_CASE("a form may say the name after its file") {
  Upload api;
  std::string end = "--XX--\r\n";
  std::string late = part("name=\"name\"", "late.txt");
  for (std::string filename : {"disk.txt", "", "a\x01"}) {
    // The filename counts only where no field does, so it cannot be wrong here.
    std::string file = filename == "a\x01" ? part("name=\"file\"; filename*=UTF-8''a%01", "hello")
                                           : file_part("hello", filename);
    FakeExchange exchange = api.form(file + part("name=\"chuck\"", "x") + late + end);
    CHECK(api.run(exchange).status() == 200);
    CHECK(field_of(exchange, "name") == "\"late.txt\"");
  }
  CHECK(api.objects.stored[api.hash].first.name == "late.txt");
  FakeExchange stated = api.form(file_part("hello") + late + end, "?name=query.txt");
  api.run(stated);
  CHECK(field_of(stated, "name") == "\"query.txt\"");
  FakeExchange none = api.form(file_part("hello") + part("name=\"name\"", "") + end);
  api.run(none);
  CHECK(field_of(none, "name") == "\"f.bin\"");
  FakeExchange object("POST", "/api/file/upload/object");
  object.header("systemToken", "system")
      .header("Content-Type", kForm)
      .send_body(file_part("other") + late + end);
  api.run(object);
  CHECK(field_of(object, "name") == "\"late.txt\"");
}

TEST_CASE("a malformed name after the file publishes nothing") {
  Upload api;
  std::string end = "--XX--\r\n";
  std::string name = part("name=\"name\"", "a");
  for (const std::string& body :
       {file_part("hello") + part("name=\"name\"", "a\nb"), file_part("hello") + name + name,
        name + file_part("hello") + name,
        file_part("hello") + part("name=\"name\"", std::string(1025, 'x')),
        part("name=\"file\"; filename*=UTF-8''a%01", "hello")}) {
    FakeExchange exchange = api.form(body + end);
    INFO(body);
    check_refusal(api.run(exchange), 400, 5205);
  }
  FakeExchange fields = api.form(part("name=\"a\"", std::string(40'000, 'x')) + file_part("hello") +
                                 part("name=\"b\"", std::string(40'000, 'x')) + end);
  CHECK(api.run(fields).status() == 400);
  CHECK(api.objects.stored.empty());
}

TEST_CASE("names that could harm are refused before the body is read") {
  Upload api;
  for (const char* query :
       {"?name=a%0D%0Ab", "?name=a%0Ab", "?name=..%2Fx", "?name=%FF", "?name=a%7F"}) {
    FakeExchange exchange = api.post(query);
    exchange.send_body("hello");
    INFO(query);
    check_refusal(api.run(exchange), 400, 5205);
    CHECK_FALSE(exchange.body_touched());
  }
  FakeExchange nul = api.post("?name=a%00b");
  check_refusal(api.run(nul), 400, 5205);
  FakeExchange long_name = api.post("?name=" + std::string(1025, 'x'));
  check_refusal(api.run(long_name), 400, 5205);
  FakeExchange field = api.form(part("name=\"name\"", "a\nb") + file_part("hello") + "--XX--\r\n");
  check_refusal(api.run(field), 400, 5205);
  CHECK(api.objects.stored.empty());
}

TEST_CASE("a form that is not whole publishes nothing") {
  Upload api;
  FakeExchange none = api.form(part("name=\"note\"", "x") + "--XX--\r\n");
  check_refusal(api.run(none), 400, 5204);
  FakeExchange two = api.form(file_part("hello") + file_part("hello") + "--XX--\r\n");
  check_refusal(api.run(two), 400, 5205);
  FakeExchange open = api.form(file_part("hello"));
  check_refusal(api.run(open), 400, 5201);
  FakeExchange cut = api.form("--XX\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nhel");
  check_refusal(api.run(cut), 400, 5201);
  FakeExchange garbage = api.form("hello");
  check_refusal(api.run(garbage), 400, 5201);
  FakeExchange fields =
      api.form(part("name=\"note\"", std::string(70'000, 'x')) + file_part("hello") + "--XX--\r\n");
  CHECK(api.run(fields).status() == 400);
  CHECK(api.objects.stored.empty());
}

TEST_CASE("a form without a usable boundary, or an encoded body, is 415") {
  Upload api;
  for (const std::string& type :
       {std::string("multipart/form-data"), std::string("multipart/form-data; boundary="),
        "Multipart/Form-Data; boundary=" + std::string(71, 'x')}) {
    FakeExchange exchange = api.post();
    exchange.header("Content-Type", type).send_body("hello");
    INFO(type);
    check_refusal(api.run(exchange), 415, 5914);
    CHECK_FALSE(exchange.body_touched());
  }
  FakeExchange packed = api.post();
  packed.header("Content-Encoding", "gzip").send_body("hello");
  check_refusal(api.run(packed), 415, 5914);
}

TEST_CASE("a body over the token's max_size is refused, unread where its length is known") {
  Upload api;
  api.authority.tokens["up"].max_size = 4;
  FakeExchange known = api.post();
  known.send_body("hello");
  check_refusal(api.run(known), 413, 5412);
  CHECK_FALSE(known.body_touched());
  FakeExchange chunked = api.post();
  chunked.send_chunked("hello");
  check_refusal(api.run(chunked), 413, 5412);
  FakeExchange form = api.form(file_part("hello") + "--XX--\r\n");
  check_refusal(api.run(form), 413, 5412);
  FakeExchange large_form = api.post();
  large_form.header("Content-Type", kForm).announce(1 << 20);
  check_refusal(api.run(large_form), 413, 5412);
  CHECK_FALSE(large_form.body_touched());
  api.authority.tokens["up"].max_size = 5;
  FakeExchange fits = api.post();
  fits.send_body("hello");
  CHECK(api.run(fits).status() == 200);
}

TEST_CASE("the configured limit holds where the token has none") {
  Upload api;
  api.config.limits.part = 4;
  FakeExchange exchange = api.post();
  exchange.send_body("hello");
  check_refusal(api.run(exchange), 413, 5412);
  FakeExchange object("POST", "/api/file/upload/object");
  object.header("systemToken", "system").send_body("hello");
  check_refusal(api.run(object), 413, 5412);
}

TEST_CASE("other content than the token names is 422, a broken body is 400") {
  Upload api;
  FakeExchange other = api.post();
  other.send_body("world");
  check_refusal(api.run(other), 422, 5403);
  FakeExchange broken = api.post();
  broken.send_body("hel").announce(5).break_body(
      Error(Code::body_unreadable, "The body ended too early."));
  check_refusal(api.run(broken), 400, 5201);
  FakeExchange slow = api.post();
  slow.send_body("hel").announce(5).break_body(
      Error(Code::sender_too_slow, "The body came too slowly."));
  check_refusal(api.run(slow), 408, 5912);
  CHECK(api.objects.stored.empty());
}

TEST_CASE("the answer shows the caller's own name and time, never the first uploader's") {
  Upload api;
  api.objects.clock = 77;
  api.objects.add("hello", "private.txt");
  FakeExchange exchange = api.post("?name=mine.txt");
  exchange.send_body("hello");
  CHECK(api.run(exchange).status() == 200);
  CHECK(field_of(exchange, "name") == "\"mine.txt\"");
  CHECK(field_of(exchange, "create_time") == "5000");
  FakeExchange unnamed = api.post();
  unnamed.send_body("hello");
  api.run(unnamed);
  CHECK(field_of(unnamed, "name") == "\"" + api.hash.hex() + "\"");
  CHECK(unnamed.answer_body().find("private") == std::string::npos);
}

TEST_CASE("an object names itself") {
  Upload api;
  FakeExchange exchange("PUT", "/api/file/upload/object?name=o.txt");
  exchange.header("systemToken", "system").send_body("hello");
  CHECK(api.run(exchange).status() == 200);
  CHECK(field_of(exchange, "hash") == "\"" + api.hash.hex() + "\"");
  CHECK(field_of(exchange, "create_time") == "1000");
  CHECK(exchange.answer_header("Mas-Durable") == "1/1");
  FakeExchange form("POST", "/api/file/upload/object");
  form.header("systemToken", "system")
      .header("Content-Type", kForm)
      .send_body(file_part("", "empty.bin") + "--XX--\r\n");
  CHECK(api.run(form).status() == 200);
  CHECK(field_of(form, "size") == "0");
}

TEST_CASE("who finds the disk full is told what waits to be freed, and when to come back") {
  Upload api;
  api.objects.fail["put"] = Error(Code::disk_full, "The disk is full.");
  auto refused = [&] {
    FakeExchange exchange = api.post();
    exchange.send_body("hello");
    check_refusal(api.run(exchange), 507, 5902);
    return std::pair(std::string(envelope_of(exchange).at("msg").as_string()),
                     std::string(exchange.answer_header("Retry-After")));
  };
  CHECK(refused() ==
        std::pair<std::string, std::string>(
            "The disk is full. Nothing that was deleted waits to be freed on this pod.", "60"));
  // It is looked for.
  CHECK(api.workers.collections == 1);
  const Instant now = api.clock.now();
  api.freed.publish(
      {2, 3 * kGiB / 2, now + std::chrono::minutes(20), now + std::chrono::hours(23)});
  CHECK(refused() == std::pair<std::string, std::string>(
                         "The disk is full. On this pod about 1.5 GiB of what was deleted waits to "
                         "be freed: the first of it in 20 minutes, all of it in 23 hours.",
                         "1200"));
  // It has just been.
  CHECK(api.workers.collections == 1);
  api.clock.seconds += 23 * 3600;
  CHECK(refused().second == "30");
  CHECK(api.workers.collections == 2);
  api.workers.collects_not = true;
  refused();
  CHECK(api.workers.collections == 2);
}

TEST_CASE("what fails behind the api comes out with its own code") {
  for (auto [code, status, number] :
       {std::tuple{Code::disk_full, 507, 5902}, std::tuple{Code::busy, 503, 5901},
        std::tuple{Code::too_few_pods_write, 503, 5002},
        std::tuple{Code::metadata_unavailable, 503, 5501}, std::tuple{Code::io, 500, 5000}}) {
    Upload api;
    api.objects.fail["put"] = Error(code, "A sentence.");
    FakeExchange exchange = api.post();
    exchange.send_body("hello");
    check_refusal(api.run(exchange), status, number);
  }
}

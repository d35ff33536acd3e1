// The parts of the commands that only compute: plans, lists, text.
#include <catch2/catch.hpp>

#include "app/client/download_list.h"
#include "app/client/local_files.h"
#include "app/client/output.h"
#include "app/client/progress.h"
#include "app/client/retry.h"
#include "app/client/server_options.h"
#include "app/client/upload_plan.h"
#include "app/client/uploader.h"

namespace {

using namespace mas::app;
using mas::kGiB;
using mas::kMiB;
using mas::kTiB;

using Numbers = std::vector<std::uint32_t>;

std::uint64_t covered(const UploadPlan& plan) {
  std::uint64_t sum = 0;
  for (std::uint32_t n = 1; n <= plan.parts; ++n) sum += plan.size_of(n);
  return sum;
}

TEST_CASE("A plan's parts cover the file exactly") {
  for (std::uint64_t size : {1 * kMiB, 32 * kMiB, 32 * kMiB + 1, 100 * kMiB - 1, 5 * kTiB}) {
    CAPTURE(size);
    UploadPlan plan = plan_upload(size, 32 * kMiB, {});
    CHECK(covered(plan) == size);
    CHECK(plan.parts <= kMaxParts);
    CHECK(plan.missing.size() == plan.parts);
    CHECK(plan.size_of(plan.parts) > 0);
    CHECK(plan.size_of(plan.parts + 1) == 0);
    CHECK_FALSE(plan.restart);
  }
}

TEST_CASE("Only the parts that are not stored are sent") {
  UploadPlan plan = plan_upload(100, 30, {{1, 30}, {4, 10}});
  CHECK(plan.parts == 4);
  CHECK(plan.missing == Numbers{2, 3});
  CHECK(plan.bytes_missing() == 60);
  CHECK_FALSE(plan.restart);
}

TEST_CASE("An earlier run's part size is kept") {
  UploadPlan plan = plan_upload(100, 30, {{1, 40}, {3, 20}});
  CHECK(plan.part_size == 40);
  CHECK(plan.missing == Numbers{2});
  CHECK_FALSE(plan.restart);
}

TEST_CASE("Parts that fit no cut of this file make the upload start again") {
  for (std::vector<StoredPart> stored : {std::vector<StoredPart>{{1, 40}, {2, 30}},
                                         {{5, 30}},
                                         {{1, 0}},
                                         {{0, 30}},
                                         {{4, 60}},
                                         {{1, 400}},
                                         {{10'001, 30}}}) {
    UploadPlan plan = plan_upload(100, 30, stored);
    CHECK(plan.restart);
    CHECK(plan.missing == Numbers{1, 2, 3, 4});
  }
}

TEST_CASE("A single stored byte-sized part does not make ten thousand parts too many") {
  UploadPlan plan = plan_upload(kGiB, 32 * kMiB, {{1, 1}});
  CHECK(plan.restart);
  CHECK(plan.part_size == 32 * kMiB);
}

TEST_CASE("Checksum lines read back as what was written") {
  std::string hash(64, 'a');
  for (std::string path : {"a", "a b", "back\\slash", "line\nbreak", "\r", " lead", "dir/x  y"}) {
    CAPTURE(path);
    std::string line = checksum_line(hash, path);
    REQUIRE(line.back() == '\n');
    CHECK(line.find('\n') == line.size() - 1);
    line.pop_back();
    CHECK(parse_checksum_line(line) == std::pair{hash, path});
  }
  CHECK(parse_checksum_line(hash + " *binary").second == "binary");
}

TEST_CASE("Lines of another form are no checksum lines") {
  std::string hash(64, 'a');
  for (std::string bad : {std::string(), hash, hash + "  ", hash + " x", "zz" + hash + "  x",
                          hash.substr(1) + "  xx", "\\" + hash + "  a\\q", "\\" + hash + "  a\\"}) {
    CAPTURE(bad);
    CHECK(parse_checksum_line(bad).first.empty());
  }
}

TEST_CASE("A download list keeps every path below the output directory") {
  std::string hash(64, 'b');
  auto list = parse_download_list(hash + "  /usr//share/./doc\n\n" + hash + "  x\n");
  REQUIRE(list.has_value());
  REQUIRE(list->size() == 2);
  CHECK((*list)[0].path == "usr/share/doc");
  CHECK((*list)[1].path == "x");
  for (std::string bad : {"../x", "a/../../x", "..", "/", "./", "a/.."}) {
    CAPTURE(bad);
    auto result = parse_download_list(hash + "  ok\n" + hash + "  " + bad + "\n");
    REQUIRE(result.has_error());
    CHECK(result.error().message().find("line 2") != std::string::npos);
  }
  CHECK(parse_download_list("nonsense\n").has_error());
}

TEST_CASE("A record's name never leads out of the directory or into an option") {
  mas::Hash hash;
  std::string fallback = hash.hex();
  CHECK(safe_file_name("a.txt", hash) == "a.txt");
  CHECK(safe_file_name("dir/a.txt", hash) == "a.txt");
  CHECK(safe_file_name("/etc/passwd", hash) == "passwd");
  for (std::string bad : {std::string(), std::string(".."), std::string("a/.."), std::string("/"),
                          std::string(".bashrc"), std::string("-rf"), std::string("a\0b", 3),
                          std::string(201, 'x')}) {
    CAPTURE(bad);
    CHECK(safe_file_name(bad, hash) == fallback);
  }
}

TEST_CASE("Names are made acceptable to the pod") {
  CHECK(acceptable_name("dir/\xC3\xA4.txt") == "dir/\xC3\xA4.txt");
  CHECK(acceptable_name("a\nb\x7F\xFF\xC2\x85") == "a_b___");
  CHECK(acceptable_name(std::string(1100, 'd') + "/file") == "file");
  CHECK(base_name("/a/b/") == "b");
  CHECK(base_name("..").empty());
  CHECK(base_name("/") == "");
}

TEST_CASE("Names from elsewhere cannot move the terminal's cursor") {
  CHECK(printable("a\x1b[2J\n\xFF\xC2\x9B") == "a\\x1b[2J\\x0a\\xff\\xc2\\x9b");
  CHECK(printable("\xC3\xA4") == "\xC3\xA4");
}

TEST_CASE("Table columns are aligned by characters") {
  CHECK(table({{"a", "b"}, {"\xC3\xA4\xC3\xA4", "c"}}) == "a   b\n\xC3\xA4\xC3\xA4  c\n");
  CHECK(table({}).empty());
}

TEST_CASE("Dates are UTC") {
  CHECK(date_text(0) == "1970-01-01 00:00:00");
  CHECK(date_text(1'795'356'187) == "2026-11-22 14:03:07");
}

TEST_CASE("Progress shows share, sizes, rate and time left") {
  std::string half = progress_text(kGiB, 2 * kGiB, std::chrono::seconds(10));
  CHECK(half == "[============>           ]  50 %  1.0 GiB of 2.0 GiB  102.4 MiB/s  00:10 left");
  CHECK(progress_text(5, 5, std::chrono::seconds(1)).find("100 %") != std::string::npos);
  CHECK(progress_text(9, 5, std::chrono::seconds(1)).find("100 %") != std::string::npos);
  CHECK(progress_text(0, 5, mas::Duration(0)).find("  0 %") != std::string::npos);
  CHECK(progress_text(kMiB, 0, std::chrono::seconds(1)) == "1.0 MiB  1.0 MiB/s");
}

TEST_CASE("The system token is the first line that is not blank") {
  CHECK(first_token("abc\n") == "abc");
  CHECK(first_token("\n  \n  abc \r\nold\n") == "abc");
  CHECK(first_token(" \n").empty());
}

TEST_CASE("Broken connections and busy pods are worth another try, refusals are not") {
  using mas::Code;
  for (Code code :
       {Code::closed, Code::busy, Code::metadata_unavailable, Code::too_many_requests}) {
    CHECK(is_worth_a_retry(mas::Error(code, "")));
  }
  for (Code code : {Code::hash_mismatch, Code::no_such_file, Code::system_token_invalid,
                    Code::body_too_large, Code::corrupt}) {
    CHECK_FALSE(is_worth_a_retry(mas::Error(code, "")));
  }
  CHECK(retry_pause(1) == std::chrono::milliseconds(200));
  CHECK(retry_pause(5) == std::chrono::milliseconds(3200));
}

}  // namespace

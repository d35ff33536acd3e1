#include "app/client/uploader.h"

#include "app/client/retry.h"
#include "mas/core/utf8.h"

namespace mas::app {
namespace {

constexpr std::size_t kMaxName = 1024;
// A bar of its own for hashing where that takes a while.
constexpr std::uint64_t kLongHash = 256 * kMiB;

std::string header_of(const Answer& answer, std::string_view name) {
  return std::string(answer.head.headers.get(name).value_or(""));
}

}  // namespace

std::string acceptable_name(const std::string& name) {
  std::string out;
  for (std::size_t at = 0; at < name.size();) {
    std::size_t length = utf8_sequence(name, at);
    auto byte = static_cast<unsigned char>(name[at]);
    bool c1 = length == 2 && byte == 0xC2 && static_cast<unsigned char>(name[at + 1]) < 0xA0;
    bool control = length == 0 || c1 || (length == 1 && (byte < 0x20 || byte == 0x7F));
    if (control) {
      out += '_';
    } else {
      out.append(name, at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  return out.size() > kMaxName ? base_name(out) : out;
}

Task<Result<Uploaded>> Uploader::upload(ApiClient& client, LocalFile local) {
  MAS_CO_TRY(auto file, fs_.open(local.path, {}));
  if (local.size > kLongHash) bar_.start("hashing " + base_name(local.path), local.size);
  Progress hashed;
  if (local.size > kLongHash) hashed = [this](std::uint64_t bytes) { bar_.add(bytes); };
  MAS_CO_TRY(Hash hash, hash_file(*file, local.size, hashed));
  if (local.size > kLongHash) bar_.start("sending " + base_name(local.path), local.size);
  local.name = acceptable_name(local.name);
  if (local.size > options_.part_size) co_return co_await send_parts(client, local, *file, hash);
  co_return co_await send_whole(client, local, *file, hash);
}

Task<Result<Uploaded>> Uploader::send_whole(ApiClient& client, const LocalFile& local,
                                            fs::File& file, Hash hash) {
  for (int failures = 0;;) {
    Result<std::optional<FileInfo>> known = co_await client.info(hash);
    Error error;
    if (known.has_value() && *known && (*known)->stored) {
      bar_.skip(local.size);
      co_return Uploaded{hash, true, 0, ""};
    }
    if (known.has_value()) {
      auto token = co_await client.mint("upload", hash, {});
      if (token.has_value()) {
        std::uint64_t sent = 0;
        auto count = [this, &sent](std::uint64_t bytes) {
          sent += bytes;
          bar_.add(bytes);
        };
        FileSource source(file, 0, local.size, count);
        auto answer = co_await client.upload_single(*token, local.name, source, local.size);
        if (answer.has_value()) {
          co_return Uploaded{hash, false, 0, header_of(*answer, "Mas-Durable")};
        }
        bar_.take_back(sent);
        error = answer.error();
      } else {
        error = token.error();
      }
    } else {
      error = known.error();
    }
    if (!is_worth_a_retry(error) || ++failures >= kMaxTries) co_return error;
    co_await clock_.sleep(retry_pause(failures));
  }
}

}  // namespace mas::app

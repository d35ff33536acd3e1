#include "app/client/downloader.h"

#include <sys/stat.h>

#include "app/client/retry.h"
#include "mas/core/units.h"

namespace mas::app {
namespace {

constexpr std::size_t kPiece = 256 * kKiB;

Error mismatch() {
  return {Code::hash_mismatch, "the bytes received do not have this hash; try again"};
}

// Whether `path` is a file with this content; false if there is none.
Result<bool> has_content(fs::Fs& fs, const std::string& path, Hash hash) {
  MAS_TRY(auto file, fs.open(path, {}));
  MAS_TRY(std::uint64_t size, file->size());
  MAS_TRY(Hash found, hash_file(*file, size, {}));
  return found == hash;
}

}  // namespace

void apply_umask(const std::string& path) {
  mode_t mask = ::umask(0);
  ::umask(mask);
  static_cast<void>(::chmod(path.c_str(), 0666 & ~mask));
}

Result<codec::Sha256> hash_state_of(fs::File& file, std::uint64_t size) {
  codec::Sha256 sha;
  Buffer buffer = Buffer::allocate(kMiB);
  while (sha.length() < size) {
    MAS_TRY(std::size_t count, file.read_at(sha.length(), buffer.bytes()));
    if (count == 0) break;
    sha.update(buffer.bytes().first(count));
  }
  return sha;
}

Task<Result<Downloaded>> Downloader::to_file(Hash hash, std::string path, bool force) {
  MAS_CO_TRY(bool exists, fs_.exists(path));
  if (exists) {
    MAS_CO_TRY(bool same, has_content(fs_, path, hash));
    if (same) co_return Downloaded{0, 0, true};
    if (!force) {
      co_return Error(Code::already_exists,
                      path + " exists with other content; --force replaces it");
    }
  }
  std::string partial = path + ".part";
  fs::OpenOptions options{fs::Access::read_write, true, false, false, false};
  MAS_CO_TRY(auto file, fs_.open(partial, options));
  MAS_CO_TRY(std::uint64_t resumed, file->size());
  MAS_CO_TRY(codec::Sha256 sha, hash_state_of(*file, resumed));
  auto write = [&file, &sha](ByteView piece) -> Result<void> {
    ByteView pieces[] = {piece};
    return file->write_at(sha.length(), pieces);
  };
  Receive receive = write;
  auto fetched = co_await fetch(hash, sha, receive);
  bool wrong = fetched.has_value() && sha.digest() != hash;
  // A partial file longer than the content is another file's.
  if (fetched.has_error() && fetched.error().code() == Code::range_unsatisfiable) wrong = true;
  if (wrong) {
    MAS_CO_CHECK(fs_.remove(partial));
    co_return mismatch();
  }
  if (fetched.has_error()) co_return fetched.error();
  // Not synced, as other downloaders do not: a run after a power loss compares the hash anyway.
  apply_umask(partial);
  MAS_CO_CHECK(fs_.rename(partial, path));
  co_return Downloaded{sha.length(), resumed, false};
}

Task<Result<Downloaded>> Downloader::to_stream(Hash hash, Receive receive) {
  codec::Sha256 sha;
  MAS_CO_CHECK(co_await fetch(hash, sha, receive));
  if (sha.digest() != hash) co_return mismatch();
  co_return Downloaded{sha.length(), 0, false};
}

Task<Result<void>> Downloader::fetch(Hash hash, codec::Sha256& sha, const Receive& receive) {
  for (int failures = 0;;) {
    std::uint64_t before = sha.length();
    auto result = co_await fetch_once(hash, sha, receive);
    if (result.has_value()) co_return result;
    Error error = result.error();
    client_.close();
    if (sha.length() > before) failures = 0;
    bool again = error.code() == Code::token_invalid || is_worth_a_retry(error);
    if (!again || ++failures >= kMaxTries) co_return error;
    co_await clock_.sleep(retry_pause(failures));
  }
}

Task<Result<void>> Downloader::fetch_once(Hash hash, codec::Sha256& sha, const Receive& receive) {
  MAS_CO_TRY(auto info, co_await client_.info(hash));
  if (!info || !info->stored) {
    co_return Error(Code::no_such_file, "no such file on the server");
  }
  // The partial file may hold everything already, and bytes from the end on cannot be asked for.
  if (sha.length() == info->size && sha.length() > 0) co_return Result<void>();
  if (sha.length() > info->size) {
    co_return Error(Code::range_unsatisfiable, "the partial file is longer than the file");
  }
  bar_.start("get", info->size - sha.length());
  MAS_CO_TRY(std::string token, co_await client_.mint("download", hash, {}));
  MAS_CO_TRY(std::uint64_t total, co_await client_.open_download(token, hash.hex(), sha.length()));
  Buffer buffer = Buffer::allocate(kPiece);
  while (sha.length() < total) {
    MAS_CO_TRY(std::size_t count, co_await client_.read(buffer.bytes()));
    if (count == 0) co_return Error(Code::closed, "the connection ended before the file did");
    ByteView piece = buffer.bytes().first(count);
    MAS_CO_CHECK(receive(piece));
    sha.update(piece);
    bar_.add(count);
  }
  co_return Result<void>();
}

}  // namespace mas::app

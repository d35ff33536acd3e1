#include "app/client/local_files.h"

#include <sys/stat.h>

#include "mas/codec/hash.h"
#include "mas/core/units.h"

namespace mas::app {
namespace {

enum class Kind { file, directory, link, other };

Result<Kind> kind_of(const std::string& path, bool follow) {
  struct stat info {};
  int failed = follow ? ::stat(path.c_str(), &info) : ::lstat(path.c_str(), &info);
  if (failed != 0) return error_from_errno(errno, path);
  if (S_ISREG(info.st_mode)) return Kind::file;
  if (S_ISDIR(info.st_mode)) return Kind::directory;
  if (S_ISLNK(info.st_mode)) return Kind::link;
  return Kind::other;
}

Result<void> add_file(fs::Fs& fs, const std::string& path, const std::string& name,
                      std::vector<LocalFile>& out) {
  MAS_TRY(auto file, fs.open(path, {}));
  MAS_TRY(std::uint64_t size, file->size());
  out.push_back({path, name, size});
  return {};
}

Result<void> walk(fs::Fs& fs, const std::string& path, const std::string& name,
                  std::vector<LocalFile>& out) {
  MAS_TRY(auto names, fs.list(path));
  for (const std::string& entry : names) {
    std::string inner = path.back() == '/' ? path + entry : path + "/" + entry;
    std::string inner_name = name.empty() ? entry : name + "/" + entry;
    MAS_TRY(Kind kind, kind_of(inner, false));
    if (kind == Kind::directory) MAS_CHECK(walk(fs, inner, inner_name, out));
    if (kind == Kind::file) MAS_CHECK(add_file(fs, inner, inner_name, out));
  }
  return {};
}

}  // namespace

std::string base_name(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  std::size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  if (path == "." || path == "..") return "";
  return std::string(path);
}

Result<std::vector<LocalFile>> find_files(fs::Fs& fs, const std::vector<std::string>& paths) {
  std::vector<LocalFile> files;
  for (const std::string& path : paths) {
    MAS_TRY(Kind kind, kind_of(path, true));
    if (kind == Kind::directory) {
      MAS_CHECK(walk(fs, path, base_name(path), files));
    } else if (kind == Kind::file) {
      MAS_CHECK(add_file(fs, path, base_name(path), files));
    } else {
      return Error(Code::io, path + ": is neither a file nor a directory");
    }
  }
  return files;
}

Result<Hash> hash_file(fs::File& file, std::uint64_t size, const Progress& progress) {
  codec::Sha256 sha;
  Buffer buffer = Buffer::allocate(kMiB);
  for (std::uint64_t at = 0; at < size;) {
    std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(kMiB, size - at));
    MAS_TRY(std::size_t count, file.read_at(at, buffer.bytes().first(want)));
    if (count == 0) return Error(Code::wrong_length, "the file became shorter while it was read");
    sha.update(buffer.bytes().first(count));
    at += count;
    if (progress) progress(count);
  }
  return sha.digest();
}

FileSource::FileSource(fs::File& file, std::uint64_t offset, std::uint64_t length,
                       Progress progress)
    : file_(file), offset_(offset), left_(length), progress_(std::move(progress)) {}

Task<Result<std::size_t>> FileSource::read(MutableBytes into) {
  std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_));
  if (want == 0) co_return std::size_t{0};
  MAS_CO_TRY(std::size_t count, file_.read_at(offset_, into.first(want)));
  if (count == 0) {
    co_return Error(Code::wrong_length, "the file became shorter while it was sent");
  }
  offset_ += count;
  left_ -= count;
  if (progress_) progress_(count);
  co_return count;
}

}  // namespace mas::app

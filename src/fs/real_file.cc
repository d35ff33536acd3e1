#include "fs/real_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "fs/errors.h"

namespace mas::fs {
namespace {

// What one pwritev takes (IOV_MAX of Linux).
constexpr std::size_t kMaxPieces = 1024;

// The pieces that are still to be written, as the kernel wants them.
class PieceCursor {
 public:
  explicit PieceCursor(std::span<const ByteView> pieces) : pieces_(pieces) { skip_empty(); }

  [[nodiscard]] bool done() const { return index_ == pieces_.size(); }

  std::span<iovec> fill(std::vector<iovec>& vector) const {
    vector.clear();
    for (auto i = index_; i < pieces_.size() && vector.size() < kMaxPieces; ++i) {
      const auto piece = i == index_ ? pieces_[i].subspan(within_) : pieces_[i];
      if (piece.empty()) continue;
      vector.push_back({const_cast<std::uint8_t*>(piece.data()), piece.size()});
    }
    return vector;
  }

  void advance(std::size_t written) {
    while (written > 0) {
      const auto step = std::min(written, pieces_[index_].size() - within_);
      within_ += step;
      written -= step;
      skip_empty();
    }
  }

 private:
  void skip_empty() {
    while (index_ < pieces_.size() && within_ == pieces_[index_].size()) {
      ++index_;
      within_ = 0;
    }
  }

  std::span<const ByteView> pieces_;
  std::size_t index_ = 0;
  std::size_t within_ = 0;
};

class RealFile final : public File {
 public:
  RealFile(Descriptor descriptor, std::string path, bool direct)
      : descriptor_(std::move(descriptor)), path_(std::move(path)), direct_(direct) {}

  Result<void> write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    PieceCursor cursor(pieces);
    std::vector<iovec> vector;
    while (!cursor.done()) {
      const auto batch = cursor.fill(vector);
      const auto written = retry_interrupted([&] {
        return ::pwritev(fd(), batch.data(), static_cast<int>(batch.size()),
                         static_cast<off_t>(offset));
      });
      if (written < 0) return failed("write");
      if (written == 0) return Error(Code::io, describe("write made no progress on", path_));
      cursor.advance(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
    std::size_t total = 0;
    while (total < into.size()) {
      const auto count = retry_interrupted([&] {
        return ::pread(fd(), into.data() + total, into.size() - total,
                       static_cast<off_t>(offset + total));
      });
      if (count < 0) return failed("read");
      if (count == 0) break;
      total += static_cast<std::size_t>(count);
      // A direct read that ends off a block boundary has met the end of the file; going on from
      // there would be refused as misaligned.
      if (direct_ && total % kBlockSize != 0) break;
    }
    return total;
  }

  Result<std::size_t> read_cached(std::uint64_t offset, MutableBytes into) override {
    if (direct_) return Error(Code::busy, "this file is read past the cache");
    std::size_t total = 0;
    while (total < into.size()) {
      const iovec piece{into.data() + total, into.size() - total};
      const auto count = retry_interrupted([&] {
        return ::preadv2(fd(), &piece, 1, static_cast<off_t>(offset + total), RWF_NOWAIT);
      });
      if (count < 0) {
        if (errno == EAGAIN || errno == EOPNOTSUPP || errno == ENOSYS) return not_cached();
        return failed("read");
      }
      if (count == 0) break;
      total += static_cast<std::size_t>(count);
    }
    if (total < into.size()) {
      // Some file systems answer 0 instead of EAGAIN inside the file.
      MAS_TRY(const auto end, size());
      if (offset + total < end) return not_cached();
    }
    return total;
  }

  Result<void> sync_data() override {
    if (retry_interrupted([&] { return ::fdatasync(fd()); }) != 0) return failed("sync");
    return {};
  }

  Result<void> sync_all() override {
    if (retry_interrupted([&] { return ::fsync(fd()); }) != 0) return failed("sync");
    return {};
  }

  Result<void> allocate(std::uint64_t offset, std::uint64_t length) override {
    if (length == 0) return {};
    const auto done = retry_interrupted([&] {
      return ::fallocate(fd(), 0, static_cast<off_t>(offset), static_cast<off_t>(length));
    });
    if (done == 0) return {};
    if (errno != EOPNOTSUPP && errno != ENOSYS) return failed("allocate");
    // Nothing can be reserved on this file system; the file still gets its length.
    MAS_TRY(const auto now, size());
    if (now >= offset + length) return {};
    return truncate(offset + length);
  }

  Result<void> truncate(std::uint64_t size) override {
    if (retry_interrupted([&] { return ::ftruncate(fd(), static_cast<off_t>(size)); }) != 0) {
      return failed("truncate");
    }
    return {};
  }

  Result<std::uint64_t> size() override {
    struct stat info {};
    if (::fstat(fd(), &info) != 0) return failed("stat");
    return static_cast<std::uint64_t>(info.st_size);
  }

  void drop_cache(std::uint64_t offset, std::uint64_t length) override {
    // Only advice: a refusal changes nothing.
    (void)::posix_fadvise(fd(), static_cast<off_t>(offset), static_cast<off_t>(length),
                          POSIX_FADV_DONTNEED);
  }

 private:
  [[nodiscard]] int fd() const { return descriptor_.get(); }
  [[nodiscard]] Error failed(std::string_view verb) const {
    return system_error(errno, verb, path_);
  }
  [[nodiscard]] static Error not_cached() { return {Code::busy, "not in the system's cache"}; }

  Descriptor descriptor_;
  std::string path_;
  bool direct_;
};

}  // namespace

Descriptor::~Descriptor() {
  // Linux releases the descriptor even when close is interrupted.
  if (fd_ >= 0) ::close(fd_);
}

std::unique_ptr<File> make_real_file(Descriptor descriptor, std::string path, bool direct) {
  return std::make_unique<RealFile>(std::move(descriptor), std::move(path), direct);
}

}  // namespace mas::fs

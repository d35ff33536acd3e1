#include "fs/rocksdb_files.h"

#include <atomic>

namespace mas::fs {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

MutableBytes writable(char* scratch, std::size_t length) {
  return {reinterpret_cast<std::uint8_t*>(scratch), length};
}

IOStatus to_io_status(const Result<void>& result) {
  return result.has_value() ? IOStatus::OK() : fs::to_io_status(result.error());
}

IOStatus read(File& file, std::uint64_t offset, std::size_t length, Slice* result, char* scratch) {
  const auto count = file.read_at(offset, writable(scratch, length));
  *result = Slice(scratch, count.has_value() ? *count : 0);
  return count.has_value() ? IOStatus::OK() : fs::to_io_status(count.error());
}

class SequentialFile final : public rocksdb::FSSequentialFile {
 public:
  explicit SequentialFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  IOStatus Read(std::size_t n, const IOOptions& /*options*/, Slice* result, char* scratch,
                IODebugContext* /*context*/) override {
    auto status = read(*file_, position_, n, result, scratch);
    position_ += result->size();
    return status;
  }

  IOStatus Skip(std::uint64_t n) override {
    position_ += n;
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<File> file_;
  std::uint64_t position_ = 0;
};

class RandomAccessFile final : public rocksdb::FSRandomAccessFile {
 public:
  explicit RandomAccessFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions& /*options*/, Slice* result,
                char* scratch, IODebugContext* /*context*/) const override {
    return read(*file_, offset, n, result, scratch);
  }

  IOStatus InvalidateCache(std::size_t offset, std::size_t length) override {
    file_->drop_cache(offset, length);
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<File> file_;
};

class WritableFile final : public rocksdb::FSWritableFile {
 public:
  WritableFile(std::unique_ptr<File> file, std::uint64_t end, const rocksdb::FileOptions& options)
      : rocksdb::FSWritableFile(options), file_(std::move(file)), end_(end) {}

  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions& /*options*/,
                  IODebugContext* /*context*/) override {
    const ByteView pieces[] = {as_bytes({data.data(), data.size()})};
    const auto written = file_->write_at(end_, pieces);
    if (written.has_value()) end_ += data.size();
    return to_io_status(written);
  }

  IOStatus Truncate(std::uint64_t size, const IOOptions& /*options*/,
                    IODebugContext* /*context*/) override {
    const auto done = file_->truncate(size);
    if (done.has_value()) end_ = size;
    return to_io_status(done);
  }

  IOStatus Close(const IOOptions& /*options*/, IODebugContext* /*context*/) override {
    return IOStatus::OK();
  }
  // Append has handed everything on already.
  IOStatus Flush(const IOOptions& /*options*/, IODebugContext* /*context*/) override {
    return IOStatus::OK();
  }
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*context*/) override {
    return to_io_status(file_->sync_data());
  }
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*context*/) override {
    return to_io_status(file_->sync_all());
  }
  [[nodiscard]] bool IsSyncThreadSafe() const override { return true; }

  std::uint64_t GetFileSize(const IOOptions& /*options*/, IODebugContext* /*context*/) override {
    return end_;
  }
  IOStatus InvalidateCache(std::size_t offset, std::size_t length) override {
    file_->drop_cache(offset, length);
    return IOStatus::OK();
  }

 private:
  std::unique_ptr<File> file_;
  std::atomic<std::uint64_t> end_;  // read while another thread appends
};

}  // namespace

IOStatus to_io_status(const Error& error) {
  switch (error.code()) {
    case Code::not_found:
      return IOStatus::PathNotFound(error.message());
    case Code::disk_full: {
      IOStatus full = IOStatus::NoSpace(error.message());
      full.SetRetryable(true);  // as RocksDB's own files say
      return full;
    }
    default:
      return IOStatus::IOError(error.message());
  }
}

std::unique_ptr<rocksdb::FSSequentialFile> make_sequential_file(std::unique_ptr<File> file) {
  return std::make_unique<SequentialFile>(std::move(file));
}

std::unique_ptr<rocksdb::FSRandomAccessFile> make_random_access_file(std::unique_ptr<File> file) {
  return std::make_unique<RandomAccessFile>(std::move(file));
}

std::unique_ptr<rocksdb::FSWritableFile> make_writable_file(std::unique_ptr<File> file,
                                                            std::uint64_t end,
                                                            const rocksdb::FileOptions& options) {
  return std::make_unique<WritableFile>(std::move(file), end, options);
}

}  // namespace mas::fs

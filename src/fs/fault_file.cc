#include <algorithm>
#include <vector>

#include "fs/errors.h"
#include "fs/fault_disk.h"

namespace mas::fs {
namespace {

bool is_aligned(std::uint64_t value) { return value % kBlockSize == 0; }

std::vector<std::uint8_t> join(std::span<const ByteView> pieces) {
  std::vector<std::uint8_t> joined;
  for (const auto piece : pieces) joined.insert(joined.end(), piece.begin(), piece.end());
  return joined;
}

class FaultFile final : public File {
 public:
  FaultFile(std::shared_ptr<FaultDisk> disk, NodePointer node, std::string path,
            const OpenOptions& options)
      : disk_(std::move(disk)), node_(std::move(node)), path_(std::move(path)), options_(options) {}

  Result<void> write_at(std::uint64_t offset, std::span<const ByteView> pieces) override {
    MAS_CHECK(check_writable());
    for (const auto piece : pieces) MAS_CHECK(check_alignment(offset, piece));
    const auto bytes = join(pieces);
    const auto verdict = disk_->admit({FsOp::write, path_, offset, bytes.size()});
    if (verdict.dead) return verdict.result;
    const std::lock_guard guard(disk_->mutex);
    if (verdict.result.has_error()) {
      write_prefix(offset, bytes, disk_->rng->u64() % (bytes.size() / kBlockSize + 1));
      return verdict.result;
    }
    const auto room = room_from(offset, bytes.size());
    if (room < bytes.size()) {
      write_prefix(offset, bytes, room / kBlockSize);
      return Error(Code::disk_full, describe("no room to write", path_));
    }
    node_->content.write(offset, bytes);
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes into) override {
    MAS_CHECK(check_alignment(offset, into));
    MAS_CHECK(disk_->check({FsOp::read, path_, offset, into.size()}));
    const std::lock_guard guard(disk_->mutex);
    return node_->content.read(offset, into);
  }

  Result<std::size_t> read_cached(std::uint64_t offset, MutableBytes into) override {
    if (options_.direct) return Error(Code::busy, "this file is read past the cache");
    return read_at(offset, into);
  }

  Result<void> sync_data() override {
    const auto verdict = disk_->admit({FsOp::sync, path_, 0, 0});
    if (verdict.dead) return verdict.result;
    const std::lock_guard guard(disk_->mutex);
    if (verdict.result.has_error()) {
      node_->content.fail_sync(*disk_->rng);
      return verdict.result;
    }
    if (!verdict.lies) node_->content.sync();
    return {};
  }

  // Differs from fdatasync in times and modes only, which are not kept here.
  Result<void> sync_all() override { return sync_data(); }

  Result<void> allocate(std::uint64_t offset, std::uint64_t length) override {
    MAS_CHECK(check_writable());
    MAS_CHECK(disk_->check({FsOp::allocate, path_, offset, length}));
    const std::lock_guard guard(disk_->mutex);
    if (room_from(offset, length) < length) {
      return Error(Code::disk_full, describe("no room for", path_));
    }
    node_->content.extend(offset + length);
    return {};
  }

  Result<void> truncate(std::uint64_t size) override {
    MAS_CHECK(check_writable());
    MAS_CHECK(disk_->check({FsOp::truncate, path_, size, 0}));
    const std::lock_guard guard(disk_->mutex);
    if (size > node_->content.size() && room_from(0, size) < size) {
      return Error(Code::disk_full, describe("no room for", path_));
    }
    node_->content.truncate(size);
    return {};
  }

  Result<std::uint64_t> size() override {
    MAS_CHECK(disk_->check_power());
    const std::lock_guard guard(disk_->mutex);
    return node_->content.size();
  }

  void drop_cache(std::uint64_t /*offset*/, std::uint64_t /*length*/) override {}

 private:
  Result<void> check_writable() const {
    if (options_.access == Access::read_write) return {};
    return Error(Code::io, describe("not opened for writing:", path_));
  }

  // Stricter than most disks, which ask for their own sector size only.
  Result<void> check_alignment(std::uint64_t offset, ByteView memory) const {
    if (!options_.direct) return {};
    if (is_aligned(offset) && is_aligned(memory.size()) &&
        is_aligned(reinterpret_cast<std::uintptr_t>(memory.data()))) {
      return {};
    }
    return Error(Code::io, describe("misaligned direct access to", path_));
  }

  // How many of `length` bytes from `offset` on fit on the disk.
  [[nodiscard]] std::uint64_t room_from(std::uint64_t offset, std::uint64_t length) const {
    const auto owned = round_up(node_->content.size(), kBlockSize);
    if (offset + length <= owned) return length;
    const auto room = disk_->room();
    if (round_up(offset + length, kBlockSize) - owned <= room) return length;
    const auto end = owned + room / kBlockSize * kBlockSize;
    return end > offset ? std::min(end - offset, length) : 0;
  }

  void write_prefix(std::uint64_t offset, ByteView bytes, std::uint64_t blocks) {
    const auto length = std::min<std::uint64_t>(blocks * kBlockSize, bytes.size());
    if (length > 0) node_->content.write(offset, bytes.first(static_cast<std::size_t>(length)));
  }

  std::shared_ptr<FaultDisk> disk_;
  NodePointer node_;
  std::string path_;
  OpenOptions options_;
};

}  // namespace

std::unique_ptr<File> make_fault_file(std::shared_ptr<FaultDisk> disk, NodePointer node,
                                      std::string path, const OpenOptions& options) {
  return std::make_unique<FaultFile>(std::move(disk), std::move(node), std::move(path), options);
}

}  // namespace mas::fs

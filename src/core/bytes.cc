#include "mas/core/bytes.h"

#include <cstdlib>
#include <mutex>
#include <new>

#include "mas/core/result.h"

namespace mas {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::uint8_t* allocate_aligned(std::size_t capacity) {
  void* memory = std::aligned_alloc(kBlockSize, capacity);
  if (memory == nullptr) throw std::bad_alloc();
  return static_cast<std::uint8_t*>(memory);
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (std::uint8_t byte : bytes) {
    text.push_back(kHexDigits[byte >> 4]);
    text.push_back(kHexDigits[byte & 15]);
  }
  return text;
}

bool from_hex(std::string_view text, MutableBytes out) noexcept {
  if (text.size() != out.size() * 2) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    int high = hex_value(text[2 * i]);
    int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

bool constant_time_equal(ByteView a, ByteView b) noexcept {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
  }
  return difference == 0;
}

Slice Slice::copy_of(ByteView bytes) {
  auto owner = std::make_shared<std::vector<std::uint8_t>>(bytes.begin(), bytes.end());
  ByteView view(*owner);
  return {std::move(owner), view};
}

Slice Slice::sub(std::size_t offset, std::size_t length) const {
  MAS_ASSERT(offset <= view_.size() && length <= view_.size() - offset);
  return {owner_, view_.subspan(offset, length)};
}

Buffer Buffer::allocate(std::size_t size) {
  Buffer buffer;
  buffer.capacity_ = round_up(size == 0 ? 1 : size, kBlockSize);
  buffer.memory_ = std::shared_ptr<std::uint8_t>(allocate_aligned(buffer.capacity_), std::free);
  return buffer;
}

Slice Buffer::freeze(std::size_t size) && {
  MAS_ASSERT(size <= capacity_);
  ByteView view(memory_.get(), size);
  capacity_ = 0;
  return {std::shared_ptr<const void>(std::move(memory_)), view};
}

// Outlives the pool for as long as buffers taken from it are in use.
struct BufferPool::Shelf {
  explicit Shelf(std::size_t max) : max_idle(max) {}
  ~Shelf() {
    for (std::uint8_t* memory : idle) std::free(memory);
  }
  std::uint8_t* take() {
    std::lock_guard lock(mutex);
    if (idle.empty()) return nullptr;
    std::uint8_t* memory = idle.back();
    idle.pop_back();
    return memory;
  }
  void give(std::uint8_t* memory) {
    {
      std::lock_guard lock(mutex);
      if (idle.size() < max_idle) {
        idle.push_back(memory);
        return;
      }
    }
    std::free(memory);
  }

  std::mutex mutex;
  std::size_t max_idle;
  std::vector<std::uint8_t*> idle;
};

BufferPool::BufferPool(std::size_t buffer_size, std::size_t max_idle)
    : buffer_size_(round_up(buffer_size, kBlockSize)), shelf_(std::make_shared<Shelf>(max_idle)) {}

BufferPool::~BufferPool() = default;

Buffer BufferPool::get() {
  std::uint8_t* memory = shelf_->take();
  if (memory == nullptr) memory = allocate_aligned(buffer_size_);
  Buffer buffer;
  buffer.capacity_ = buffer_size_;
  buffer.memory_ = std::shared_ptr<std::uint8_t>(
      memory, [shelf = shelf_](std::uint8_t* returned) { shelf->give(returned); });
  return buffer;
}

}  // namespace mas

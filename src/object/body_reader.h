// A request body with its limits: what was declared must come, and no more than is allowed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "mas/runtime/byte_stream.h"
#include "object/context.h"
#include "object/vigil.h"

namespace mas::object {

// On what terms a buffer is filled.
struct Hold {
  std::uint64_t offered = 0;            // bytes of the small budget, for whoever waits for them
  Duration patience = Duration::max();  // how long the sender may be waited for in all
};

// Where the sender has nothing ready it is waited for with a little memory that nobody counts, so
// that the buffer can go meanwhile.
class BodyReader {
 public:
  BodyReader(Context& context, ByteSource& source, std::optional<std::uint64_t> declared,
             std::uint64_t max_size)
      : context_(context), source_(source), declared_(declared), max_size_(max_size) {}
  // To be awaited after the last call, however that ended.
  Task<void> close();

  // Fills `into` to its end, or to the end of the body if that comes first, or as far as it came
  // before it gave way. Errors: wrong_length, body_too_large, those of the source.
  Task<Result<std::size_t>> fill(MutableBytes into, Hold hold);
  // The buffer that was being filled is to be let go. Then wait_for_sender(), and fill() another.
  [[nodiscard]] bool gave_way() const noexcept { return gave_way_; }
  // Until there is something to fill a buffer with.
  Task<void> wait_for_sender();
  // True as soon as the end has been seen; with a declared size, right after its last byte.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }  // so far
  [[nodiscard]] std::optional<std::uint64_t> declared() const noexcept { return declared_; }
  // An upper bound of what is still to come.
  [[nodiscard]] std::uint64_t at_most() const noexcept {
    return declared_.value_or(max_size_) - size_;
  }

 private:
  // Where bytes arrive that nobody has a buffer for.
  struct Landing {
    static constexpr std::size_t kSize = 4 * kKiB;
    Landing(Clock& clock, const Executor& home) : news(clock, home) {}
    [[nodiscard]] bool is_empty() const { return !running && !at_end && !error && begin == end; }
    Vigil news;
    Gate gate;
    bool running = false;  // read() is on its way
    bool at_end = false;
    std::optional<Error> error;
    std::size_t begin = 0;
    std::size_t end = 0;
    std::array<std::uint8_t, kSize> bytes;
  };

  // Some bytes; 0 is the end; nullopt: gave way.
  Task<Result<std::optional<std::size_t>>> next(MutableBytes into, Hold hold);
  Result<std::optional<std::size_t>> take_landed(MutableBytes into);
  Task<void> wait_for_landing(Hold hold);
  Task<void> land();
  void give_way();
  Result<void> check() const;
  Result<void> at_end();

  Context& context_;
  ByteSource& source_;
  std::optional<std::uint64_t> declared_;
  std::uint64_t max_size_;
  std::uint64_t size_ = 0;
  bool ended_ = false;
  std::unique_ptr<Landing> landing_;  // made when first needed
  Instant began_{};                   // the present fill()
  Duration waited_{};                 // in it, for the sender
  bool gave_way_ = false;
};

// One stripe's worth of a body, in memory that is paid for.
struct Piece {
  Permit permit;
  Buffer buffer;
  std::size_t size = 0;
};

// The first piece of a body, and the size of stripes that the rest is cut into.
struct Head {
  Piece piece;
  std::uint32_t stripe_size = 0;
  bool large = false;  // the permit is of the large budget
};

// The terms of a buffer that was paid with `permit`. A slow sender is not to keep a large one.
[[nodiscard]] Hold hold_of(const Permit& permit, bool large);
// How long an upload that gave way waits for memory. It comes to its turn: whoever holds some is
// storing it, or gives way.
inline constexpr Duration kLongPatience = std::chrono::minutes(10);
// Whose small buffer takes longer than this to be filled is not given a large one.
inline constexpr Duration kQuick = std::chrono::seconds(2);

// Reads the first stripe of `body`, or all of it if it is shorter: into a small buffer first, so
// that a sender who is slow to begin holds little, then into a stripe buffer if one is free. May
// give way, even before a first byte.
// Errors: busy, those of BodyReader::fill.
Task<Result<Head>> read_head(Context& context, BodyReader& body, const Profile& profile);

// Memory that a stripe of `size` plain bytes takes with its parity.
[[nodiscard]] std::uint64_t memory_of(std::uint64_t size, const Profile& profile);

}  // namespace mas::object

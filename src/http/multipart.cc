#include "mas/http/multipart.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "http/multipart_part.h"

namespace mas::http {
namespace {

constexpr std::size_t kPreamble = 8 * 1024;   // bytes allowed before the first boundary
constexpr std::size_t kEpilogue = 64 * 1024;  // and after the last
constexpr std::size_t kPadding = 128;         // blanks after a boundary
constexpr std::size_t kMaxFields = 1000;
constexpr std::size_t kFill = 4 * 1024;
// Reads into less memory than this go through the carry.
constexpr std::size_t kInPlace = 1024;

Error bad_form(const char* what) {
  return {Code::body_unreadable, std::string("The form is malformed: ") + what + "."};
}

// The carry holds body bytes that were read but not yet given out: what came after a boundary, or
// the start of what may become one. Also, where there is one, the byte before that: what comes next
// may be no more than the beginning of a boundary, which gives nothing, and ready() has promised a
// byte.
class Form final : public MultipartForm {
 public:
  Form(ByteSource& body, const std::string& boundary, std::string file_field,
       MultipartLimits limits)
      : body_(body),
        delimiter_("\r\n--" + boundary),
        file_field_(std::move(file_field)),
        limits_(limits),
        carry_("\r\n"),  // so that the first boundary, too, follows a line end
        fields_left_(limits.fields) {}

  Task<Result<void>> open() override;
  Task<Result<std::size_t>> read(MutableBytes into) override;
  [[nodiscard]] bool ready() override;
  Task<Result<void>> finish() override;
  [[nodiscard]] const std::string& filename() const override { return filename_; }
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& fields() const override {
    return fields_;
  }

 private:
  enum class State { before_file, in_file, after_file, closed };

  Task<Result<std::size_t>> read_in_place(MutableBytes into);
  Task<Result<std::size_t>> read_through_carry(MutableBytes into);
  Task<Result<std::optional<PartHead>>> next_part();
  Task<Result<void>> read_field(std::string name);
  Task<Result<void>> skip_epilogue();
  Task<Result<std::size_t>> find(std::string_view needle, std::size_t limit, const char* too_long);
  Task<Result<void>> fill();
  Task<Result<void>> need(std::size_t size);

  [[nodiscard]] std::string_view carried() const {
    return std::string_view(carry_).substr(carry_begin_);
  }
  void drop(std::size_t size);
  std::size_t move_carry(MutableBytes into);
  void put_back(ByteView bytes);
  [[nodiscard]] std::size_t held_back(std::string_view bytes) const;
  [[nodiscard]] std::size_t largest_carry() const {
    return static_cast<std::size_t>(limits_.fields) + limits_.part_headers + kEpilogue;
  }

  ByteSource& body_;
  std::string delimiter_;
  std::string file_field_;
  MultipartLimits limits_;
  State state_ = State::before_file;
  std::string carry_;
  std::size_t carry_begin_ = 0;
  bool carry_cut_ = false;  // more followed the file than the carry may hold
  std::uint64_t fields_left_;
  std::string filename_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

void Form::drop(std::size_t size) {
  carry_begin_ += size;
  if (carry_begin_ == carry_.size()) {
    carry_.clear();
    carry_begin_ = 0;
  }
}

std::size_t Form::move_carry(MutableBytes into) {
  std::size_t size = std::min(into.size(), carried().size());
  if (size > 0) std::memcpy(into.data(), carried().data(), size);
  drop(size);
  return size;
}

// Puts `bytes` before what is carried.
void Form::put_back(ByteView bytes) {
  if (bytes.size() > largest_carry()) {
    bytes = bytes.first(largest_carry());
    carry_cut_ = true;
  }
  std::string joined(as_text(bytes));
  joined += carried();
  carry_ = std::move(joined);
  carry_begin_ = 0;
}

// How many bytes at the end of `bytes` may be the beginning of a delimiter.
std::size_t Form::held_back(std::string_view bytes) const {
  std::string_view end = bytes.substr(bytes.size() - std::min(bytes.size(), delimiter_.size() - 1));
  while (true) {
    std::size_t at = end.find('\r');
    if (at == std::string_view::npos) return 0;
    end.remove_prefix(at);
    if (std::string_view(delimiter_).starts_with(end)) return end.size();
    end.remove_prefix(1);
  }
}

Task<Result<void>> Form::fill() {
  if (carry_cut_) co_return bad_form("too much follows the file");
  std::array<std::uint8_t, kFill> buffer;
  MAS_CO_TRY(std::size_t size, co_await body_.read(buffer));
  if (size == 0) co_return bad_form("it ends before its closing boundary");
  carry_ += as_text(ByteView(buffer).first(size));
  co_return Result<void>();
}

Task<Result<void>> Form::need(std::size_t size) {
  while (carried().size() < size) MAS_CO_CHECK(co_await fill());
  co_return Result<void>();
}

// Where `needle` begins in the carry, reading more until it does; at most `limit` bytes on.
Task<Result<std::size_t>> Form::find(std::string_view needle, std::size_t limit,
                                     const char* too_long) {
  std::size_t searched = 0;
  while (true) {
    std::size_t at = carried().find(needle, searched);
    if (at != std::string_view::npos && at <= limit) co_return at;
    if (at != std::string_view::npos || carried().size() >= limit + needle.size()) {
      co_return bad_form(too_long);
    }
    searched = carried().size() - std::min(carried().size(), needle.size() - 1);
    MAS_CO_CHECK(co_await fill());
  }
}

// The carry begins right after a delimiter. nullopt: that was the last one.
Task<Result<std::optional<PartHead>>> Form::next_part() {
  MAS_CO_CHECK(co_await need(2));
  if (carried().starts_with("--")) {
    drop(2);
    MAS_CO_CHECK(co_await skip_epilogue());
    state_ = State::closed;
    co_return std::optional<PartHead>();
  }
  MAS_CO_TRY(std::size_t padding,
             co_await find("\r\n", kPadding, "a boundary is not followed by a line end"));
  if (carried().substr(0, padding).find_first_not_of(" \t") != std::string_view::npos) {
    co_return bad_form("a boundary is not followed by a line end");
  }
  drop(padding);
  // The line end stays: with it, the end of the headers looks the same where there are none.
  MAS_CO_TRY(std::size_t size,
             co_await find("\r\n\r\n", limits_.part_headers, "a part's headers are too long"));
  std::string text(carried().substr(2, size < 2 ? 0 : size - 2));
  drop(size + 4);
  MAS_CO_TRY(PartHead part, parse_part_head(text));
  co_return std::optional<PartHead>(std::move(part));
}

Task<Result<void>> Form::read_field(std::string name) {
  if (fields_.size() >= kMaxFields || name.size() > fields_left_) {
    co_return bad_form("its fields are too many");
  }
  fields_left_ -= name.size();
  MAS_CO_TRY(std::size_t size, co_await find(delimiter_, static_cast<std::size_t>(fields_left_),
                                             "its fields are too long"));
  fields_left_ -= size;
  fields_.emplace_back(std::move(name), std::string(carried().substr(0, size)));
  drop(size + delimiter_.size());
  co_return Result<void>();
}

Task<Result<void>> Form::skip_epilogue() {
  std::size_t skipped = carried().size();
  drop(skipped);
  std::array<std::uint8_t, kFill> buffer;
  while (skipped <= kEpilogue && !carry_cut_) {
    MAS_CO_TRY(std::size_t size, co_await body_.read(buffer));
    if (size == 0) co_return Result<void>();
    skipped += size;
  }
  co_return bad_form("too much follows its closing boundary");
}

Task<Result<void>> Form::open() {
  MAS_ASSERT(state_ == State::before_file);
  MAS_CO_TRY(std::size_t preamble,
             co_await find(delimiter_, kPreamble, "its boundary does not occur"));
  drop(preamble + delimiter_.size());
  while (true) {
    MAS_CO_TRY(std::optional<PartHead> part, co_await next_part());
    if (!part) {
      co_return Error(Code::parameter_missing, "The form has no field '" + file_field_ + "'.");
    }
    if (part->name == file_field_) {
      filename_ = std::move(part->filename);
      state_ = State::in_file;
      co_return Result<void>();
    }
    MAS_CO_CHECK(co_await read_field(std::move(part->name)));
  }
}

// Only with a byte of the file in hand. Its end is never promised: what follows it is read before
// that is given.
bool Form::ready() {
  const std::string_view have = carried();
  if (state_ != State::in_file || have.empty()) return false;
  const std::string_view delimiter = delimiter_;
  if (have.starts_with(delimiter) || delimiter.starts_with(have)) return false;
  return have.size() >= delimiter.size() || body_.ready();
}

Task<Result<std::size_t>> Form::read(MutableBytes into) {
  MAS_ASSERT(state_ != State::before_file && !into.empty());
  if (state_ != State::in_file) co_return std::size_t{0};
  if (into.size() < kInPlace) co_return co_await read_through_carry(into);
  co_return co_await read_in_place(into);
}

Task<Result<std::size_t>> Form::read_in_place(MutableBytes into) {
  while (true) {
    std::size_t have = move_carry(into);
    if (have < delimiter_.size()) {
      MAS_CO_TRY(std::size_t size, co_await body_.read(into.subspan(have)));
      if (size == 0) co_return bad_form("it ends before its closing boundary");
      have += size;
    }
    const void* found = ::memmem(into.data(), have, delimiter_.data(), delimiter_.size());
    if (found != nullptr) {
      auto at = static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - into.data());
      std::size_t after = at + delimiter_.size();
      put_back(into.subspan(after, have - after));
      state_ = State::after_file;
      co_return at;
    }
    std::size_t plain = have - held_back(as_text(into.first(have)));
    if (plain > 1) --plain;
    put_back(into.subspan(plain, have - plain));
    if (plain > 0) co_return plain;
  }
}

Task<Result<std::size_t>> Form::read_through_carry(MutableBytes into) {
  while (true) {
    std::size_t at = carried().find(delimiter_);
    if (at == 0) {
      drop(delimiter_.size());
      state_ = State::after_file;
      co_return std::size_t{0};
    }
    std::size_t safe = std::min(at, carried().size() - held_back(carried()));
    if (safe > 0) co_return move_carry(into.first(std::min(into.size(), safe)));
    MAS_CO_CHECK(co_await fill());
  }
}

Task<Result<void>> Form::finish() {
  if (state_ == State::closed) co_return Result<void>();
  if (state_ != State::after_file) {
    co_return Error(Code::internal, "The form's file was not read to its end.");
  }
  while (true) {
    MAS_CO_TRY(std::optional<PartHead> part, co_await next_part());
    if (!part) co_return Result<void>();
    if (part->name == file_field_) {
      co_return Error(Code::parameter_malformed,
                      "The form has two fields '" + file_field_ + "'; send one file a request.");
    }
    MAS_CO_CHECK(co_await read_field(std::move(part->name)));
  }
}

}  // namespace

std::unique_ptr<MultipartForm> make_multipart(ByteSource& body, std::string boundary,
                                              std::string file_field, MultipartLimits limits) {
  return std::make_unique<Form>(body, boundary, std::move(file_field), limits);
}

}  // namespace mas::http

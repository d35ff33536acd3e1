// The body of an upload call as the file's bytes: raw, or the `file` field of a form.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/call.h"
#include "mas/http/multipart.h"
#include "mas/runtime/byte_stream.h"

namespace mas::api {

// The end of the file's bytes is given only after the rest of the form was read and found well: a
// form that is cut short, or has a second file, is an error before anything is published.
class UploadBody : public ByteSource {
 public:
  // Looks at the headers only. `limit`: bytes the file may have; a body that says it is longer is
  // refused unread. Errors: unsupported_media_type, body_too_large.
  [[nodiscard]] static Result<std::unique_ptr<UploadBody>> make(Call& call, std::uint64_t limit);

  // Reads the form up to its file; nothing to do for a raw body. The first read() does it too.
  Task<Result<void>> open();
  Task<Result<std::size_t>> read(MutableBytes into) override;
  [[nodiscard]] bool ready() override;

  // The file's length where the head of the request tells it.
  [[nodiscard]] std::optional<std::uint64_t> length() const { return length_; }
  // Bytes of the file that read() has given so far.
  [[nodiscard]] std::uint64_t received() const { return received_; }
  // Once read() has given 0: the form's field `name`, else the filename of the file, else "".
  // Errors: parameter_malformed.
  [[nodiscard]] Result<std::string> form_name(std::size_t limit) const;
  // After open(): whether what the form has said so far of its name is well. A `name` may still
  // come, so the file's filename is not looked at. Errors: parameter_malformed.
  [[nodiscard]] Result<void> check_name_so_far(std::size_t limit) const;

 private:
  explicit UploadBody(http::Body& body) : body_(body) {}

  http::Body& body_;
  std::unique_ptr<http::MultipartForm> form_;  // null: a raw body
  std::optional<std::uint64_t> length_;
  std::uint64_t received_ = 0;
  bool opened_ = false;
  bool ended_ = false;
};

}  // namespace mas::api

// Content-Type of a download: a fixed list by the name's ending, nothing guessed from the content.
#pragma once

#include <string_view>

namespace mas::api {

struct ContentType {
  std::string_view name = "application/octet-stream";
  // One of raster images, audio, video, PDF and plain text: a browser may show it where it stands.
  bool listed = false;
};

// By what follows the last dot of `file_name`, without case.
[[nodiscard]] ContentType content_type_of(std::string_view file_name) noexcept;

}  // namespace mas::api

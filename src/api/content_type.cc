#include "api/content_type.h"

#include <array>
#include <utility>

#include "mas/core/text.h"

namespace mas::api {
namespace {

// No markup and no SVG: those run scripts where they are shown.
constexpr std::array<std::pair<std::string_view, std::string_view>, 35> kTypes{{
    {"avif", "image/avif"},     {"bmp", "image/bmp"},   {"gif", "image/gif"},
    {"heic", "image/heic"},     {"heif", "image/heif"}, {"ico", "image/vnd.microsoft.icon"},
    {"jpeg", "image/jpeg"},     {"jpg", "image/jpeg"},  {"png", "image/png"},
    {"tif", "image/tiff"},      {"tiff", "image/tiff"}, {"webp", "image/webp"},
    {"aac", "audio/aac"},       {"flac", "audio/flac"}, {"m4a", "audio/mp4"},
    {"mid", "audio/midi"},      {"midi", "audio/midi"}, {"mp3", "audio/mpeg"},
    {"oga", "audio/ogg"},       {"ogg", "audio/ogg"},   {"opus", "audio/ogg"},
    {"wav", "audio/wav"},       {"weba", "audio/webm"}, {"3gp", "video/3gpp"},
    {"avi", "video/x-msvideo"}, {"m4v", "video/mp4"},   {"mkv", "video/x-matroska"},
    {"mov", "video/quicktime"}, {"mp4", "video/mp4"},   {"mpeg", "video/mpeg"},
    {"mpg", "video/mpeg"},      {"ogv", "video/ogg"},   {"webm", "video/webm"},
    {"pdf", "application/pdf"}, {"txt", "text/plain"},
}};

}  // namespace

ContentType content_type_of(std::string_view file_name) noexcept {
  std::size_t dot = file_name.rfind('.');
  if (dot == std::string_view::npos) return {};
  std::string_view ending = file_name.substr(dot + 1);
  for (const auto& [known, type] : kTypes) {
    if (equal_ignoring_case(ending, known)) return {type, true};
  }
  return {};
}

}  // namespace mas::api

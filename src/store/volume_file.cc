#include "store/volume_file.h"

#include <charconv>
#include <string_view>

#include "mas/fs/directories.h"
#include "store/segments.h"

namespace mas::store {
namespace {

constexpr std::uint32_t kVolumeFormat = 1;
constexpr std::string_view kTitle = "mas-volume ";
constexpr std::uint64_t kMaxFile = 4096;

// Takes "<name><value>\n" off the front of `rest`.
std::optional<std::string_view> take_line(std::string_view& rest, std::string_view name) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos || !rest.starts_with(name)) return std::nullopt;
  std::string_view value = rest.substr(name.size(), end - name.size());
  rest.remove_prefix(end + 1);
  return value;
}

}  // namespace

VolumePaths::VolumePaths(const std::string& path)
    : directory(path),
      identity(path + "/volume"),
      lock(path + "/lock"),
      segments(path + "/segments"),
      index(path + "/index") {}

std::string format_volume_file(const VolumeIdentity& identity) {
  return std::string(kTitle) + std::to_string(kVolumeFormat) + "\nvolume " + identity.volume.hex() +
         "\nset " + identity.set.hex() + "\n";
}

Result<VolumeIdentity> parse_volume_file(const std::string& text) {
  const Error unreadable(Code::corrupt, "The file \"volume\" in it is damaged.");
  std::string_view rest = text;
  auto title = take_line(rest, kTitle);
  if (!title) return unreadable;
  std::uint32_t format = 0;
  auto [end, error] = std::from_chars(title->data(), title->data() + title->size(), format);
  if (error != std::errc() || end != title->data() + title->size()) return unreadable;
  if (format != kVolumeFormat) {
    return Error(Code::corrupt, "It has volume format " + std::to_string(format) +
                                    ", and this mas knows format " + std::to_string(kVolumeFormat) +
                                    "; start it with the version of mas that wrote it.");
  }
  auto volume = take_line(rest, "volume ");
  auto set = take_line(rest, "set ");
  if (!volume || !set || !rest.empty()) return unreadable;
  auto volume_id = Id128::parse(*volume);
  auto set_id = Id128::parse(*set);
  if (!volume_id || !set_id) return unreadable;
  return VolumeIdentity{*volume_id, *set_id};
}

Result<std::optional<VolumeIdentity>> read_identity(fs::Fs& fs, const VolumePaths& paths) {
  MAS_TRY(const bool exists, fs.exists(paths.identity));
  if (exists) {
    MAS_TRY(const std::string text, fs::read_file(fs, paths.identity, kMaxFile));
    auto identity = parse_volume_file(text);
    if (identity.has_error()) return identity.error().with_context(paths.directory);
    return std::optional<VolumeIdentity>(*identity);
  }
  MAS_TRY(const bool has_segments, fs.exists(paths.segments));
  if (has_segments) {
    MAS_TRY(auto names, fs.list(paths.segments));
    if (!names.empty()) {
      return Error(Code::corrupt, paths.directory +
                                      ": It holds segments but not the file \"volume\" that says "
                                      "whose they are; restore that file from a backup.");
    }
  }
  return std::optional<VolumeIdentity>();
}

Result<void> found_volume(fs::Fs& fs, const VolumePaths& paths, const VolumeIdentity& identity) {
  MAS_CHECK(fs::make_durable_directory(fs, paths.segments));
  const std::string text = format_volume_file(identity);
  return fs::write_file(fs, paths.identity, as_bytes(text));
}

}  // namespace mas::store

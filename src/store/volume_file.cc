#include "store/volume_file.h"

#include <array>
#include <charconv>
#include <string_view>

#include "mas/core/xxh3.h"
#include "mas/fs/directories.h"
#include "mas/observe/log.h"
#include "store/segments.h"

namespace mas::store {
namespace {

// 1: mas 0.1.0, the ids only. 2: since mas 0.2.0, what is known of the set.
constexpr std::uint64_t kVolumeFormat = 2;
constexpr std::string_view kTitle = "mas-volume ";
constexpr std::uint64_t kMaxFile = 1024 * 1024;

// Takes "<name><value>\n" off the front of `rest`.
std::optional<std::string_view> take_line(std::string_view& rest, std::string_view name) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos || !rest.starts_with(name)) return std::nullopt;
  std::string_view value = rest.substr(name.size(), end - name.size());
  rest.remove_prefix(end + 1);
  return value;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// Of all that stands before it.
std::string sum_of(std::string_view text) {
  const std::uint64_t sum = xxh3_64(as_bytes(text), 0);
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(sum >> (56 - 8 * i));
  }
  return to_hex(bytes);
}

// What format 2 adds. False: damaged.
bool take_set(std::string_view& rest, std::string_view text, VolumeIdentity& identity) {
  auto versions = take_line(rest, "versions ");
  auto revision = take_line(rest, "revision ");
  auto bound = versions ? parse_number(*versions) : std::nullopt;
  auto number = revision ? parse_number(*revision) : std::nullopt;
  if (!bound || !number) return false;
  identity.versions = *bound;
  identity.revision = *number;
  while (auto line = take_line(rest, "directory ")) {
    constexpr std::size_t kHex = 32;
    if (line->size() <= kHex || (*line)[kHex] != ' ') return false;
    auto id = Id128::parse(line->substr(0, kHex));
    if (!id) return false;
    identity.members.push_back({*id, std::string(line->substr(kHex + 1))});
  }
  const std::string_view summed = text.substr(0, text.size() - rest.size());
  auto sum = take_line(rest, "sum ");
  return sum && *sum == sum_of(summed);
}

}  // namespace

VolumePaths::VolumePaths(const std::string& path)
    : directory(path),
      identity(path + "/volume"),
      identity_copy(path + "/volume.copy"),
      lock(path + "/lock"),
      segments(path + "/segments"),
      index(path + "/index") {}

std::string format_volume_file(const VolumeIdentity& identity) {
  std::string text = std::string(kTitle) + std::to_string(kVolumeFormat) + "\nvolume " +
                     identity.volume.hex() + "\nset " + identity.set.hex() + "\nversions " +
                     std::to_string(identity.versions) + "\nrevision " +
                     std::to_string(identity.revision) + "\n";
  for (const SetMember& member : identity.members) {
    // A path is for people only: one that would break the lines is left out.
    const bool fits = member.path.find('\n') == std::string::npos;
    text += "directory " + member.volume.hex() + " " + (fits ? member.path : "") + "\n";
  }
  return text + "sum " + sum_of(text) + "\n";
}

Result<VolumeIdentity> parse_volume_file(const std::string& text) {
  const Error unreadable(Code::corrupt, "The file \"volume\" in it is damaged.");
  std::string_view rest = text;
  auto title = take_line(rest, kTitle);
  if (!title) return unreadable;
  auto format = parse_number(*title);
  if (!format) return unreadable;
  if (*format == 0 || *format > kVolumeFormat) {
    return Error(Code::corrupt, "It has volume format " + std::to_string(*format) +
                                    ", and this mas knows formats 1 to " +
                                    std::to_string(kVolumeFormat) +
                                    "; start it with the version of mas that wrote it.");
  }
  VolumeIdentity identity;
  auto volume = take_line(rest, "volume ");
  auto set = take_line(rest, "set ");
  auto volume_id = volume ? Id128::parse(*volume) : std::nullopt;
  auto set_id = set ? Id128::parse(*set) : std::nullopt;
  if (!volume_id || !set_id) return unreadable;
  identity.volume = *volume_id;
  identity.set = *set_id;
  const bool is_whole = *format == 1 || take_set(rest, text, identity);
  if (!is_whole || !rest.empty()) return unreadable;
  return identity;
}

namespace {

// nullopt: there is no such file. `is_newer`: it is of a format that this program does not know.
Result<std::optional<VolumeIdentity>> read_one(fs::Fs& fs, const std::string& path,
                                               bool& is_newer) {
  MAS_TRY(const bool exists, fs.exists(path));
  if (!exists) return std::optional<VolumeIdentity>();
  MAS_TRY(const std::string text, fs::read_file(fs, path, kMaxFile));
  std::string_view rest = text;
  const auto title = take_line(rest, kTitle);
  is_newer = title && parse_number(*title).value_or(0) > kVolumeFormat;
  MAS_TRY(VolumeIdentity identity, parse_volume_file(text));
  return std::optional<VolumeIdentity>(std::move(identity));
}

Error no_file(const VolumePaths& paths) {
  return {Code::corrupt, paths.directory +
                             ": It holds segments but not the file \"volume\" that says whose they "
                             "are; restore that file from a backup."};
}

}  // namespace

Result<std::optional<VolumeIdentity>> read_identity(fs::Fs& fs, const VolumePaths& paths) {
  bool is_newer = false;
  auto identity = read_one(fs, paths.identity, is_newer);
  // What a newer version wrote is not for this one, whatever the copy says.
  if (is_newer) return identity.error().with_context(paths.directory);
  auto copy = read_one(fs, paths.identity_copy, is_newer);
  const bool has_copy = copy.has_value() && copy->has_value();
  if (identity.has_value() && *identity) {
    (*identity)->needs_writing = !has_copy || !(**copy == **identity);
    return identity;
  }
  if (has_copy) {
    log::error("store.volume_file_damaged",
               {{"directory", paths.directory},
                {"error", identity.has_error() ? identity.error().message() : "It is missing."}});
    (*copy)->needs_writing = true;
    return copy;
  }
  if (identity.has_error()) return identity.error().with_context(paths.directory);
  // Not one that is blank, if the only trace of it is a copy that cannot be read.
  if (copy.has_error()) return copy.error().with_context(paths.directory);
  MAS_TRY(const bool has_segments, fs.exists(paths.segments));
  if (has_segments) {
    MAS_TRY(auto names, fs.list(paths.segments));
    if (!names.empty()) return no_file(paths);
  }
  return std::optional<VolumeIdentity>();
}

Result<void> write_identity(fs::Fs& fs, const VolumePaths& paths, const VolumeIdentity& identity) {
  const std::string text = format_volume_file(identity);
  MAS_CHECK(fs::write_file(fs, paths.identity_copy, as_bytes(text)));
  return fs::write_file(fs, paths.identity, as_bytes(text));
}

Result<void> found_volume(fs::Fs& fs, const VolumePaths& paths, const VolumeIdentity& identity) {
  MAS_CHECK(fs::make_durable_directory(fs, paths.segments));
  return write_identity(fs, paths, identity);
}

}  // namespace mas::store

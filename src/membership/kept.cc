#include "membership/kept.h"

#include "mas/core/endian.h"
#include "mas/core/xxh3.h"
#include "mas/membership/kept_layout.h"

namespace mas::membership {
namespace {

// doc/layout-format.md
constexpr std::uint32_t kLayoutsMagic = 0x554c434d;     // "MCLU"
constexpr std::uint32_t kGenerationMagic = 0x4e45474d;  // "MGEN"
constexpr std::uint32_t kSequenceMagic = 0x5145534d;    // "MSEQ"
constexpr std::uint16_t kFormatVersion = 1;
constexpr std::size_t kMaxLayouts = 2;
constexpr std::uint64_t kMaxFileBytes = 16 << 20;

std::string sealed(ByteWriter out) {
  out.write(xxh3_64(as_bytes(out.bytes())));
  return std::move(out).take();
}

Error damaged(const char* file) {
  return {Code::corrupt, std::string("The file ") + file +
                             " about the cluster is damaged. If the metadata store is the right "
                             "one, remove the file and start again."};
}

// Past magic, version and sum.
Result<ByteReader> opened(std::string_view bytes, std::uint32_t magic, const char* file) {
  if (bytes.size() < sizeof(std::uint64_t)) return damaged(file);
  std::string_view body = bytes.substr(0, bytes.size() - sizeof(std::uint64_t));
  ByteReader sum(as_bytes(bytes.substr(body.size())));
  if (sum.read<std::uint64_t>() != xxh3_64(as_bytes(body))) return damaged(file);
  ByteReader in(as_bytes(body));
  if (in.read<std::uint32_t>() != magic) return damaged(file);
  if (in.read<std::uint16_t>() != kFormatVersion) return damaged(file);
  return in;
}

Result<std::string> read_if_there(fs::Fs& fs, const std::string& path) {
  auto content = fs::read_file(fs, path, kMaxFileBytes);
  if (content.has_error() && content.error().code() == Code::not_found) return std::string();
  return content;
}

std::string layouts_path(const std::string& directory) { return directory + "/layout"; }
std::string generation_path(const std::string& directory) { return directory + "/generation"; }

std::string sequence_path(const std::string& directory) { return directory + "/sequence"; }

std::string encode_number(std::uint32_t magic, std::uint64_t number) {
  ByteWriter out;
  out.write(magic);
  out.write(kFormatVersion);
  out.write(number);
  return sealed(std::move(out));
}

Result<std::uint64_t> decode_number(std::string_view bytes, std::uint32_t magic, const char* file) {
  MAS_TRY(ByteReader in, opened(bytes, magic, file));
  auto number = in.read<std::uint64_t>();
  if (!in.at_end()) return damaged(file);
  return number;
}

constexpr const char* kWhatToDo =
    " Nothing is collected, published or changed until then. If the store was lost or restored "
    "from "
    "a backup, run `mas rebuild-metadata`; if its address is wrong, correct it.";

}  // namespace

void Kept::adopt(layout::Layout layout) {
  layouts.insert(layouts.begin(), std::move(layout));
  if (layouts.size() > kMaxLayouts) layouts.resize(kMaxLayouts);
}

std::string encode_layouts(const Kept& kept) {
  ByteWriter out;
  out.write(kLayoutsMagic);
  out.write(kFormatVersion);
  out.write(static_cast<std::uint8_t>(kept.was_member ? 1 : 0));
  out.write(static_cast<std::uint8_t>(kept.layouts.size()));
  for (const layout::Layout& layout : kept.layouts) out.text(layout::serialise(layout));
  return sealed(std::move(out));
}

Result<Kept> decode_layouts(std::string_view bytes) {
  MAS_TRY(ByteReader in, opened(bytes, kLayoutsMagic, "layout"));
  Kept kept;
  auto was_member = in.read<std::uint8_t>();
  auto count = in.read<std::uint8_t>();
  if (!in.ok() || was_member > 1 || count > kMaxLayouts) return damaged("layout");
  kept.was_member = was_member == 1;
  for (std::uint8_t i = 0; i < count; ++i) {
    std::string document = in.text();
    auto layout = layout::parse(document);
    if (layout.has_error()) return damaged("layout");
    if (i > 0 &&
        (layout->version >= kept.version() || layout->cluster != kept.layouts.front().cluster)) {
      return damaged("layout");
    }
    kept.layouts.push_back(*std::move(layout));
  }
  if (!in.at_end()) return damaged("layout");
  return kept;
}

std::string encode_generation(std::uint64_t generation) {
  return encode_number(kGenerationMagic, generation);
}

Result<std::uint64_t> decode_generation(std::string_view bytes) {
  return decode_number(bytes, kGenerationMagic, "generation");
}

std::string encode_sequence(std::uint64_t sequence) {
  return encode_number(kSequenceMagic, sequence);
}

Result<std::uint64_t> decode_sequence(std::string_view bytes) {
  return decode_number(bytes, kSequenceMagic, "sequence");
}

Result<void> make_kept_directory(fs::Fs& fs, const std::string& directory) {
  MAS_CHECK(fs.make_directories(directory));
  return fs.sync_directory(directory.substr(0, directory.rfind('/')));
}

Result<Kept> load_kept(fs::Fs& fs, const std::string& directory) {
  Kept kept;
  MAS_TRY(std::string layouts, read_if_there(fs, layouts_path(directory)));
  if (!layouts.empty()) {
    MAS_TRY(kept, decode_layouts(layouts));
  }
  MAS_TRY(std::string generation, read_if_there(fs, generation_path(directory)));
  if (!generation.empty()) {
    MAS_TRY(kept.generation, decode_generation(generation));
  }
  MAS_TRY(std::string sequence, read_if_there(fs, sequence_path(directory)));
  if (!sequence.empty()) {
    MAS_TRY(kept.sequence, decode_sequence(sequence));
  }
  return kept;
}

Result<std::size_t> kept_members(fs::Fs& fs, const std::string& directory) {
  MAS_TRY(const Kept kept, load_kept(fs, directory));
  return kept.layouts.empty() ? std::size_t{0} : kept.layouts.front().active_count();
}

Result<void> save_layouts(fs::Fs& fs, const std::string& directory, const Kept& kept) {
  std::string content = encode_layouts(kept);
  return fs::write_file(fs, layouts_path(directory), as_bytes(content));
}

Result<void> save_generation(fs::Fs& fs, const std::string& directory, std::uint64_t generation) {
  std::string content = encode_generation(generation);
  return fs::write_file(fs, generation_path(directory), as_bytes(content));
}

Result<void> save_sequence(fs::Fs& fs, const std::string& directory, std::uint64_t sequence) {
  std::string content = encode_sequence(sequence);
  return fs::write_file(fs, sequence_path(directory), as_bytes(content));
}

std::string distrust_layout(const Kept& kept, const layout::Layout* found) {
  if (!kept.knows_cluster()) return {};
  const layout::Layout& known = kept.layouts.front();
  if (found == nullptr) {
    return "The metadata store is empty, but this pod belongs to cluster " + known.cluster.hex() +
           "." + kWhatToDo;
  }
  if (found->cluster != known.cluster) {
    return "The metadata store belongs to cluster " + found->cluster.hex() + ", this pod to " +
           known.cluster.hex() + "." + kWhatToDo;
  }
  if (found->version < known.version) {
    return "The metadata store is older than what this pod has seen: its layout has version " +
           std::to_string(found->version) + ", known is " + std::to_string(known.version) + "." +
           kWhatToDo;
  }
  return {};
}

std::string distrust_generation(std::uint64_t known) {
  return "The metadata store is older than what this pod has seen: it has not come to generation " +
         std::to_string(known) + "." + kWhatToDo;
}

}  // namespace mas::membership

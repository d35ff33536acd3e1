#include <algorithm>
#include <set>

#include "mas/core/endian.h"
#include "mas/core/xxh3.h"
#include "mas/layout/layout.h"

namespace mas::layout {
namespace {

// doc/layout-format.md
constexpr std::uint32_t kMagic = 0x59414c4d;  // "MLAY"
constexpr std::uint16_t kFormatVersion = 1;
constexpr std::size_t kMaxMembers = 10'000;
constexpr std::size_t kMaxText = 255;
constexpr std::size_t kSumSize = sizeof(std::uint64_t);

std::uint64_t sum_of(std::string_view bytes) { return xxh3_64(as_bytes(bytes)); }

Error corrupt(const char* what) {
  return {Code::corrupt, std::string("The layout document is damaged: ") + what + "."};
}

Result<std::vector<Member>> parse_members(ByteReader& in) {
  auto count = in.read<std::uint16_t>();
  if (count > kMaxMembers) return corrupt("it has too many members");
  std::vector<Member> members;
  std::set<std::string> slots;
  for (std::size_t i = 0; i < count; ++i) {
    Member member;
    member.slot = in.text();
    member.incarnation = in.read<Id128>();
    member.zone = in.text();
    member.weight = in.read<std::uint32_t>();
    if (!in.ok()) return corrupt("it is cut off");
    bool good = !member.slot.empty() && member.slot.size() <= kMaxText &&
                member.zone.size() <= kMaxText && slots.insert(member.slot).second;
    if (!good) return corrupt("a member is impossible or named twice");
    members.push_back(std::move(member));
  }
  return members;
}

Result<std::vector<MemberIndex>> parse_row(ByteReader& in, std::size_t members) {
  auto width = in.read<std::uint8_t>();
  if (width == 0 || width > std::min(kMaxWidth, members)) return corrupt("a row's width is wrong");
  std::vector<MemberIndex> row(width);
  for (std::size_t i = 0; i < width; ++i) {
    row[i] = in.read<MemberIndex>();
    if (row[i] >= members || std::find(row.begin(), row.begin() + i, row[i]) != row.begin() + i) {
      return corrupt("a row names nobody or somebody twice");
    }
  }
  return row;
}

}  // namespace

std::string serialise(const Layout& layout) {
  ByteWriter out;
  out.write(kMagic);
  out.write(kFormatVersion);
  out.write(layout.version);
  out.write(layout.cluster);
  out.write(static_cast<std::uint16_t>(layout.members.size()));
  for (const Member& member : layout.members) {
    out.text(member.slot);
    out.write(member.incarnation);
    out.text(member.zone);
    out.write(member.weight);
  }
  out.write(static_cast<std::uint32_t>(layout.rows.size()));
  for (const auto& row : layout.rows) {
    out.write(static_cast<std::uint8_t>(row.size()));
    for (MemberIndex member : row) out.write(member);
  }
  out.write(sum_of(out.bytes()));
  return std::move(out).take();
}

Result<Layout> parse(std::string_view bytes) {
  if (bytes.size() < kSumSize) return corrupt("it is cut off");
  std::string_view body = bytes.substr(0, bytes.size() - kSumSize);
  if (ByteReader(as_bytes(bytes.substr(body.size()))).read<std::uint64_t>() != sum_of(body)) {
    return corrupt("it fails its checksum");
  }
  ByteReader in(as_bytes(body));
  if (in.read<std::uint32_t>() != kMagic) return corrupt("it does not start like one");
  if (in.read<std::uint16_t>() != kFormatVersion) return corrupt("its version is not known");
  Layout layout;
  layout.version = in.read<std::uint64_t>();
  layout.cluster = in.read<Id128>();
  MAS_TRY(layout.members, parse_members(in));
  auto rows = in.read<std::uint32_t>();
  // Before a cluster is founded there are neither members nor rows.
  if (rows != (layout.members.empty() ? 0 : kPartitions)) return corrupt("rows are missing");
  for (std::uint32_t i = 0; i < rows; ++i) {
    MAS_TRY(auto row, parse_row(in, layout.members.size()));
    layout.rows.push_back(std::move(row));
  }
  if (!in.at_end()) return corrupt("its length is wrong");
  return layout;
}

}  // namespace mas::layout

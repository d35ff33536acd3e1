#include <algorithm>
#include <set>

#include "layout/table.h"
#include "mas/core/endian.h"
#include "mas/core/xxh3.h"
#include "mas/layout/layout.h"
#include "mas/layout/leavers.h"

namespace mas::layout {
namespace {

// doc/layout-format.md
constexpr std::uint32_t kMagic = 0x59414c4d;  // "MLAY"
constexpr std::uint16_t kFormatVersion = 3;
// Who has left is of no use any more, unless previous rows name it.
constexpr std::uint16_t kStatesVersion = 2;
constexpr std::uint16_t kFirstFormatVersion = 1;  // neither states nor previous rows
constexpr std::size_t kMaxMembers = 10'000;
constexpr std::size_t kMaxText = 255;
constexpr std::size_t kSumSize = sizeof(std::uint64_t);

std::uint64_t sum_of(std::string_view bytes) { return xxh3_64(as_bytes(bytes)); }

Error corrupt(const char* what) {
  return {Code::corrupt, std::string("The layout document is damaged: ") + what + "."};
}

// What version 2 and later ones say of a member beyond version 1.
Result<void> parse_state(ByteReader& in, Member& member, std::uint16_t format) {
  const MemberState last = format > kStatesVersion ? layout::kGivenUp : MemberState::left;
  auto state = in.read<std::uint8_t>();
  auto fresh = in.read<std::uint8_t>();
  if (!in.ok()) return corrupt("it is cut off");
  bool known = state >= static_cast<std::uint8_t>(MemberState::active) &&
               state <= static_cast<std::uint8_t>(last) && fresh <= 1;
  if (!known) return corrupt("a member's state is unknown");
  member.state = static_cast<MemberState>(state);
  member.fresh = fresh == 1;
  const bool may_be =
      layout::is_present(member) || (format > kStatesVersion && member.state == MemberState::left);
  if (member.fresh && !may_be) return corrupt("a member that left is to be rebuilt");
  return {};
}

Result<std::vector<Member>> parse_members(ByteReader& in, std::uint16_t format) {
  auto count = in.read<std::uint16_t>();
  if (count > kMaxMembers) return corrupt("it has too many members");
  std::vector<Member> members;
  std::set<std::string> slots;
  std::set<std::pair<std::string, Id128>> directories;
  for (std::size_t i = 0; i < count; ++i) {
    Member member;
    member.slot = in.text();
    member.incarnation = in.read<Id128>();
    member.zone = in.text();
    member.weight = in.read<std::uint32_t>();
    if (!in.ok()) return corrupt("it is cut off");
    if (format > kFirstFormatVersion) MAS_CHECK(parse_state(in, member, format));
    // Who is not present may share its slot with others, each with a directory of its own.
    const bool shares = format > kStatesVersion && !layout::is_present(member);
    const bool once = directories.emplace(member.slot, member.incarnation).second &&
                      (shares || slots.insert(member.slot).second);
    bool good = !member.slot.empty() && member.slot.size() <= kMaxText &&
                member.zone.size() <= kMaxText && once;
    if (!good) return corrupt("a member is impossible or named twice");
    members.push_back(std::move(member));
  }
  return members;
}

Result<Row> parse_row(ByteReader& in, std::size_t members) {
  auto width = in.read<std::uint8_t>();
  if (width == 0 || width > std::min(kMaxWidth, members)) return corrupt("a row's width is wrong");
  Row row(width);
  for (std::size_t i = 0; i < width; ++i) {
    row[i] = in.read<MemberIndex>();
    if (row[i] >= members || std::find(row.begin(), row.begin() + i, row[i]) != row.begin() + i) {
      return corrupt("a row names nobody or somebody twice");
    }
  }
  return row;
}

Result<void> parse_rows(ByteReader& in, Layout& layout) {
  auto rows = in.read<std::uint32_t>();
  // Before a cluster is founded there are neither members nor rows.
  if (rows != (layout.members.empty() ? 0 : kPartitions)) return corrupt("rows are missing");
  const std::size_t width = std::min(layout.active_count(), kMaxWidth);
  for (std::uint32_t i = 0; i < rows; ++i) {
    MAS_TRY(Row row, parse_row(in, layout.members.size()));
    if (row.size() != width) return corrupt("a row's width is wrong");
    for (MemberIndex member : row) {
      if (layout.members[member].state != MemberState::active) {
        return corrupt("a row names somebody who is not active");
      }
    }
    layout.rows.push_back(std::move(row));
  }
  return {};
}

Result<void> parse_previous(ByteReader& in, Layout& layout) {
  auto count = in.read<std::uint32_t>();
  if (!in.ok() || count > layout.rows.size()) return corrupt("it has too many previous rows");
  if (count > 0) layout.previous.resize(kPartitions);
  std::uint32_t least = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto partition = in.read<std::uint16_t>();
    if (partition < least || partition >= kPartitions) {
      return corrupt("its previous rows are out of order");
    }
    MAS_TRY(layout.previous[partition], parse_row(in, layout.members.size()));
    if (layout.previous[partition] == layout.rows[partition]) {
      return corrupt("a previous row does not differ");
    }
    least = partition + std::uint32_t{1};
  }
  return {};
}

void write_row(ByteWriter& out, const Row& row) {
  out.write(static_cast<std::uint8_t>(row.size()));
  for (MemberIndex member : row) out.write(member);
}

void write_previous(ByteWriter& out, const Layout& layout) {
  auto changing = [](const Row& row) { return !row.empty(); };
  out.write(static_cast<std::uint32_t>(
      std::count_if(layout.previous.begin(), layout.previous.end(), changing)));
  for (std::size_t partition = 0; partition < layout.previous.size(); ++partition) {
    if (!changing(layout.previous[partition])) continue;
    out.write(static_cast<std::uint16_t>(partition));
    write_row(out, layout.previous[partition]);
  }
}

// Older pods can read what says nothing that they do not know: as long as nobody has left, pods of
// both versions may run side by side.
std::uint16_t format_of(const Layout& layout) {
  const std::vector<bool> named = named_in_rows(layout);
  std::set<std::string> slots;
  for (std::size_t i = 0; i < layout.members.size(); ++i) {
    const Member& member = layout.members[i];
    const bool once = slots.insert(member.slot).second;
    const bool told = layout::is_present(member) || (member.state == layout::kGivenUp && !named[i]);
    if (!once || !told) return kFormatVersion;
  }
  return kStatesVersion;
}

void write_state(ByteWriter& out, const Member& member, std::uint16_t format) {
  const bool place = format == kStatesVersion && member.state == layout::kGivenUp;
  out.write(place ? MemberState::left : member.state);
  out.write(static_cast<std::uint8_t>(member.fresh ? 1 : 0));
}

// Under version 2 a member that left was refused, whatever its directory held. Where it may hold
// what is nowhere else, it is not given up.
void read_leavers(Layout& layout) {
  const std::vector<bool> named = named_in_rows(layout);
  for (std::size_t i = 0; i < layout.members.size(); ++i) {
    MemberState& state = layout.members[i].state;
    if (state == MemberState::left && !named[i]) state = layout::kGivenUp;
  }
}

}  // namespace

std::string serialise(const Layout& layout) {
  const std::uint16_t format = format_of(layout);
  ByteWriter out;
  out.write(kMagic);
  out.write(format);
  out.write(layout.version);
  out.write(layout.cluster);
  out.write(static_cast<std::uint16_t>(layout.members.size()));
  for (const Member& member : layout.members) {
    out.text(member.slot);
    out.write(member.incarnation);
    out.text(member.zone);
    out.write(member.weight);
    write_state(out, member, format);
  }
  out.write(static_cast<std::uint32_t>(layout.rows.size()));
  for (const Row& row : layout.rows) write_row(out, row);
  write_previous(out, layout);
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
  auto format = in.read<std::uint16_t>();
  if (format > kFormatVersion) {
    return Error(Code::corrupt, "The layout document is of format " + std::to_string(format) +
                                    ", and this mas reads formats up to " +
                                    std::to_string(kFormatVersion) + ": run the newer mas.");
  }
  if (format < kFirstFormatVersion) return corrupt("its version is not known");
  Layout layout;
  layout.version = in.read<std::uint64_t>();
  layout.cluster = in.read<Id128>();
  MAS_TRY(layout.members, parse_members(in, format));
  MAS_CHECK(parse_rows(in, layout));
  if (format > kFirstFormatVersion) MAS_CHECK(parse_previous(in, layout));
  if (format == kStatesVersion) read_leavers(layout);
  if (!in.at_end()) return corrupt("its length is wrong");
  return layout;
}

}  // namespace mas::layout

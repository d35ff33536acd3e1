// Which members hold, or may hold, the shards of a row: the one place where holders are chosen.
#pragma once

#include <optional>
#include <vector>

#include "mas/membership/cluster_view.h"

namespace mas::object {

// How far a search for a shard goes; each step includes the ones before.
enum class Reach {
  row,       // the row's holder
  previous,  // and whoever held it before the row changed
  everybody,
};

// The member whose shard `position` is; nullopt if the row is narrower than that.
[[nodiscard]] std::optional<layout::MemberIndex> row_holder(const layout::Layout& layout,
                                                            std::uint32_t partition,
                                                            std::size_t position);
// Whom to ask for shard `position`, in this order, nobody twice.
[[nodiscard]] std::vector<layout::MemberIndex> holders_of(const layout::Layout& layout,
                                                          std::uint32_t partition,
                                                          std::size_t position, Reach reach);
// True while shards of this row may still lie with its previous holders.
[[nodiscard]] bool is_changing(const layout::Layout& layout, std::uint32_t partition);

// Known to be away. A member that was never heard of is asked.
[[nodiscard]] bool is_down(const membership::ClusterView& view, layout::MemberIndex member);
// It has left the layout, and nothing is expected of what it held: everything was in place without
// it, or an operator said so. It may still stand in previous rows.
[[nodiscard]] bool is_given_up(const membership::ClusterView& view, layout::MemberIndex member);
// Whether this pod may remove shards now.
[[nodiscard]] bool may_remove(const membership::ClusterView& view);

}  // namespace mas::object

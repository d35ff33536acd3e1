// What a layout says about this pod: member, newcomer, one that has left, or one whose data
// directory must not be used.
#pragma once

#include <string>

#include "mas/layout/layout.h"
#include "membership/pod_table.h"

namespace mas::membership {

enum class Role {
  member,   // beats as active or draining
  joining,  // beats, to be taken in
  // Has left, and what it holds may still be needed: beats as a source of shards. Changes nothing,
  // here or elsewhere, but takes its slot back where nobody is left to give it.
  returned,
  silent,  // does not beat: it would be mistaken for somebody else
};

struct Standing {
  Role role = Role::joining;
  layout::MemberIndex index = layout::kNobody;
  std::string reason;  // of `returned` and `silent`: what is wrong and what to do
};

// `was_member`: this data directory has been a member before. `layout` has version 0 before there
// is one.
[[nodiscard]] Standing standing_of(const PodKey& self, const layout::Layout& layout,
                                   const PodTable& pods, bool was_member);

}  // namespace mas::membership

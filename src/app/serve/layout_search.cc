#include "app/serve/layout_search.h"

namespace mas::app {

Task<Result<std::optional<layout::Layout>>> find_newer_layout(membership::ViewBoard& board,
                                                              LayoutOf layout_of) {
  auto view = board.current();
  std::optional<layout::Layout> newest;
  std::uint64_t version = view->layout.version;
  for (std::size_t i = 0; i < view->layout.members.size(); ++i) {
    const auto member = static_cast<layout::MemberIndex>(i);
    const membership::Pod* pod = view->pod_of(member);
    const bool newer = pod != nullptr && pod->alive && pod->last.layout_version > version;
    if (!newer) continue;
    auto asked = layout_of(member);
    Result<layout::Layout> theirs = co_await std::move(asked);
    if (theirs.has_error()) co_return theirs.error().with_context(pod->last.slot);
    if (theirs->version <= version) continue;
    version = theirs->version;
    newest = *std::move(theirs);
  }
  co_return newest;
}

Task<bool> becomes_member(membership::ViewBoard& board) {
  for (;;) {
    auto view = board.current();
    if (view->confirmed && view->is_member() && !view->halted()) co_return true;
    auto changed = board.changed(view);
    const bool open = co_await std::move(changed);
    if (!open) co_return false;
  }
}

}  // namespace mas::app

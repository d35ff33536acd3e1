#include "object/newest_layout.h"

#include "mas/observe/log.h"
#include "object/context.h"

namespace mas::object {

Task<bool> went_by_newest_layout(Context& context, std::uint64_t version) {
  Result<std::optional<layout::Layout>> newest = co_await context.deps.meta.current_layout();
  if (newest.has_error()) co_return false;
  if (!*newest || (*newest)->version <= version) co_return true;
  log::info("object.layout_is_behind", {{"version", version}, {"newest", (*newest)->version}});
  co_return false;
}

}  // namespace mas::object

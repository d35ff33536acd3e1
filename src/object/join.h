// run_all: several tasks at once on the calling thread, joined.
#pragma once

#include <string_view>
#include <vector>

#include "mas/runtime/task.h"

namespace mas::object {

// Resumes when every task has ended. What a task refers to must outlive this call only.
Task<void> run_all(std::vector<Task<void>> tasks, std::string_view name);

}  // namespace mas::object

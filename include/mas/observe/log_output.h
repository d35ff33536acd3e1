// Where log lines go, for who starts and ends a process; writing them is log.h's.
//
// Until start_queue() whoever writes a line waits until standard error takes it. From then on lines
// wait in a queue, and one thread of its own writes them: a reader that is slow, stuck or gone
// keeps nobody else waiting. Where too many wait the oldest are dropped; how many is said by a line
// `log.dropped` as soon as lines are taken again.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mas::log {

// `lines`: the most that wait. Call once, before there are other threads.
void start_queue(std::size_t lines);
// Waits until all lines so far were taken, a second at most: a reader that does not read must not
// keep the process from ending. Then ends the thread. When it returns false, that thread waits for
// its reader still, and must be left alone.
bool finish();
// Lines that were dropped so far.
[[nodiscard]] std::uint64_t dropped();

}  // namespace mas::log

// The three descriptors that every program takes for granted.
#pragma once

namespace mas::fs {

// Opens /dev/null in the place of standard input, output and error where they were closed when the
// program was started. The next file would get such a number otherwise, and the log would be
// written into a file of the store. To be called before any file is opened; whether all three are
// there.
[[nodiscard]] bool hold_standard_descriptors();

}  // namespace mas::fs

#include "mas/fs/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

namespace mas::fs {

bool hold_standard_descriptors() {
  for (int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    // The lowest free number is this one, as those below it are taken.
    if (::open("/dev/null", O_RDWR) != number) return false;
  }
  return true;
}

}  // namespace mas::fs

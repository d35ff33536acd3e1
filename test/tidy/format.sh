#!/usr/bin/env bash
# Fails if clang-format would change a source file.
set -euo pipefail
find src include test bench \( -name '*.cc' -o -name '*.h' \) -print0 |
  xargs -0 clang-format-14 --dry-run --Werror

"""Runs the style rules over the tree; prints findings as path:line: what; exit 1 if there is any."""
import pathlib
import sys

import rules

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ["src", "include", "test", "bench"]


def main():
    found = []
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in (".cc", ".h", ".py") and "corpus" not in file.parts:
                path = str(file.relative_to(ROOT))
                found += rules.findings(path, file.read_text(encoding="utf-8"))
    for path, line, what in found:
        print(f"{path}:{line}: {what}")
    print(f"{len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

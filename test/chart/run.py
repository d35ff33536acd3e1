#!/usr/bin/env python3
"""run.py NAME: runs NAME_test.py beside it with the Python that tools.py prepared."""
import os
import pathlib
import sys

import tools

HERE = pathlib.Path(__file__).resolve().parent

if __name__ == "__main__":
    if len(sys.argv) != 2 or not (HERE / f"{sys.argv[1]}_test.py").exists():
        sys.exit("usage: run.py NAME, of " + ", ".join(f.stem for f in HERE.glob("*_test.py")))
    tools.prepare()
    python = str(tools.python_path())
    os.chdir(HERE)
    os.execv(python, [python, "-B", "-m", "unittest", "--verbose", f"{sys.argv[1]}_test"])

# SPDX-License-Identifier: Apache-2.0
"""Print functions over 60 lines, files over 600 and lines over 80 columns.
They are a matter for review, so that this never fails.

usage: limits.py [TREE]
"""

import pathlib
import re
import sys

FUNCTION, FILE, COLUMNS = 60, 600, 80
# With the type on a line of its own, a function begins with its name.
C_NAME = re.compile(r"^([a-z_][a-z0-9_]*)\(")
PY_NAME = re.compile(r"^( *)def ([a-z_0-9]+)\(")


def c_functions(lines):
    """(name, first line, length)"""
    name = start = None
    for number, line in enumerate(lines, 1):
        match = C_NAME.match(line)
        if match:
            name, start = match.group(1), number
        elif line == "}" and name:
            yield name, start, number - start + 1
            name = None


def python_functions(lines):
    """A function goes on while lines are blank or further in."""
    for number, line in enumerate(lines):
        match = PY_NAME.match(line)
        if not match:
            continue
        end = number + 1
        inside = match.group(1) + " "
        while end < len(lines) and (
                not lines[end].strip() or lines[end].startswith(inside)
                or lines[end].startswith(match.group(1) + ")")):
            end += 1
        yield match.group(2), number + 1, end - number


def width(line):
    return len(line.expandtabs(8))


def findings(path, where):
    lines = path.read_text(errors="replace").splitlines()
    functions = python_functions if path.suffix == ".py" else c_functions
    if len(lines) > FILE:
        yield "%s: %d lines" % (where, len(lines))
    for name, line, length in functions(lines):
        if length > FUNCTION:
            yield "%s:%d: %s has %d lines" % (where, line, name, length)
    for number, line in enumerate(lines, 1):
        if width(line) > COLUMNS:
            yield "%s:%d: %d columns" % (where, number, width(line))


def main(tree=pathlib.Path(__file__).parents[2]):
    tree = pathlib.Path(tree).resolve()
    for folder in ("daemon", "plugins", "include", "tests"):
        for path in sorted((tree / folder).rglob("*")):
            if path.suffix in (".c", ".h", ".py") and path.is_file():
                for text in findings(path, path.relative_to(tree)):
                    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

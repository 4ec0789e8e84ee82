# SPDX-License-Identifier: Apache-2.0
"""Compare options with their manuals: names, order, defaults, ranges.

usage: options.py PLUGINS.json FOLDER [TABLES.json MILLRACE.CONF.5]
"""

import json
import pathlib
import re
import sys

DEFAULT = re.compile(r"The default is (.+?)(?:\.$|;)")
RANGE = re.compile(r"the range is (\S+) to (\S+)\.$")
UNITS = {
    "duration": [("d", 86400000), ("h", 3600000), ("m", 60000),
                 ("s", 1000), ("ms", 1)],
    "size": [("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20),
             ("K", 1 << 10), ("", 1)],
}


class Said:
    """What a page says of one option."""

    def __init__(self, line):
        words = line.split()
        self.name = words[2]
        self.choices = None
        if words[3:4] == ["Cm"]:
            self.choices = "".join(words[4:])
        self.default = self.range = None

    def read(self, line):
        default, span = DEFAULT.search(line), RANGE.search(line)
        if default:
            self.default = default.group(1)
        if span:
            self.range = span.groups()


def section(page, name):
    """The lines of one section of an mdoc page."""
    lines = page.read_text().splitlines()
    start = lines.index(".Sh " + name) + 1
    end = next((i for i in range(start, len(lines))
                if lines[i].startswith(".Sh ")), len(lines))
    return lines[start:end]


def documented(page, heading):
    """The options in the order of the page."""
    found = []
    for line in section(page, heading):
        if line.startswith(".It Ic "):
            found.append(Said(line))
        elif line.startswith(".Ss "):
            break
        elif found:
            found[-1].read(line)
    return found


def written(option, number):
    """A limit as a person would write it."""
    if option["type"] == "mode":
        return "%04o" % number
    for unit, factor in UNITS.get(option["type"], []):
        if number and number % factor == 0:
            return "%d%s" % (number // factor, unit)
    return str(number)


def limits(option):
    """(from, to) or None; only the daemon's own tables bring a type."""
    if not option["min"] and not option["max"]:
        return None
    return tuple(written(option, option[end]) for end in ("min", "max"))


def name_differences(names, pages):
    """Sentences about options that are not on both sides."""
    for name in names:
        if name not in pages:
            yield "option %s is not documented" % name
    for name in pages:
        if name not in names:
            yield "%s is documented, but no option" % name
    if sorted(names) == sorted(pages) and names != pages:
        yield "options are not in the order of the table"


def differences(options, page, heading="OPTIONS"):
    """Sentences about what differs."""
    have = {o["name"]: o for o in options}
    said = documented(page, heading)
    yield from name_differences(list(have), [s.name for s in said])
    for s in said:
        option = have.get(s.name)
        if option is None:
            continue
        default = option.get("default") or None
        if s.default != default:
            yield "the default of %s is %s, the page says %s" % (
                s.name, default, s.default)
        if "type" in option and "min" in option and s.range != limits(option):
            yield "the range of %s is %s, the page says %s" % (
                s.name, limits(option), s.range)
        choices = option.get("choices")
        if isinstance(choices, str) and choices != s.choices:
            yield "the choices of %s are %s, the page says %s" % (
                s.name, choices, s.choices)


def check_plugins(listing, folder):
    plugins = {p["name"]: p["options"] for p in json.loads(
        pathlib.Path(listing).read_text())}
    folders = sorted(p.name for p in pathlib.Path(folder).iterdir()
                     if p.is_dir())
    if not folders:
        yield "%s: no plugin is there" % folder
    for name in folders:
        page = pathlib.Path(folder, name, "millrace-%s.5" % name)
        if name not in plugins:
            yield "%s: it is not among the installed plugins" % name
        elif not page.exists():
            yield "%s: there is no such page" % page
        else:
            for text in differences(plugins[name], page):
                yield "%s: %s" % (page, text)


def check_tables(tables, page):
    """The daemon's own tables, each under its heading."""
    page = pathlib.Path(page)
    for heading, options in json.loads(
            pathlib.Path(tables).read_text()).items():
        for text in differences(options, page, heading):
            yield "%s: %s" % (page, text)


def main(listing, folder, *own):
    faults = list(check_plugins(listing, folder))
    if own:
        faults += check_tables(*own)
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print("options: the manuals match the tables")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

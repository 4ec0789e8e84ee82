# SPDX-License-Identifier: Apache-2.0
"""Who may include whom, who may know a foreign library, and what may stand
at the top of the tree.

usage: layers.py [TREE]
"""

import pathlib
import re
import sys

# A folder of daemon/ may use itself and those before it.
ORDER = ["base", "config", "core", "service", "link", "front", "process",
         "command"]
TOP = {"daemon", "plugins", "include", "conf", "tests", "build", "Makefile",
       "README.md", "LICENSE"}
# A library that one file or folder alone may know.
OWNERS = {
    "libmilter/": "daemon/front/milter.c",
    "confuse.h": "daemon/config/",
    "gmime/": "daemon/service/content_mime.c",
    "sqlite3.h": ("daemon/process/", "daemon/command/"),
    "unbound.h": "daemon/service/dns_resolver.c",
    "lmdb.h": "daemon/service/",
    "hiredis/": "daemon/service/",
    "idn2.h": "daemon/service/domain.c",
    "libpsl.h": "daemon/service/domain.c",
    "iconv.h": ("daemon/service/charset.c",
                "daemon/service/encoded_word.c"),
}
LIBRARIES = ("libmilter/", "confuse.h", "sqlite3.h", "cjson/", "systemd/",
             "unbound.h", "gmime/", "glib", "lmdb.h", "hiredis/", "idn2.h",
             "libpsl.h", "iconv.h")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def includes(path):
    """(line, '<' or '"', name) of each #include."""
    lines = path.read_text(errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def foreign(where, name):
    for library, owner in OWNERS.items():
        if name.startswith(library) and not where.startswith(owner):
            return "only %s may include <%s>" % (
                owner if isinstance(owner, str) else " and ".join(owner),
                name)
    return None


def in_daemon(tree, where, kind, name):
    """What is wrong with an include in daemon/, or None."""
    mine = where.split("/")[1]
    if kind == "<" or name.startswith("millrace/"):
        return foreign(where, name)
    folder = name.split("/")[0]
    if folder not in ORDER or not (tree / "daemon" / name).exists():
        return 'there is no "%s": name it from daemon/ on' % name
    if ORDER.index(folder) > ORDER.index(mine):
        return "%s/ may not use %s/, which is above it" % (mine, folder)
    return None


# What a plugin may use if the Makefile links it with that.
PLUGIN_LIBRARIES = {"cjson/cJSON.h": "-lcjson", "sqlite3.h": "-lsqlite3"}


def is_linked(tree, where, name):
    """PLUGIN_LIBS_<plugin> names the library of this header."""
    makefile = tree / "Makefile"
    plugin = where.split("/")[1]
    line = re.search(r"^PLUGIN_LIBS_%s\s*:=(.*)" % plugin,
                     makefile.read_text() if makefile.exists() else "",
                     re.MULTILINE)
    return line and PLUGIN_LIBRARIES.get(name) in line.group(1).split()


def in_plugin(tree, where, kind, name):
    if kind == "<":
        library = name.startswith(LIBRARIES) and \
            not is_linked(tree, where, name)
        return "a plugin may not include <%s>" % name if library else None
    if (tree / where).parent.joinpath(name).exists() and "/" not in name:
        return None
    return 'a plugin includes <millrace/...> and its own files, not "%s"' \
        % name


def in_contract(tree, where, kind, name):
    """Headers of the contract know each other and libc, nothing else."""
    if kind == "<" and not name.startswith(LIBRARIES):
        return None
    if (tree / "include" / name).exists():
        return None
    return "the contract may not include %s" % name


RULES = [("daemon", in_daemon), ("plugins", in_plugin),
         ("include", in_contract)]


def faults(tree):
    for folder, rule in RULES:
        for path in sorted((tree / folder).rglob("*.[ch]")):
            where = path.relative_to(tree).as_posix()
            for line, kind, name in includes(path):
                text = rule(tree, where, kind, name)
                if text:
                    yield "%s:%d: %s" % (where, line, text)
    for path in sorted((tree / "daemon").iterdir()):
        if path.is_dir() and path.name not in ORDER:
            yield "daemon/%s: not a layer: see CONTRIBUTING.md" % path.name
    for path in sorted(tree.iterdir()):
        if path.name not in TOP and not path.name.startswith("."):
            yield "%s: the names at the top are fixed" % path.name


def main(tree=pathlib.Path(__file__).parents[2]):
    found = list(faults(pathlib.Path(tree).resolve()))
    for text in found:
        print(text, file=sys.stderr)
    if not found:
        print("layers: in order")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

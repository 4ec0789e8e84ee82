"""Debian packages unpacked under build/mta, never installed.

The two MTAs conflict as packages, and a test must not configure a machine.
The libraries that a package needs and the machine lacks are unpacked beside
it; programs from such a tree run with the environment that env() gives.
"""

import contextlib
import fcntl
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Not $B: a sanitized build runs the same packages.
BUILD = ROOT / "build"

STAMP = ".unpacked"
DEPENDENCY = re.compile(r"([a-z0-9.+-]+)(?::\S+)?\s*(?:\((\S+)\s+(\S+)\))?")
RELATIONS = {">=": "ge", ">>": "gt", "=": "eq", "<=": "le", "<<": "lt"}


def unpack(name, packages):
    """Return the folder build/mta/NAME with the packages in it."""
    parent = BUILD / "mta"
    parent.mkdir(parents=True, exist_ok=True)
    target = parent / name
    with _locked(parent / f".{name}.lock"):
        if not _is_unpacked(target, packages):
            _unpack_new(parent, target, packages)
    return target


def env(tree):
    """The environment in which programs of the tree find their libraries."""
    places = ("usr/lib", "usr/lib/*-linux-gnu*", "lib/*-linux-gnu*",
              "usr/lib/postfix")
    libraries = [str(path) for place in places for path in tree.glob(place)]
    plugins = [str(path) for path in tree.glob("usr/lib/*/sasl2")]
    modules = [str(path) for place in ("usr/share/perl5", "usr/lib/*/perl5/*")
               for path in tree.glob(place)]
    return {
        "LD_LIBRARY_PATH": ":".join(libraries),
        "SASL_PATH": ":".join(plugins),
        "PERL5LIB": ":".join(modules),
    }


def perl(tree):
    """The words that begin a perl program of the tree which runs with taint
    checks: such a one takes no modules from the environment."""
    modules = env(tree)["PERL5LIB"].split(":")
    return ["/usr/bin/perl", "-T", *(f"-I{path}" for path in modules)]


@contextlib.contextmanager
def _locked(path):
    """Only one run unpacks; the others wait and find it done."""
    with open(path, "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_unpacked(target, packages):
    try:
        return json.loads((target / STAMP).read_text())["asked"] == packages
    except (OSError, ValueError, KeyError):
        return False


def _unpack_new(parent, target, packages):
    """Build the tree aside and rename it: it is whole or not there."""
    with tempfile.TemporaryDirectory(prefix=".new-", dir=parent) as work:
        tree, debs = Path(work, "tree"), Path(work, "debs")
        tree.mkdir()
        debs.mkdir()
        got = _fetch_all(packages, debs)
        for deb in sorted(debs.glob("*.deb")):
            _run(["dpkg", "-x", deb, tree])
        _drop_set_ids(tree)
        stamp = {"asked": packages, "got": got}
        (tree / STAMP).write_text(json.dumps(stamp, indent=1))
        tree.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        tree.rename(target)


def _drop_set_ids(tree):
    """The loader ignores LD_LIBRARY_PATH for set-id programs."""
    for path in tree.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o1777)


def _fetch_all(packages, folder):
    """Download the packages and, of their needs, the missing libraries."""
    got, wanted = [], list(packages)
    while wanted:
        _download(wanted, folder)
        got += wanted
        needs = {
            need
            for package in wanted
            for need in _missing_libraries(folder, package)
        }
        wanted = sorted(needs.difference(got))
    return got


def _download(packages, folder):
    """apt-get download; with fresh lists if the known ones do not do."""
    command = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download"]
    try:
        _run([*command, *packages], cwd=folder)
    except RuntimeError:
        _run(["apt-get", "-q", "update"])
        _run([*command, *packages], cwd=folder)


def _missing_libraries(folder, package):
    """What a downloaded package depends on, is a library, and is not here.

    Its other needs (debconf, adduser, ...) are for installing it.
    """
    deb = next(folder.glob(f"{package}_*.deb"))
    depends = _run(["dpkg-deb", "-f", deb, "Depends", "Pre-Depends"])
    for clause in re.split(r"[,\n]", re.sub(r"(?m)^\S*Depends:", "", depends)):
        choices = [DEPENDENCY.match(word.strip())
                   for word in clause.split("|")]
        if not choices[0] or not choices[0][1].startswith("lib"):
            continue
        here = any(_installed(*match.groups()) for match in choices if match)
        if not here and not _is_virtual(choices[0][1]):
            yield choices[0][1]


def _is_virtual(package):
    """Only others provide it: perl has modules that once were packages."""
    show = ["apt-cache", "show", "--no-all-versions", package]
    done = subprocess.run(show, capture_output=True, check=False)
    return not done.stdout.strip()


def _installed(package, relation, version):
    query = ["dpkg-query", "-W", "-f", "${Status}\t${Version}\n", package]
    done = subprocess.run(query, capture_output=True, text=True, check=False)
    status, _, here = done.stdout.partition("\n")[0].partition("\t")
    if done.returncode != 0 or not status.endswith(" installed"):
        return False
    if relation is None:
        return True
    compare = ["dpkg", "--compare-versions", here, RELATIONS[relation], version]
    return subprocess.run(compare, check=False).returncode == 0


def _run(command, cwd=None):
    """Run quietly; the output is told only if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(words)} failed with status {done.returncode}:\n"
            f"{done.stdout}{done.stderr}"
        )
    return done.stdout

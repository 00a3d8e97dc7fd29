#!/usr/bin/env python3
"""Checks the tree's own rules: lint.py [ROOT]. Prints each breach, exits 1 if any.

Rules: an operating system shows only where it may; no leftover markers; small
files; lines of at most 100 columns, 120 in Markdown; a newline at each file's end;
clang-format; apps and examples include public headers only; the README shows an example
as it is; links and paths in Markdown lead somewhere.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

FORMAT_VERSION = "14"  # what Debian 12 ships: other versions set code differently

CODE = {".hpp", ".cpp", ".h", ".c"}
TEXT = CODE | {".cmake", ".in", ".json", ".md", ".py", ".sh", ".supp", ".txt", ".ps1", ".yml"}
NAMED_TEXT = {".clang-format", ".clang-tidy", ".editorconfig", ".gitattributes", ".gitignore",
              "LICENSE", "run"}

MAX_LINES = {".hpp": 299, ".cpp": 499}
MAX_COLUMNS = 100
MAX_PROSE_COLUMNS = 120

# Of Markdown, what cannot be broken: a table's row, and where a link leads.
UNBREAKABLE = re.compile(r"^\s*\|.*|\]\([^)]*\)|https?://\S+")

# Where an operating system must not show, and the files there in which it may.
OS_FREE = ("libpipeactor/", "apps/", "examples/")
OS_ALLOWED = re.compile(
    r"libpipeactor/(port/(linux|windows)/.*|pipeactor/export\.hpp)$"
    r"|apps/.*_(linux|windows)\.cpp$|apps/pipebench/(load|peers|writers)/.*")
OS_HEADER = re.compile(
    r'#\s*include\s*[<"]((sys|linux|asm|netinet|arpa)/\S+|windows\.h|winsock2?\.h|ws2tcpip\.h'
    r"|liburing(/\S+)?|liburing\.h|unistd\.h|fcntl\.h|poll\.h|pthread\.h|sched\.h|pwd\.h|grp\.h"
    r'|dirent\.h|signal\.h|termios\.h)[>"]', re.IGNORECASE)
OS_CONDITION = re.compile(r"#\s*(if|ifdef|ifndef|elif)\b.*\b(_WIN32|_WIN64|WIN32|__linux__|__unix__"
                          r"|__APPLE__|_MSC_VER|__MINGW32__)\b")

# Apps and examples use the library as a program of its users does: by its public headers.
USERS = ("apps/", "examples/")
LIBRARY_HEADER = re.compile(
    r'#\s*include\s*[<"](\S*libpipeactor|pipeactor|actors|base|bridge|port)/')
PUBLIC_HEADER = re.compile(r"#include <pipeactor/\w+\.hpp>$")

# The script that tells ctest about Catch2's cases takes it for a separator.
CASE_NAME = re.compile(r'(TEST_CASE|SCENARIO|TEST_CASE_METHOD)\([^"]*"[^"]*;')

MARKER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")


def files(root):
    """Yields every text file of the tree, as a path relative to `root`."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith((".git", "build"))
                            and name not in {".cache", "__pycache__", ".vscode", ".idea"})
        for name in sorted(names):
            path = Path(folder, name).relative_to(root)
            if path.suffix in TEXT or name in NAMED_TEXT:
                yield path


def check_file(root, path):
    """Yields (line, what) for each rule that one file breaks."""
    text = (root / path).read_text(encoding="utf-8")
    lines = text.split("\n")
    name = path.as_posix()
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end of the file"
    if text.endswith("\n\n"):
        yield len(lines) - 1, "empty line at the end of the file"
    limit = MAX_LINES.get(path.suffix)
    if limit and len(lines) - 1 > limit:
        yield len(lines) - 1, f"{len(lines) - 1} lines: at most {limit} are allowed"
    os_free = name.startswith(OS_FREE) and not OS_ALLOWED.match(name)
    for number, line in enumerate(lines, 1):
        if MARKER.search(line):
            yield number, "a leftover marker: file an issue instead"
        if path.suffix == ".md" and len(UNBREAKABLE.sub("", line)) > MAX_PROSE_COLUMNS:
            yield number, f"{len(line)} columns: at most {MAX_PROSE_COLUMNS} are allowed"
        if path.suffix not in CODE:
            continue
        if len(line) > MAX_COLUMNS:
            yield number, f"{len(line)} columns: at most {MAX_COLUMNS} are allowed"
        if line != line.rstrip():
            yield number, "space at the end of the line"
        if CASE_NAME.search(line):
            yield number, "a semicolon in a test's name"
        if os_free and OS_HEADER.search(line):
            yield number, "an operating system's header where none may be"
        if os_free and OS_CONDITION.search(line):
            yield number, "a platform condition where none may be"
        if (name.startswith(USERS) and LIBRARY_HEADER.match(line)
                and not PUBLIC_HEADER.match(line)):
            yield number, "not a public header: include <pipeactor/NAME.hpp>"
    if path.suffix == ".hpp" and not any(line == "#pragma once" for line in lines):
        yield 1, "no #pragma once"


LINK = re.compile(r"\]\(([^)\s]+)\)")
# A path of a source file in backticks: of the tree, or of the library without its folder.
SOURCE = re.compile(r"`([\w./-]+/[\w.-]+\.(?:hpp|cpp|py|sh|json|md))`")
# A script of the tree, also inside a command.
SCRIPT = re.compile(r"(?<![\w./-])scripts/[\w/-]+\.sh")


def anchors(path):
    """Returns what links may point to in a page: its headings, as GitHub spells them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def check_links(root, page):
    """Yields (line, what) for each link, and each source file named, that is not there."""
    lines = (root / page).read_text(encoding="utf-8").split("\n")
    library = root / "libpipeactor"
    places = (root, library, *library.glob("caf_*"), root / "docs")
    for number, line in enumerate(lines, 1):
        for link in LINK.findall(line):
            if link.startswith(("http://", "https://")):
                continue
            name, _, anchor = link.partition("#")
            target = root / page.parent / name if name else root / page
            if not target.exists():
                yield number, f"a link to {link}, which is not there"
            elif anchor and anchor not in anchors(target):
                yield number, f"a link to {link}: no such heading"
        for name in SCRIPT.findall(line):
            if not (root / name).exists():
                yield number, f"a script {name}, which is not there"
        for name in SOURCE.findall(line):
            if not any((folder / name).exists() for folder in places):
                yield number, f"a path {name}, which is not there"


def check_readme(root):
    """Yields what is wrong with the code that README.md shows."""
    example = "examples/echo_server.cpp"
    shown = "```cpp\n" + (root / example).read_text(encoding="utf-8") + "```\n"
    if shown not in (root / "README.md").read_text(encoding="utf-8"):
        yield f"README.md: its echo server is not {example}, word for word"


def clang_format():
    """Returns the program's name, or raises LookupError."""
    for name in (f"clang-format-{FORMAT_VERSION}", "clang-format"):
        if not shutil.which(name):
            continue
        version = subprocess.run([name, "--version"], capture_output=True, text=True,
                                 check=True).stdout
        if re.search(rf"version {FORMAT_VERSION}\.", version):
            return name
    raise LookupError(f"clang-format {FORMAT_VERSION} is not installed: run scripts/setup.sh")


def check_format(root, paths):
    """Returns what clang-format would change, as its own text."""
    if not paths:
        return ""
    done = subprocess.run([clang_format(), "--dry-run", "--Werror", *map(str, paths)], cwd=root,
                          capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else ""


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    paths = list(files(root))
    breaches = 0
    for path in paths:
        found = list(check_file(root, path))
        if path.suffix == ".md" and path.name != "CHANGELOG.md":
            found += check_links(root, path)
        for line, what in found:
            print(f"{path}:{line}: {what}")
            breaches += 1
    for what in check_readme(root):
        print(what)
        breaches += 1
    try:
        report = check_format(root, [path for path in paths if path.suffix in CODE])
    except LookupError as err:
        report = str(err)
    if report:
        print(report)
        breaches += 1
    print(f"{len(paths)} files, " + (f"{breaches} breaches" if breaches else "clean"))
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Checks that the library's floors stand on each other: floors_test.py [ROOT].

Each floor is a folder of libpipeactor/. A file includes public headers and files of its own floor
and of the floors below it; public headers include public headers only. No unit (the .hpp and .cpp
of one stem in one folder) is part of a circle of includes. A generation's folder, caf_*/, lies over
libpipeactor/: its files are included as if they lay there. Each generation has the same files, and
what only one has is used there alone.
"""

import fnmatch
import re
import sys
from pathlib import Path

LIBRARY = "libpipeactor"
PUBLIC = "pipeactor"

# From the ground up. Folders of one floor do not see each other.
FLOORS = (
    ("base",),
    ("port",),
    ("port/linux", "port/windows", "port/simulated"),
    ("bridge",),
    ("actors",),
    (PUBLIC,),
)

GENERATIONS = "caf_*"

# The one file that a generation may lie over: for programs that are compiled without CMake.
COVERED = "pipeactor/caf.hpp"

# What only one generation of CAF has.
GENERATION = re.compile(
    r"\bCAF_(MAJOR_|MINOR_|PATCH_)?VERSION\b|\bcaf::(atom|meta)\b|\batom_(value|constant)\b"
    r"|\b(mailbox_element_vals|type_erased_tuple|match_elements|execution_unit|get_normal_queue)\b"
    r"|\b(message_view|infinite_t|CAF_ALLOW_UNSAFE_MESSAGE_TYPE)\b"
    r"|->content\(\)|->enqueue\(|Inspector::result_type")

INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')


def includes(path):
    """Yields (line, name) of each include in quotes."""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if match := INCLUDE.match(line):
            yield number, match[1]


def code_in(folder):
    return {path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*")) if path.suffix in {".hpp", ".cpp"}}


def library_on(generation):
    """Returns the library's files with one generation of CAF: their paths by the names by which
    they include each other."""
    common = {name: path for name, path in code_in(generation.parent).items()
              if not fnmatch.fnmatch(name, GENERATIONS + "/*")}
    return {**common, **code_in(generation)}


def place(path):
    return path.as_posix().partition(f"/{LIBRARY}/")[2]


def floor_of(folder):
    """Returns the height of a folder."""
    return next(height for height, floor in enumerate(FLOORS) if folder in floor)


def is_public(name):
    return name.startswith(PUBLIC + "/") and name.endswith(".hpp")


def may_include(name, included):
    """Returns whether a file of the library may include another one."""
    if is_public(included):
        return True
    if is_public(name):
        return False
    here, there = (str(Path(path).parent) for path in (name, included))
    return floor_of(there) < floor_of(here) or here == there


def check_floors(library):
    """Yields (file, line, what) of each include that goes up, or nowhere."""
    folders = {folder for floor in FLOORS for folder in floor}
    for name, path in library.items():
        if str(Path(name).parent) not in folders:
            yield place(path), 1, "is on no floor"
            continue
        for line, included in includes(path):
            if included not in library:
                yield place(path), line, f"includes {included}, which is no file of the library"
            elif not may_include(name, included):
                yield place(path), line, f"includes {included}, which is not below"


def graph_of(library):
    """Returns the units that each unit includes."""
    result = {}
    for name, path in library.items():
        unit = Path(name).with_suffix("").as_posix()
        others = {Path(name).with_suffix("").as_posix() for _, name in includes(path)}
        result.setdefault(unit, set()).update(others - {unit})
    return result


def reachable(graph, unit):
    seen = set()
    todo = [unit]
    while todo:
        for other in graph.get(todo.pop(), ()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def check_circles(library):
    """Yields (unit, line, what) of each unit that includes itself by way of others."""
    graph = graph_of(library)
    beyond = {unit: reachable(graph, unit) for unit in graph}
    for unit in sorted(graph):
        if unit in beyond[unit]:
            yield unit, 1, "is part of a circle"


def ways_around(library):
    """Yields each include that is part of a circle, for people."""
    graph = graph_of(library)
    beyond = {unit: reachable(graph, unit) for unit in graph}
    for unit in sorted(graph):
        for other in sorted(graph[unit]):
            if unit in beyond.get(other, ()):
                yield f"  {unit} -> {other}"


def check_generation(library, generation):
    """Yields (file, line, what) of each word of one generation of CAF outside its home."""
    for path in library.values():
        if path.is_relative_to(generation):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if match := GENERATION.search(line):
                yield place(path), number, f"uses {match[0]}, which not every CAF has"


def check_same_names(generations):
    """Yields (file, line, what) of each file that not every generation has, or that lies over
    another file of the library."""
    for generation in generations:
        for name in code_in(generation):
            if name != COVERED and (generation.parent / name).exists():
                yield name, 1, f"is in {generation.name}/, too"
            for other in generations:
                if not (other / name).exists():
                    yield f"{generation.name}/{name}", 1, f"is not in {other.name}/"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    generations = sorted(path for path in (root / LIBRARY).glob(GENERATIONS) if path.is_dir())
    lines = [f"{LIBRARY}/{name}:{line}: {what}" for name, line, what in check_same_names(generations)]
    for generation in generations:
        library = library_on(generation)
        circles = list(check_circles(library))
        found = [*check_floors(library), *circles, *check_generation(library, generation)]
        lines += [f"{LIBRARY}/{name}:{line}: {what}" for name, line, what in found]
        if circles:
            lines += ["Includes that are part of circles:", *ways_around(library)]
    if not generations:
        lines = [f"{LIBRARY}/: no generation of CAF"]
    if lines:
        print("\n".join(dict.fromkeys(lines)))
        return 1
    units = len(graph_of(library_on(generations[0])))
    print(f"{units} units on {len(FLOORS)} floors, {len(generations)} generation(s) of CAF")
    return 0


if __name__ == "__main__":
    sys.exit(main())

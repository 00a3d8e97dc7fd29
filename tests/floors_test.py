#!/usr/bin/env python3
"""Checks that the library's floors stand on each other: floors_test.py [ROOT].

Each floor is a folder of libpipeactor/. A file includes public headers and files of its own floor
and of the floors below it; public headers include public headers only. No unit (the .hpp and .cpp
of one stem in one folder) is part of a circle of includes. What only CAF 0.17 has is used where
that generation lives.
"""

import re
import sys
from pathlib import Path

LIBRARY = "libpipeactor"
PUBLIC = "pipeactor"

# From the ground up. Folders of one floor do not see each other.
FLOORS = (
    ("base", "base/caf_0_17"),
    ("port",),
    ("port/linux", "port/windows", "port/simulated"),
    ("bridge",),
    ("actors",),
    (PUBLIC,),
)
# These two are one: a generation's folder and what uses it.
NEIGHBOURS = {"base", "base/caf_0_17"}

# What CAF 1.x does not have, and the only places that may use it.
GENERATION = re.compile(
    r"\bCAF_(MAJOR_|MINOR_|PATCH_)?VERSION\b|\bcaf::(atom|meta)\b|\batom_(value|constant)\b"
    r"|\b(mailbox_element_vals|type_erased_tuple|match_elements|execution_unit|get_normal_queue)\b"
    r"|->content\(\)|Inspector::result_type")
GENERATION_HOME = re.compile(r"(pipeactor/caf\.hpp$|base/caf_0_17/)")

INCLUDE = re.compile(r'\s*#\s*include\s*"([^"]+)"')


def includes(path):
    """Yields (line, name) of each include in quotes."""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if match := INCLUDE.match(line):
            yield number, match[1]


def code_in(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in {".hpp", ".cpp"})


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
    return floor_of(there) < floor_of(here) or here == there or {here, there} == NEIGHBOURS


def check_floors(library):
    """Yields (file, line, what) of each include that goes up, or nowhere."""
    folders = {folder for floor in FLOORS for folder in floor}
    for path in code_in(library):
        name = path.relative_to(library).as_posix()
        if str(Path(name).parent) not in folders:
            yield name, 1, "is on no floor"
            continue
        for line, included in includes(path):
            if not (library / included).is_file():
                yield name, line, f"includes {included}, which is no file of the library"
            elif not may_include(name, included):
                yield name, line, f"includes {included}, which is not below"


def graph_of(library):
    """Returns the units that each unit includes."""
    result = {}
    for path in code_in(library):
        unit = path.relative_to(library).with_suffix("").as_posix()
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


def check_generation(library):
    """Yields (file, line, what) of each word of one generation of CAF outside its home."""
    for path in code_in(library):
        name = path.relative_to(library).as_posix()
        if GENERATION_HOME.match(name):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if match := GENERATION.search(line):
                yield name, number, f"uses {match[0]}, which only CAF 0.17 has"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    library = root / LIBRARY
    circles = list(check_circles(library))
    found = [*check_floors(library), *circles, *check_generation(library)]
    lines = [f"{LIBRARY}/{name}:{line}: {what}" for name, line, what in found]
    if circles:
        lines += ["Includes that are part of circles:", *ways_around(library)]
    print("\n".join(lines or [f"{len(graph_of(library))} units on {len(FLOORS)} floors"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())

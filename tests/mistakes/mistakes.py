#!/usr/bin/env python3
"""Shows that the unit and contract tests find mistakes: mistakes.py [--check] [WORD...]

The lists beside this script (*.txt) hold mistakes: places of the library, and what is planted
there. One build of a copy of the tree, in build-mistakes/, holds all of them: each place becomes a
choice at run time, and the environment says which mistake is made. Each case of unit_tests and
contract_tests is run once without a mistake, to learn which places it passes; then, for each
mistake, the cases that pass its place are run until one fails. A failure counts if it repeats.

Prints the case that found each mistake, or
  NOT FOUND   no case fails
  SOMETIMES   a case failed once, and not again
  TIME LIMIT  no case fails, but one does not end
The last line is "N of M planted mistakes found"; exits 1 if fewer than nine of ten were.

  WORD      tries only mistakes whose name, file or list has one of the words in it
  --check   builds nothing: verifies that each place is in its file, once
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build-mistakes"
TREE = WORK / "tree"
BUILD = TREE / "build"
PARTS = ("CMakeLists.txt", "CMakePresets.json", "libpipeactor", "tests", "apps")
SUITES = ("unit", "contract")

AT_ONCE = 2
# A case may take this long, and so many times what it takes without a mistake. One that waits for
# what does not come gives up after 30 s (tests/unit/eventually.hpp): that is for the end, if
# nothing else fails.
SECONDS = 6
FACTOR = 5
LAST_SECONDS = 45
# So many cases may reach the limit before the first of them gets LAST_SECONDS.
MOST_LIMITS = 2
# So many cases run in one process at most. If one of them fails, they run again, one by one.
MOST_TOGETHER = 32

HEADER = """
#pragma once

namespace mistakes {

struct plan {
  unsigned number;
  unsigned char* passed;
};

const plan& current() noexcept;

/// Returns whether a mistake is made in this process, and notes that its place was passed.
constexpr bool planted(unsigned number) noexcept {
  if (__builtin_is_constant_evaluated())
    return false;
  auto& now = current();
  if (now.passed != nullptr)
    now.passed[number] = 1;
  return now.number == number;
}

} // namespace mistakes
"""

# Mapped, not open: tests count descriptors.
SOURCE = """
#include "base/planted.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

const mistakes::plan& mistakes::current() noexcept {
  static const plan result = [] {
    plan made{0, nullptr};
    if (auto* number = std::getenv("PIPEACTOR_MISTAKE"))
      made.number = static_cast<unsigned>(std::atoi(number));
    if (auto* path = std::getenv("PIPEACTOR_MISTAKES_PASSED")) {
      auto fd = open(path, O_RDWR);
      auto* memory = mmap(nullptr, PASSED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (memory != MAP_FAILED)
        made.passed = static_cast<unsigned char*>(memory);
      close(fd);
    }
    return made;
  }();
  return result;
}

namespace {

// Before a child process gives up its rights to the file.
[[maybe_unused]] const auto& early = mistakes::current();

} // namespace
"""


# -- the lists --------------------------------------------------------------------------------

class Mistake:
    """A place of the library, and what is planted there."""

    def __init__(self, part, name):
        self.part = part
        self.name = name
        self.file = ""
        self.old = []
        self.new = []
        self.number = 0

    def place(self, text):
        """Returns where the place begins and ends in its file, or None if that is not clear."""
        old = "\n".join(self.old).strip()
        start = text.find(old)
        if not old or start < 0 or text.find(old, start + 1) >= 0:
            return None
        return start, start + len(old)

    def choice(self, right):
        """Returns the code that chooses between the mistake and what is right."""
        wrong = "\n".join(self.new).strip()
        asked = f"::mistakes::planted({self.number})"
        if right.endswith((";", "}")) and ";" in right:
            return f"if ({asked}) {{ {wrong}\n}} else {{ {right}\n}}"
        return f"({asked} ? ({wrong}) : ({right}))"


def read_lists():
    """Returns the mistakes of all lists, numbered from 1."""
    result = []
    for path in sorted(HERE.glob("*.txt")):
        for line in path.read_text("utf-8").splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            if line[0] not in "@-+":
                result.append(Mistake(path.stem, line))
            elif line[0] == "@":
                result[-1].file = line[1:].strip()
            else:
                (result[-1].old if line[0] == "-" else result[-1].new).append(line[1:])
    for number, mistake in enumerate(result, 1):
        mistake.number = number
    return result


def check(mistakes):
    """Returns what is wrong with the lists."""
    names = [m.name for m in mistakes]
    result = [f"two mistakes are named: {name}" for name in set(names) if names.count(name) > 1]
    for file in sorted({m.file for m in mistakes}):
        path = ROOT / "libpipeactor" / file
        text = path.read_text("utf-8") if path.is_file() else ""
        known = []
        for mistake in (m for m in mistakes if m.file == file):
            place = mistake.place(text)
            if place is None:
                result.append(f"{mistake.name}: its place in {file} is not there, or is there twice")
                continue
            for other, (start, end) in known:
                if place[0] < start < place[1] < end or start < place[0] < end < place[1]:
                    result.append(f"{mistake.name}: its place overlaps that of: {other.name}")
            known.append((mistake, place))
    return result


def rewrite(text, mistakes):
    """Returns a file with a choice at each place. Places may lie inside each other."""
    places = sorted(((*m.place(text), m) for m in mistakes), key=lambda x: (x[0], -x[1]))

    def part(start, end, inside):
        result = ""
        while inside:
            first, last, mistake = inside[0]
            nested = [p for p in inside[1:] if p[0] < last]
            inside = inside[1 + len(nested):]
            result += text[start:first] + mistake.choice(part(first, last, nested))
            start = last
        return result + text[start:end]

    result = part(0, len(text), places)
    include = '#include "base/planted.hpp"\n'
    if "#pragma once\n" in result:
        return result.replace("#pragma once\n", "#pragma once\n" + include, 1)
    return include + result


# -- the build --------------------------------------------------------------------------------

def write(path, content):
    """Writes a file of the copy, unless it is the same: it would be compiled again."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def copy_tree(mistakes):
    """Brings the copy of the tree up to date, with all mistakes."""
    wanted = set()

    def put(name, content):
        wanted.add(TREE / name)
        write(TREE / name, content)

    places = {}
    for mistake in mistakes:
        places.setdefault(f"libpipeactor/{mistake.file}", []).append(mistake)
    for part in PARTS:
        paths = [ROOT / part] if (ROOT / part).is_file() else sorted((ROOT / part).rglob("*"))
        for path in (p for p in paths if p.is_file() and "__pycache__" not in p.parts):
            name = path.relative_to(ROOT).as_posix()
            content = path.read_bytes()
            if name in places:
                content = rewrite(content.decode(), places[name]).encode()
            if name == "libpipeactor/base/marks.cpp":
                content += SOURCE.replace("PASSED_SIZE", str(passed_size(mistakes))).encode()
            put(name, content)
    put("libpipeactor/base/planted.hpp", HEADER.encode())
    for part in PARTS:
        for path in (TREE / part).rglob("*"):
            if path.is_file() and path not in wanted:
                path.unlink()


def passed_size(mistakes):
    """Returns the bytes of the map of passed places: whole pages, so that it seldom changes."""
    return (len(mistakes) // 4096 + 1) * 4096


def build():
    """Builds both suites. All files that do not compile are shown."""
    quiet = {"check": True, "stdout": subprocess.PIPE}
    subprocess.run(["cmake", "--preset", "release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -DNDEBUG",
                    "-DPIPEACTOR_BUILD_APPS=OFF", "-DPIPEACTOR_BUILD_EXAMPLES=OFF"],
                   cwd=TREE, **quiet)
    status = subprocess.run(["cmake", "--build", "build", "--parallel", str(AT_ONCE), "--target",
                             *(f"{suite}_tests" for suite in SUITES), "--", "-k", "0"],
                            cwd=TREE, check=False, stdout=subprocess.PIPE, text=True)
    if status.returncode:
        errors = dict.fromkeys(x for x in status.stdout.splitlines() if " error: " in x)
        sys.exit("\n".join(errors) + "\nthe copy with the planted mistakes does not compile")


# -- the cases --------------------------------------------------------------------------------

class Case:
    """A case of a suite, and what it does without a mistake."""

    def __init__(self, suite, name):
        self.suite = suite
        self.name = name
        self.seconds = 0.0
        self.passes = set()

    def __str__(self):
        return f"{self.suite} \"{self.name}\""

    def order(self):
        """Short ones first, and of these the ones that are about little else; real ports last."""
        is_real = self.name.startswith(("io_uring/", "epoll/"))
        return self.seconds > 0.5, is_real, len(self.passes), self.seconds


def run(cases, number, seconds=None, passed=None):
    """Runs cases of one suite with a mistake, up to the first that fails.
    @returns the exit code (77: all are skipped here), or None if they did not end in time"""
    spec = ",".join(re.sub(r"([\\,\[\]])", r"\\\1", case.name) for case in cases)
    environment = {**os.environ, "PIPEACTOR_MISTAKE": str(number)}
    if passed:
        environment["PIPEACTOR_MISTAKES_PASSED"] = str(passed)
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
             "stderr": subprocess.DEVNULL}
    with subprocess.Popen([BUILD / "bin" / f"{cases[0].suite}_tests", spec, "--abort"], cwd=WORK,
                          env=environment, start_new_session=True, **quiet) as process:
        try:
            return process.wait(seconds or SECONDS + FACTOR * sum(case.seconds for case in cases))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return None


def list_cases():
    """Returns the cases of both suites, without the long ones."""
    result = []
    for suite in SUITES:
        names = subprocess.run([BUILD / "bin" / f"{suite}_tests", "--list-test-names-only",
                                "~[long]"], check=False, stdout=subprocess.PIPE, text=True).stdout
        result += [Case(suite, name) for name in names.splitlines() if name]
    return result


def learn(case, size):
    """Runs a case without a mistake, and notes which places it passes.
    @returns whether it takes part: it is not skipped here, and does not fail"""
    passed = WORK / "passed" / hashlib.sha256(str(case).encode()).hexdigest()
    for _ in range(2):
        passed.write_bytes(bytes(size))
        begin = time.monotonic()
        code = run([case], 0, LAST_SECONDS, passed)
        case.seconds = round(time.monotonic() - begin, 3)
        if code == 0:
            case.passes = {n for n, byte in enumerate(passed.read_bytes()) if byte}
        if code in (0, 77):
            return code == 0
    print(f"fails without a mistake, and is left out: {case}", flush=True)
    return False


def learn_cases(mistakes):
    """Returns the cases that take part. What they pass is kept until the suites change."""
    print("runs each case once without a mistake", flush=True)
    digest = hashlib.sha256()
    for suite in SUITES:
        digest.update((BUILD / "bin" / f"{suite}_tests").read_bytes())
    kept = WORK / "passed.json"
    known = json.loads(kept.read_text()) if kept.is_file() else {}
    cases = list_cases()
    if known.get("digest") != digest.hexdigest():
        shutil.rmtree(WORK / "passed", ignore_errors=True)
        (WORK / "passed").mkdir()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            taken = pool.map(lambda case: learn(case, passed_size(mistakes)), cases)
            cases = [case for case, takes_part in zip(cases, taken) if takes_part]
        known = {"digest": digest.hexdigest(),
                 "cases": {str(c): [c.seconds, sorted(c.passes)] for c in cases}}
        kept.write_text(json.dumps(known))
        return cases
    cases = [case for case in cases if str(case) in known["cases"]]
    for case in cases:
        case.seconds, passes = known["cases"][str(case)]
        case.passes = set(passes)
    return cases


# -- the search -------------------------------------------------------------------------------

def groups(cases):
    """Yields the cases in groups of one suite that grow: most mistakes are found by the first."""
    size = 1
    while cases:
        group = [case for case in cases[:size] if case.suite == cases[0].suite]
        yield group
        cases = [case for case in cases if case not in group]
        size = min(2 * size, MOST_TOGETHER)


def search(mistake, cases, finder):
    """Tries a mistake on the cases that pass its place.
    @param finder the case that found it before, as text
    @returns what was seen, and the case that saw it, or None"""
    able = sorted((c for c in cases if mistake.number in c.passes),
                  key=lambda c: (str(c) != finder, *c.order()))
    limits = []
    sometimes = None
    for group in groups(able):
        if len(group) > 1 and run(group, mistake.number) in (0, 77):
            continue
        for case in group:
            code = run([case], mistake.number)
            if code is None:
                limits.append(case)
            elif code not in (0, 77):
                if run([case], mistake.number) not in (0, 77):
                    return "found", case
                sometimes = case
            if len(limits) == MOST_LIMITS:
                break
        if len(limits) == MOST_LIMITS:
            break
    if limits:
        ended = run(limits[:1], mistake.number, LAST_SECONDS) is not None
        return "found" if ended else "TIME LIMIT", limits[0]
    if sometimes:
        return "SOMETIMES", sometimes
    return f"NOT FOUND by {len(able)} cases", None


def main():
    words = [word for word in sys.argv[1:] if word != "--check"]
    mistakes = read_lists()
    wrong = check(mistakes)
    if wrong:
        sys.exit("\n".join(wrong))
    if "--check" in sys.argv[1:]:
        print(f"{len(mistakes)} mistakes can be planted")
        return 0
    WORK.mkdir(exist_ok=True)
    copy_tree(mistakes)
    print("builds the suites with all mistakes", flush=True)
    build()
    cases = learn_cases(mistakes)
    chosen = [m for m in mistakes
              if not words or any(w in f"{m.part} {m.file} {m.name}" for w in words)]
    kept = WORK / "finders.json"
    finders = json.loads(kept.read_text()) if kept.is_file() else {}
    counts = {}
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        searches = {pool.submit(search, m, cases, finders.get(m.name)): m for m in chosen}
        for done in concurrent.futures.as_completed(searches):
            mistake = searches[done]
            seen, case = done.result()
            print(f"{mistake.part}: {mistake.name}: {seen}{f' by {case}' if case else ''}",
                  flush=True)
            counts[seen.split(" by ")[0]] = counts.get(seen.split(" by ")[0], 0) + 1
            if seen == "found":
                finders[mistake.name] = str(case)
                kept.write_text(json.dumps(finders))
    found = counts.get("found", 0) + counts.get("TIME LIMIT", 0)
    print(", ".join(f"{seen}: {count}" for seen, count in sorted(counts.items())))
    print(f"{found} of {len(chosen)} planted mistakes found")
    return 0 if 10 * found >= 9 * len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())

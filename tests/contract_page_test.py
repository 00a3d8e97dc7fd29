#!/usr/bin/env python3
"""Checks docs/contract.md and docs/security.md against the tests: contract_page_test.py [ROOT].

Below each rule the pages name its proofs: `- contract: "NAME", "NAME"; unit: "NAME"`, where a
kind is a folder of tests/, a name in quotes is a Catch2 case and one in backticks, FILE/CASE,
a case of FILE_test.py. In the last column of a table the kind is left out. Each name must exist,
and contract.md must name each case of tests/contract.
"""

import re
import sys
from pathlib import Path

PAGE = "docs/contract.md"
PAGES = (PAGE, "docs/security.md")
KINDS = ("contract", "unit", "integration", "stress", "sweep", "windows", "simulation")
STRING = r'"(?:[^"\\]|\\.)*"'
# A macro that makes a case, with a name of one or several adjacent literals.
CASE = re.compile(rf"\b[A-Z_]*(?:TEST_CASE|SCENARIO)[A-Z_]*\(\s*((?:{STRING}\s*)+)")
PYTHON_CASE = re.compile(r"^    def test_(\w+)", re.MULTILINE)
PROOF = re.compile(rf"\s*- (?=(?:{'|'.join(KINDS)}): )")


def literal(source):
    """Returns the text of adjacent string literals."""
    parts = re.findall(STRING, source)
    return "".join(part[1:-1].replace('\\"', '"') for part in parts)


def cases(root, kind):
    """Returns the names of a kind's cases, as the page writes them."""
    folder = root / "tests" / kind
    found = {f'"{literal(match)}"' for path in folder.glob("*.cpp")
             for match in CASE.findall(path.read_text(encoding="utf-8"))}
    return found | {f"`{path.name.removesuffix('_test.py')}/{name}`"
                    for path in folder.glob("*_test.py")
                    for name in PYTHON_CASE.findall(path.read_text(encoding="utf-8"))}


def items(text):
    """Yields the line and the text of each proof, over line breaks."""
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not PROOF.match(line):
            continue
        parts = [PROOF.sub("", line)]
        for more in lines[number:]:
            if not more.strip() or more.lstrip().startswith("- "):
                break
            parts.append(more.strip())
        yield number, " ".join(parts)


def proofs(text):
    """Yields (line, kind, name) of each test that the page names."""
    kinds = "|".join(KINDS)
    for number, item in items(text):
        kind = ""
        for token in re.findall(rf'(?:{kinds}): |"[^"]*"|`[^`]*`', item):
            if token.endswith(": "):
                kind = token[:-2]
            else:
                yield number, kind, token


def proofs_of_tables(text):
    """Yields (line, name) of each test in the last column of a table."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("| "):
            for name in re.findall(r'"[^"]+"|`\w+/\w+`', line.rstrip("| ").rsplit(" | ", 1)[-1]):
                yield number, name


def breaches(root):
    """Yields what is wrong with the pages."""
    existing = {kind: cases(root, kind) for kind in KINDS}
    everything = set().union(*existing.values())
    for page in PAGES:
        text = (root / page).read_text(encoding="utf-8")
        named = {kind: set() for kind in KINDS}
        for number, kind, name in proofs(text):
            named[kind].add(name)
            if name not in existing[kind]:
                yield f"{page}:{number}: tests/{kind} has no case {name}"
        for number, name in proofs_of_tables(text):
            if name not in everything:
                yield f"{page}:{number}: no test has the name {name}"
        if not named["contract"]:
            yield f"{page}: no proofs were found"
        if page == PAGE:
            for name in sorted(existing["contract"] - named["contract"]):
                yield f"{page}: no rule names the contract case {name}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    found = list(breaches(root))
    print("\n".join(found or ["the pages name cases that exist, and contract.md every contract case"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

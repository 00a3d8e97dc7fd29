#!/usr/bin/env python3
"""Checks docs/mqtt-conformance.md against the tests: conformance_page_test.py [ROOT].

Each row of the page's tables is `| PARAGRAPH | "CASE" |`. Each case must be one of tests/hub. Its
name begins with a version and a paragraph ("5.0 MQTT-3.1.2-3: ..."), or a comment in front of it
does: "Proves too: 5.0 MQTT-3.1.2-4, 3.1.1 MQTT-3.1.2-6." Each of these must have its row.
"""

import re
import sys
from pathlib import Path

PAGE = "docs/mqtt-conformance.md"
STRING = r'"(?:[^"\\]|\\.)*"'
CASE = re.compile(rf"((?:^//.*\n)*)(?:TEST_CASE|REFUSED\w*)\(\s*((?:{STRING}\s*)+)", re.MULTILINE)
ALSO = re.compile(r"Proves too: ([^:]+)\.\s*$")
PARAGRAPH = re.compile(r"(3\.1\.1|5\.0) ((?:MQTT-)?\d[\w.-]*\w)")
TITLE = re.compile(r"## MQTT (\S+)$")
ROW = re.compile(r'\| ([\w.-]+) \| "(.+)" \|$')


def proofs(root):
    """Returns (version, paragraph, case) for all that the hub's cases say they prove."""
    found = set()
    for path in (root / "tests" / "hub").glob("*_test.cpp"):
        for comment, literals in CASE.findall(path.read_text(encoding="utf-8")):
            name = "".join(part[1:-1] for part in re.findall(STRING, literals))
            also = ALSO.search(re.sub(r"\n// ", " ", comment))
            said = name.partition(":")[0] + (" " + also[1] if also else "")
            found |= {(*paragraph, name) for paragraph in PARAGRAPH.findall(said)}
    return found


def rows(root):
    """Returns (version, paragraph, case) for all rows of the page."""
    found = set()
    version = ""
    for line in (root / PAGE).read_text(encoding="utf-8").split("\n"):
        if match := TITLE.match(line):
            version = match[1]
        elif match := ROW.match(line):
            found.add((version, *match.groups()))
    return found


def breaches(root):
    """Yields what is wrong with the page."""
    proved, listed = proofs(root), rows(root)
    for row in sorted(listed - proved):
        yield f"{PAGE}: tests/hub has no such case: {row}"
    for row in sorted(proved - listed):
        yield f"{PAGE}: no row for {row}"
    if not listed:
        yield f"{PAGE}: no rows were found"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    found = list(breaches(root))
    print("\n".join(found or [f"{PAGE} names the cases that exist"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Prints how many tests passed, failed and were skipped: count_tests.py JUNIT_REPORT_OF_CTEST"""

import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter

results = Counter(test.get("status") for test in ElementTree.parse(sys.argv[1]).iter("testcase"))
print(results.pop("run", 0), results.pop("fail", 0), sum(results.values()))

# SPDX-License-Identifier: GPL-2.0-only
"""What the judges of the lab's suites share: TAP on stdout, what holds of any log, and a look into
the directory that a suite left behind."""

import json
import os
import re
import sys

results = []
COMPLAINTS = ("WARNING|BUG|Oops|hvtrace: CPU|NMI received|unchecked MSR|Call Trace|"
              "Bad page")


def check(what, ok, detail=""):
    """One test point; @detail, when it failed: a text of any number of lines."""
    results.append(bool(ok))
    print(f"{'ok' if ok else 'not ok'} {len(results)} - {what}", flush=True)
    if not ok and detail != "":
        print("\n".join(f"# {line[:1000]}" for line in str(detail).splitlines()[:20]))


def note(line):
    print(f"# {line}", flush=True)


def finish():
    print(f"1..{len(results)}")
    sys.exit(not all(results))


def run_parts(parts):
    for part in parts:
        try:
            part()
        except Exception as e:  # a missing file or field is a failed check, not a crash
            check(f"{part.__name__}: {type(e).__name__}: {e}", False)
    finish()


def difference(want, got):
    """The first place where two lists differ, with what is around it."""
    n = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
    show = [f"at {n} of {len(want)}, {len(got)} seen"]
    show += [f"want {x}" for x in want[max(0, n - 1):n + 3]]
    show += [f"seen {x}" for x in got[max(0, n - 1):n + 3]]
    return "\n".join(show)


def calm(dmesg):
    """Nothing there that a healthy kernel, or we, would not say."""
    bad = [li for li in dmesg.splitlines() if re.search(COMPLAINTS, li) and "RETBleed" not in li]
    check("the kernel did not complain", not bad, "\n".join(bad))


def check_complete(what, events):
    """Every record of every CPU is there: sequence numbers without a gap."""
    seqs = {}
    for e in events:
        seqs.setdefault(e["cpu"], []).append(e["seq"])
    gaps = {c: s for c, s in seqs.items() if sorted(s) != list(range(min(s), min(s) + len(s)))}
    lost = [e for e in events if e["type"] == "lost"]
    check(f"{what}: no record is missing, none twice", not gaps and not lost,
          f"lost {lost[:3]}, gaps on CPUs {list(gaps)}")


class Directory:
    """What a suite left."""

    def __init__(self, path):
        self.directory = path

    def path(self, name):
        return os.path.join(self.directory, name)

    def text(self, name):
        with open(self.path(name), errors="replace") as f:
            return f.read()

    def said(self, name):
        """The text of a file, or why there is none."""
        try:
            return self.text(name)
        except OSError as e:
            return str(e)

    def load(self, name):
        """The JSON lines of a run, and the rest of its output: the program's own."""
        lines = self.text(name).splitlines(keepends=True)
        return ([json.loads(li) for li in lines if li.startswith("{")],
                "".join(li for li in lines if not li.startswith("{")))

# SPDX-License-Identifier: GPL-2.0-only
"""Compiles programs, makes logs of accesses by all of their instructions, and compares the
lines of source with those of addr2line.

usage: lines.py HVTRACE LINELOG DIRECTORY    Prints TAP. The compiler is in the environment.
"""
import collections
import csv
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys

from tap import finish, ok, skip

hvt, linelog, directory = sys.argv[1:]
compiler = os.environ["compiler"]
BASE = 0x550000000000

PROGRAM = r"""
#include "part.h"
static int twice(int v)
{
	return v *
		2;
}
int main(int argc, char **argv)
{
	int i, sum = 0;

	for (i = 0; i < argc; i++)
		sum += twice(part(i)) + argv[i][0];
# 7 "odd \033[31m\"name.c"
	return sum;
}
"""
PART = """static inline int part(int v)
{
	if (v & 1)
		return v;
	return -v;
}
"""


def run(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


class Program:
    """One that was compiled, and what addr2line says of its instructions."""

    def __init__(self, name, *flags):
        self.path = f"{directory}/{name}"
        for source, text in (f"{name}.c", PROGRAM), ("part.h", PART):
            with open(f"{directory}/{source}", "w") as f:
                f.write(text)
        # The same code with DWARF 4: of DWARF 5 the addr2line of binutils 2.40 names wrong files.
        twin = self.path + ".twin"
        for to, version in (twin, "-gdwarf-4"), (self.path, "-g"):
            run(compiler, "-O0", version, *flags, "-o", to, self.path + ".c")
        found = re.search(r"Build ID: (\w+)", run("readelf", "-nW", self.path).decode())
        self.id = found[1] if found else "-"
        listing = run("objdump", "-d", "--section=.text", self.path).decode()
        self.at = [int(a, 16) for a in re.findall(r"^ *([0-9a-f]+):\t", listing, re.M)]
        assert run("objdump", "-d", "--section=.text", twin).split(b"\n", 3)[3] == listing.encode().split(b"\n", 3)[3]
        told = run("addr2line", "-e", twin, *map(hex, self.at)).decode("latin-1").splitlines()
        told = [re.sub(r" \(discriminator \d+\)$", "", line) for line in told]
        self.truth = [None if re.search(r"\?\?|:[?0]$", line) else line for line in told]
        # the segment with the code, as the loader maps it: whole pages
        for line in run("readelf", "-lW", self.path).decode().splitlines():
            load = re.match(r" +LOAD +0x(\w+) 0x(\w+) 0x\w+ 0x(\w+) 0x\w+ R E", line)
            if load:
                offset, vaddr, size = (int(v, 16) for v in load.groups())
        self.offset, self.start = offset & ~4095, vaddr & ~4095
        self.length = vaddr + size - self.start
        self.base = BASE if self.start < 0x400000 else 0

    def log(self, path=None, ident=None, what="-"):
        """The path of a log of accesses by all of its instructions."""
        to = f"{directory}/log"
        with open(to, "wb") as f:
            subprocess.run([linelog, path or self.path, ident or self.id, hex(self.base + self.start),
                            hex(self.length), hex(self.offset), what,
                            *(hex(self.base + a) for a in self.at)], check=True, stdout=f)
        return to


def script(log, *options, prefix=()):
    done = subprocess.run([*prefix, hvt, "script", *options, log], capture_output=True)
    assert done.returncode == 0, done
    return done.stdout


def lines(log, **more):
    return [json.loads(line).get("line") for line in script(log, "--lines", "--format", "json", **more).splitlines()]


def latin(told):
    """As JSON has it: bytes that are no UTF-8 do not come here."""
    return [t and t.encode("latin-1").decode() for t in told]


programs = [Program("pie", "-pie", "-fPIE"), Program("fixed", "-no-pie", "-fno-PIE"),
            Program("dwarf4", "-gdwarf-4", "-pie", "-fPIE"),
            Program("packed", "-gz=zlib", "-pie", "-fPIE")]
for p in programs:
    name = os.path.basename(p.path)
    got, want = lines(p.log()), latin(p.truth)
    ok(got == want and len(set(want)) > 10, f"{name}: what addr2line says",
       [(hex(a), g, w) for a, g, w in zip(p.at, got, want) if g != w])
pie = programs[0]
want = latin(pie.truth)
ok(any("part.h:4" in (w or "") for w in want) and None in want, "there are some of a header, and some unknown")
ok(lines(pie.log(what="object")) == want, "by the segments that the log has, too")

# --- every format
log = pie.log()
ok(not any("line" in json.loads(e) for e in script(log, "--format", "json").splitlines()), "no lines unless asked for")


def escaped(line):
    return "".join(c if " " <= c <= "~" and c != "\\" else "\\\\" if c == "\\" else f"\\x{ord(c):02x}" for c in line)


text = script(log, "--lines").decode().splitlines()
plain = script(log).decode().splitlines()
ok(text == [line + (f"  {escaped(w)}" if w else "") for line, w in zip(plain, pie.truth)],
   "text has them at the end of a line, without what a terminal could act on", "\n".join(text[:30]))
rows = list(csv.DictReader(io.StringIO(script(log, "--lines", "--format", "csv").decode())))
ok([r["line"] for r in rows] == [escaped(w or "") for w in pie.truth], "csv has a field")
chosen = [line.split("\t")[1] for line in script(log, "--fields", "ip,line").decode().splitlines()]
ok(chosen == [escaped(w or "-") for w in pie.truth], "--fields line asks for them")
report = run(hvt, "report", "--sort", "line", "--format", "json", log)
counted = {r["line"]: r["count"] for r in map(json.loads, report.splitlines())}
ok(counted == collections.Counter(escaped(w or "?") for w in pie.truth), "report counts by them", counted)

# --- debug files
home = f"{directory}/home"
os.makedirs(f"{home}/.debug")
stripped, debug = f"{home}/program", f"{directory}/program.debug"
run("objcopy", "--only-keep-debug", pie.path, debug)
run("objcopy", "--strip-debug", f"--add-gnu-debuglink={debug}", pie.path, stripped)
log = pie.log(stripped)
ok(lines(log) == [None] * len(want), "a stripped program has none")
for place in home, f"{home}/.debug":
    there = shutil.copy(debug, place)
    ok(lines(log) == want, f"its debug file has them: {os.path.relpath(place, directory)}")
    os.remove(there)
root = f"{directory}/filed/.build-id/{pie.id[:2]}"
os.makedirs(root)
shutil.copy(debug, f"{root}/{pie.id[2:]}.debug")
own = ["unshare", "-rm", "sh", "-c", f"mount --bind '{directory}/filed' /usr/lib/debug && exec \"$@\"", "sh"]
if os.path.isdir("/usr/lib/debug") and not subprocess.run([*own, "true"], capture_output=True).returncode:
    ok(lines(log, prefix=own) == want, "so has one by its build-id in /usr/lib/debug")
    os.remove(stripped)
    ok(lines(pie.log(stripped, what="object"), prefix=own) == want, "when the program itself is gone, too")
else:
    for what in "so has one by its build-id in /usr/lib/debug", "when the program itself is gone, too":
        skip(what, "nothing can be mounted on /usr/lib/debug here")

# --- other files
other = Program("other", "-pie", "-fPIE", "-DOTHER=1", "-Wl,--build-id=0x" + "5a" * 20)
run("objcopy", "--strip-debug", f"--add-gnu-debuglink={debug}", pie.path, stripped)
run("objcopy", "--only-keep-debug", other.path, f"{home}/.debug/program.debug")
ok(lines(pie.log(stripped)) == [None] * len(want), "a debug file with another build-id is not used")
ok(lines(other.log(ident=pie.id)) == [None] * len(other.at), "nor is a program")
ok(lines(other.log(ident=pie.id, what="object")) == [None] * len(other.at), "nor is it when the log has its segments")
bare = Program("bare", "-pie", "-fPIE", "-Wl,--build-id=none")
ok(lines(bare.log()) == [None] * len(bare.at) and any(bare.truth), "nor is one without a build-id")
ok(lines(bare.log(ident=pie.id)) == [None] * len(bare.at), "whatever the log says")

# --- bytes of a stranger
chance, log, crashed = random.Random(1), pie.log(f"{directory}/bad", what="object"), []
with open(pie.path, "rb") as f:
    good = f.read()
told = 0
for n in range(150):
    bad = bytearray(good[:chance.randrange(len(good))] if n % 10 == 0 else good)
    for _ in range(chance.choice((1, 4, 40))):
        # the front has headers and the build-id; debug information is behind it
        bad[chance.randrange(len(bad) // 3 if n % 3 == 0 else 0, len(bad))] = chance.choice((0, 0x7f, 0x80, 0xff, n))
    with open(f"{directory}/bad", "wb") as f:
        f.write(bad)
    done = subprocess.run([hvt, "script", "--lines", "--format", "json", log], capture_output=True, timeout=60)
    told += b'"line":' in done.stdout
    if done.returncode:
        crashed.append((n, done.returncode, done.stderr[-600:]))
ok(not crashed and told, f"damaged debug information is survived ({told} of 150 still have lines)", crashed[:2])
finish()

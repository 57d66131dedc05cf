#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Talks to the simulator's debugger: what it says comes in on stdin, commands go out on
stdout. The guest (programs/oracle.c) stops at magic breakpoints to say which physical
bytes to watch from when to when; in between the debugger's own lines about these bytes are
kept, unchanged, in the file KEPT. usage: session.py KEPT
"""

import os
import re
import sys

MAGIC = 0x68767472
PAGE = 4096
REGISTER = re.compile(rb"(r[a-z0-9]+): ([0-9a-f]{8})_([0-9a-f]{8})")


def merged(pieces):
    """Those that touch as one: the debugger has 16 watchpoints of each kind."""
    result = []
    for at, length in sorted(pieces):
        if result and sum(result[-1]) == at:
            result[-1] = (result[-1][0], result[-1][1] + length)
        else:
            result.append((at, length))
    return result


class Session:
    def __init__(self, kept):
        self.kept = kept
        self.pieces = []
        self.pages = set()
        self.registers = None  # being printed, at a magic breakpoint
        self.watching = False
        self.t = b"0"

    def say(self, *commands):
        sys.stdout.write("".join(c + "\n" for c in commands))
        sys.stdout.flush()

    def line(self, line):
        if line.startswith(b"Next at t="):
            self.t = line[len(b"Next at t="):]
        if line.startswith(b"[CPU"):
            if self.watching:
                at = line.find(b"PHY 0x") + 6
                if int(line[at:line.index(b" ", at)], 16) // PAGE in self.pages:
                    self.kept.write(line + b"\n")
        elif self.registers is not None:
            for m in REGISTER.finditer(line):
                self.registers[m[1]] = int(m[2] + m[3], 16)
            if b"rip" in self.registers:
                r, self.registers = self.registers, None
                self.magic(r)
        elif b"Magic breakpoint" in line:
            self.registers = {}
            self.say("r")
        elif self.watching and (line[:1] in b"(N" or b"watchpoint at" in line):
            self.kept.write(line + b"\n")

    def magic(self, r):
        verb = chr(r[b"rax"] & 0xff) if r[b"rdx"] == MAGIC else ""
        if verb == "W":
            self.pieces.append((r[b"rdi"], r[b"rsi"]))
        elif verb == "B":
            name = r[b"rdi"].to_bytes(8, "little").rstrip(b"\0")
            self.pieces = merged(self.pieces)
            self.pages = {page for at, length in self.pieces
                          for page in range(at // PAGE, (at + length - 1) // PAGE + 1)}
            self.kept.write(b"begin %s %s %d %s\n" % (name, b"all" if r[b"rsi"] else b"hits",
                                                      len(self.pieces), self.t))
            self.watching = True
            for at, length in self.pieces:
                self.say(f"watch r 0x{at:x} {length}", f"watch w 0x{at:x} {length}")
            if r[b"rsi"]:
                self.say("trace-mem on")
        elif verb == "E":
            self.say("trace-mem off", "unwatch")
            self.kept.write(b"end %s\n" % self.t)
            self.watching = False
            self.pieces = []
        self.say("c")


def main():
    with open(sys.argv[1], "wb") as kept:
        session = Session(kept)
        session.say('setmagicbps "bx"', "watch continue", "c")
        rest = b""
        while chunk := os.read(0, 1 << 20):
            lines = (rest + chunk).split(b"\n")
            rest = lines.pop()
            for line in lines:
                session.line(line)
    return session.watching


sys.exit(main())

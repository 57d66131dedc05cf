# SPDX-License-Identifier: GPL-2.0-only
"""Compares a JSON trace, as Chromium's own trace engine reads it, with the JSON lines.

usage: export_perfetto.py TRACE JSON    Prints TAP.
The engine is that of the Performance panel in the developer tools of Debian's chromium: it is
loaded in a page of a headless chromium and given the trace over the debugging protocol.
"""
import base64
import json
import os
import queue
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

from tap import finish, ok

ENGINE = """(async trace => {
	const engine = await import("devtools://devtools/bundled/models/trace/trace.js");
	const model = engine.TraceModel.Model.createWithAllHandlers();
	await model.parse(trace.traceEvents, {});
	const {traceEvents, data} = model.parsedTrace(0);
	return {
		events: traceEvents,
		generic: data.Meta.traceIsGeneric,
		processes: [...data.Meta.processNames].map(([pid, e]) => [pid, e.args.name]),
		threads: [...data.Meta.threadsInProcess].flatMap(([pid, threads]) =>
			[...threads].map(([tid, e]) => [pid, tid, e.args.name])),
	};
})"""


class Page:
    """A page of a headless chromium: evaluate() over the DevTools protocol (a WebSocket)."""

    def __init__(self, profile):
        self.browser = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + profile,
             "--disable-dev-shm-usage", "--remote-debugging-port=0", "--remote-allow-origins=*", "about:blank"],
            stderr=subprocess.PIPE, text=True, errors="replace")
        self.said, self.address = [], queue.Queue()
        threading.Thread(target=self.listen, daemon=True).start()

    def open(self, url):
        address = self.address.get()
        if not address:
            raise OSError("it ended before it listened")
        new = urllib.request.Request(f"http://{address}/json/new?{url}", method="PUT")
        # on this machine, whatever proxy there is
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        target = urllib.parse.urlparse(json.load(opener.open(new, timeout=100))["webSocketDebuggerUrl"])
        self.socket = socket.create_connection((target.hostname, target.port), timeout=100)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {target.path} HTTP/1.1\r\nHost: {target.netloc}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        self.file = self.socket.makefile("rb")
        while (line := self.file.readline()) != b"\r\n":
            if not line:
                raise OSError("it ended")
        while self.evaluate("document.readyState == 'complete' && location.href")[0] != url:
            time.sleep(0.1)

    def listen(self):
        """Its standard error, to the end: a pipe that nobody reads would stop it."""
        for line in self.browser.stderr:
            self.said.append(line)
            found = re.search(r"DevTools listening on ws://([^/]+)/", line)
            if found:
                self.address.put(found[1])
        self.address.put(None)

    def close(self):
        self.browser.kill()
        self.browser.wait()

    def send(self, message):
        """One text frame (RFC 6455), masked with zeros."""
        data = json.dumps(message).encode()
        self.socket.sendall(b"\x81\xff" + struct.pack(">Q", len(data)) + bytes(4) + data)

    def receive(self):
        data, last = b"", False
        while not last:
            first, length = self.file.read(2)
            last = first & 0x80
            if length == 126:
                length, = struct.unpack(">H", self.file.read(2))
            elif length == 127:
                length, = struct.unpack(">Q", self.file.read(8))
            data += self.file.read(length)
        return json.loads(data)

    def evaluate(self, expression):
        self.send({"id": 1, "method": "Runtime.evaluate",
                   "params": {"expression": expression, "awaitPromise": True, "returnByValue": True}})
        while True:
            answer = self.receive()
            if answer.get("id") == 1:
                if "error" in answer:  # the page or its promise has gone; what a script throws is a result
                    raise OSError(str(answer["error"]))
                return answer["result"]["result"].get("value"), answer


def ask(expression):
    """What a page of the developer tools makes of it. Three browsers may die before they answer."""
    why = []
    for _ in range(3):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            page = Page(profile)
            try:
                page.open("devtools://devtools/bundled/devtools_app.html")
                return page.evaluate(expression)
            except (OSError, ValueError) as e:
                why = [f"no answer: {e!r}", *page.said[-6:]]
                print("".join(f"# chromium: {line.rstrip()}\n" for line in why), end="")
            finally:
                page.close()
    return None, "\n".join(why)


def counters(lines):
    """What was stored, in up to 8 bytes."""
    for e in lines:
        size = e.get("value_len", e.get("size"))
        if e["type"] == "access" and e["access"] in ("write", "rmw") and e["new"] and size <= 8:
            yield f"u{8 * size}", float(int(e["new"], 16)), e["ns"]


raw = open(sys.argv[1], encoding="ascii").read()
trace = json.loads(raw)
ok(set(trace) == {"displayTimeUnit", "traceEvents"}, "it is JSON, all ASCII")
lines = [json.loads(line) for line in open(sys.argv[2], encoding="ascii")]
engine, answer = ask(f"{ENGINE}({raw})")
ok(engine and engine["generic"], "Chromium's trace engine takes it", str(answer)[:2000])
engine = engine or {"events": [], "threads": [], "processes": []}

# its numbers are doubles: exact for the nanoseconds of 104 days
def canonical(v):
    if isinstance(v, dict):
        return {k: canonical(v[k]) for k in sorted(v)}
    return float(v) if isinstance(v, int) else v


everything = lambda events: sorted(json.dumps(canonical(e)) for e in events)
ok(everything(engine["events"]) == everything(trace["traceEvents"]),
   f"it has all {len(trace['traceEvents'])} trace events, as they were written")

instants = [e for e in engine["events"] if e["ph"] == "i"]
instants.sort(key=lambda e: e["ts"])
member = lambda e: (e["cat"], e["pid"], e["tid"], e["args"]["addr"], e["args"]["size"] or None,
                    e["args"]["old"], e["args"]["new"], e["args"]["insn"])
want = [(e["access"], e["pid"], e["tid"], e["addr"], e["size"], e["old"], e["new"], e["insn"])
        for e in lines if e["type"] == "access"]
got = [member(e) for e in instants if "cat" in e]
ok(got == want and want, f"an instant for each of {len(want)} accesses", (got, want))
times = [round(e["ts"] * 1000) for e in instants]
ok(times == [e["ns"] for e in lines], "and for all else, at its nanosecond", times)
got = [((width, float(value)), round(e["ts"] * 1000))
       for e in engine["events"] if e["ph"] == "C" for width, value in e["args"].items()]
want = [((width, value), ns) for width, value, ns in counters(lines)]
ok(sorted(got) == sorted(want) and want, f"a counter for each of {len(want)} values stored", (got, want))
comms = {(e["pid"], e["tid"]): e["comm"] for e in lines if "comm" in e}
ok({(pid, tid): name for pid, tid, name in engine["threads"]} == comms, "each thread has its name",
   (engine["threads"], comms))
ok({pid for pid, _ in engine["processes"]} == {pid for pid, _ in comms}, "each process has one")
finish()

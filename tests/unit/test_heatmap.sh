#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# hvtrace heatmap: every access is in the picture, once for each row it touches; the file
# fetches nothing and bad names stay names; in a real browser it zooms, pans and names what
# is under the pointer. Prints TAP.
# shellcheck source=tests/unit/tap.sh
. "$2/tap.sh"

"$build/tests/unit/mklog" >"$tmp/sample"
"$build/tests/unit/mklog" hostile >"$tmp/hostile"
"$build/tests/unit/mklog" random 9 >"$tmp/random"
python3 - "$hvt" "$tmp" "$(command -v chromium-headless-shell)" <<'PY'
import html, json, os, re, subprocess, sys, xml.dom.minidom
from tap import finish, ok, skip
hvt, tmp, browser = sys.argv[1:]

def run(*args, code=0, locale="C", **env):
    env = dict(os.environ, LC_ALL=locale, **env)
    r = subprocess.run([hvt, *args], capture_output=True, env=env)
    assert r.returncode == code, (args, r)
    return r.stdout

# --- what is in it: the cells of the SVG against the JSON of the events
def cells(path):
    for rect in xml.dom.minidom.parse(path).getElementsByTagName("rect"):
        titles = rect.getElementsByTagName("title")
        if titles:
            yield int(rect.getAttribute("y")), int(rect.getAttribute("x")), titles[0].firstChild.data

for log in ("hostile", "random"):
    path = "%s/%s.svg" % (tmp, log)
    run("heatmap", "-o", path, "--rows", "64", "%s/%s" % (tmp, log))
    events = [json.loads(l) for l in run("script", "--format", "json", "%s/%s" % (tmp, log)).splitlines()]
    svg = xml.dom.minidom.parse(path).documentElement
    start, width = svg.getAttribute("data-start"), int(svg.getAttribute("data-width"))
    start = int(start.replace(".", ""))
    per_row = int(re.search(r"(\d+) bytes a row", open(path).read())[1])
    want = {}
    for e in events:  # those at the watches' own addresses: where the others are not all can say
        a = int(e.get("addr", "0"), 16)
        if e["type"] != "access" or not (0x404000 <= a + (e["size"] or 1) and a < 0x406000 and e["pid"] == 100 or
                                         0xffffffff82000000 <= a < 0xffffffff82001000):
            continue
        for row in {(a + i) // per_row * per_row for i in range(e["size"] or 1)}:
            kind = {"read": 0, "exec": 2}.get(e["access"], 1)
            key = (row, (e["ns"] - start) // width)
            want.setdefault(key, [0, 0, 0])[kind] += 1
    got, bad = {}, []
    for y, x, title in cells(path):
        m = re.search(r" at 0x([0-9a-f]+)(?: of process \d+)?, (\d+\.\d{9}) s: (\d+) read, (\d+) write, (\d+) execute", title)
        if not m or int(m[2].replace(".", "")) != start + x * width:
            bad.append(title)
            continue
        got[int(m[1], 16) // per_row * per_row, x] = [int(m[i]) for i in (3, 4, 5)]
    ok(not bad and got, "%s: each cell says where, when and how often" % log, bad[:3])
    if log == "hostile":
        ok(got == want and sum(map(sum, got.values())) >= 200, "each access is in the cells that it touches",
           [(k, got.get(k), want.get(k)) for k in sorted(set(got) | set(want)) if got.get(k) != want.get(k)][:5])
    else:
        shown = {k: v for k, v in want.items() if k in got and all(g >= w for g, w in zip(got[k], v))}
        near = {k for k in want if not any(lo <= k[0] + per_row and k[0] <= hi for lo, hi in (
            (0x404010, 0x404037), (0x404ff0, 0x405017), (0x405100, 0x40510f), (0xffffffff82000000, 0xffffffff82000017)))}
        ok(len(shown) * 10 > (len(want) - len(near)) * 8, "and of the random log", (len(shown), len(want), len(near)))

# --- the text
text = run("heatmap", tmp + "/hostile").decode("ascii").splitlines()
ok(len(text) <= 24 and all(len(l) <= 80 or i == 0 for i, l in enumerate(text)), "without a terminal it fits 24x80 and is ASCII", text)
ok("\u2588" in run("heatmap", tmp + "/hostile", locale="C.UTF-8").decode(), "UTF-8 gets blocks")
ok(b"\033" not in run("heatmap", tmp + "/hostile", locale="C.UTF-8"), "a pipe gets no colours")
def terminal(*args, **env):
    """What hvtrace prints on a terminal of its own."""
    import pty
    pid, fd = pty.fork()
    if not pid:
        os.environ.update(LC_ALL="C.UTF-8", TERM="xterm-256color", **env)
        os.execv(hvt, [hvt, *args])
    out = b""
    try:
        while chunk := os.read(fd, 65536):
            out += chunk
    except OSError:
        pass
    return out if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0 else b""
ok(b"\033[38;5;" in terminal("heatmap", tmp + "/hostile", PAGER="cat"), "a terminal gets colours")
plain = terminal("heatmap", tmp + "/hostile", PAGER="cat", NO_COLOR="1")
ok(b"\033" not in plain and plain, "but not with NO_COLOR")
paged = terminal("script", tmp + "/hostile", PAGER="sed s/^/PAGED/")
ok(paged.count(b"PAGED") == 200, "a terminal gets the pager", paged[:200])
ok(b"PAGED" not in run("script", tmp + "/hostile", PAGER="sed s/^/PAGED/"), "a pipe does not")
for bad in (["-o", "x.png"], ["--rows", "1"], ["--rows", "9999"], ["--cols", "x"]):
    r = subprocess.run([hvt, "heatmap", *bad, tmp + "/sample"], capture_output=True)
    ok(r.returncode == 2 and r.stderr.count(b"\n") == 1 and b"; try: " in r.stderr, "%s: exit 2" % bad, r)
r = subprocess.run([hvt, "heatmap", "-o", tmp + "/none/x.svg", tmp + "/sample"], capture_output=True)
ok(r.returncode == 1 and r.stderr.count(b"\n") == 1, "an unwritable file is one line, exit 1", r)

# --- in a browser
for kind in ("html", "svg"):
    run("heatmap", "-o", "%s/h.%s" % (tmp, kind), tmp + "/hostile")
    page = open("%s/h.%s" % (tmp, kind), encoding="ascii").read()
    ok(not re.search(r"(src|href)\s*=\s*[\"']|url\(|@import|fetch\(|XMLHttp", re.sub(r"&[a-z#0-9]+;", "", page)) and
       page.count("<script") == 1 and "<img" not in page, "%s: refers to nothing outside, has one script" % kind)
    if not browser:
        skip("%s in a browser" % kind, "no chromium-headless-shell")
        continue
    act = """<script>//<![CDATA[
(function () {
var plot = document.getElementById('plot'), frame = document.getElementById('frame'), r = frame.getBoundingClientRect();
var svg = document.getElementById('heat');
function note(k) { svg.setAttribute('data-test-' + k, [plot.getAttribute('viewBox'), document.getElementById('from').textContent,
  document.getElementById('to').textContent, document.querySelectorAll('#labels text:not([display])').length,
  document.getElementById('what').textContent].join('|')); }
function mouse(type, on, fx, fy, more) { on.dispatchEvent(new (type === 'wheel' ? WheelEvent : MouseEvent)(type, Object.assign(
  { bubbles: true, cancelable: true, clientX: r.left + fx * r.width, clientY: r.top + fy * r.height }, more))); }
note('start');
var first = plot.querySelector('rect title').parentNode;
mouse('mouseover', first, 0, 0);
note('hover');
for (var i = 0; i < 5; i++) mouse('wheel', plot, 0.5, 0.5, { deltaY: -1 });
note('zoom');
mouse('mousedown', plot, 0.5, 0.5); mouse('mousemove', window, 0.25, 0.5); mouse('mouseup', window, 0.25, 0.5);
note('pan');
mouse('wheel', plot, 0, 0, { deltaY: -1, shiftKey: true });
note('time');
mouse('dblclick', plot, 0.5, 0.5);
note('reset');
})();
//]]></script>
"""
    end = "</body>" if kind == "html" else "</svg>"
    at = page.rindex(end)
    with open("%s/test.%s" % (tmp, kind), "w") as f:
        f.write(page[:at] + act + page[at:])
    r = subprocess.run([browser, "--no-sandbox", "--disable-gpu", "--user-data-dir=%s/profile" % tmp, "--dump-dom",
                        "file://%s/test.%s" % (tmp, kind)], capture_output=True, timeout=400)
    dom = r.stdout.decode("utf-8", "replace")
    notes = {k: html.unescape(v).split("|", 4) for k, v in re.findall(r'data-test-(\w+)="([^"]*)"', dom)}
    ok(set(notes) == {"start", "hover", "zoom", "pan", "time", "reset"}, "%s: the page's script runs in the browser" % kind, r.stderr[-500:])
    if len(notes) < 6:
        continue
    box = {k: [float(x) for x in v[0].split()] for k, v in notes.items()}
    # the pointer's place is in whole pixels
    close = lambda a, b: abs(a - b) < cols / 500
    cols, rows = box["start"][2:]
    ok(box["start"][:2] == [0, 0] and notes["start"][3] == str(int(-(-rows // (rows // 40 + 1)))),
       "%s: begins with all of it, as many rows named as there is room for" % kind, notes["start"])
    ok(re.search(r"0xffffffff82000000, 5\.0000\d+ s: \d+ read, \d+ write", notes["hover"][4]) and "</title>" in notes["hover"][4] and
       "<script>" in notes["hover"][4], "%s: the pointer names the cell, bad names are text" % kind, notes["hover"])
    x, y, w, h = box["zoom"]
    ok(close(w, cols * 0.8 ** 5) and close(h, max(1, rows * 0.8 ** 5)) and close(x + w / 2, cols / 2) and
       float(notes["zoom"][1].split()[0]) > float(notes["start"][1].split()[0]) and
       float(notes["zoom"][2].split()[0]) < float(notes["start"][2].split()[0]) and int(notes["zoom"][3]) < rows,
       "%s: the wheel zooms about the pointer, axis and names follow" % kind, notes["zoom"])
    ok(close(box["pan"][0], x + w / 4) and close(box["pan"][2], w), "%s: dragging pans" % kind, (box["zoom"], box["pan"]))
    ok(close(box["time"][2], w * 0.8) and close(box["time"][3], h), "%s: with Shift time alone" % kind, box["time"])
    ok(box["reset"] == box["start"], "%s: a double click shows all again" % kind, box["reset"])
    ok("owned" not in re.findall(r"<title>([^<]*)</title>", dom)[:1] and not re.search(r"<(img|b)[ >]", dom) and
       dom.count("<script") == 2, "%s: no bad name became an element" % kind)
finish()
PY

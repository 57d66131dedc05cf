/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The heat map as one SVG, alone or in a page of HTML. Everything is in the file, nothing
 * is fetched. The picture is there without the script; that zooms, pans and names what is
 * under the pointer. Names come from strangers: they go in as printable ASCII with the
 * five characters of XML escaped, and the script only moves them about as text.
 */
#include "heat.h"

#include <inttypes.h>

#define LEFT   260 /* of the plot, in the drawing's units */
#define TOP    40
#define WIDTH  920
#define HEIGHT 600

static const char *const colours[] = { "",	  "#ffffcc", "#ffeda0", "#fed976", "#feb24c",
				       "#fd8d3c", "#fc4e2a", "#e31a1c", "#bd0026", "#800026" };

#define LEVELS ((int)(sizeof(colours) / sizeof(colours[0])) - 1)

static void escaped(FILE *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			putc(*s, out);
		}
	}
}

static void seconds(FILE *out, uint64_t ns)
{
	fprintf(out, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
}

/* How often which kind, and mostly by whom. */
static void title(const struct hvt_heat *h, FILE *out, size_t row, size_t col)
{
	const struct hvt_cell *c = hvt_grid_at(&h->grid, row, col);
	const struct hvt_band *band;
	uint64_t addr;

	fputs("<title>", out);
	escaped(out, hvt_heat_row(h, row, &band));
	addr = band->addr + (row - band->row) * h->per_row;
	fprintf(out, " at 0x%" PRIx64, addr);
	if (band->space.pid)
		fprintf(out, " of process %" PRId32, band->space.pid);
	fputs(band->space.physical ? " (physical), " : ", ", out);
	seconds(out, h->grid.start_ns + col * h->grid.width_ns);
	fputs(" s: ", out);
	fprintf(out, "%" PRIu64 " read, %" PRIu64 " write, %" PRIu64 " execute", c->reads,
		c->writes, c->execs);
	if (c->name) {
		fputs(c->weight ? "; mostly " : "; among others ", out);
		escaped(out, h->names.rows[c->name - 1].key);
	}
	fputs("</title>", out);
}

static void cells(const struct hvt_heat *h, FILE *out)
{
	uint64_t most = hvt_heat_most(h), n;
	size_t r, c;

	for (r = 0; r < h->grid.rows; r++)
		for (c = 0; c < h->grid.used; c++) {
			n = hvt_cell_sum(hvt_grid_at(&h->grid, r, c));
			if (!n)
				continue;
			fprintf(out,
				"<rect x=\"%zu\" y=\"%zu\" width=\"1\" height=\"1\" fill=\"%s\">",
				c, r, colours[hvt_heat_level(n, most, LEVELS)]);
			title(h, out, r, c);
			fputs("</rect>\n", out);
		}
}

static void labels(const struct hvt_heat *h, FILE *out)
{
	size_t every = h->grid.rows / 40 + 1, r;
	const struct hvt_band *band;

	fputs("<g id=\"labels\" text-anchor=\"end\">\n", out);
	for (r = 0; r < h->grid.rows; r++) {
		fprintf(out, "<text data-row=\"%zu\" x=\"%d\" y=\"%.1f\"%s>", r, LEFT - 8,
			TOP + 4 + ((double)r + 0.5) * HEIGHT / (double)h->grid.rows,
			r % every ? " display=\"none\"" : "");
		escaped(out, hvt_heat_row(h, r, &band));
		fputs("</text>\n", out);
	}
	fputs("</g>\n", out);
}

/* Wheel: both axes, with Shift time alone. Drag: pan. Double click or 0: all of it. */
static const char script[] =
	"(function () {\n"
	"var svg = document.getElementById('heat'), plot = document.getElementById('plot');\n"
	"var frame = document.getElementById('frame'), drag = null;\n"
	"function fact(name) { return Number(svg.getAttribute('data-' + name)); }\n"
	"var cols = fact('cols'), rows = fact('rows'), start = fact('start'), wide = fact('width');\n"
	"var view = { x: 0, y: 0, w: cols, h: rows };\n"
	"function say(id, text) { document.getElementById(id).textContent = text; }\n"
	"function at(col) { return (start + col * wide / 1e9).toFixed(9); }\n"
	"function limit(v, size, all) { return Math.max(0, Math.min(v, all - size)); }\n"
	"function show() {\n"
	"  view.x = limit(view.x, view.w, cols);\n"
	"  view.y = limit(view.y, view.h, rows);\n"
	"  plot.setAttribute('viewBox', [view.x, view.y, view.w, view.h].join(' '));\n"
	"  say('from', at(view.x) + ' s');\n"
	"  say('to', at(view.x + view.w) + ' s');\n"
	"  var every = Math.floor(view.h / 40) + 1;\n"
	"  document.querySelectorAll('#labels text').forEach(function (t) {\n"
	"    var row = Number(t.getAttribute('data-row')), y = (row + 0.5 - view.y) / view.h;\n"
	"    var seen = y >= 0 && y <= 1 && (row - Math.ceil(view.y)) % every === 0;\n"
	"    t.setAttribute('y', Number(frame.getAttribute('y')) + 4 +\n"
	"                   y * Number(frame.getAttribute('height')));\n"
	"    if (seen) t.removeAttribute('display'); else t.setAttribute('display', 'none');\n"
	"  });\n"
	"}\n"
	"function zoom(by, fx, fy, both) {\n"
	"  var w = Math.max(1, Math.min(cols, view.w * by));\n"
	"  var h = both ? Math.max(1, Math.min(rows, view.h * by)) : view.h;\n"
	"  view.x += (view.w - w) * fx;\n"
	"  view.y += (view.h - h) * fy;\n"
	"  view.w = w;\n"
	"  view.h = h;\n"
	"  show();\n"
	"}\n"
	"function part(e) {\n"
	"  var r = frame.getBoundingClientRect();\n"
	"  return { x: (e.clientX - r.left) / r.width, y: (e.clientY - r.top) / r.height };\n"
	"}\n"
	"function all() { view = { x: 0, y: 0, w: cols, h: rows }; show(); }\n"
	"plot.addEventListener('wheel', function (e) {\n"
	"  var p = part(e);\n"
	"  e.preventDefault();\n"
	"  zoom((e.deltaY || e.deltaX) < 0 ? 0.8 : 1.25, p.x, p.y, !e.shiftKey);\n"
	"}, { passive: false });\n"
	"plot.addEventListener('mousedown', function (e) {\n"
	"  drag = { p: part(e), x: view.x, y: view.y };\n"
	"  e.preventDefault();\n"
	"});\n"
	"window.addEventListener('mousemove', function (e) {\n"
	"  var p = part(e);\n"
	"  if (drag) {\n"
	"    view.x = drag.x - (p.x - drag.p.x) * view.w;\n"
	"    view.y = drag.y - (p.y - drag.p.y) * view.h;\n"
	"    show();\n"
	"  }\n"
	"});\n"
	"window.addEventListener('mouseup', function () { drag = null; });\n"
	"plot.addEventListener('mouseover', function (e) {\n"
	"  var t = e.target.querySelector && e.target !== frame && e.target.querySelector('title');\n"
	"  if (t && e.target !== plot) say('what', t.textContent);\n"
	"});\n"
	"plot.addEventListener('dblclick', all);\n"
	"window.addEventListener('keydown', function (e) {\n"
	"  if (e.key === '+') zoom(0.8, 0.5, 0.5, true);\n"
	"  else if (e.key === '-') zoom(1.25, 0.5, 0.5, true);\n"
	"  else if (e.key === '0') all();\n"
	"  else if (e.key === 'ArrowLeft') { view.x -= view.w / 8; show(); }\n"
	"  else if (e.key === 'ArrowRight') { view.x += view.w / 8; show(); }\n"
	"  else if (e.key === 'ArrowUp') { view.y -= view.h / 8; show(); }\n"
	"  else if (e.key === 'ArrowDown') { view.y += view.h / 8; show(); }\n"
	"});\n"
	"show();\n"
	"})();\n";

void hvt_heat_svg(const struct hvt_heat *h, FILE *out, bool html)
{
	size_t used = h->grid.used ? h->grid.used : 1;

	if (html)
		fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		      "<title>hvtrace heatmap</title>\n</head>\n<body>\n",
		      out);
	else
		fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"heat\" viewBox=\"0 0 %d %d\" "
		"font-family=\"monospace\" font-size=\"12\" data-cols=\"%zu\" data-rows=\"%zu\" "
		"data-start=\"",
		LEFT + WIDTH + 20, TOP + HEIGHT + 60, used, h->grid.rows);
	seconds(out, h->grid.start_ns);
	fprintf(out, "\" data-width=\"%" PRIu64 "\">\n", h->grid.width_ns);
	fprintf(out,
		"<text x=\"8\" y=\"20\">%" PRIu64 " accesses, %" PRIu64 " records lost, %" PRIu64
		" not shown; %" PRIu64 " bytes a row, %" PRIu64 " ns a column</text>\n",
		h->accesses, h->lost, h->unplaced, h->per_row, h->grid.width_ns);
	labels(h, out);
	fprintf(out,
		"<svg id=\"plot\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %zu %zu\" preserveAspectRatio=\"none\" cursor=\"move\">\n"
		"<rect width=\"%zu\" height=\"%zu\" fill=\"#f4f4f4\"/>\n",
		LEFT, TOP, WIDTH, HEIGHT, used, h->grid.rows, used, h->grid.rows);
	cells(h, out);
	fputs("</svg>\n", out);
	fprintf(out,
		"<rect id=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" "
		"stroke=\"#888\" pointer-events=\"none\"/>\n",
		LEFT, TOP, WIDTH, HEIGHT);
	fprintf(out, "<text id=\"from\" x=\"%d\" y=\"%d\">", LEFT, TOP + HEIGHT + 18);
	seconds(out, h->grid.start_ns);
	fprintf(out, " s</text>\n<text id=\"to\" x=\"%d\" y=\"%d\" text-anchor=\"end\">",
		LEFT + WIDTH, TOP + HEIGHT + 18);
	seconds(out, h->grid.start_ns + used * h->grid.width_ns);
	fprintf(out, " s</text>\n<text id=\"what\" x=\"8\" y=\"%d\"/>\n", TOP + HEIGHT + 44);
	fprintf(out, "<script>//<![CDATA[\n%s//]]></script>\n</svg>\n", script);
	if (html)
		fputs("</body>\n</html>\n", out);
}

/* Fills the Samples page from window.machmeter. Every name comes from other people's repositories: textContent only. */
"use strict";

(() => {
  const PAGE = 200;
  const NOTHING = "-";
  const data = window.machmeter;
  const byId = (id) => document.getElementById(id);
  const short = (commit) => data.commits[commit].slice(0, 8) || "(none)";
  const median = (estimate) => (estimate ? estimate.values[0] : null);

  const rows = data.series.flatMap((series, index) => series.rows.map((row) => ({ ...row, series, index })));
  for (const row of rows) {
    row.words = [row.series.benchmark, row.series.params, data.commits[row.commit], row.series.machine,
      row.series.environment, row.marks.join(" ")].join(" ").toLowerCase();
  }

  /* One entry a column: title, value to sort by, text, small text below, class of the cell. */
  const columns = [
    { title: "Benchmark", value: (row) => row.series.benchmark, text: (row) => row.series.benchmark, below: (row) => row.series.machine, kind: "wide" },
    { title: "Parameters", value: (row) => row.series.params, text: (row) => row.series.params, kind: "wide" },
    { title: "Commit", value: (row) => row.commit, text: (row) => short(row.commit), kind: "fixed" },
    { title: "s/item", value: (row) => median(row.wall), text: (row) => row.wall.texts[0], below: (row) => row.wall.texts[1], kind: "number" },
    { title: "CPU s/item", value: (row) => median(row.cpu), text: (row) => (row.cpu ? row.cpu.texts[0] : NOTHING), below: (row) => (row.cpu ? row.cpu.texts[1] : ""), kind: "number" },
    { title: "items/s", value: (row) => row.items[0], text: (row) => row.items[1], kind: "number" },
    { title: "bytes/s", value: (row) => row.bytes[0], text: (row) => row.bytes[1], kind: "number", shown: () => rows.some((row) => row.bytes[0] !== null) },
    { title: "Samples", value: (row) => row.n, text: (row) => String(row.n), below: (row) => `${row.processes} proc., ${row.runs} run${row.runs === 1 ? "" : "s"}`, kind: "number" },
    { title: "Marks", value: (row) => row.marks.join(", "), text: (row) => row.marks.join(", "), kind: "marks" },
    { title: "Environment", value: (row) => row.series.environment, text: (row) => row.series.environment, kind: "wide" },
    { title: "Last (UTC)", value: (row) => row.last, text: (row) => row.last, kind: "fixed" },
  ].filter((column) => !column.shown || column.shown());

  const state = { selected: 0, shown: PAGE, column: null, down: false, found: rows };

  /* A long name may break behind its dots and underscores. */
  function breakable(text) {
    return text.split(/(?<=[._])/).flatMap((part, nth) => (nth ? [document.createElement("wbr"), part] : [part]));
  }

  function add(parent, tag, text, kind) {
    const child = parent.appendChild(document.createElement(tag));
    if (text !== undefined) child.append(...(kind === "wide" ? breakable(text) : [text]));
    if (kind) child.className = kind;
    return child;
  }

  /* ---- table ---- */

  function compare(one, other) {
    const [left, right] = [state.column.value(one), state.column.value(other)];
    if (left === right) return 0;
    if (left === null || right === null) return left === null ? 1 : -1;
    return (left < right ? -1 : 1) * (state.down ? -1 : 1);
  }

  function search() {
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    state.found = rows.filter((row) => words.every((word) => row.words.includes(word)));
    if (state.column) state.found.sort(compare);
    showRows();
  }

  function sortBy(column) {
    state.down = state.column === column && !state.down;
    state.column = column;
    for (const [index, cell] of [...byId("head").rows[0].cells].entries()) {
      if (columns[index] !== column) cell.removeAttribute("aria-sort");
      else cell.setAttribute("aria-sort", state.down ? "descending" : "ascending");
    }
    search();
  }

  function showHead() {
    const line = add(byId("head"), "tr");
    for (const column of columns) {
      const cell = add(line, "th", undefined, column.kind === "number" ? "number" : "");
      cell.scope = "col";
      add(cell, "button", column.title).addEventListener("click", () => sortBy(column));
    }
  }

  function showRow(body, row) {
    const line = add(body, "tr", undefined, row.index === state.selected ? "selected" : "");
    line.dataset.series = row.index;
    for (const column of columns) {
      const first = column === columns[0];
      const cell = add(line, "td", first ? undefined : column.text(row), column.kind);
      if (first) add(cell, "button", column.text(row), column.kind).setAttribute("aria-pressed", row.index === state.selected);
      if (column.below) add(cell, "small", column.below(row));
      if (column.title === "Commit") cell.title = data.commits[row.commit];
    }
  }

  function showRows() {
    const body = document.createDocumentFragment();
    for (const row of state.found.slice(0, state.shown)) showRow(body, row);
    byId("rows").replaceChildren(body);
    byId("more").hidden = state.found.length <= state.shown;
    byId("status").textContent = `${state.found.length} of ${rows.length} rows`;
  }

  function select(index) {
    state.selected = index;
    for (const line of byId("rows").rows) {
      const selected = Number(line.dataset.series) === index;
      line.classList.toggle("selected", selected);
      line.querySelector("button").setAttribute("aria-pressed", selected);
    }
    showChart();
  }

  /* ---- chart ---- */

  /* plotly reads a little HTML in its texts. */
  const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  /* Many commits leave little room for the median of each. */
  const barSize = (series) => Math.max(2, Math.min(13, (0.16 * byId("chart").clientWidth) / series.rows.length));

  /* Samples of a commit stand side by side in the order they were taken, between two offsets from its tick. */
  function spread(points, places, [from, to]) {
    const total = new Map();
    for (const commit of points.commit) total.set(commit, (total.get(commit) || 0) + 1);
    const seen = new Map();
    return points.commit.map((commit) => {
      const nth = seen.get(commit) || 0;
      seen.set(commit, nth + 1);
      return places.get(commit) + from + ((nth + 0.5) / total.get(commit)) * (to - from);
    });
  }

  function cloud(series, places, metric, contended) {
    const points = series.points;
    const chosen = points.commit.map((_, nth) => nth).filter((nth) => points.contended[nth] === contended && points[metric.key][nth] !== null);
    const at = spread(points, places, metric.offsets);
    return {
      name: `${metric.name}, ${contended ? "contended sample" : "sample"}`,
      type: "scatter",
      mode: "markers",
      x: chosen.map((nth) => at[nth]),
      y: chosen.map((nth) => points[metric.key][nth]),
      text: chosen.map((nth) => plain(`${short(points.commit[nth])}, ${data.nodes[points.node[nth]]}, round ${points.round[nth]}`)),
      hovertemplate: `%{text}<br>${metric.name} %{y:.4s}s per item<extra>${contended ? "contended" : ""}</extra>`,
      marker: { symbol: metric.symbol + (contended ? "-open" : ""), color: colour(metric.key), size: barSize(series) < 6 ? 4 : 6, opacity: contended ? 0.95 : 0.45, line: { width: contended ? 1.4 : 0 } },
    };
  }

  function medians(series, places, metric, interval) {
    const chosen = series.rows.filter((row) => row[metric.key] && row[metric.key].interval === interval);
    const values = (nth) => chosen.map((row) => row[metric.key].values[nth]);
    const [middle, low, high] = [values(0), values(1), values(2)];
    return {
      name: `${metric.name}, median with ${interval ? "95% interval" : "min-max (n < 6)"}`,
      type: "scatter",
      mode: "markers",
      x: chosen.map((row) => places.get(row.commit) + (metric.offsets[0] + metric.offsets[1]) / 2),
      y: middle,
      text: chosen.map((row) => plain([short(row.commit), ...row.marks].join(", "))),
      hovertemplate: `%{text}<br>${metric.name} median %{y:.4s}s per item<extra></extra>`,
      marker: { symbol: interval ? "line-ew-open" : "diamond-open", color: colour(metric.key), size: barSize(series), line: { color: colour(metric.key), width: interval ? 3 : 1.5 } },
      error_y: { type: "data", symmetric: false, array: high.map((value, nth) => value - middle[nth]), arrayminus: low.map((value, nth) => middle[nth] - value), color: colour(metric.key), thickness: interval ? 2 : 1, width: barSize(series) / 2 },
    };
  }

  function traces(series, places) {
    const hasCpu = series.points.cpu.some((value) => value !== null);
    const metrics = [
      { key: "wall", name: "wall", symbol: "circle", offsets: hasCpu ? [-0.36, -0.04] : [-0.25, 0.25] },
      { key: "cpu", name: "CPU", symbol: "square", offsets: [0.04, 0.36] },
    ];
    return metrics.flatMap((metric) => [
      cloud(series, places, metric, 0), cloud(series, places, metric, 1),
      medians(series, places, metric, true), medians(series, places, metric, false),
    ]).filter((trace) => trace.x.length > 0);
  }

  /* What changed on the machine stands as a line before the commit that met it first. */
  function events(series) {
    const places = new Map(series.rows.map((row, nth) => [row.commit, nth]));
    const found = (data.events[series.machine] || []).filter((event) => places.has(event.commit));
    const line = { color: colour("warning"), width: 1, dash: "dot" };
    return {
      shapes: found.map((event) => ({ type: "line", yref: "paper", y0: 0, y1: 1, x0: places.get(event.commit) - 0.5, x1: places.get(event.commit) - 0.5, line })),
      annotations: found.map((event) => ({ x: places.get(event.commit) - 0.5, y: 1, yref: "paper", yanchor: "bottom", showarrow: false, text: "event", hovertext: plain(event.text), font: { color: colour("warning"), size: 11 } })),
    };
  }

  function layout(series, width) {
    const step = Math.ceil(series.rows.length / Math.max(2, Math.floor(width / 90)));
    const ticks = series.rows.map((_, nth) => nth).filter((nth) => nth % step === 0);
    const lines = { gridcolor: colour("line"), linecolor: colour("line"), zeroline: false };
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("text"), size: 12 },
      margin: { l: 70, r: 10, t: 36, b: 50 },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("quiet"), activecolor: colour("text") },
      hovermode: "closest",
      ...events(series),
      hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("line"), font: { color: colour("text") } },
      legend: { orientation: "h", x: 0, y: -0.18, yanchor: "top" },
      xaxis: { ...lines, title: { text: "commit, oldest first", standoff: 8 }, tickvals: ticks, ticktext: ticks.map((nth) => plain(short(series.rows[nth].commit))), range: [-0.5, series.rows.length - 0.5] },
      yaxis: { ...lines, title: { text: "seconds per item" }, tickformat: "~s", ticksuffix: "s", automargin: true },
    };
  }

  function showChart() {
    const series = data.series[state.selected];
    const places = new Map(series.rows.map((row, nth) => [row.commit, nth]));
    const drawn = series.points.commit.length;
    const some = drawn < series.count ? `${drawn} of ${series.count} samples drawn` : `${drawn} samples`;
    byId("chart-title").textContent = `${series.benchmark}${series.params ? ` (${series.params})` : ""}: seconds per item`;
    byId("chart-place").textContent = `${series.machine}, ${series.environment}, ${some}`;
    /* plotly offers to send the chart to its makers: never. */
    const options = { displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
    window.Plotly.react(byId("chart"), traces(series, places), layout(series, byId("chart").clientWidth), options);
  }

  showHead();
  showRows();
  showChart();
  byId("filter").addEventListener("input", () => { state.shown = PAGE; search(); });
  byId("more").addEventListener("click", () => { state.shown += PAGE; showRows(); });
  byId("rows").addEventListener("click", (event) => select(Number(event.target.closest("tr").dataset.series)));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showChart);
})();

/* Fills the Samples page from window.machmeter. Every name comes from other people's repositories: textContent only. */
"use strict";

(() => {
  const { byId, table, plain, colour, axis, layout, post, draw, onDarkness } = window.machmeterTools;
  const NOTHING = "-";
  const data = window.machmeter;
  const short = (commit) => data.commits[commit].slice(0, 8) || "(none)";
  const median = (estimate) => (estimate ? estimate.values[0] : null);
  let selected = 0;

  const rows = data.series.flatMap((series, key) => series.rows.map((row) => ({ ...row, series, key })));
  for (const row of rows) {
    row.words = [row.series.benchmark, row.series.params, data.commits[row.commit], row.series.machine,
      row.series.environment, row.marks.join(" ")].join(" ").toLowerCase();
  }

  /* One entry a column: title, value to sort by, text, small text below, class of the cell. */
  const columns = [
    { title: "Benchmark", value: (row) => row.series.benchmark, text: (row) => row.series.benchmark, below: (row) => row.series.machine, kind: "wide", pressed: true },
    { title: "Parameters", value: (row) => row.series.params, text: (row) => row.series.params, kind: "wide" },
    { title: "Commit", value: (row) => row.commit, text: (row) => short(row.commit), hint: (row) => data.commits[row.commit], kind: "fixed" },
    { title: "s/item", value: (row) => median(row.wall), text: (row) => row.wall.texts[0], below: (row) => row.wall.texts[1], kind: "number" },
    { title: "CPU s/item", value: (row) => median(row.cpu), text: (row) => (row.cpu ? row.cpu.texts[0] : NOTHING), below: (row) => (row.cpu ? row.cpu.texts[1] : ""), kind: "number" },
    { title: "items/s", value: (row) => row.items[0], text: (row) => row.items[1], kind: "number" },
    { title: "bytes/s", value: (row) => row.bytes[0], text: (row) => row.bytes[1], kind: "number", shown: () => rows.some((row) => row.bytes[0] !== null) },
    { title: "Samples", value: (row) => row.n, text: (row) => String(row.n), below: (row) => `${row.processes} proc., ${row.runs} run${row.runs === 1 ? "" : "s"}`, kind: "number" },
    { title: "Marks", value: (row) => row.marks.join(", "), text: (row) => row.marks.join(", "), kind: "marks" },
    { title: "Environment", value: (row) => row.series.environment, text: (row) => row.series.environment, kind: "wide" },
    { title: "Last (UTC)", value: (row) => row.last, text: (row) => row.last, kind: "fixed" },
  ].filter((column) => !column.shown || column.shown());

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
    const posts = found.map((event) => post(places.get(event.commit) - 0.5, "event", event.text, "warning"));
    return { shapes: posts.map((each) => each.shape), annotations: posts.map((each) => each.annotation) };
  }

  function described(series, width) {
    const step = Math.ceil(series.rows.length / Math.max(2, Math.floor(width / 90)));
    const ticks = series.rows.map((_, nth) => nth).filter((nth) => nth % step === 0);
    return {
      ...layout(),
      ...events(series),
      xaxis: { ...axis(), title: { text: "commit, oldest first", standoff: 8 }, tickvals: ticks, ticktext: ticks.map((nth) => plain(short(series.rows[nth].commit))), range: [-0.5, series.rows.length - 0.5] },
      yaxis: { ...axis(), title: { text: "seconds per item" }, tickformat: "~s", ticksuffix: "s", automargin: true },
    };
  }

  function showChart() {
    const series = data.series[selected];
    const places = new Map(series.rows.map((row, nth) => [row.commit, nth]));
    const drawn = series.points.commit.length;
    const some = drawn < series.count ? `${drawn} of ${series.count} samples drawn` : `${drawn} samples`;
    byId("chart-title").textContent = `${series.benchmark}${series.params ? ` (${series.params})` : ""}: seconds per item`;
    byId("chart-place").textContent = `${series.machine}, ${series.environment}, ${some}`;
    draw(traces(series, places), described(series, byId("chart").clientWidth));
  }

  table({ rows, columns, selected, select: (key) => { selected = key; showChart(); } });
  showChart();
  onDarkness(showChart);
})();

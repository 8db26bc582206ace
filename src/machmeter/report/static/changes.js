/* Fills the Changes page from window.machmeterChanges. A chart's series comes from a script of its own when it is asked for.
   Every name comes from other people's repositories: textContent only. */
"use strict";

(() => {
  const { byId, table, plain, colour, axis, layout, post, draw, onDarkness } = window.machmeterTools;
  const data = window.machmeterChanges;
  const place = (change) => data.places[change.place];
  const machine = (change) => data.machines[place(change).on];
  const title = (change) => `${change.benchmark}${change.params ? ` (${change.params})` : ""}`;
  let selected = data.changes.findIndex((change) => `#${change.id}` === window.location.hash);

  const rows = data.changes.map((change, key) => ({ ...change, key }));
  for (const row of rows) {
    row.words = [row.id, row.benchmark, row.params, row.commits, row.base, row.head, row.date, row.now, row.status, row.also,
      place(row).machine, place(row).environment].join(" ").toLowerCase();
  }

  const columns = [
    { title: "Change", value: (row) => row.ratio, text: (row) => row.size, below: (row) => row.interval, kind: "number", mark: (row) => row.kind },
    { title: "Benchmark", value: (row) => row.benchmark, text: (row) => row.benchmark, below: (row) => row.params, kind: "wide", pressed: true },
    { title: "Commits", value: (row) => row.date, text: (row) => row.commits, below: (row) => (row.possible ? `or ${row.possible}` : ""), hint: (row) => `${row.base}..${row.head}`, kind: "fixed" },
    { title: "Date (UTC)", value: (row) => row.date, text: (row) => row.date, kind: "fixed" },
    { title: "Now", value: (row) => row.now, text: (row) => row.now },
    { title: "Status", value: (row) => row.status, text: (row) => row.status },
    { title: "Also changed", value: (row) => row.also, text: (row) => row.also, kind: "wide marks", shown: () => rows.some((row) => row.also) },
    { title: "Machine", value: (row) => place(row).machine, text: (row) => place(row).machine, below: (row) => place(row).environment, kind: "wide" },
    { title: "Id", value: (row) => row.id, text: (row) => row.id, kind: "fixed" },
  ].filter((column) => !column.shown || column.shown());

  /* ---- filters ---- */

  function passes(row) {
    const [tag, kind] = [byId("machine").value, byId("kind").value];
    if (tag && place(row).machine !== tag) return false;
    if (kind && row.kind !== kind) return false;
    if (byId("standing").checked && !row.stands) return false;
    const least = Number(byId("least").value);
    return row.ratio === null || Math.abs(row.ratio - 1) >= least;
  }

  /* ---- chart ---- */

  /* The series of a change, from the script that holds it. */
  function withSeries(change, act) {
    const [file, nth] = change.series;
    const name = `machmeterSeries${file}`;
    if (window[name]) {
      act(window[name][nth]);
      return;
    }
    const script = document.createElement("script");
    script.src = `machmeter-series-${file}.js`;
    script.addEventListener("load", () => act(window[name][nth]));
    script.addEventListener("error", () => { byId("chart-place").textContent = `${script.src} is missing: publish again.`; });
    document.head.append(script);
  }

  const short = (hash) => hash.slice(0, 8) || "(none)";
  const commit = (change, series, nth) => short(machine(change).commits[series.x[nth]]);
  const day = (change, series, nth) => machine(change).dates[series.x[nth]];

  function points(change, series) {
    return {
      name: "result",
      type: series.x.length > 1000 ? "scattergl" : "scatter",
      mode: "markers",
      x: series.x.map((_, nth) => nth),
      y: series.y,
      text: series.x.map((_, nth) => `${plain(commit(change, series, nth))}, ${day(change, series, nth)}`),
      hovertemplate: `%{text}<br>%{y:.4s}${plain(series.suffix)}<extra></extra>`,
      marker: { color: colour("wall"), size: series.x.length > 300 ? 4 : 6, opacity: 0.55 },
    };
  }

  /* One line for each stretch between changes; the pieces are parted by gaps. */
  function levels(series) {
    const x = series.levels.flatMap(([from, to]) => [from - 0.5, to - 0.5, null]);
    const y = series.levels.flatMap(([, , value]) => [value, value, null]);
    return { name: "level", type: "scatter", mode: "lines", x, y, hovertemplate: `level %{y:.4s}${plain(series.suffix)}<extra></extra>`, line: { color: colour("text"), width: 2 } };
  }

  /* Where a change may have happened is shaded: strongly the one that is looked at. */
  function shades(change, series) {
    return series.points.map(([at, index, first, last]) => ({
      type: "rect", yref: "paper", y0: 0, y1: 1, x0: Math.min(first, index) - 0.9, x1: Math.max(last, index) - 0.1, layer: "below",
      line: { width: 0 }, fillcolor: colour(at === change.at ? change.kind : "quiet"), opacity: at === change.at ? 0.35 : 0.1,
    }));
  }

  function posts(change, series) {
    const found = series.breaks.map((index) => post(index - 0.5, "benchmark changed", "Another version, or other work: levels on both sides are not comparable.", "quiet"));
    for (const event of machine(change).events) {
      const index = series.x.findIndex((position) => position >= event.position);
      if (index >= 0) found.push(post(index - 0.5, "event", event.text, "warning"));
    }
    return found;
  }

  /* Single outliers would press everything else flat: they may lie outside, and the page says so. */
  function range(series) {
    const sorted = [...series.y].sort((one, other) => one - other);
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
    const steps = series.levels.map(([, , value]) => value);
    const [low, high] = [Math.min(at(0.01), ...steps), Math.max(at(0.99), ...steps)];
    const margin = 0.35 * (high - low) || 0.05 * Math.abs(high) || 1;
    return [Math.max(low - margin, sorted[0] - 0.1 * margin), Math.min(high + margin, sorted[sorted.length - 1] + 0.1 * margin)];
  }

  function described(change, series, limits) {
    const step = Math.ceil(series.x.length / Math.max(2, Math.floor(byId("chart").clientWidth / 100)));
    const ticks = series.x.map((_, nth) => nth).filter((nth) => nth % step === 0);
    const marks = posts(change, series);
    return {
      ...layout(),
      shapes: [...shades(change, series), ...marks.map((each) => each.shape)],
      annotations: marks.map((each) => each.annotation),
      xaxis: { ...axis(), title: { text: "commit, oldest first", standoff: 8 }, tickvals: ticks, ticktext: ticks.map((nth) => day(change, series, nth)), range: [-0.75, series.x.length - 0.25] },
      yaxis: { ...axis(), title: { text: plain(series.unit) }, tickformat: "~s", ticksuffix: plain(series.suffix), automargin: true, range: limits },
    };
  }

  function flame(change) {
    const link = document.createElement("a");
    link.href = `flames/${encodeURIComponent(change.flame)}`;
    link.textContent = change.cause;
    return link;
  }

  function show(change, series) {
    if (change !== data.changes[selected]) return; /* another one was chosen while this one was loaded */
    const limits = range(series);
    const outside = series.y.filter((value) => value < limits[0] || value > limits[1]).length;
    const some = series.count > series.x.length ? `${series.x.length} of ${series.count} results drawn` : `${series.count} results`;
    const rest = outside ? `; ${outside} outside (double-click shows all)` : "";
    byId("chart-place").textContent = `${place(change).machine}, ${place(change).environment}: ${change.size} in ${change.commits}, ${some}${rest}`;
    if (change.flame) byId("chart-place").append(" ", flame(change));
    draw([points(change, series), levels(series)], described(change, series, limits));
  }

  function showChart() {
    const change = data.changes[selected];
    byId("chart-title").textContent = title(change);
    withSeries(change, (series) => show(change, series));
  }

  function select(key) {
    selected = key;
    window.history.replaceState(null, "", `#${data.changes[key].id}`);
    showChart();
  }

  if (selected >= 0) byId("kind").value = ""; /* a link may lead to an improvement */
  else selected = Math.max(0, rows.findIndex(passes));
  const shown = table({ rows, columns, selected, select, passes });
  for (const name of ["machine", "kind", "standing", "least"]) byId(name).addEventListener("change", shown.refresh);
  showChart();
  onDarkness(showChart);
})();

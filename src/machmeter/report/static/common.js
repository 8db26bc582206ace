/* What the pages share: a table that is filtered, sorted and shown in parts, and the look of a chart.
   Every name comes from other people's repositories: textContent only. */
"use strict";

window.machmeterTools = (() => {
  const PART = 200;
  const byId = (id) => document.getElementById(id);

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

  /* Fills #head, #rows, #more and #status. A row has `key` (what is selected with it) and `words` (lower case, searched by
     #filter). A column has a title, a value to sort by, a text, and maybe a small text below, a kind (class of its cells),
     a hint. The column that is `pressed` holds the button that selects; `passes` is any further filter. */
  function table({ rows, columns, selected, select, passes = () => true }) {
    const state = { selected, shown: PART, column: null, down: false, found: rows };

    function compare(one, other) {
      const [left, right] = [state.column.value(one), state.column.value(other)];
      if (left === right) return 0;
      if (left === null || right === null) return left === null ? 1 : -1;
      return (left < right ? -1 : 1) * (state.down ? -1 : 1);
    }

    function search() {
      const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
      state.found = rows.filter((row) => passes(row) && words.every((word) => row.words.includes(word)));
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
      const line = add(body, "tr", undefined, row.key === state.selected ? "selected" : "");
      line.dataset.key = row.key;
      for (const column of columns) {
        const kind = [column.kind, column.mark ? column.mark(row) : ""].filter(Boolean).join(" ");
        const cell = add(line, "td", undefined, kind);
        if (column.pressed) add(cell, "button", column.text(row), column.kind).setAttribute("aria-pressed", row.key === state.selected);
        else cell.append(...(column.kind === "wide" ? breakable(column.text(row)) : [column.text(row)]));
        if (column.below && column.below(row)) add(cell, "small", column.below(row), column.kind === "wide" ? "wide" : "");
        if (column.hint) cell.title = column.hint(row);
      }
    }

    function showRows() {
      const body = document.createDocumentFragment();
      for (const row of state.found.slice(0, state.shown)) showRow(body, row);
      byId("rows").replaceChildren(body);
      byId("more").hidden = state.found.length <= state.shown;
      byId("status").textContent = `${state.found.length} of ${rows.length} rows`;
    }

    function choose(key) {
      state.selected = key;
      for (const line of byId("rows").rows) {
        const chosen = Number(line.dataset.key) === key;
        line.classList.toggle("selected", chosen);
        line.querySelector("button").setAttribute("aria-pressed", chosen);
      }
      select(key);
    }

    function refresh() {
      state.shown = PART;
      search();
    }

    showHead();
    search();
    byId("filter").addEventListener("input", refresh);
    byId("more").addEventListener("click", () => { state.shown += PART; showRows(); });
    byId("rows").addEventListener("click", (event) => choose(Number(event.target.closest("tr").dataset.key)));
    return { refresh, found: () => state.found };
  }

  /* plotly reads a little HTML in its texts. */
  const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const axis = () => ({ gridcolor: colour("line"), linecolor: colour("line"), zeroline: false });

  function layout() {
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: colour("text"), size: 12 },
      margin: { l: 70, r: 10, t: 36, b: 50 },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: colour("quiet"), activecolor: colour("text") },
      hovermode: "closest",
      hoverlabel: { bgcolor: colour("raised"), bordercolor: colour("line"), font: { color: colour("text") } },
      legend: { orientation: "h", x: 0, y: -0.18, yanchor: "top" },
    };
  }

  /* A vertical line through the chart with a word on top. */
  function post(x, word, hint, name) {
    const line = { color: colour(name), width: 1, dash: "dot" };
    return {
      shape: { type: "line", yref: "paper", y0: 0, y1: 1, x0: x, x1: x, line },
      annotation: { x, y: 1, yref: "paper", yanchor: "bottom", showarrow: false, text: word, hovertext: plain(hint), font: { color: colour(name), size: 11 } },
    };
  }

  function draw(traces, described) {
    /* plotly offers to send the chart to its makers: never. */
    const options = { displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
    window.Plotly.react(byId("chart"), traces, described, options);
  }

  const onDarkness = (act) => window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", act);
  return { byId, add, table, plain, colour, axis, layout, post, draw, onDarkness };
})();

/* Fills the Loaders page from window.machmeterLoaders. Every name comes from other people's repositories: textContent only. */
"use strict";

(() => {
  const { byId, add, table } = window.machmeterTools;
  const data = window.machmeterLoaders;
  const short = (commit) => commit.slice(0, 8) || "(none)";
  const title = (row) => `${row.strategy}${row.params ? ` (${row.params})` : ""}`;

  const rows = data.rows.map((row, key) => ({ ...row, key }));
  for (const row of rows) {
    row.words = [row.strategy, row.benchmark, row.params, row.environment, row.stage, row.limit, row.marks.join(" ")].join(" ").toLowerCase();
  }

  /* One entry a column: title, value to sort by, text, small text below, class of the cell. */
  const columns = [
    { title: "Strategy", value: (row) => row.strategy, text: (row) => row.strategy, below: (row) => row.benchmark, kind: "wide", pressed: true },
    { title: "Parameters", value: (row) => row.params, text: (row) => row.params, kind: "wide" },
    { title: "CPU s/item", value: (row) => row.cpu[0], text: (row) => row.cpu[1], kind: "number" },
    { title: "s/item", value: (row) => row.wall[0], text: (row) => row.wall[1], kind: "number" },
    { title: "items/s", value: (row) => row.items[0], text: (row) => row.items[1], kind: "number" },
    { title: "bytes/s", value: (row) => row.bytes[0], text: (row) => row.bytes[1], kind: "number" },
    { title: "Mach", value: (row) => row.mach[0], text: (row) => row.mach[1], kind: "number" },
    { title: "Bottleneck", value: (row) => row.stage, text: (row) => row.stage, below: (row) => row.limit, kind: "wide" },
    { title: "Samples", value: (row) => row.n, text: (row) => String(row.n), kind: "number" },
    { title: "Marks", value: (row) => row.marks.join(", "), text: (row) => row.marks.join(", "), kind: "marks" },
    { title: "Environment", value: (row) => row.environment, text: (row) => row.environment, kind: "wide" },
  ];

  function showPath(row) {
    const machine = data.machines[row.machine];
    byId("path-title").textContent = title(row);
    const limits = machine.limits ? `limits of ${machine.limits} UTC` : "no limits on record: run machmeter limits";
    byId("path-place").textContent = `${machine.tag}, commit ${short(machine.commit)}, ${limits}`;
    const body = document.createDocumentFragment();
    for (const step of row.path) {
      const line = add(body, "tr");
      step.forEach((text, nth) => add(line, "td", text, nth > 1 ? "number" : ""));
    }
    byId("path").replaceChildren(body);
  }

  const onMachine = (row) => String(row.machine) === byId("machine").value;
  const first = rows.find(onMachine);
  const shown = table({ rows, columns, selected: first.key, passes: onMachine, select: (key) => showPath(rows[key]) });
  showPath(first);
  byId("machine").addEventListener("change", () => {
    shown.refresh();
    const top = byId("rows").querySelector("button");
    if (top) top.click();
  });
})();

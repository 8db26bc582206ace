/* Draws call paths as an icicle: callers above their callees, the widest on the left, in the same order in every view.
   Only what is wider than a pixel becomes an element. Names come from other people's code: textContent only. */
"use strict";

(() => {
  const ROW = 22;
  const WORTH_A_LABEL = 28;
  const WORTH_A_GAP = 4;
  /* The bounds that the legend names. */
  const STEPS = [0.01, 0.025, 0.05, 0.1];
  const [PROJECT, SIGNIFICANT, EDITED] = [1, 2, 4];
  const byId = (id) => document.getElementById(id);

  function add(parent, tag, text, kind) {
    const child = parent.appendChild(document.createElement(tag));
    if (text !== undefined) child.textContent = text;
    if (kind) child.className = kind;
    return child;
  }

  /* ---- how figures are spelled: as in machmeter.report.labels and culprit_text ---- */

  function seconds(value) {
    if (!value) return "-";
    const units = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]];
    const [size, unit] = units.find(([least]) => value >= least * 0.9995) || units[3];
    const scaled = value / size;
    return `${scaled >= 99.95 ? scaled.toFixed(0) : scaled.toPrecision(3)} ${unit}`;
  }

  const decimals = (share) => (Math.abs(share) < 0.00995 ? 2 : Math.abs(share) < 0.9995 ? 1 : 0);
  const percent = (share) => `${(share * 100).toFixed(decimals(share))}%`;
  const signed = (text, value) => (value < 0 ? text : `+${text}`);

  function interval(low, high) {
    if (low === null || high === null) return "no interval";
    const places = decimals(Math.max(Math.abs(low), Math.abs(high)));
    const [from, to] = [(low * 100).toFixed(places), (high * 100).toFixed(places)];
    return low >= 0 ? `${from}–${to}` : `${signed(from, low)} to ${signed(to, high)}`;
  }

  /* ---- the tree ---- */

  function grow({ names, nodes: rows }) {
    const nodes = [];
    for (const [parent, name, flags, base, head, low, high] of rows) {
      const above = nodes[parent] || null;
      const node = { id: nodes.length, parent: above, name: names[name], flags, base, head, low, high, depth: above ? above.depth + 1 : 0, children: [] };
      if (above) above.children.push(node);
      nodes.push(node);
    }
    return nodes;
  }

  const gone = (node) => node.head === 0 && node.base > 0;
  const COSTS = {
    before: (node) => node.base,
    after: (node) => node.head,
    difference: (node) => (gone(node) ? node.base : node.head),
  };

  /* Where each call path stands, in seconds. A caller is as wide as what it spends itself and all that is drawn below it:
     in the difference, vanished callees make it wider than its cost. */
  function layout(nodes, view) {
    const own = Float64Array.from(nodes, COSTS[view]);
    for (const node of nodes.slice(1)) {
      if (view !== "difference" || gone(node) === gone(node.parent)) own[node.parent.id] -= COSTS[view](node);
    }
    const width = own.map((each) => Math.max(0, each));
    for (let at = nodes.length - 1; at > 0; at -= 1) width[nodes[at].parent.id] += width[at];
    const left = new Float64Array(nodes.length);
    const next = new Float64Array(nodes.length);
    for (const node of nodes.slice(1)) {
      left[node.id] = next[node.parent.id];
      next[node.parent.id] += width[node.id];
      next[node.id] = left[node.id];
    }
    return { width, left };
  }

  /* ---- the graph ---- */

  function flameGraph(nodes) {
    const graph = byId("graph");
    const switches = [...document.querySelectorAll("#views button")];
    const compared = switches.length > 0;
    const root = nodes[0];
    const layouts = {};
    const state = { view: compared ? "difference" : "after", zoomed: root, current: root, wanted: "", boxes: new Map(), rows: [], pixels: 0 };
    const laidOut = () => (layouts[state.view] ||= layout(nodes, state.view));

    /* What is drawn: the zoomed path over the whole width, its callers above it, its callees below. */
    function visible() {
      const { width, left } = laidOut();
      const found = [];
      for (let node = state.zoomed.parent; node; node = node.parent) found.unshift({ node, from: 0, size: 1 });
      const open = width[state.zoomed.id] > 0 ? [state.zoomed] : [];
      while (open.length) {
        const node = open.pop();
        const size = width[node.id] / width[state.zoomed.id];
        if (size * state.pixels < 1) continue;
        found.push({ node, from: (left[node.id] - left[state.zoomed.id]) / width[state.zoomed.id], size });
        for (let nth = node.children.length - 1; nth >= 0; nth -= 1) open.push(node.children[nth]);
      }
      return found;
    }

    const shareOfBase = (seconds) => (root.base > 0 ? seconds / root.base : 0);
    const direction = (node) => (node.head > node.base ? "slower" : "faster");
    /* A role ("main", "worker") is nobody's library. */
    const ours = (node) => node.depth < 2 || Boolean(node.flags & PROJECT);
    const coloured = (node) => state.view === "difference" && Boolean(node.flags & SIGNIFICANT);

    function step(node) {
      const size = root.base > 0 ? Math.abs(shareOfBase(node.head - node.base)) : 1;
      return 1 + STEPS.filter((bound) => size >= bound).length;
    }

    function kinds(node) {
      const found = ["frame", ours(node) ? "project" : "library"];
      if (coloured(node)) found.push("significant", `${direction(node)}-${step(node)}`);
      else if (state.view === "difference") found.push("unchanged");
      if (state.view === "difference" && gone(node)) found.push("gone");
      if (node.id < state.zoomed.id && isAbove(node)) found.push("above");
      if (state.wanted && node !== root) found.push(matches(node) ? "match" : "other");
      return found;
    }

    function isAbove(node) {
      for (let above = state.zoomed.parent; above; above = above.parent) if (above === node) return true;
      return false;
    }

    function changeOf(node) {
      const delta = node.head - node.base;
      const spread = node.low === null ? "" : ` (95%: ${interval(shareOfBase(node.low), shareOfBase(node.high))})`;
      const share = root.base > 0 ? `, ${signed(percent(shareOfBase(delta)), delta)} of the whole${spread}` : "";
      const seen = gone(node) ? ", only before" : node.base === 0 && node.head > 0 ? ", only after" : "";
      return `${delta < 0 ? "-" : "+"}${delta ? seconds(Math.abs(delta)) : "0 s"}${share}${seen}`;
    }

    const partOf = (cost, whole) => (whole > 0 && cost > 0 ? `${seconds(cost)} (${percent(cost / whole)})` : seconds(cost));

    function facts(node) {
      if (!compared) return { "an iteration": partOf(node.head, root.head) };
      const told = { before: partOf(node.base, root.base), after: partOf(node.head, root.head), change: changeOf(node) };
      return node === root ? told : { ...told, "": node.flags & SIGNIFICANT ? "significant" : "not significant" };
    }

    const remarks = (node) => [ours(node) ? "" : "library", node.flags & EDITED ? "code changed" : ""].filter(Boolean);
    const spoken = (node) => [node.name, ...Object.entries(facts(node)).map((fact) => fact.filter(Boolean).join(" ")), ...remarks(node)].join(", ");

    function showDetail(node) {
      const box = byId("detail");
      box.replaceChildren();
      add(add(box, "strong"), "bdi", node === root ? "all call paths" : node.name);
      for (const remark of node === root ? [] : remarks(node)) add(box, "em", remark);
      const list = add(box, "p");
      for (const [title, told] of Object.entries(facts(node))) {
        const fact = add(list, "span", undefined, told === "significant" ? `sure ${direction(node)}` : "");
        if (title) add(fact, "small", title);
        fact.append(told);
      }
    }

    /* The function matters more than its module where there is room for one of them. */
    function label(box, node) {
      const [, module, name] = /^([^:()]*):(?!:)(.+)$/s.exec(node.name) || [null, "", node.name];
      const arrow = coloured(node) ? { slower: "▲ ", faster: "▼ " }[direction(node)] : "";
      add(add(box, "span", arrow), "bdi", name);
      if (module) add(add(box, "small"), "bdi", module);
    }

    function show({ node, from, size }) {
      const box = document.createElement("div");
      box.className = kinds(node).join(" ");
      if (size * state.pixels >= WORTH_A_GAP) box.classList.add("apart");
      box.style.left = `${(from * 100).toFixed(4)}%`;
      box.style.width = `${(size * 100).toFixed(4)}%`;
      box.style.top = `${node.depth * ROW}px`;
      box.tabIndex = -1;
      box.dataset.node = node.id;
      box.setAttribute("role", "treeitem");
      box.setAttribute("aria-level", node.depth + 1);
      box.setAttribute("aria-label", spoken(node));
      if (node === state.zoomed) box.setAttribute("aria-current", "true");
      if (size * state.pixels >= WORTH_A_LABEL) label(box, node);
      return box;
    }

    function draw() {
      const focused = graph.contains(document.activeElement);
      /* Not the inner width: whether there is a scrollbar must not decide what is drawn. */
      Object.assign(state, { boxes: new Map(), rows: [], pixels: byId("stage").offsetWidth });
      for (const each of visible()) {
        state.boxes.set(each.node, show(each));
        (state.rows[each.node.depth] ||= []).push(each.node);
      }
      graph.dataset.view = state.view;
      graph.style.height = `${Math.max(1, state.rows.length) * ROW}px`;
      graph.replaceChildren(...state.boxes.values());
      if (!state.boxes.size) add(graph, "p", "Nothing was seen on this side.", "note");
      while (state.current !== root && !state.boxes.has(state.current)) state.current = state.current.parent;
      choose(state.current, focused);
      byId("reset").disabled = state.zoomed === root;
    }

    function choose(node, focus = true) {
      const [before, after] = [state.boxes.get(state.current), state.boxes.get(node)];
      state.current = node;
      if (before) before.tabIndex = -1;
      if (after) after.tabIndex = 0;
      if (after && focus) after.focus();
      showDetail(node);
    }

    function zoom(node, focus = true) {
      state.zoomed = node;
      state.current = node;
      draw();
      if (focus) choose(node);
      byId("stage").scrollTop = Math.max(0, (node.depth - 3) * ROW);
      tellMatches();
    }

    function showView(view) {
      if (compared && view) state.view = view;
      const { width } = laidOut();
      while (state.zoomed.parent && !(width[state.zoomed.id] > 0)) state.zoomed = state.zoomed.parent;
      for (const each of switches) each.setAttribute("aria-pressed", each.dataset.view === state.view);
      for (const each of document.querySelectorAll("[data-for]")) each.hidden = !each.dataset.for.split(" ").includes(state.view);
      draw();
    }

    /* ---- search ---- */

    const matches = (node) => node.name.toLowerCase().includes(state.wanted);

    /* A path below another that matches is part of that one. */
    function tellMatches() {
      let [count, base, head] = [0, 0, 0];
      const inside = new Uint8Array(nodes.length);
      for (const node of state.wanted ? nodes.slice(1) : []) {
        const found = matches(node);
        count += found;
        if (found && !inside[node.parent.id]) [base, head] = [base + node.base, head + node.head];
        inside[node.id] = found || inside[node.parent.id];
      }
      const of = (part, whole) => (whole > 0 ? percent(part / whole) : "-");
      const shares = compared ? `${of(base, root.base)} of the time before, ${of(head, root.head)} after` : `${of(head, root.head)} of the time`;
      const told = `${count.toLocaleString("en")} ${count === 1 ? "frame matches" : "frames match"}${count ? `, ${shares}` : ""}`;
      byId("status").textContent = state.wanted ? told : "";
    }

    function search(text) {
      state.wanted = text.trim().toLowerCase();
      draw();
      tellMatches();
    }

    /* ---- hands ---- */

    const nodeAt = (event) => nodes[event.target.closest("[data-node]")?.dataset.node];

    function neighbour(key) {
      const row = state.rows[state.current.depth] || [];
      const nth = row.indexOf(state.current);
      return {
        ArrowUp: () => state.current.parent,
        ArrowDown: () => (state.rows[state.current.depth + 1] || []).find((node) => node.parent === state.current),
        ArrowLeft: () => row[nth - 1],
        ArrowRight: () => row[nth + 1],
        Home: () => root,
      }[key];
    }

    function onGraphKey(event) {
      const towards = neighbour(event.key);
      if (event.key === "Enter" || event.key === " ") zoom(state.current);
      else if (towards) choose(towards() || state.current);
      else return;
      event.preventDefault();
    }

    function onKey(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const field = byId("search");
      const writing = event.target === field;
      if (event.key === "Escape" && field.value) { field.value = ""; search(""); }
      else if (event.key === "Escape") zoom(root, graph.contains(document.activeElement));
      else if (event.key === "Enter" && writing) focusFirstMatch();
      else if (writing) return;
      else if (event.key === "/") field.focus();
      else if (switches[event.key - 1]) showView(switches[event.key - 1].dataset.view);
      else return;
      event.preventDefault();
    }

    function focusFirstMatch() {
      const first = [...state.boxes.keys()].find((node) => state.wanted && node !== root && matches(node));
      if (first) choose(first);
    }

    function find(text) {
      byId("search").value = text;
      state.zoomed = root;
      search(text);
      byId("stage").scrollIntoView({ block: "nearest" });
      focusFirstMatch();
    }

    graph.addEventListener("click", (event) => { if (nodeAt(event)) zoom(nodeAt(event)); });
    graph.addEventListener("keydown", onGraphKey);
    graph.addEventListener("pointerover", (event) => { if (nodeAt(event)) showDetail(nodeAt(event)); });
    graph.addEventListener("pointerleave", () => showDetail(state.current));
    document.addEventListener("keydown", onKey);
    byId("search").addEventListener("input", (event) => search(event.target.value));
    byId("reset").addEventListener("click", () => zoom(root, false));
    for (const each of switches) each.addEventListener("click", () => showView(each.dataset.view));
    new ResizeObserver(() => { if (byId("stage").offsetWidth !== state.pixels) requestAnimationFrame(draw); }).observe(byId("stage"));
    showView();
    return find;
  }

  /* ---- the table ---- */

  function sortBy(table, nth) {
    const heads = [...table.tHead.rows[0].cells];
    const down = heads[nth].getAttribute("aria-sort") !== "descending";
    for (const [at, head] of heads.entries()) {
      if (at !== nth) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", down ? "descending" : "ascending");
    }
    const value = (row) => row.cells[nth].dataset.value ?? row.cells[nth].textContent;
    const order = new Intl.Collator("en", { numeric: true }).compare;
    const compare = heads[nth].className ? (one, other) => value(one) - value(other) : (one, other) => order(value(one), value(other));
    const rows = [...table.tBodies[0].rows].sort((one, other) => compare(one, other) * (down ? -1 : 1));
    table.tBodies[0].append(...rows);
  }

  /* A long name may break behind its dots, colons and underscores. */
  for (const name of document.querySelectorAll("h1 bdi, .sentence code, #functions bdi")) {
    const parts = name.textContent.split(/(?<=[.:_(])/);
    name.replaceChildren(...parts.flatMap((part) => [part, document.createElement("wbr")]));
  }

  const find = byId("graph") ? flameGraph(grow(JSON.parse(byId("data").textContent))) : () => {};
  const table = byId("functions");
  for (const [nth, head] of table ? [...table.tHead.rows[0].cells].entries() : []) head.firstChild.addEventListener("click", () => sortBy(table, nth));
  for (const button of document.querySelectorAll("[data-find]")) button.addEventListener("click", () => find(button.textContent));
})();

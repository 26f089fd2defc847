// What is shown now, and what changes it.

const TILES_WITH_CELLS = 72;
const view = {
  show: "map",
  density: places.length <= TILES_WITH_CELLS ? "cells" : "gauges",
  sort: "name",
  column: 0,
  descending: false,
  states: new Set(),
  found: null,
  opened: null,
};
const mapBox = document.getElementById("map");
const detailsBox = document.getElementById("details");

function isShown(node) {
  return !view.states.size || [...view.states].some((state) => STATES[state].holds(node));
}

function draw() {
  const nodes = data.nodes.filter(isShown);
  if (view.show === "map") drawMap(mapBox);
  else if (view.show === "nodes") drawTable(mapBox, NODE_COLUMNS, nodes, "Nodes");
  else drawTable(mapBox, SUBNET_COLUMNS, data.subnets, "Subnets");
  document.getElementById("densities").hidden = document.getElementById("sorting").hidden = view.show !== "map";
  drawLegend();
  markView(view.show);
  mark();
}

// What was found and what is opened stand out.
function mark() {
  const { found, opened } = view;
  mapBox.classList.toggle("searching", Boolean(found));
  for (const tile of mapBox.querySelectorAll(".tile")) {
    tile.classList.toggle("hit", Boolean(found && found.enis.has(tile.dataset.eni)));
    tile.classList.toggle("opened", tile.dataset.instance === opened);
  }
  for (const row of mapBox.querySelectorAll("tr[data-instance]")) {
    row.hidden = Boolean(found && !found.nodes.has(row.dataset.instance));
    row.classList.toggle("opened", row.dataset.instance === opened);
  }
  const count = found ? `${plural(found.hits.length, "hit")} on ${plural(found.nodes.size, "node")}` : "";
  document.getElementById("told").textContent = count;
}

function open(instance, eni, address) {
  const node = nodesById.get(instance);
  if (!node) return;
  view.opened = instance;
  detailsBox.hidden = false;
  drawDetails(detailsBox, node, eni, address);
  history.replaceState(null, "", `#${instance}`);
  mark();
  detailsBox.focus({ preventScroll: true });
  mapBox.querySelector(`.tile[data-instance="${CSS.escape(instance)}"]`)?.scrollIntoView({ block: "nearest" });
}

function close() {
  const tile = mapBox.querySelector(".opened.tile, tr.opened button");
  view.opened = null;
  detailsBox.hidden = true;
  history.replaceState(null, "", "#");
  mark();
  (tile || queryBox).focus({ preventScroll: true });
}

function openFromAddress() {
  open(location.hash.slice(1));
}

function drawHead() {
  document.getElementById("cluster").textContent = data.cluster;
  const at = `${data.at.slice(0, 16).replace("T", " ")} UTC`;
  document.getElementById("reading").textContent =
    `as of ${at} · mode ${data.mode} · fuse ${data.fuse.state} · policy ${data.policy}`;
  const notices = [...data.warnings];
  if (data.fuse.state === "tripped") notices.push(`The fuse is tripped: ${data.fuse.reason}`);
  if (data.deadLetters) notices.push(`${plural(data.deadLetters, "dead letter")}: a person is needed`);
  document
    .getElementById("notices")
    .replaceChildren(
      ...notices.map((text) => el("li", {}, el("span", { class: "sign", "aria-hidden": "true" }, "!"), text)),
    );
}

function figure(name, title, value, said, track) {
  return el(
    "div",
    { class: "figure", "data-figure": name, "data-value": value },
    el("p", { class: "muted" }, title),
    el("p", { class: "value" }, shown(value)),
    track || null,
    el("p", { class: "small muted" }, said),
  );
}

function drawFigures() {
  const { drift, pools, queues } = data;
  const free = data.nodes.reduce((sum, node) => sum + totals(node.nics).free, 0);
  const dead = Object.entries(queues)
    .filter(([what]) => what !== "requests")
    .map(([what, count]) => `${what} ${shown(count)}`);
  const use = bar(
    [
      ["used", pools.used],
      ["free", pools.addresses - pools.used],
    ],
    pools.addresses,
  );
  const states = [
    `${shown(drift.converged)} converged`,
    `${shown(drift.drifting)} drift`,
    drift.waiting ? `${shown(drift.waiting)} wait` : "",
  ];
  document
    .getElementById("figures")
    .replaceChildren(
      figure("instances", "Nodes", drift.instances, states.filter(Boolean).join(" · ")),
      figure(
        "used",
        "Addresses that pods use",
        pools.used,
        `${percent(pools.used, pools.addresses)} % of ${shown(pools.addresses)} in ${plural(pools.pools, "pool")}`,
        use,
      ),
      figure(
        "free",
        "Free for pods",
        free,
        `${plural(pools.disabled, "pool")} disabled · ${shown(pools.terminating)} terminating`,
      ),
      figure("quarantined", "Quarantined", pools.quarantined, "kept back: another NIC holds them"),
      figure("requests", "Requests waiting", queues.requests, dead.join(" · ")),
    );
}

function drawFilters() {
  const counts = Object.fromEntries(STATE_ORDER.map((state) => [state, data.nodes.filter(STATES[state].holds).length]));
  const buttons = STATE_ORDER.map((state) => {
    const mark = el("span", { class: "sign", "aria-hidden": "true" }, STATES[state].sign);
    return el(
      "button",
      {
        type: "button",
        class: `filter is-${state}`,
        "data-state": state,
        "data-value": counts[state],
        "aria-pressed": "false",
        disabled: !counts[state],
        onclick: (event) => {
          const pressed = !view.states.delete(state);
          if (pressed) view.states.add(state);
          event.currentTarget.setAttribute("aria-pressed", String(pressed));
          draw();
        },
      },
      mark,
      ` ${STATES[state].word} `,
      el("b", {}, shown(counts[state])),
    );
  });
  document.getElementById("states").replaceChildren(...buttons);
}

// Of what is shown now: cells are addresses, gauges are NICs, tables say it in words.
function drawLegend() {
  const cells = Object.entries(ADDRESS_STATES).map(([state, says]) => el("li", {}, addressCell({ state }), says));
  const fill = el("span", { class: "swatch" }, el("span", { class: "fill", "--share": "60%" }));
  const gauges = [
    el("li", {}, fill, "a NIC, filled as far as pods use its addresses (of the fuller family)"),
    ...STATE_ORDER.filter((state) => state !== "converged").map((state) =>
      el(
        "li",
        { class: `is-${state}` },
        el("span", { class: `swatch is-${state}` }),
        el("span", { class: "sign", "aria-hidden": "true" }, STATES[state].sign),
        `its node: ${STATES[state].says}`,
      ),
    ),
  ];
  document
    .getElementById("legend")
    .replaceChildren(...(view.show !== "map" ? [] : view.density === "cells" ? cells : gauges));
}

function drawKeys() {
  const key = (name) => el("kbd", {}, name);
  document
    .getElementById("keys")
    .append(
      key("/"),
      " searches · ",
      key("Tab"),
      " goes to the next subnet, ",
      key("←"),
      " ",
      key("→"),
      " to the next NIC · ",
      key("Enter"),
      " opens · ",
      key("Esc"),
      " closes",
    );
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

const markView = choices(
  document.getElementById("views"),
  [
    ["map", "Map"],
    ["nodes", "Nodes"],
    ["subnets", "Subnets"],
  ],
  view.show,
  (show) => {
    Object.assign(view, { show, column: 0, descending: false });
    draw();
  },
);
choices(
  document.getElementById("densities"),
  [
    ["cells", "Addresses"],
    ["gauges", "Overview"],
  ],
  view.density,
  (density) => {
    view.density = density;
    draw();
  },
);
choices(
  document.getElementById("theme"),
  [
    ["auto", "Auto", "As the system has it"],
    ["light", "Light"],
    ["dark", "Dark"],
  ],
  "auto",
  setTheme,
);
const sortBox = document.getElementById("sort");
sortBox.append(
  ...[
    ["name", "by name"],
    ["problems", "problems first"],
    ["fullest", "fullest first"],
  ].map(([value, text]) => el("option", { value }, text)),
);
sortBox.addEventListener("change", () => {
  view.sort = sortBox.value;
  draw();
});
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    queryBox.focus();
    queryBox.select();
  } else if (event.key === "Escape" && view.opened) close();
});
window.addEventListener("hashchange", openFromAddress);

drawHead();
drawFigures();
drawFilters();
drawKeys();
draw();
openFromAddress();

// The same as tables: every node, every subnet, in an order that the reader chooses.

function familyColumns({ key, name }) {
  const has = (node) => totals(node.nics, [{ key }]);
  return [
    { title: `${name} used`, value: (node) => has(node).used, number: true },
    { title: `${name} free`, value: (node) => has(node).free, number: true },
    { title: `${name} use`, value: (node) => percent(has(node).used, has(node).listed), bar: true, number: true },
  ];
}

const NODE_COLUMNS = [
  { title: "Node", value: shortName, open: true },
  { title: "Is", value: (node) => STATE_ORDER.indexOf(node.is), cell: stateBadge },
  { title: "Instance", value: (node) => node.instance, mono: true },
  { title: "State", value: (node) => shown(node.state) },
  { title: "Type", value: (node) => shown(node.type) },
  { title: "Zone", value: (node) => shown(node.zone) },
  { title: "Group", value: (node) => node.group || "none" },
  { title: "NICs", value: (node) => node.nics.length, number: true },
  ...FAMILIES.flatMap(familyColumns),
];

const SUBNET_COLUMNS = [
  { title: "Subnet", value: (subnet) => subnet.name || subnet.subnet },
  { title: "Id", value: (subnet) => subnet.subnet, mono: true },
  { title: "Zone", value: (subnet) => subnet.zone },
  { title: "IPv4", value: (subnet) => shown(subnet.cidr), mono: true },
  { title: "IPv6", value: (subnet) => subnet.ipv6Cidr || "none", mono: true },
  { title: "NICs", value: (subnet) => subnet.nics.length, number: true },
  { title: "Pods use", value: (subnet) => subnet.used, number: true },
  { title: "Free", value: (subnet) => subnet.free, number: true },
  { title: "Kept free", value: (subnet) => subnet.reserve, number: true },
  {
    title: "Taken",
    value: (subnet) => (subnet.free === null ? null : percent(subnet.size - subnet.free, subnet.size)),
    bar: true,
    number: true,
  },
];

function drawTable(holder, columns, rows, kind) {
  const by = columns[view.column] || columns[0];
  const sorted = [...rows].sort((one, other) => compare(by.value(one), by.value(other)) * (view.descending ? -1 : 1));
  const heads = columns.map((column, at) => {
    const chosen = column === by;
    const arrow = chosen ? (view.descending ? " ↓" : " ↑") : "";
    const sort = chosen ? (view.descending ? "descending" : "ascending") : null;
    return el(
      "th",
      { scope: "col", class: column.number && !column.bar ? "number" : "", "aria-sort": sort },
      el(
        "button",
        { type: "button", onclick: () => sortBy(at, kind) },
        column.title,
        el("span", { "aria-hidden": "true" }, arrow),
      ),
    );
  });
  const body = el(
    "tbody",
    {},
    ...sorted.map((row) =>
      el("tr", { "data-instance": row.instance }, ...columns.map((column) => tableCell(column, row))),
    ),
  );
  const caption = el("caption", { class: "hidden" }, kind);
  holder.replaceChildren(
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": kind },
      el("table", {}, caption, el("thead", {}, el("tr", {}, ...heads)), body),
    ),
  );
}

function sortBy(at, kind) {
  const number = (kind === "Nodes" ? NODE_COLUMNS : SUBNET_COLUMNS)[at].number;
  view.descending = view.column === at ? !view.descending : Boolean(number);
  view.column = at;
  draw();
  document.querySelectorAll("th button")[at].focus();
}

function compare(one, other) {
  return typeof one === "number" || typeof other === "number"
    ? (one ?? -1) - (other ?? -1)
    : one.localeCompare(other, "en", { numeric: true });
}

function tableCell(column, row) {
  const value = column.value(row);
  const kind = [column.number ? "number" : "", column.mono ? "mono" : ""].join(" ");
  if (column.cell) return el("td", { class: kind }, column.cell(row));
  if (column.open) {
    return el(
      "th",
      { scope: "row" },
      el("button", { type: "button", class: "link", onclick: () => open(row.instance) }, el("bdi", {}, value)),
    );
  }
  if (column.bar)
    return el(
      "td",
      { class: "withbar" },
      bar([["used", value]], 100),
      el("span", {}, value === null ? "unknown" : `${value} %`),
    );
  return el("td", { class: kind }, el("bdi", {}, shown(value)));
}

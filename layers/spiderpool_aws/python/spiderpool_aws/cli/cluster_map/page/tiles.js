// The map: VPC, zone, subnet, and a tile for each NIC in it.

function drawMap(holder) {
  const vpcs = data.vpcs.map((vpc) =>
    el(
      "section",
      { class: "vpc" },
      el("h2", {}, "VPC ", el("bdi", {}, vpc.vpc)),
      el("div", { class: "zones" }, ...vpc.zones.map(zoneOf)),
    ),
  );
  holder.replaceChildren(...vpcs, ...elsewhere());
  for (const tiles of holder.querySelectorAll(".tiles")) rove(tiles);
}

function zoneOf(zone) {
  const subnets = zone.subnets.map((id) => subnetsById.get(id));
  const nodes = new Set(subnets.flatMap((subnet) => subnet.nics.map((eni) => placesByEni.get(eni).node.instance)));
  const title = el("h3", {}, zone.zone, " ", el("span", { class: "muted" }, plural(nodes.size, "node")));
  return el("section", { class: "zone" }, title, ...subnets.map(subnetPanel));
}

function subnetPanel(subnet) {
  const all = subnet.nics.map((eni) => placesByEni.get(eni));
  const tiles = ordered(all.filter((place) => isShown(place.node))).map(tileOf);
  const name = subnet.name || subnet.subnet;
  const rest = all.length - tiles.length;
  return el(
    "section",
    { class: "subnet", "data-subnet": subnet.subnet, "aria-label": `Subnet ${name}` },
    el(
      "header",
      {},
      el("h4", {}, el("bdi", {}, name)),
      el("span", { class: "mono" }, subnet.cidr || "no IPv4"),
      el("span", { class: "mono muted" }, subnet.name ? subnet.subnet : ""),
    ),
    subnetUse(subnet),
    el(
      "div",
      { class: `tiles ${view.density}`, role: "group", "aria-label": `NICs in ${name}: arrows move, Enter opens` },
      ...tiles,
    ),
    rest ? el("p", { class: "muted rest" }, `${plural(rest, "NIC")} not shown by the filter`) : null,
  );
}

// What the subnet's addresses are: in use by pods, held by our NICs, held by others, free.
function subnetUse(subnet) {
  if (subnet.free === null || subnet.size === null) return el("p", { class: "muted" }, "free addresses are not known");
  const taken = subnet.size - subnet.free;
  const idle = subnet.held - subnet.used;
  const others = Math.max(0, taken - subnet.held);
  const full = subnet.free <= subnet.reserve;
  const kept = subnet.reserve ? `, ${subnet.reserve} kept free` : "";
  return el(
    "div",
    { class: "use" },
    bar(
      [
        ["used", subnet.used],
        ["held", idle],
        ["others", others],
      ],
      subnet.size,
    ),
    el(
      "p",
      {},
      el("strong", {}, `${percent(taken, subnet.size)} % taken`),
      ` · ${shown(subnet.free)} of ${shown(subnet.size)} free${kept}`,
      full
        ? el("span", { class: "badge is-drifts" }, el("span", { class: "sign", "aria-hidden": "true" }, "!"), " full")
        : null,
    ),
    el(
      "p",
      { class: "key muted" },
      swatch("used", `pods use ${shown(subnet.used)}`),
      swatch("held", `NICs hold ${shown(idle)} more`),
      others ? swatch("others", `others ${shown(others)}`) : null,
    ),
  );
}

function swatch(kind, text) {
  return el("span", {}, el("i", { class: `dot part ${kind}`, "aria-hidden": "true" }), text);
}

function ordered(some) {
  const byName = (one, other) => shortName(one.node).localeCompare(shortName(other.node), "en", { numeric: true });
  const orders = {
    name: byName,
    problems: (one, other) =>
      STATE_ORDER.indexOf(one.node.is) - STATE_ORDER.indexOf(other.node.is) || byName(one, other),
    fullest: (one, other) => other.full - one.full || byName(one, other),
  };
  return [...some].sort(orders[view.sort]);
}

function tileOf(place) {
  const { node, nic } = place;
  const said = FAMILIES.filter(({ key }) => nic[key]).map(
    ({ key, name }) => `${name} ${nic[key].used} used, ${nic[key].free} free`,
  );
  const label = `${shortName(node)}, ${nicName(nic)}, ${nic.eni}: ${said.join("; ") || "no addresses for pods"}; ${node.is}`;
  const inside = view.density === "cells" ? cellsOf(place) : gaugeOf(place);
  return el(
    "button",
    {
      type: "button",
      class: `tile is-${node.is}`,
      tabindex: "-1",
      "data-eni": nic.eni,
      "data-instance": node.instance,
      "aria-label": label,
      title: label,
      onclick: () => open(node.instance, nic.eni),
    },
    ...inside,
  );
}

function signOf(node) {
  return el("span", { class: "sign", "aria-hidden": "true" }, node.is === "converged" ? "" : STATES[node.is].sign);
}

function cellsOf({ node, nic }) {
  const head = el(
    "span",
    { class: "head" },
    el("span", { class: "name" }, el("bdi", {}, shortName(node))),
    el("span", { class: "muted" }, nicName(nic)),
    signOf(node),
  );
  const rows = FAMILIES.filter(({ key }) => nic[key]).map(({ key, name }) => {
    const { addresses, omitted } = nic[`${key}Details`];
    const cells = addresses.slice(0, 64).map(addressCell);
    const more = addresses.length + omitted - cells.length;
    return el(
      "span",
      { class: "family" },
      el("span", { class: "muted" }, name.replace("IPv", "v")),
      el("span", { class: "row" }, ...cells, more ? `+${more}` : ""),
    );
  });
  return [head, ...rows];
}

// One column, filled as far as pods use what the pools list.
function gaugeOf({ node, full }) {
  return [el("span", { class: "fill", "--share": `${full}%` }), signOf(node)];
}

// What has no place in the tree: NICs in subnets that could not be read, and pools whose NIC is gone.
function elsewhere() {
  const lost = places.filter((place) => !subnetsById.has(place.nic.subnet) && isShown(place.node));
  // A node that is terminated and has left nothing behind is in the table only.
  const nodes = data.nodes.filter(
    (node) => (node.leftovers.length || (!node.nics.length && node.is !== "converged")) && isShown(node),
  );
  if (!lost.length && !nodes.length) return [];
  const lines = nodes.map((node) =>
    el(
      "li",
      {},
      el(
        "button",
        { type: "button", class: "link", onclick: () => open(node.instance) },
        `${shortName(node)} (${node.instance})`,
      ),
      " ",
      stateBadge(node),
      ` ${shown(node.state)}, ${plural(node.leftovers.length, "pool")} without a NIC`,
    ),
  );
  const tiles = ordered(lost).map(tileOf);
  return [
    el(
      "section",
      { class: "vpc elsewhere" },
      el("h2", {}, "Without a place"),
      lost.length ? el("p", { class: "muted" }, "NICs in subnets that could not be read") : null,
      lost.length
        ? el(
            "div",
            { class: `tiles ${view.density}`, role: "group", "aria-label": "NICs in unknown subnets" },
            ...tiles,
          )
        : null,
      el("ul", { class: "lines" }, ...lines),
    ),
  ];
}

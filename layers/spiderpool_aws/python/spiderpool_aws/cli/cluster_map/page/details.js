// One node, in full: what is to do with it, its NICs, and each of their addresses.

function drawDetails(holder, node, eni, address) {
  const facts = [node.type, node.zone, node.state, node.group ? `group ${node.group}` : "no group of the policy"];
  const closing = el(
    "button",
    { type: "button", class: "close", "aria-label": "Close", title: "Close (Esc)", onclick: close },
    "✕",
  );
  holder.replaceChildren(
    el("header", {}, el("div", {}, el("h2", {}, el("bdi", {}, shortName(node))), stateBadge(node)), closing),
    el("p", { class: "mono small" }, el("bdi", {}, node.node || "has not joined the cluster")),
    el("p", { class: "mono small" }, node.instance),
    el("p", { class: "muted small" }, facts.filter(Boolean).join(" · ")),
    ...told("To do", node.changes.map(changeLine)),
    ...told(
      "Waits for",
      node.waits.map((reason) => el("li", {}, reason)),
    ),
    ...told(
      "A person should know",
      node.findings.map((finding) => el("li", {}, finding)),
    ),
    ...chosenFirst(node.nics, eni).map(nicSection),
    ...node.leftovers.map(leftoverSection),
  );
  const found = address ? holder.querySelector(`[data-address="${CSS.escape(address)}"]`) : null;
  if (found) {
    found.classList.add("found");
    found.closest("details")?.setAttribute("open", "");
  }
  holder.scrollTop = 0;
  if (found && found.offsetTop > holder.clientHeight / 2) holder.scrollTop = found.offsetTop - holder.clientHeight / 3;
}

function chosenFirst(nics, eni) {
  return [...nics].sort((one, other) => (other.eni === eni) - (one.eni === eni));
}

function told(title, lines) {
  return lines.length ? [el("h3", {}, title), el("ul", { class: "lines" }, ...lines)] : [];
}

const SIGNS = { add: "+", change: "~", remove: "−" };
function changeLine(change) {
  const parts = [
    ...change.added.map((text) => `+ ${text}`),
    ...change.removed.map((text) => `− ${text}`),
    ...change.updated,
  ];
  return el(
    "li",
    {},
    el("span", { class: "mono" }, `${SIGNS[change.kind]} ${change.what}`),
    change.why ? el("span", { class: "muted" }, ` — ${change.why}`) : null,
    ...parts.map((part) => el("div", { class: "mono small indent" }, part)),
  );
}

function nicSection(nic) {
  const subnet = subnetsById.get(nic.subnet);
  const where = subnet && subnet.name ? `${subnet.name} (${nic.subnet})` : nic.subnet;
  return el(
    "section",
    { class: "nic", "data-eni": nic.eni },
    el("h3", {}, `NIC ${nic.deviceIndex}`, " ", el("span", { class: "muted" }, nic.host || "not in the policy")),
    el("p", { class: "mono small" }, nic.eni),
    el("p", { class: "small" }, "Subnet ", el("bdi", { class: "mono" }, where)),
    el(
      "p",
      { class: "small" },
      "Host ",
      ...nic.hostAddresses.map((address) => el("span", { class: "mono spaced", "data-address": address }, address)),
    ),
    ...FAMILIES.filter(({ key }) => nic[key]).flatMap(({ key, name }) =>
      familySection(name, nic[key], nic[`${key}Details`]),
    ),
  );
}

function leftoverSection(pool) {
  return el(
    "section",
    { class: "nic", "data-eni": pool.eni },
    el("h3", {}, "Pool without a NIC"),
    el("p", { class: "mono small" }, pool.eni),
    ...familySection(pool.family, { ...pool, free: pool.listed - pool.used }, { ...pool, prefixes: [] }),
  );
}

function familySection(name, has, details) {
  const slots = has.slots === undefined ? "" : ` · ${has.slots} of ${shown(has.limit)} slots`;
  const special = details.addresses.filter((one) => one.state !== "free");
  const free = details.addresses.filter((one) => one.state === "free");
  const unusable = has.free - free.length - details.omitted;
  const but = unusable > 0 ? ` (${unusable} of them not usable)` : "";
  return [
    el("h4", {}, name),
    bar(
      [
        ["used", has.used],
        ["free", has.free],
      ],
      has.listed,
    ),
    el("p", { class: "small" }, el("strong", {}, `${has.used} used, ${has.free} free`), but + slots),
    details.prefixes.length
      ? el(
          "p",
          { class: "small" },
          details.prefixes.length > 1 ? "Prefixes " : "Prefix ",
          ...details.prefixes.map((block) => el("span", { class: "mono spaced" }, block)),
        )
      : null,
    special.length ? el("ul", { class: "addresses" }, ...special.map(addressLine)) : null,
    free.length
      ? el(
          "details",
          { open: free.length <= 16 },
          el("summary", {}, `${free.length} free`),
          el(
            "p",
            { class: "chips" },
            ...free.map((one) => el("span", { class: "mono chip", "data-address": one.address }, one.address)),
          ),
        )
      : null,
    details.omitted ? el("p", { class: "muted small" }, `and ${details.omitted} more that nobody uses`) : null,
    ...details.pools.map((pool) => el("p", { class: "muted small" }, "Pool ", el("bdi", { class: "mono" }, pool))),
  ];
}

function addressLine(one) {
  const said = [
    one.pod ? el("bdi", { class: "pod" }, one.pod) : null,
    one.state === "used" ? null : el("span", { class: "why" }, one.why ? `${one.state}: ${one.why}` : one.state),
  ];
  return el(
    "li",
    { "data-address": one.address },
    addressCell(one),
    el("span", { class: "mono" }, one.address),
    el("span", { class: "what" }, ...said),
  );
}

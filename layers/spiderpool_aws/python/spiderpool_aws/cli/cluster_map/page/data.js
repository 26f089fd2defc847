// The data of the page, read once, and what is asked of it. Nothing here touches what is shown.

const data = JSON.parse(document.getElementById("data").textContent);

// A node may drift and wait at once; `is` is the first of them that holds.
const STATES = {
  drifts: { sign: "≠", word: "drift", says: "something is to do", holds: (node) => node.is === "drifts" },
  waits: { sign: "…", word: "wait", says: "waits for something", holds: (node) => node.waits.length > 0 },
  finding: {
    sign: "!",
    word: "with findings",
    says: "a person should know something",
    holds: (node) => node.findings.length > 0,
  },
  converged: { sign: "✓", word: "converged", says: "nothing is to do", holds: (node) => node.is === "converged" },
};
// The worst first: what a person looks for.
const STATE_ORDER = Object.keys(STATES);

const ADDRESS_STATES = {
  used: "used by a pod",
  free: "free for pods",
  drifting: "drifting: EC2 and the pools differ",
  quarantined: "quarantined",
  withheld: "withheld from pods",
  outside: "not managed",
};

const FAMILIES = [
  { key: "ipv4", name: "IPv4" },
  { key: "ipv6", name: "IPv6" },
];

const shortName = (node) => (node.node ? node.node.split(".")[0] : "no Node");
const nicName = (nic) => nic.host || `index ${nic.deviceIndex}`;
const shown = (value) =>
  value === null || value === undefined
    ? "unknown"
    : typeof value === "number"
      ? value.toLocaleString("en")
      : String(value);
const percent = (part, whole) => (whole ? Math.round((100 * part) / whole) : 0);
const plural = (count, one, many = `${one}s`) => `${shown(count)} ${count === 1 ? one : many}`;

const nodesById = new Map(data.nodes.map((node) => [node.instance, node]));
const subnetsById = new Map(data.subnets.map((subnet) => [subnet.subnet, subnet]));

// How far pods use what the pools of a NIC list, of the family that is fuller: a pod needs one of each.
function fullness(nic) {
  return Math.max(
    0,
    ...FAMILIES.filter(({ key }) => nic[key]).map(({ key }) => percent(nic[key].used, nic[key].listed)),
  );
}

// A NIC with its node.
const places = [];
const placesByEni = new Map();
for (const node of data.nodes) {
  for (const nic of node.nics) {
    const place = { node, nic, full: fullness(nic) };
    places.push(place);
    placesByEni.set(nic.eni, place);
  }
}

function totals(nics, families = FAMILIES) {
  const sum = { listed: 0, used: 0, free: 0 };
  for (const nic of nics) {
    for (const { key } of families) {
      for (const what of Object.keys(sum)) sum[what] += nic[key] ? nic[key][what] : 0;
    }
  }
  return sum;
}

// Everything that can be searched for: in small letters, with where it is. A pod has an address of each family, and is
// one thing nevertheless.
const index = [];
const indexed = new Set();
function findable(kind, text, node, more = {}) {
  const key = JSON.stringify([kind, text, node && node.instance, more.eni]);
  if (!text || indexed.has(key)) return;
  indexed.add(key);
  index.push({ kind, text, lower: text.toLowerCase(), node, ...more });
}
for (const node of data.nodes) {
  findable("node", node.node, node);
  findable("instance", node.instance, node);
  for (const nic of node.nics) {
    findable("ENI", nic.eni, node, { eni: nic.eni });
    for (const address of nic.hostAddresses) findable("host address", address, node, { eni: nic.eni, address });
    for (const { key } of FAMILIES) {
      if (!nic[key]) continue;
      for (const block of nic[`${key}Details`].prefixes) findable("prefix", block, node, { eni: nic.eni });
      for (const one of nic[`${key}Details`].addresses) findAddress(one, node, nic.eni);
    }
  }
  for (const pool of node.leftovers) {
    findable("ENI", pool.eni, node, { eni: pool.eni });
    for (const one of pool.addresses) findAddress(one, node, pool.eni);
  }
}
for (const subnet of data.subnets) {
  findable("subnet", subnet.subnet, null, { subnet: subnet.subnet });
  findable("subnet", subnet.name, null, { subnet: subnet.subnet });
}

function findAddress(one, node, eni) {
  findable("address", one.address, node, { eni, address: one.address, pod: one.pod });
  findable("pod", one.pod, node, { eni, address: one.address });
}

// What contains the words, and the NICs and nodes that it is on.
function search(query) {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return null;
  const hits = index.filter((entry) => entry.lower.includes(wanted));
  const rank = (hit) => (hit.lower === wanted ? 0 : hit.lower.startsWith(wanted) ? 1 : 2);
  hits.sort((one, other) => rank(one) - rank(other) || one.lower.length - other.lower.length);
  const nodes = new Set();
  const enis = new Set();
  for (const hit of hits) {
    if (hit.subnet) for (const eni of subnetsById.get(hit.subnet).nics) enis.add(eni);
    else if (hit.eni) enis.add(hit.eni);
    else for (const nic of hit.node.nics) enis.add(nic.eni);
    if (hit.node) nodes.add(hit.node.instance);
  }
  for (const eni of enis) if (placesByEni.has(eni)) nodes.add(placesByEni.get(eni).node.instance);
  return { hits, nodes, enis };
}

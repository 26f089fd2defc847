// The search box: what is found is listed below it, and everything else on the map steps back.

const queryBox = document.getElementById("query");
const hitBox = document.getElementById("hits");
const HITS_SHOWN = 12;
let chosenHit = -1;

function showHits(found) {
  chosenHit = -1;
  queryBox.removeAttribute("aria-activedescendant");
  const hits = found ? found.hits.slice(0, HITS_SHOWN) : [];
  hitBox.replaceChildren(...hits.map(hitLine));
  if (found && !hits.length) hitBox.append(el("p", { class: "muted" }, "Nothing is called that."));
  if (found && found.hits.length > HITS_SHOWN)
    hitBox.append(el("p", { class: "muted" }, `and ${found.hits.length - HITS_SHOWN} more`));
  hitBox.hidden = !found || document.activeElement !== queryBox;
  queryBox.setAttribute("aria-expanded", String(!hitBox.hidden));
}

function hitLine(hit, at) {
  const where = hit.node
    ? `${shortName(hit.node)}${hit.pod ? `, ${hit.pod}` : ""}`
    : subnetsById.get(hit.subnet).subnet;
  return el(
    "div",
    {
      id: `hit-${at}`,
      role: "option",
      "aria-selected": "false",
      onmousedown: (event) => event.preventDefault(),
      onclick: () => goTo(hit),
    },
    el("span", { class: "kind" }, hit.kind),
    el("bdi", { class: "mono" }, hit.text),
    el("bdi", { class: "muted" }, where),
  );
}

function goTo(hit) {
  hitBox.hidden = true;
  queryBox.setAttribute("aria-expanded", "false");
  if (hit.node) open(hit.node.instance, hit.eni, hit.address);
  else {
    view.show = "map";
    draw();
    document.querySelector(`[data-subnet="${CSS.escape(hit.subnet)}"]`)?.scrollIntoView({ block: "center" });
  }
}

function choose(step) {
  const lines = [...hitBox.querySelectorAll("[role=option]")];
  if (!lines.length) return;
  lines[chosenHit]?.setAttribute("aria-selected", "false");
  chosenHit = (chosenHit + step + lines.length + (chosenHit < 0 && step < 0 ? 1 : 0)) % lines.length;
  lines[chosenHit].setAttribute("aria-selected", "true");
  queryBox.setAttribute("aria-activedescendant", lines[chosenHit].id);
}

function onQueryKey(event) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter" && view.found?.hits.length) {
    goTo(view.found.hits[Math.max(0, chosenHit)]);
  } else if (event.key === "Escape") {
    event.stopPropagation();
    if (hitBox.hidden) setQuery("");
    hitBox.hidden = true;
  }
}

function setQuery(query) {
  queryBox.value = query;
  view.found = search(query);
  showHits(view.found);
  mark();
}

queryBox.addEventListener("input", () => setQuery(queryBox.value));
queryBox.addEventListener("keydown", onQueryKey);
queryBox.addEventListener("focus", () => showHits(view.found));
queryBox.addEventListener("blur", () => (hitBox.hidden = true));

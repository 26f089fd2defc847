// The parts that everything shown is made of. All text is set as text: nothing is ever parsed as markup.

function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key.startsWith("--")) element.style.setProperty(key, value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

function stateBadge(node) {
  const { sign, says } = STATES[node.is];
  const mark = el("span", { class: "sign", "aria-hidden": "true" }, sign);
  return el("span", { class: `badge is-${node.is}`, title: says }, mark, ` ${node.is}`);
}

// A bar of parts: [class, amount]; what is said of it stands beside it in words.
function bar(parts, whole) {
  const track = el("span", { class: "bar", "aria-hidden": "true" });
  for (const [kind, amount] of parts) {
    if (amount > 0) track.append(el("span", { class: `part ${kind}`, "--share": `${(100 * amount) / (whole || 1)}%` }));
  }
  return track;
}

function addressCell(one) {
  return el("i", { class: `cell ${one.state}` });
}

// Buttons of which one is pressed; arrows move, as in every group of radio buttons.
function choices(holder, options, current, choose) {
  const buttons = options.map(([value, text, hint]) =>
    el("button", { type: "button", role: "radio", value, title: hint, onclick: () => pick(value) }, text),
  );
  function mark(value) {
    for (const button of buttons) {
      const chosen = button.value === value;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
  }
  function pick(value) {
    mark(value);
    choose(value);
  }
  holder.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement);
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.focus();
    pick(next.value);
  });
  holder.replaceChildren(...buttons);
  mark(current);
  return mark;
}

// Tiles are one stop of the Tab key a subnet; within it the arrows move.
function rove(holder) {
  const tiles = () => [...holder.querySelectorAll(".tile")];
  const first = holder.querySelector(".tile");
  if (first) first.tabIndex = 0;
  holder.addEventListener("focusin", (event) => {
    const tile = event.target.closest(".tile");
    for (const other of holder.querySelectorAll('.tile[tabindex="0"]')) other.tabIndex = -1;
    if (tile) tile.tabIndex = 0;
  });
  holder.addEventListener("keydown", (event) => {
    const all = tiles();
    const at = all.indexOf(document.activeElement);
    if (at < 0) return;
    const columns = all.filter((tile) => tile.offsetTop === all[0].offsetTop).length;
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, to))].focus();
  });
}

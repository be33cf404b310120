"use strict";
// The page of the console. It asks what it shows again and again, and never holds on to a part of the
// document that somebody is using: what is there is changed in place.

const byId = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=evenkeel-token]").content;

// Asking

class Refused extends Error {
  constructor(status, code, what) {
    super(what);
    this.status = status;
    this.code = code;
  }
}

async function fetched(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Refused(0, "silent", "The console does not answer; it is asked again.");
  }
  const text = await response.text();
  let body = {};
  try {
    body = JSON.parse(text);
  } catch {
    if (response.ok) throw new Refused(response.status, "malformed", "The console gave no JSON.");
  }
  if (!response.ok) throw new Refused(response.status, body.code || "failed", body.error || `HTTP ${response.status}`);
  return body;
}

// Of the person at this page, where two people are wanted for something. Kept here alone: it is gone with the page.
let operator = "";

function tokenField() {
  const input = make("input", { type: "password", autocomplete: "off", spellcheck: "false", maxlength: "64", size: "20", "data-operator": "", value: operator });
  input.addEventListener("input", () => {
    operator = input.value.trim();
    for (const other of document.querySelectorAll("[data-operator]")) if (other !== input) other.value = operator;
  });
  return make("label", {}, "Your token", input);
}

const ask = (name, fields) => fetched(`/api/ask/${name}`, {
  method: "POST",
  headers: { "Content-Type": "application/json", "X-Evenkeel-Token": token, ...(operator ? { "X-Evenkeel-Operator": operator } : {}) },
  body: JSON.stringify(fields),
});

// Words

const numbers = new Intl.NumberFormat("en");
const count = (value) => numbers.format(value ?? 0);
const counted = (value, what) => `${count(value)} ${what}${value === 1 ? "" : "s"}`;
const spaced = (word) => String(word ?? "").replaceAll("_", " ");

function bytes(value) {
  if (value === null || value === undefined) return "?";
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (value >= 1024 && unit + 1 < units.length) {
    value /= 1024;
    unit += 1;
  }
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)}\u00a0${units[unit]}`;
}

const share = (value) => (value === null || value === undefined ? "?" : `${(100 * value).toFixed(1)}\u00a0%`);

function duration(ms) {
  if (ms === null || ms === undefined) return "?";
  const s = ms / 1000;
  if (s < 1) return `${Math.round(ms)} ms`;
  if (s < 90) return `${s < 10 ? s.toFixed(1) : Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${(s / 3600).toFixed(1)} h`;
  return `${(s / 86400).toFixed(1)} days`;
}

// Making the document

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null) continue;
    if (key === "onclick") element.addEventListener("click", value);
    else if (key === "class") element.className = value;
    else if (key === "tone") element.dataset.tone = value;
    else if (typeof value === "boolean") element.toggleAttribute(key, value);
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const LETTERS = { s: "server", c: "chunk", k: "command" };

function link(letter, id, extra = "") {
  return make("button", { type: "button", class: "link", onclick: () => openDetail(LETTERS[letter], id) }, `${letter}${id}${extra}`);
}

// Text in which what has a name can be opened.
function linked(text) {
  const parts = [];
  let from = 0;
  for (const found of String(text ?? "").matchAll(/(?<![\w/.-])([sck])(\d{1,18})(?![\w/-])/g)) {
    parts.push(text.slice(from, found.index), link(found[1], found[2]));
    from = found.index + found[0].length;
  }
  parts.push(String(text ?? "").slice(from));
  return parts;
}

function table(caption, columns, rows) {
  const head = make("tr", {}, ...columns.map((column) => make("th", { scope: "col", class: column.number ? "n" : null }, column.name)));
  const body = rows.map((row) => make("tr", {}, ...columns.map((column) => {
    const shown = column.show(row);
    return make("td", { class: column.number ? "n" : column.wide ? "wide" : null }, ...(Array.isArray(shown) ? shown : [shown]));
  })));
  return make("table", {}, make("caption", { class: "hidden" }, caption), make("thead", {}, head), make("tbody", {}, ...body));
}

function facts(pairs) {
  return make("dl", { class: "facts" }, ...pairs.flatMap(([label, value]) => [
    make("dt", {}, label), make("dd", {}, ...(Array.isArray(value) ? value : linked(value)))]));
}

// What is known

const known = { now: null, servers: [], rates: [], last: null, oldest: null, says: "" };

function trouble(error) {
  const place = byId("trouble");
  place.hidden = !error;
  place.textContent = error ? error.message : "";
}

// At a glance

function isRunning() {
  return known.now.now_ms - known.now.state.at_ms < 5000;
}

function drawMode() {
  const { state } = known.now;
  const badge = byId("mode");
  const tones = { running: "good", braked: "bad", log_full: "bad", safe_mode: "warn", unsynced: "warn" };
  if (isRunning()) {
    badge.textContent = `rebalancer ${spaced(state.mode)}`;
    badge.dataset.tone = tones[state.mode] || "idle";
  } else {
    badge.textContent = "rebalancer not running";
    badge.dataset.tone = "bad";
  }
}

function named(ids, total) {
  if (!ids.length) return [];
  const shown = ids.slice(0, 12);
  return [": ", ...shown.flatMap((id, i) => [i ? " " : "", link("c", id)]), total > shown.length ? " …" : ""];
}

function glances() {
  const { now } = known, { state } = now, all = [];
  const add = (tone, ...parts) => all.push({ tone, parts });
  if (!state.at_ms) add("bad", "The rebalancer has not run yet.");
  else if (!isRunning()) add("bad", `The rebalancer does not run: it last wrote ${duration(now.now_ms - state.at_ms)} ago. What is shown is as of then.`);
  else if (state.mode !== "running") add(["braked", "log_full"].includes(state.mode) ? "bad" : "warn", `The rebalancer is in ${spaced(state.mode)}${state.why ? ": " : ""}`, ...linked(state.why));
  else if (state.why) add("warn", "Nothing is deleted: ", ...linked(state.why));
  const chunks = (tone, number, words, ids) => number > 0 && add(tone, `${counted(number, "chunk")} ${number === 1 ? words[0] : words[1]}`, ...named(ids, number));
  chunks("bad", state.lost, ["is lost: no valid replica is on a server that lives", "are lost: no valid replica is on a server that lives"], state.lost_some);
  chunks("bad", state.at_risk, ["is at risk: one valid replica is left", "are at risk: one valid replica is left"], state.at_risk_some);
  chunks("warn", state.under_replicated, ["is below its goal", "are below their goal"], state.under_some);
  chunks("idle", state.over_replicated, ["has more replicas than wanted", "have more replicas than wanted"], state.over_some);
  if (state.unsorted > 0) add("idle", `${counted(state.unsorted, "chunk")} are still being looked at; these numbers follow.`);
  const ill = { dead: [], suspect: [] };
  for (const server of known.servers) if (ill[server.liveness] && server.admin !== "maintenance") ill[server.liveness].push(server.server_id);
  for (const [word, tone] of [["dead", "bad"], ["suspect", "warn"]]) {
    if (!ill[word].length) continue;
    const shown = ill[word].slice(0, 12);
    add(tone, `${counted(ill[word].length, "server")} ${ill[word].length === 1 ? "is" : "are"} ${word}: `,
      ...shown.flatMap((id, i) => [i ? " " : "", link("s", id)]), ill[word].length > 12 ? " …" : "");
  }
  const silent = known.servers.filter((server) => server.liveness === "alive" && !server.reported).length;
  if (silent && isRunning()) add("warn", `${counted(silent, "live server")} ${silent === 1 ? "has" : "have"} not reported what ${silent === 1 ? "it holds" : "they hold"} yet.`);
  for (const drain of now.drains) {
    const left = drain.chunks_left === null ? "what rests on it is being counted"
      : drain.chunks_left === 0 ? "nothing rests on it any more"
      : `${counted(drain.chunks_left, "chunk")}, ${bytes(drain.bytes_left)} to copy yet`;
    add(drain.admin === "drained" ? "good" : "idle", link("s", drain.server_id), ` is ${drain.admin}${drain.to_be_removed ? ", to be removed" : ""}: ${left}.`);
  }
  for (const server of known.servers) {
    if (server.admin === "maintenance") add("idle", link("s", server.server_id), ` is in maintenance, for another ${duration(server.maintenance_left_ms)}.`);
  }
  if (now.proposals.length) add("warn", `${counted(now.proposals.length, "proposal")} ${now.proposals.length === 1 ? "wants" : "want"} a second person: ${now.proposals.map((row) => `a${row.proposal_id}`).join(", ")}.`);
  if (now.paused.length) add("warn", `Paused by operators: ${now.paused.join(", ")}.`);
  if (!all.some(({ tone }) => tone !== "idle" && tone !== "good")) all.unshift({ tone: "good", parts: [`All is well: ${counted(state.chunks, "chunk")} ${state.chunks === 1 ? "has its" : "have their"} goal of replicas.`] });
  return all;
}

function drawGlance() {
  const all = glances();
  const text = all.map(({ tone, parts }) => tone + parts.map((part) => (part.textContent ?? part)).join("")).join("\n");
  if (text !== known.says) {
    const list = byId("glance");
    if (!list.contains(document.activeElement) || !document.activeElement.isConnected) {
      list.replaceChildren(...all.map(({ tone, parts }) => make("li", { tone }, make("span", {}, ...parts))));
      const worst = all.find(({ tone }) => tone === "bad") || all.find(({ tone }) => tone === "warn") || all[0];
      const aloud = worst.parts.map((part) => (part.textContent ?? part)).join("").split(":")[0];
      if (byId("said").textContent !== aloud) byId("said").textContent = aloud;
      known.says = text;
    }
  }
  const { state } = known.now;
  const living = known.servers.filter((server) => server.liveness !== "dead");
  const used = living.reduce((sum, server) => sum + server.used_bytes, 0);
  const room = living.reduce((sum, server) => sum + server.capacity_bytes, 0);
  byId("totals").textContent = `${counted(known.servers.length, "server")}, ${counted(state.chunks, "chunk")}, ${counted(state.replicas, "replica")}, `
    + `${counted(state.files, "file")} · ${bytes(used)} of ${bytes(room)} used${room ? ` (${share(used / room)})` : ""}`
    + ` · so far ${count(Math.round(state.at_risk_chunk_ms / 3.6e6))} chunk-hours at risk, ${count(Math.round(state.below_goal_chunk_ms / 3.6e6))} below goal`;
}

// Over time

const charts = [];

function makeCharts() {
  const parent = byId("charts"), zero = (value) => value === 0;
  for (const [what, options] of [
    [(row) => row.lost + row.at_risk, { title: "Chunks at risk or lost", tone: "risk", show: count, calm: zero }],
    [(row) => row.below_goal, { title: "Chunks below their goal", tone: "goal", show: count, calm: zero }],
    [(row) => row.open_bytes, { title: "Being copied", tone: "flight", show: bytes, calm: zero }],
    [(row) => row.rate, { title: "Copied a second", tone: "moved", show: (value) => `${bytes(value)}/s`, calm: zero }],
  ]) charts.push({ what, chart: new Chart(parent, options) });
}

const rowsOf = ({ columns, rows }) => rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])));

function liveRow() {
  const { state, commands } = known.now;
  const sum = (key, kind) => commands.filter((row) => row.kind === kind).reduce((all, row) => all + row[key], 0);
  const first = known.rates[0], last = known.rates[known.rates.length - 1];
  const rate = first && last.at > first.at ? 1000 * (last.done - first.done) / (last.at - first.at) : 0;
  return { at_ms: known.now.now_ms, lost: state.lost, at_risk: state.at_risk, below_goal: state.lost + state.at_risk + state.under_replicated,
    open_bytes: sum("open_bytes", "replicate"), rate: Math.max(0, rate) };
}

function drawCharts() {
  if (!known.now || !known.history) return;
  const rows = known.history.map((row, i, all) => {
    const before = all[i - 1];
    const rate = before ? Math.max(0, 1000 * (row.copied_bytes - before.copied_bytes) / (row.at_ms - before.at_ms)) : 0;
    return { ...row, rate };
  });
  const live = liveRow();
  if (isRunning()) rows.push(live);
  for (const { what, chart } of charts) chart.draw(rows.map((row) => ({ at: row.at_ms, value: what(row) })), what(live));
}

// Servers

const STATES = {
  dead: ["✕", "dead"], suspect: ["?", "suspect: silent for some seconds"], silent: ["…", "has not reported"],
  draining: ["↓", "draining"], drained: ["↓", "drained"], maintenance: ["m", "in maintenance"],
  full: ["", "full: 92.5 % or more"], good: ["", "in service"],
};

function stateOf(server) {
  if (server.liveness === "dead") return server.admin === "maintenance" ? "maintenance" : "dead";
  if (server.liveness === "suspect") return "suspect";
  if (server.admin === "maintenance" || server.admin === "draining" || server.admin === "drained") return server.admin;
  if (!server.reported) return "silent";
  return server.used_share >= 0.925 ? "full" : "good";
}

const rackOf = (location) => location.split("/").slice(0, -1).join("/") || location;
const zoneOf = (location) => location.split("/")[0];
const cells = new Map();  // server id -> {button, fill, mark, key}
const narrow = matchMedia("(max-width: 620px)");
const FOLD_FROM = 150;  // servers: on a narrow screen, racks in which all is well are one line each

function labelOf(server, state) {
  const copies = server.copies_in + server.copies_out ? `, ${count(server.copies_in)} copies in, ${count(server.copies_out)} out` : "";
  return `s${server.server_id}, ${server.location}, ${STATES[state][1]}, ${share(server.used_share)} of ${bytes(server.capacity_bytes)} used${copies}`;
}

function matches(server) {
  const wanted = byId("filter").value.trim().toLowerCase();
  if (!wanted) return true;
  const state = stateOf(server);
  return wanted.split(/\s+/).every((word) => `s${server.server_id} ${server.location} ${state} ${server.liveness} ${spaced(server.admin)}`.toLowerCase().includes(word));
}

function buildMap(shown) {
  const map = byId("map"), focused = map.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  cells.clear();
  const racks = new Map();
  for (const server of shown) {
    const rack = rackOf(server.location);
    if (!racks.has(rack)) racks.set(rack, []);
    racks.get(rack).push(server);
  }
  const order = [...racks.keys()].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const zones = new Set(order.map(zoneOf));
  const parts = [];
  let zone = null;
  for (const rack of order) {
    if (zones.size > 1 && zoneOf(rack) !== zone) {
      zone = zoneOf(rack);
      parts.push(make("h3", { class: "zone" }, zone));
    }
    const box = make("div", { class: "cells" });
    for (const server of racks.get(rack)) {
      const fill = make("i"), mark = make("b", { "aria-hidden": "true" });
      const button = make("button", { type: "button", class: "cell", tabindex: "-1", "data-id": server.server_id, onclick: () => openDetail("server", server.server_id) }, fill, mark);
      cells.set(server.server_id, { button, fill, mark, key: "" });
      box.append(button);
    }
    const named = zones.size > 1 ? rack.slice(zoneOf(rack).length + 1) || rack : rack;
    const folds = narrow.matches && shown.length > FOLD_FROM;
    box.hidden = folds && racks.get(rack).every((server) => stateOf(server) === "good");
    const use = folds
      ? make("button", { type: "button", class: "rack-use fold", "aria-expanded": String(!box.hidden), onclick: (event) => unfold(event.currentTarget, box) })
      : make("span", { class: "rack-use" });
    parts.push(make("div", { class: "rack", role: "group", "aria-label": rack, "data-rack": rack },
      make("div", { class: "rack-head" },
        make("button", { type: "button", class: "link", tabindex: "-1", title: `What if ${rack} is lost?`, "aria-label": `What if rack ${rack} is lost?`, onclick: () => foretell([`lose rack ${rack}`]) }, named),
        use), box));
  }
  map.replaceChildren(...parts);
  if (!shown.length) map.append(make("p", { class: "note" }, known.servers.length ? "No server is like that." : "No server is known yet."));
  const target = focused && cells.get(Number(focused));
  const first = target || [...cells.values()].find(({ button }) => !button.parentElement.hidden);
  if (first) first.button.tabIndex = 0;
  if (target) target.button.focus();
}

function unfold(button, box) {
  box.hidden = !box.hidden;
  button.setAttribute("aria-expanded", String(!box.hidden));
}

function drawServers() {
  const shown = known.servers.filter(matches);
  const layout = shown.map((server) => `${server.server_id}${server.location}`).join();
  if (layout !== known.layout) {
    known.layout = layout;
    buildMap(shown);
  }
  const uses = new Map();
  for (const server of shown) {
    const state = stateOf(server), cell = cells.get(server.server_id), label = labelOf(server, state);
    if (cell.key !== label) {
      cell.key = label;
      cell.button.dataset.state = state;
      cell.button.setAttribute("aria-label", label);
      cell.button.title = label;
      cell.fill.style.height = `${Math.min(100, 100 * (server.used_share ?? 0))}%`;
      cell.mark.textContent = STATES[state][0];
    }
    const rack = rackOf(server.location), sum = uses.get(rack) || { used: 0, room: 0, servers: 0 };
    sum.used += server.used_bytes;
    sum.room += server.capacity_bytes;
    sum.servers += 1;
    uses.set(rack, sum);
  }
  for (const rack of byId("map").querySelectorAll(".rack")) {
    const { used, room, servers } = uses.get(rack.dataset.rack);
    rack.querySelector(".rack-use").textContent = `${count(servers)} · ${room ? share(used / room) : "?"}`;
  }
  if (!byId("server-table").hidden) drawServerTable(shown);
}

const useBar = (server) => {
  const fill = make("i");
  fill.style.width = `${Math.min(100, 100 * (server.used_share ?? 0))}%`;
  return [make("span", { class: "use-bar", "aria-hidden": "true" }, fill), share(server.used_share)];
};

function drawServerTable(shown) {
  const place = byId("server-table");
  if (place.contains(document.activeElement)) return;
  const order = { dead: 0, suspect: 1, silent: 2, draining: 3, drained: 4, maintenance: 5, full: 6, good: 7 };
  const rows = [...shown].sort((a, b) => order[stateOf(a)] - order[stateOf(b)] || (b.used_share ?? 0) - (a.used_share ?? 0)).slice(0, 200);
  place.replaceChildren(table("Servers, those with trouble first, then the fullest", [
    { name: "Server", show: (row) => [link("s", row.server_id)] }, { name: "Place", show: (row) => row.location },
    { name: "State", show: (row) => spaced(STATES[stateOf(row)][1].split(":")[0]) }, { name: "Use", show: useBar },
    { name: "Of", number: true, show: (row) => bytes(row.capacity_bytes) }, { name: "Replicas", number: true, show: (row) => count(row.replicas) },
    { name: "Copies in", number: true, show: (row) => count(row.copies_in) }, { name: "Copies out", number: true, show: (row) => count(row.copies_out) },
    { name: "Commands", number: true, show: (row) => count(row.open_commands) },
  ], rows));
  if (shown.length > rows.length) place.append(make("p", { class: "note" }, `${count(shown.length - rows.length)} more; say above which ones you mean.`));
}

// Arrow keys go to the nearest cell in that direction.
function moveOnMap(event) {
  const from = event.target.closest(".cell");
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!from || (!way && event.key !== "Home" && event.key !== "End")) return;
  event.preventDefault();
  const all = [...cells.values()].map(({ button }) => button).filter((button) => !button.parentElement.hidden);
  let to = event.key === "Home" ? all[0] : event.key === "End" ? all[all.length - 1] : null;
  if (way && way[0]) to = all[all.indexOf(from) + way[0]];
  if (way && way[1]) {
    const at = from.getBoundingClientRect();
    let best = Infinity;
    for (const button of all) {
      const box = button.getBoundingClientRect(), down = (box.top - at.top) * way[1];
      if (down < 4) continue;
      const far = down + 0.6 * Math.abs(box.left - at.left);
      if (far < best) {
        best = far;
        to = button;
      }
    }
  }
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}

function drawLegend() {
  const all = [["good", "filled as high as it is used", 0.55], ["full", "full", 0.95], ["dead", "dead", 0.4], ["suspect", "suspect", 0.5],
    ["draining", "drains, or has", 0.5], ["maintenance", "maintenance", 0.5], ["silent", "not reported", 0.5]];
  byId("legend").replaceChildren(...all.map(([state, words, height]) => {
    const fill = make("i");
    fill.style.height = `${100 * height}%`;
    return make("li", {}, make("span", { class: "cell", "data-state": state, "aria-hidden": "true" }, fill, make("b", {}, STATES[state][0])), words);
  }));
}

// Commands

const COMMAND = [
  { name: "Command", show: (row) => [link("k", row.command_id)] },
  { name: "What", show: (row) => row.kind }, { name: "Why", show: (row) => row.reason },
  { name: "Chunk", show: (row) => (row.chunk_id === null ? "" : [link("c", row.chunk_id)]) },
  { name: "Bytes", number: true, show: (row) => bytes(row.size_bytes) },
  { name: "From", show: (row) => (row.source_id ? [link("s", row.source_id)] : "") },
  { name: "Server", show: (row) => [link("s", row.server_id)] },
  { name: "For", number: true, show: (row) => duration(Math.max(0, (row.closed_ms ?? known.now.now_ms) - row.issued_ms)) },
];

function drawCommands() {
  const place = byId("commands");
  const rows = known.now.commands;
  const open = rows.reduce((sum, row) => sum + row.open, 0);
  place.replaceChildren(rows.length
    ? table("Commands by what they do and why", [
      { name: "What", show: (row) => row.kind }, { name: "Why", show: (row) => row.reason },
      { name: "In flight", number: true, show: (row) => count(row.open) }, { name: "Bytes", number: true, show: (row) => (row.open ? bytes(row.open_bytes) : "") },
      { name: "Done", number: true, show: (row) => count(row.done) }, { name: "Bytes", number: true, show: (row) => (row.kind === "replicate" ? bytes(row.done_bytes) : "") },
      { name: "Failed", number: true, show: (row) => count(row.failed + row.refused) }, { name: "Superseded", number: true, show: (row) => count(row.superseded) },
    ], [...rows].sort((a, b) => b.open - a.open))
    : make("p", { class: "note" }, "Nothing was ordered yet."));
  byId("open-commands").querySelector("summary").textContent = open ? `The newest of ${counted(open, "open command")}` : "No command is open";
}

async function drawOpenCommands() {
  if (!byId("open-commands").open || byId("open-list").contains(document.activeElement)) return;
  byId("open-list").replaceChildren(table("Open commands, the newest first", COMMAND, await fetched("/api/commands")));
}

// Events

function eventItem(event) {
  return make("li", {}, make("time", { datetime: new Date(event.at_ms).toISOString(), title: new Date(event.at_ms).toLocaleString("en-GB") }, clock(event.at_ms)),
    make("span", { class: "kind" }, event.kind), make("span", {}, ...linked(event.subject), " ", ...linked(event.text)));
}

function drawEvents(fresh) {
  const list = byId("events");
  if (!fresh.length) return;
  const at = list.scrollTop, before = list.scrollHeight;
  for (const item of list.querySelectorAll(".fresh")) item.classList.remove("fresh");
  const items = fresh.map(eventItem);
  if (known.last !== null) for (const item of items) item.classList.add("fresh");
  list.prepend(...items);
  while (list.children.length > 400) list.lastElementChild.remove();
  known.oldest = Math.min(known.oldest ?? Infinity, fresh[fresh.length - 1].event_number);
  if (at > 0) list.scrollTop = at + list.scrollHeight - before;
}

async function olderEvents() {
  const older = await fetched(`/api/events?before=${known.oldest ?? 0}`);
  byId("events").append(...older.map(eventItem));
  if (older.length) known.oldest = older[older.length - 1].event_number;
  else byId("older").hidden = true;
}

// The dialog: a server, a chunk or a command

const dialog = byId("detail");
let opened = null;

async function openDetail(kind, id) {
  const letter = kind[0] === "c" && kind !== "chunk" ? "k" : kind[0];
  opened = { kind, id };
  const mine = opened;
  byId("detail-title").textContent = `${kind[0].toUpperCase()}${kind.slice(1)} ${letter}${id}`;
  const body = byId("detail-body");
  body.replaceChildren(make("p", { class: "wait" }, "asking …"));
  if (!dialog.open) dialog.showModal();
  try {
    const told = await fetched(`/api/${kind}?id=${id}`);
    if (opened !== mine) return;
    const why = make("div", {}, make("p", { class: "wait", role: "status" }, "asking the rebalancer …"));
    body.replaceChildren(...{ server: serverDetail, chunk: chunkDetail, command: commandDetail }[kind](told, id), make("h3", {}, "Why it is so"), why);
    explain(kind, id, why);
  } catch (error) {
    if (opened === mine) body.replaceChildren(make("p", { tone: "bad", class: "certificate" }, error.message));
  }
}

async function explain(kind, id, place) {
  try {
    const { answer } = await ask("explain", { kind, id: Number(id) });
    const parts = [make("p", {}, ...linked(answer.verdict))];
    if (answer.causes?.length) parts.push(make("h3", {}, "What stands in the way"), make("ul", { class: "causes" }, ...answer.causes.map((cause) => make("li", {}, ...linked(cause.text)))));
    if (answer.facts?.length) parts.push(make("h3", {}, "What is held true of it"), facts(answer.facts.map((fact) => [fact.label, fact.value])));
    if (answer.candidates?.length) {
      parts.push(make("h3", {}, "Who could take a replica"), make("div", { class: "scroll" }, table("Candidates", [
        { name: "Server", show: (row) => [link("s", row.server_id)] }, { name: "Use", number: true, show: (row) => (row.use_share === null ? "" : share(row.use_share)) },
        { name: "What it has against it", wide: true, show: (row) => row.refusals || "nothing" }], answer.candidates.slice(0, 20))));
    }
    if (answer.decisions?.length) {
      parts.push(make("h3", {}, "What was decided of late"), make("div", { class: "scroll" }, table("Decisions, the newest first", [
        { name: "Command", show: (row) => [link("k", row.command_id)] }, { name: "What", show: (row) => `${row.kind}, ${row.reason}` },
        { name: "Server", show: (row) => [link("s", row.server_id)] }, { name: "State", show: (row) => row.state },
        { name: "Because", wide: true, show: (row) => linked(row.because || row.why) }], answer.decisions.slice(0, 20))));
    }
    place.replaceChildren(...parts);
  } catch (error) {
    place.replaceChildren(make("p", { class: "wait" }, error.message));
  }
}

function commandsTable(commands) {
  return commands.length ? make("div", { class: "scroll" }, table("Commands", COMMAND, commands)) : make("p", { class: "wait" }, "none");
}

function chunkDetail({ chunk, replicas, violation, commands, files }) {
  const life = ["being put", "live", "deleted by its owner"][chunk.life];
  return [
    facts([["Goal", counted(chunk.goal, "replica")], ["Size", bytes(chunk.size_bytes)], ["Version", count(chunk.version)], ["Life", life],
      ...(files.length ? [["Of", [files.map((file) => file.name).join(", ")]]] : []),
      ...violation.map((row) => ["Waits", [...linked(row.why), ` (for ${duration(Math.max(0, known.now.now_ms - row.since_ms))})`]])]),
    make("h3", {}, "Replicas"),
    replicas.length ? make("div", { class: "scroll" }, table("Replicas", [
      { name: "Server", show: (row) => [link("s", row.server_id)] }, { name: "Replica", show: (row) => row.state }, { name: "Version", number: true, show: (row) => count(row.version) },
      { name: "Server is", show: (row) => `${row.liveness}, ${spaced(row.admin)}` }, { name: "Counts", show: (row) => (row.counts ? "yes" : "no") }], replicas)) : make("p", { class: "wait" }, "none"),
    make("h3", {}, "Commands in flight"), commandsTable(commands)];
}

function commandDetail({ command }) {
  return [facts([["What", [`${command.kind}, because of `, make("span", { class: "tag" }, command.reason)]],
    ["Chunk", command.chunk_id === null ? "none" : `c${command.chunk_id}`], ["Bytes", bytes(command.size_bytes)], ["Done by", `s${command.server_id}`],
    ...(command.source_id ? [["From", `s${command.source_id}`]] : []), ...(command.drop_id ? [["To be given up by", `s${command.drop_id}`]] : []),
    ["State", command.state + (command.why ? `: ${command.why}` : "")], ["Decided", new Date(command.issued_ms).toLocaleString("en-GB")],
    ...(command.closed_ms ? [["Took", duration(command.closed_ms - command.issued_ms)]] : []), ["Because", command.because || "—"]])];
}

function serverDetail({ server, drain, commands, chunks }, id) {
  const place = make("div", { role: "status" });
  const action = (words, run, quiet = true) => make("button", { type: "button", class: quiet ? "quiet" : null, onclick: () => run(place) }, words);
  const leaves = server.admin === "draining" || server.admin === "drained";
  const minutes = make("input", { type: "number", min: "1", max: "43200", value: "30", "aria-label": "Minutes of maintenance" });
  return [
    facts([["Place", [server.location]], ["Address", [server.address]], ["State", `${server.liveness}, ${spaced(server.admin)}${server.to_be_removed ? ", to be removed" : ""}${server.reported ? "" : ", has not reported"}`],
      ...(server.maintenance_left_ms ? [["Maintenance", `for another ${duration(server.maintenance_left_ms)}`]] : []),
      ["Use", [`${bytes(server.used_bytes)} of ${bytes(server.capacity_bytes)} (${share(server.used_share)}), ${count(server.replicas)} replicas`]],
      ["Copies", `${count(server.copies_in)} in (${bytes(server.incoming_bytes)}), ${count(server.copies_out)} out (${bytes(server.outgoing_bytes)})`],
      ...drain.map((row) => ["Rests on it", row.chunks_left === null ? "being counted" : `${counted(row.chunks_left, "chunk")}, ${bytes(row.bytes_left)}`])]),
    make("div", { class: "actions" },
      leaves || server.admin === "maintenance" ? null : action("Drain …", (at) => certificate(at, "drain", { server: id })),
      leaves ? action("Back into service", (at) => confirmed(at, "undrain", { server: id }, `Takes s${id} back into service: nothing more is copied away from it.`)) : null,
      server.admin === "maintenance" ? action("End maintenance", (at) => confirmed(at, "maintenance", { server: id, end: true }, `s${id} counts as any other again.`)) : null,
      action("Decommission …", (at) => certificate(at, "drain", { server: id, forget: true })),
      server.admin === "maintenance" || leaves ? null : make("span", { class: "together" }, action("Maintenance …", (at) => certificate(at, "maintenance", { server: id, minutes: Number(minutes.value) })), "for", minutes, "minutes"),
      action("What if it is lost?", () => { dialog.close(); foretell([`lose server s${id}`]); })),
    place,
    make("h3", {}, "Commands in flight"), commandsTable(commands),
    ...(chunks.length ? [make("h3", {}, "Some of its chunks"), make("p", {}, ...chunks.flatMap((row, i) => [i ? " " : "", link("c", row.chunk_id)]))] : [])];
}

// Two people

const proposals = new Map();

function takes(row) {
  const words = [];
  if (row.feasible === false) words.push("cannot be brought to its end, and is forced");
  if (row.copy_chunks !== null && row.copy_chunks !== undefined) words.push(row.copy_chunks === 0 ? "nothing has to be copied" : `${counted(row.copy_chunks, "chunk")}${row.copy_bytes === null ? "" : `, ${bytes(row.copy_bytes)}`} to copy`);
  if (row.duration_ms) words.push(`which takes ${duration(row.duration_ms)} at least`);
  words.push(row.chunks_at_risk ? `puts ${count(row.chunks_at_risk)} at risk` : "puts nothing at risk");
  return words.join(", ");
}

// What it takes by now, first; only then the button that has it done.
async function confirmProposal(place, id, what) {
  place.replaceChildren(make("p", { class: "certificate wait" }, `What a${id} would take by now is being worked out …`));
  try {
    const { answer } = await ask("approve", { proposal: id, dry_run: true });
    const box = make("div", { class: "certificate", role: "group", "aria-label": `Certificate: a${id}` },
      make("p", {}, make("span", { class: "tag", tone: answer.feasible === false ? "bad" : "good" }, answer.feasible === false ? "forced" : "can be done"), " ", make("code", {}, what), ` ${takes(answer)}.`),
      make("div", { class: "actions" }, tokenField(),
        make("button", { type: "button", onclick: () => decide(place, "approve", id) }, `Approve a${id} now`),
        make("button", { type: "button", class: "quiet", onclick: () => place.replaceChildren() }, "Leave it")));
    place.replaceChildren(box);
  } catch (error) {
    place.replaceChildren(make("p", { class: "certificate", tone: "bad" }, error.message));
  }
}

async function decide(place, name, id) {
  for (const button of place.querySelectorAll("button")) button.disabled = true;
  try {
    const { answer } = await ask(name, { proposal: id });
    byId("decided").replaceChildren(make("p", { class: "certificate", tone: name === "approve" ? "good" : "idle" },
      `a${id}, `, make("code", {}, answer.what), `, was ${answer.state} by ${answer.decided_by}.`));
    refresh();
  } catch (error) {
    place.replaceChildren(make("p", { class: "certificate", tone: "bad" }, error.message));
  }
}

function proposalItem(row) {
  const id = row.proposal_id, when = make("span", { class: "note" }), place = make("div", { "aria-live": "polite" });
  const element = make("li", {},
    make("p", {}, make("strong", {}, `a${id}`), " ", make("code", {}, row.what), ` by ${row.proposed_by}: ${takes(row)}. `, when),
    known.now.allow_changes ? make("div", { class: "actions" },
      make("button", { type: "button", "aria-label": `Approve a${id} …`, onclick: () => confirmProposal(place, id, row.what) }, "Approve …"),
      make("button", { type: "button", class: "quiet", "aria-label": `Reject a${id}`, onclick: () => decide(place, "reject", id) }, "Reject"))
      : make("p", { class: "note" }, "This console only looks: its setting allow_changes is false. On the command line: ", make("code", {}, `evenkeel approve a${id}`)),
    place);
  return { element, when };
}

// What is there already stays as it is: somebody may be about to click it.
function drawProposals() {
  const { now } = known, seen = new Set(now.proposals.map((row) => row.proposal_id));
  byId("proposals-panel").hidden = !now.two_people && !now.proposals.length;
  for (const [id, { element }] of proposals) {
    if (seen.has(id)) continue;
    element.remove();
    proposals.delete(id);
  }
  for (const row of now.proposals) {
    if (!proposals.has(row.proposal_id)) {
      const item = proposalItem(row);
      proposals.set(row.proposal_id, item);
      byId("proposals").append(item.element);
    }
    proposals.get(row.proposal_id).when.textContent = `Proposed ${duration(now.now_ms - row.proposed_ms)} ago, expires in ${duration(row.expires_left_ms)}.`;
  }
  byId("proposals-none").hidden = now.proposals.length > 0;
}

// What was asked for, and is left for another person to approve.
function leftToAnother(answer) {
  return make("p", { class: "certificate", tone: "warn" }, `Proposed as a${answer.proposal_id}: `, make("code", {}, answer.what),
    ` is done when a person other than ${answer.proposed_by} approves it${answer.expires_left_ms ? `, within ${duration(answer.expires_left_ms)}` : ""}.`);
}

const NAMES = { drain: "Drain", maintenance: "Maintenance of" };

// What it would take, first; only then the button that does it.
async function certificate(place, name, fields) {
  const what = `${fields.forget ? "Decommission" : NAMES[name]} s${fields.server}`;
  place.replaceChildren(make("p", { class: "certificate wait" }, `What ${what.toLowerCase()} would take is being worked out …`));
  let answer;
  try {
    ({ answer } = await ask(name, { ...fields, dry_run: true }));
  } catch (error) {
    place.replaceChildren(make("p", { class: "certificate", tone: "bad" }, error.message));
    return;
  }
  const possible = answer.feasible !== false;
  const words = answer.copy_chunks === undefined ? "Nothing is known of what it takes."
    : answer.copy_chunks === 0 ? "Nothing has to be copied."
    : `${counted(answer.copy_chunks, "chunk")}${answer.copy_bytes === undefined ? "" : `, ${bytes(answer.copy_bytes)}`} to copy${answer.duration_ms === undefined ? "" : `, which takes ${duration(answer.duration_ms)} at least`}.`;
  const box = make("div", { class: "certificate", role: "group", "aria-label": `Certificate: ${what}` },
    make("p", {}, make("span", { class: "tag", tone: possible ? "good" : "bad" }, possible ? "can be done" : "cannot be brought to its end"), ` ${what}. ${words}`));
  if (answer.rules?.length) box.append(make("p", {}, possible ? "What bounds it:" : "These are in the way, and none can be left out:"), make("ul", {}, ...answer.rules.map((rule) => make("li", {}, ...linked(rule)))));
  if (!known.now.allow_changes) {
    box.append(make("p", { class: "note" }, "This console only looks: its setting allow_changes is false. On the command line: ",
      make("code", {}, `evenkeel ${fields.forget ? "decommission" : name} s${fields.server}${fields.minutes ? ` --for ${fields.minutes}min` : ""}`)));
  } else {
    const force = make("input", { type: "checkbox" });
    const go = make("button", { type: "button", class: possible && !fields.forget ? null : "danger", disabled: !possible, onclick: () => done(place, name, { ...fields, ...(force.checked ? { force: true } : {}) }) }, `${what} now`);
    force.addEventListener("change", () => { go.disabled = !possible && !force.checked; });
    box.append(make("div", { class: "actions" }, known.now.two_people ? tokenField() : null, go, possible ? null : make("label", {}, force, "begin it all the same"),
      make("button", { type: "button", class: "quiet", onclick: () => place.replaceChildren() }, "Leave it")));
  }
  place.replaceChildren(box);
  box.scrollIntoView({ block: "nearest" });
}

function confirmed(place, name, fields, words) {
  if (!known.now.allow_changes) {
    place.replaceChildren(make("p", { class: "certificate note" }, "This console only looks: its setting allow_changes is false."));
    return;
  }
  place.replaceChildren(make("div", { class: "certificate" }, make("p", {}, words), make("div", { class: "actions" }, known.now.two_people ? tokenField() : null,
    make("button", { type: "button", onclick: () => done(place, name, fields) }, "Do it"),
    make("button", { type: "button", class: "quiet", onclick: () => place.replaceChildren() }, "Leave it"))));
}

async function done(place, name, fields) {
  for (const button of place.querySelectorAll("button")) button.disabled = true;
  try {
    const { answer } = await ask(name, fields);
    if (answer.proposal_id) {
      place.replaceChildren(leftToAnother(answer));
      refresh();
      return;
    }
    const refused = answer.done === false && answer.feasible === false;
    place.replaceChildren(make("p", { class: "certificate", tone: refused ? "bad" : "good" }, refused
      ? `Nothing was done: ${(answer.rules || []).join("; ")}` : `s${fields.server} is ${answer.admin === "maintenance" ? "in " : ""}${spaced(answer.admin)}${answer.to_be_removed ? ", to be removed" : ""}.`));
    refresh();
  } catch (error) {
    place.replaceChildren(make("p", { class: "certificate", tone: "bad" }, error.message));
  }
}

// What if

const steps = [];

function drawSteps() {
  byId("whatif-steps").replaceChildren(...steps.map((step, i) => make("li", {}, step,
    make("button", { type: "button", class: "quiet", "aria-label": `Leave out: ${step}`, onclick: () => { steps.splice(i, 1); drawSteps(); } }, "✕"))));
}

function fillNames() {
  const kind = byId("whatif-kind").value, places = new Set();
  const part = { "lose host": (l) => l, "lose rack": rackOf, "drain rack": rackOf, "lose zone": zoneOf }[kind];
  if (part) for (const server of known.servers) places.add(part(server.location));
  else if (kind !== "add") for (const server of known.servers) places.add(`s${server.server_id}`);
  byId("whatif-names").replaceChildren(...[...places].slice(0, 2000).map((value) => make("option", { value })));
  byId("whatif-what").placeholder = { "lose server": "s3", "lose host": "zone1/rack3/h7", "lose rack": "zone1/rack3", "lose zone": "zone1", drain: "s7", "drain rack": "zone1/rack3", add: "10 servers" }[kind];
}

function stepOf() {
  const what = byId("whatif-what").value.trim(), kind = byId("whatif-kind").value;
  if (!what) return null;
  return `${kind} ${kind === "add" && /^\d+$/.test(what) ? `${what} servers` : what}`;
}

function seconds(value) {
  return value === null || value === undefined ? "never" : duration(1000 * value);
}

function stepResult(step) {
  const hottest = step.hottest && [...linked(`s${step.hottest.server_id}`), `: ${bytes(step.hottest.bytes_in)} in, ${bytes(step.hottest.bytes_out)} out`];
  const box = make("div", { class: "result" }, make("h3", {}, step.step),
    facts([
      ["Lost for good", [step.lost.chunks ? make("span", { class: "tag", tone: "bad" }, counted(step.lost.chunks, "chunk")) : make("span", { class: "tag", tone: "good" }, "no chunk"), ...named(step.lost.some, step.lost.chunks)]],
      ["Replicas missing", `${count(step.missing.replicas)}, ${bytes(step.missing.bytes)}`],
      ["Copied", `${count(step.copied.replicas)}, ${bytes(step.copied.bytes)}`],
      ...(step.not_at_risk_seconds === null ? [] : [["No chunk at risk after", seconds(step.not_at_risk_seconds)]]),
      ["All at their goal after", seconds(step.whole_seconds)],
      ["At rest after", seconds(step.rest_seconds)],
      ...(hottest ? [["Most to do for", hottest]] : []),
      ...(step.held ? [["Held", step.held]] : [])]));
  if (step.not_whole?.length) box.append(make("h3", {}, "Cannot be made whole"), make("ul", { class: "causes" }, ...step.not_whole.map((row) => make("li", {}, `${counted(row.chunks, "chunk")}: `, ...linked(row.why)))));
  return box;
}

async function foretell(words) {
  const place = byId("whatif-result");
  place.setAttribute("aria-busy", "true");
  place.replaceChildren(make("p", { class: "wait" }, `Foretelling: ${words.join(", then ") || "as it is"} …`));
  byId("whatif").scrollIntoView({ block: "start" });
  try {
    const { answer } = await ask("simulate", { steps: words });
    const parts = answer.steps.map(stepResult);
    if (answer.timeline?.length > 1) {
      const box = make("div", { class: "result" }, make("h3", {}, "In the course of it"));
      const both = make("div", { class: "charts" });
      box.append(both);
      parts.push(box);
      const start = Date.now(), points = (key) => answer.timeline.map((row) => ({ at: start + 1000 * row.seconds, value: row[key] }));
      for (const [key, options] of [["below_goal", { title: "Chunks below their goal, most", tone: "goal", show: count, stepped: true }], ["in_flight_bytes", { title: "Being copied, most", tone: "flight", show: bytes, stepped: true }]]) {
        const chart = new Chart(both, options), all = points(key);
        chart.rest = () => {
          chart.from.textContent = "now";
          chart.to.textContent = `after ${duration(all[all.length - 1].at - start)}`;
        };
        chart.draw(all, Math.max(...all.map((point) => point.value)));
      }
    }
    const { rates } = answer.basis;
    parts.push(make("p", { class: "note" }, `On ${counted(answer.basis.servers, "server")} and ${counted(answer.basis.chunks, "chunk")}; ${[["a server copies", rates.disk_bytes_per_second], ["a machine's network takes", rates.network_bytes_per_second]].filter(([, rate]) => rate).map(([words, rate]) => `${words} ${bytes(rate)}/s`).join(", ")} (${rates.rest_on}).`));
    place.replaceChildren(...parts);
  } catch (error) {
    place.replaceChildren(make("p", { class: "certificate", tone: "bad" }, error.message));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

// Again and again

async function refreshNow() {
  const now = await fetched(`/api/now${known.last === null ? "" : `?after=${known.last}`}`);
  const first = known.now === null;
  known.now = now;
  byId("cluster").textContent = `· ${now.cluster}`;
  byId("rights").textContent = now.allow_changes ? "· may change the cluster" : "· only looks (allow_changes = false)";
  const done = now.commands.filter((row) => row.kind === "replicate").reduce((sum, row) => sum + row.done_bytes, 0);
  known.rates.push({ at: now.now_ms, done });
  while (known.rates.length > 6) known.rates.shift();
  drawMode();
  drawProposals();
  drawCommands();
  if (now.last_event < known.last) byId("events").replaceChildren();  // another database
  drawEvents(now.events);
  known.last = now.last_event;
  if (!first) drawGlance();
}

async function refreshServers() {
  known.servers = rowsOf(await fetched("/api/servers"));
  drawServers();
  if (known.now) drawGlance();
}

async function refreshHistory() {
  const range = document.querySelector("input[name=range]:checked").value;
  known.history = rowsOf(await fetched(`/api/history?seconds=${range}`));
}

let rounds = 0, asking = false;

async function refresh() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    await refreshNow();
    if (rounds % 2 === 0) await refreshServers();
    if (rounds % 5 === 0) await refreshHistory();
    await drawOpenCommands();
    drawCharts();
    trouble(null);
    rounds += 1;
  } catch (error) {
    trouble(error);
  } finally {
    asking = false;
  }
  document.body.dataset.rounds = rounds;
}

function findSomething(event) {
  event.preventDefault();
  const text = byId("find-text").value.trim().toLowerCase();
  const found = /^([sck])(\d{1,18})$/.exec(text);
  const field = byId("find-text");
  field.setCustomValidity(found ? "" : "Such as s7 for a server, c42 for a chunk, k12 for a command");
  if (!field.reportValidity()) return;
  openDetail(LETTERS[found[1]], found[2]);
}

function chooseTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  byId("theme").textContent = { auto: "Auto", light: "Light", dark: "Dark" }[theme];
  byId("theme").setAttribute("aria-label", `Colours: ${theme}`);
  try {
    localStorage.setItem("evenkeel-theme", theme);
  } catch { /* it is not kept, then */ }
}

function begin() {
  let theme = "auto";
  try {
    theme = localStorage.getItem("evenkeel-theme") || "auto";
  } catch { /* nothing was kept */ }
  chooseTheme(["auto", "light", "dark"].includes(theme) ? theme : "auto");
  byId("theme").addEventListener("click", () => {
    const order = ["auto", "light", "dark"];
    chooseTheme(order[(order.indexOf(document.documentElement.dataset.theme || "auto") + 1) % 3]);
  });
  makeCharts();
  drawLegend();
  byId("proposals-token").append(tokenField());
  byId("find").addEventListener("submit", findSomething);
  byId("find-text").addEventListener("input", () => byId("find-text").setCustomValidity(""));
  byId("filter").addEventListener("input", drawServers);
  narrow.addEventListener("change", () => {
    known.layout = null;
    drawServers();
  });
  byId("map").addEventListener("keydown", moveOnMap);
  byId("map").addEventListener("focusin", (event) => {
    const cell = event.target.closest(".cell");
    if (!cell) return;
    for (const { button } of cells.values()) if (button !== cell) button.tabIndex = -1;
    cell.tabIndex = 0;
  });
  byId("shape").addEventListener("change", () => {
    const asTable = document.querySelector("input[name=shape]:checked").value === "table";
    byId("map").hidden = byId("legend").hidden = asTable;
    byId("server-table").hidden = !asTable;
    drawServers();
  });
  byId("range").addEventListener("change", () => refreshHistory().then(drawCharts, trouble));
  byId("open-commands").addEventListener("toggle", () => drawOpenCommands().catch(trouble));
  byId("older").addEventListener("click", () => olderEvents().catch(trouble));
  byId("detail-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => { opened = null; });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  byId("whatif-kind").addEventListener("change", fillNames);
  byId("whatif-what").addEventListener("focus", fillNames);
  byId("whatif").addEventListener("submit", (event) => {
    event.preventDefault();
    const step = stepOf();
    if (step) steps.push(step);
    byId("whatif-what").value = "";
    const run = event.submitter?.value !== "then";
    if (run) foretell(steps.splice(0));
    drawSteps();
  });
  fillNames();
  document.addEventListener("visibilitychange", refresh);
  refresh();
  setInterval(refresh, 2000);
}

begin();

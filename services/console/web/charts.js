"use strict";
// One curve over time, with what it says in words. No library: four of these are all that is wanted.

const SVG = "http://www.w3.org/2000/svg";

function svgElement(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (parent) parent.append(element);
  return element;
}

// `show` turns a value into text; `calm` says of a value that nobody has to mind it; `stepped`: between
// two points it stays as it was.
class Chart {
  constructor(parent, { title, tone, show, calm = () => false, stepped = false }) {
    this.stepped = stepped;
    this.title = title;
    this.show = show;
    this.calm = calm;
    this.points = [];  // {at: ms, value}
    this.root = document.createElement("div");
    this.root.className = `chart tone-${tone}`;
    const what = document.createElement("p"), name = document.createElement("span");
    what.className = "what";
    name.textContent = title;
    this.value = document.createElement("p");
    this.value.className = "value";
    this.plot = document.createElement("div");
    this.plot.className = "plot";
    this.plot.tabIndex = 0;
    this.plot.setAttribute("role", "img");
    this.most = document.createElement("span");
    this.most.className = "most";
    what.append(name, this.most);
    this.ends = document.createElement("p");
    this.ends.className = "ends";
    this.from = document.createElement("span");
    this.to = document.createElement("span");
    this.ends.append(this.from, this.to);
    this.svg = svgElement("svg", { viewBox: "0 0 400 100", preserveAspectRatio: "none", "aria-hidden": "true" }, this.plot);
    for (const y of [0, 50, 100]) svgElement("line", { class: "grid", x1: 0, x2: 400, y1: y, y2: y }, this.svg);
    this.area = svgElement("path", { class: "area" }, this.svg);
    this.curve = svgElement("path", { class: "curve" }, this.svg);
    this.cross = svgElement("line", { class: "cross", y1: 0, y2: 100, visibility: "hidden" }, this.svg);
    this.root.append(what, this.value, this.plot, this.ends);
    parent.append(this.root);
    this.chosen = -1;
    this.plot.addEventListener("pointermove", (event) => this.point(event));
    this.plot.addEventListener("pointerleave", () => this.choose(-1));
    this.plot.addEventListener("blur", () => this.choose(-1));
    this.plot.addEventListener("keydown", (event) => this.key(event));
  }

  draw(points, current) {
    this.points = points;
    const latest = current ?? (points.length ? points[points.length - 1].value : 0);
    this.value.textContent = this.show(latest);
    this.value.dataset.calm = this.calm(latest) ? "yes" : "no";
    const most = points.reduce((high, point) => Math.max(high, point.value), 0);
    this.scale = most || 1;
    this.most.textContent = most ? `most ${this.show(most)}` : "";
    if (points.length < 2) {
      this.area.setAttribute("d", "");
      this.curve.setAttribute("d", "");
      this.from.textContent = points.length ? "the first samples are being taken" : "nothing was sampled yet";
      this.to.textContent = "";
      return;
    }
    const places = points.map((point) => [this.x(point), 100 - 100 * point.value / this.scale]);
    const line = places.map(([x, y], i) => `${i ? (this.stepped ? `H${x.toFixed(1)}V` : `L${x.toFixed(1)} `) : `M${x.toFixed(1)} `}${y.toFixed(1)}`).join("");
    this.curve.setAttribute("d", line);
    this.area.setAttribute("d", `${line}L400 100L0 100Z`);
    this.rest();
    const high = points.find((point) => point.value === most);
    this.plot.setAttribute("aria-label", `${this.title}: now ${this.show(latest)}, most ${this.show(most)}`
      + (most ? ` at ${clock(high.at)}` : "") + `, from ${clock(points[0].at)} on. Arrow keys read single points.`);
    if (this.chosen >= points.length) this.chosen = -1;
    if (this.chosen >= 0) this.choose(this.chosen);
  }

  x(point) {
    const first = this.points[0].at, last = this.points[this.points.length - 1].at;
    return 400 * (point.at - first) / (last - first || 1);
  }

  rest() {
    this.from.textContent = clock(this.points[0].at);
    this.to.textContent = "now";
  }

  point(event) {
    if (this.points.length < 2) return;
    const box = this.plot.getBoundingClientRect();
    const at = 400 * (event.clientX - box.left) / box.width;
    let best = 0;
    this.points.forEach((point, i) => {
      if (Math.abs(this.x(point) - at) < Math.abs(this.x(this.points[best]) - at)) best = i;
    });
    this.choose(best);
  }

  key(event) {
    const last = this.points.length - 1;
    const from = this.chosen < 0 ? last : this.chosen;
    const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
    if (to === undefined || last < 1) return;
    event.preventDefault();
    this.choose(Math.max(0, Math.min(last, to)));
    this.plot.setAttribute("aria-label", `${this.title}, ${this.from.textContent}`);
  }

  choose(index) {
    this.chosen = index;
    this.cross.setAttribute("visibility", index < 0 ? "hidden" : "visible");
    if (this.points.length < 2) return;
    if (index < 0) {
      this.rest();
      return;
    }
    const point = this.points[index], x = this.x(point);
    this.cross.setAttribute("x1", x);
    this.cross.setAttribute("x2", x);
    this.from.textContent = `${clock(point.at)}: ${this.show(point.value)}`;
    this.to.textContent = "";
  }
}

function clock(ms) {
  const date = new Date(ms), old = Date.now() - ms > 20 * 3600e3;
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: old ? undefined : "2-digit" });
  return old ? `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${time}` : time;
}

// Envelope explorer: the maximum of a family of functions of one weight, and its slopes.

// Everywhere the perturbations are the interval [-1, 1], and the maximisers are one point of it or
// all of it: a pair of ends says which. Weights this near to a kink count as on it, as for the
// package, where values within 1e-12 of the maximum attain it.
const ALL = [-1, 1];
const atKink = (theta) => Math.abs(theta) <= 1e-12;
const end = (sign) => [sign, sign];

// log(1 + exp(-z)) and its derivative, accurate for margins of any size.
const psi = (z) => Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
const psiPrime = (z) => -1 / (1 + Math.exp(z));

const families = {
  // The loss of one example x = 1/2 with label +1.
  logistic: {
    g: (theta, delta) => psi(theta * (0.5 + delta)),
    slope: (theta, delta) => (0.5 + delta) * psiPrime(theta * (0.5 + delta)),
    maximisers: (theta) => (atKink(theta) ? ALL : end(-Math.sign(theta))),
  },
  quadratic: {
    g: (theta, delta) => theta * delta - delta ** 2 / 2,
    slope: (theta, delta) => delta,
    maximisers: (theta) => end(clamp(theta, -1, 1)),
  },
};

// The envelope itself.
function phi(family, theta) {
  const { g, maximisers } = families[family];
  return Math.max(...maximisers(theta).map((delta) => g(theta, delta)));
}

// Danskin's one-sided slopes, from the left and from the right: the least and the largest over the
// maximisers. They are found at the ends: at a kink the slope is linear in the perturbation.
function slopes(family, theta) {
  const { slope, maximisers } = families[family];
  const ends = maximisers(theta).map((delta) => slope(theta, delta));
  return [Math.min(...ends), Math.max(...ends)];
}

// The same two by finite differences, which know nothing of maximisers.
function quotients(family, theta, h = 2 ** -20) {
  const value = phi(family, theta);
  return [-h, h].map((change) => (phi(family, theta + change) - value) / change);
}

// What a maximiser that misses by `miss` finds: it stops short, on the side of 0. Where all
// perturbations are maximisers it starts from -1, the first of them.
function inexact(family, theta, miss) {
  const { g, slope, maximisers } = families[family];
  const best = maximisers(theta)[0];
  const delta = best < 0 ? best + miss : best - miss;
  const reached = g(theta, delta);
  return { delta, reached, eta: phi(family, theta) - reached, gradient: slope(theta, delta) };
}

// Where a short step against a gradient leads. The envelopes are convex: where the slope in the
// step's direction is 0, the step leaves the minimum.
function step(gradient, [left, right]) {
  if (gradient === 0) return "none";
  return (gradient > 0 ? -left : right) >= 0 ? "up" : "down";
}

// Everything that is shown for one setting. `error` is the distance of the inexact gradient from
// Danskin's, at a kink from the nearest subgradient.
function explore({ family, theta, miss }) {
  const sides = slopes(family, theta);
  const [low, high] = families[family].maximisers(theta);
  const found = inexact(family, theta, miss);
  const error = Math.abs(found.gradient - clamp(found.gradient, ...sides));
  return {
    family, theta, miss,
    value: phi(family, theta), maximisers: [low, high], kink: low !== high,
    slopes: sides, quotients: quotients(family, theta),
    ...found, error, step: step(found.gradient, sides),
  };
}

const curve = (family, delta, thetas) => thetas.map((theta) => families[family].g(theta, delta));
const envelope = (family, thetas) => thetas.map((theta) => phi(family, theta));

export const mathematics = { explore, curve, envelope };

// ------------------------------------------------------------------------------------------------

const RANGE = [-2, 2];
const THETAS = Array.from({ length: 81 }, (_, k) => RANGE[0] + k * 0.05);
const LOOK = {
  logistic: { title: "loss Ψ(θ(½ + δ))", y: [-0.5, 3.2], n: 5 },
  quadratic: { title: "θδ − δ²/2", y: [-1.5, 1.7], n: 9 },
};
const three = (value) => fixed(value, 3);
const both = ([left, right]) => `${three(left)} to ${three(right)}`;

// Axes, the family's curves and the envelope: what stays while theta moves. Gives the maps, and a
// group for the rest.
function scene(canvas, family) {
  const { y, n } = LOOK[family];
  const box = [42, 8, 290, 268];
  const map = axes(canvas, { box, x: RANGE, y, xlabel: "θ", n: 4 });
  const path = (values, name) => svg("path", {
    d: through(values.map((value, k) => [map.toX(THETAS[k]), map.toY(value)])), class: name,
  });
  for (let k = 0; k < n; k += 1) {
    map.plot.append(path(curve(family, -1 + (2 * k) / (n - 1), THETAS), "envelope-curve"));
  }
  map.plot.append(path(envelope(family, THETAS), "envelope-top"));
  const moving = svg("g", {});
  map.plot.append(moving);
  return { map, moving, path, floor: box[1] + box[3] };
}

// A line through a point of the envelope, as far as the box and beyond.
function tangent(map, [theta, value], slope, name) {
  const ends = [-5, 5].map((t) => [map.toX(theta + t), map.toY(value + slope * t)]);
  return svg("path", { d: through(ends), class: name });
}

// The lines with the slopes in between, at a kink: two triangles that touch in the point.
function wedge(map, [theta, value], [left, right]) {
  const corners = [[-5, left], [-5, right], [5, right], [5, left]];
  const points = corners.map(([t, slope]) => [map.toX(theta + t), map.toY(value + slope * t)]);
  return svg("path", { d: through(points, true), class: "envelope-wedge" });
}

function draw({ map, moving, path }, result) {
  const { family, theta, value, maximisers, kink, slopes: sides } = result;
  const { delta, reached, gradient, miss } = result;
  const layers = [];
  const lines = kink ? sides : [sides[0]];
  if (kink) layers.push(wedge(map, [theta, value], sides));
  for (const best of kink ? maximisers : [maximisers[0]]) {
    layers.push(path(curve(family, best, THETAS), "envelope-best"));
  }
  layers.push(...lines.map((slope) => tangent(map, [theta, value], slope, "envelope-tangent")));
  if (miss > 0) {
    const [x, y1, y2] = [map.toX(theta), map.toY(value), map.toY(reached)];
    layers.push(
      path(curve(family, delta, THETAS), "envelope-missed"),
      tangent(map, [theta, reached], gradient, "envelope-off"),
      svg("line", { x1: x, x2: x, y1, y2, class: "envelope-eta" }),
      svg("circle", { cx: x, cy: y2, r: 4.5, class: "envelope-found" }),
    );
  }
  moving.replaceChildren(...layers);
}

// The present theta: a point on the envelope and one on the axis, either of which can be dragged,
// with large invisible circles for fingers.
function cursor() {
  const stem = svg("line", { class: "envelope-stem" });
  const shapes = [7, 7, 22, 22].map((r) => svg("circle", { r, fill: "transparent" }));
  for (const shape of shapes.slice(0, 2)) fill(shape, { class: "envelope-point" }, []);
  const handle = svg("g", {}, ...shapes);
  const place = ({ map, floor }, { theta, value }) => {
    const [x, y] = [map.toX(theta), map.toY(value)];
    fill(stem, { x1: x, x2: x, y1: y, y2: floor }, []);
    shapes.forEach((shape, k) => { fill(shape, { cx: x, cy: k % 2 ? floor : y }, []); });
  };
  return { stem, handle, place };
}

function legend() {
  const entries = [
    ["envelope-top", "envelope φ"],
    ["envelope-tangent", "tangent, by Danskin"],
    ["envelope-off", "tangent at δ̂"],
  ];
  const items = entries.map(([name, text]) => {
    const line = svg("path", { d: "M0 5H28", class: name });
    const swatch = svg("svg", { width: 28, height: 10, "aria-hidden": "true" }, line);
    return html("span", {}, swatch, text);
  });
  return html("p", { class: "envelope-legend" }, ...items);
}

const STEPS = {
  up: "A step against it goes up.",
  down: "A short step against it goes down.",
  none: "It is 0: there is no step.",
};

// What there is to see, in a few short sentences; the last says where the step leads.
function sentences({ kink, slopes: sides, miss, delta, eta, gradient, error, step: where }) {
  const top = kink
    ? "A kink: all δ in [−1, 1] are maximisers. " +
      `φ has the slope ${three(sides[0])} on the left and ${three(sides[1])} on the right, ` +
      "and no gradient; each slope between is a subgradient."
    : `One maximiser: φ has the slope of its curve, ${three(sides[0])}.`;
  const subject = miss > 0 || kink
    ? `The gradient at δ̂ = ${fixed(delta)} is ${three(gradient)}.` : "";
  const off = miss > 0 && !kink
    ? `It misses φ by ${fixed(eta, 4)}, and its gradient is off by ${three(error)}.` : "";
  return [[top, subject, off].filter(Boolean).join(" "), STEPS[where]];
}

const ROWS = [
  "φ", "maximiser δ*", "Danskin's slope", "by differences",
  "inexact maximiser δ̂", "value missed, η", "gradient at δ̂", "its error",
];

function texts(result) {
  const { value, maximisers, kink, slopes: sides, quotients: measured } = result;
  const { delta, eta, gradient, error } = result;
  const one = ([left, right]) => three((left + right) / 2);
  return [
    three(value), kink ? "all of [−1, 1]" : fixed(maximisers[0]),
    (kink ? both : one)(sides), (kink ? both : one)(measured),
    fixed(delta), fixed(eta, 4), three(gradient), kink ? "0: a subgradient" : three(error),
  ];
}

function render({ model, el }) {
  const { picture, controls, readout, say, show } = stage(el, "Envelope explorer");
  const canvas = drawing(340, 318);
  const key = legend();
  picture.append(canvas, key);
  const { stem, handle, place } = cursor();
  const options = Object.entries(LOOK).map(([name, { title }]) => [name, title]);
  const steps = { step: 0.05, format: (v) => fixed(v) };
  controls.append(
    choice(model, "family", { label: "g(θ, δ)", options }),
    slider(model, "theta", { label: "weight θ", min: RANGE[0], max: RANGE[1], ...steps }),
    slider(model, "miss", { label: "miss δ* by", min: 0, max: 1, ...steps }),
  );
  const write = readoutTable(readout, ROWS);
  const remarks = [html("p", {}), html("p", { class: "envelope-verdict" })];
  readout.append(...remarks);

  let set;
  const restage = () => {
    const family = model.get("family");
    canvas.replaceChildren();
    set = scene(canvas, family);
    canvas.append(stem, handle);
    refresh();
  };
  const refresh = () => {
    const [family, theta, miss] = ["family", "theta", "miss"].map((name) => model.get(name));
    const result = explore({ family, theta, miss });
    draw(set, result);
    place(set, result);
    write(texts(result));
    const spoken = sentences(result);
    spoken.forEach((text, k) => { remarks[k].textContent = text; });
    remarks[1].dataset.step = result.step;
    key.lastChild.hidden = result.miss === 0;
    say(`θ = ${fixed(result.theta)}. ${spoken.join(" ")}`);
    show(result);
  };
  // On the slider's grid, and drawn to the kink when near, so that it can be hit.
  const snap = (value) => {
    const near = Math.abs(value) < 0.1 ? 0 : Math.round(value * 20) / 20;
    return Number(clamp(near, ...RANGE).toFixed(2));
  };
  const move = (x) => model.set("theta", snap(set.map.fromX(x)));
  drag(canvas, handle, move, () => model.save_changes());
  model.on("change:family", restage);
  for (const name of ["theta", "miss"]) model.on(`change:${name}`, refresh);
  restage();
}

export default { render };

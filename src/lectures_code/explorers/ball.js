// Ball explorer: the maximiser of a linear function over an l_p ball in the plane.

// The p-norm of a vector, without overflow: entries are scaled to at most 1 first.
function norm(vector, p) {
  const largest = Math.max(...vector.map(Math.abs));
  if (largest === 0 || p === Infinity) return largest;
  return largest * sum(vector.map((v) => (Math.abs(v) / largest) ** p)) ** (1 / p);
}

const exponents = (inverseQ) => ({ p: 1 / (1 - inverseQ), q: 1 / inverseQ });

// Where <w, delta> is largest over the ball: one point, the two ends of an edge of maximisers, or
// the whole ball (w = 0, no ends). `chosen` is the one that the package's maximiser returns.
function maximisers(w, p, radius) {
  const [a, b] = w.map(Math.abs);
  const sign = w.map(Math.sign);
  const at = (x, y) => [sign[0] * radius * x, sign[1] * radius * y];
  if (a === 0 && b === 0) return { kind: "ball", ends: [], chosen: [0, 0] };
  if (p === Infinity) {
    const corner = w.map((v, j) => radius * sign[j]);
    if (a && b) return { kind: "point", ends: [corner], chosen: corner };
    const ends = [-radius, radius].map((free) => (a ? [corner[0], free] : [free, corner[1]]));
    return { kind: "edge", ends, chosen: corner };
  }
  if (p === 1) {
    const ends = [at(1, 0), at(0, 1)].filter((_, j) => w.map(Math.abs)[j] === Math.max(a, b));
    return { kind: ends.length === 2 ? "edge" : "point", ends, chosen: ends[0] };
  }
  // The power q - 1 = 1 / (p - 1) of entries of at most 1 can't overflow.
  const shape = [a, b].map((v) => (v / Math.max(a, b)) ** (1 / (p - 1)));
  const length = norm(shape, p);
  const point = at(shape[0] / length, shape[1] / length);
  return { kind: "point", ends: [point], chosen: point };
}

// Everything that is shown for one setting.
function explore({ w, inverseQ, radius }) {
  const { p, q } = exponents(inverseQ);
  return { ...maximisers(w, p, radius), value: radius * norm(w, q), length: norm(w, q), w };
}

// Points on the ball's boundary; corners lie at multiples of 45 degrees, which are among them.
function outline(p, radius, n = 360) {
  return Array.from({ length: n }, (_, k) => {
    const ray = [Math.cos((2 * Math.PI * k) / n), Math.sin((2 * Math.PI * k) / n)];
    const scale = radius / norm(ray, p);
    return [ray[0] * scale, ray[1] * scale];
  });
}

export const mathematics = { explore, outline };

// ------------------------------------------------------------------------------------------------

const LIMIT = 2.6;
const name = (exponent) => (exponent === Infinity ? "∞" : fixed(exponent, 2).replace(/\.?0+$/, ""));
const pair = (point) => `(${fixed(point[0])}, ${fixed(point[1])})`;

function draw(canvas, map, { p, radius, result }) {
  const unit = ([x, y]) => [map.toX(x), map.toY(y)];
  const { w, ends, kind, value } = result;
  const edge = through(outline(p, radius).map(unit), true);
  const layers = [svg("path", { d: edge, class: "ball-set" })];
  const size = Math.hypot(...w);
  if (size > 0) {
    const foot = w.map((v) => (v * value) / size ** 2);
    const at = (t) => unit([foot[0] - (t * w[1]) / size, foot[1] + (t * w[0]) / size]);
    layers.push(svg("path", { d: through([at(-6), at(6)]), class: "ball-support" }));
  }
  if (kind === "edge") layers.push(svg("path", { d: through(ends.map(unit)), class: "ball-edge" }));
  if (kind === "ball") layers[0].classList.add("ball-all");
  for (const end of ends) {
    const [cx, cy] = unit(end);
    layers.push(svg("circle", { cx, cy, r: 6, class: "ball-maximiser" }));
  }
  map.plot.replaceChildren(...layers);
}

// The arrow of the weights, in front of everything, with a large invisible circle for fingers.
function arrow(canvas) {
  const shaft = svg("line", { class: "ball-weights" });
  const tip = svg("circle", { r: 7, class: "ball-tip" });
  const touch = svg("circle", { r: 24, fill: "transparent" });
  const label = svg("text", { class: "ball-label" }, "θ");
  const handle = svg("g", {}, tip, touch);
  canvas.append(shaft, label, handle);
  const place = (map, [x, y]) => {
    const [ax, ay, bx, by] = [map.toX(0), map.toY(0), map.toX(x), map.toY(y)];
    fill(shaft, { x1: ax, y1: ay, x2: bx, y2: by }, []);
    for (const circle of [tip, touch]) fill(circle, { cx: bx, cy: by }, []);
    fill(label, { x: bx + 10, y: by - 8 }, []);
  };
  return { handle, place };
}

function sentence({ kind, chosen, value }, p) {
  const where = {
    point: `One maximiser, ${pair(chosen)}.`,
    edge: "Not unique: every point of the marked edge is a maximiser.",
    ball: "Not unique: with all weights 0, every point of the ball is a maximiser.",
  }[kind];
  return { where, spoken: `p ${name(p)}: largest value ${fixed(value)}. ${where}` };
}

function render({ model, el }) {
  const { picture, controls, readout, say, show } = stage(el, "Ball explorer");
  const canvas = drawing(420, 400);
  const box = [50, 8, 360, 360];
  const map = axes(canvas, { box, x: [-LIMIT, LIMIT], y: [-LIMIT, LIMIT], xlabel: "δ₁, θ₁" });
  const { handle, place } = arrow(canvas);
  picture.append(canvas);
  const steps = { step: 0.05, format: (v) => fixed(v) };
  const weight = { min: -2, max: 2, ...steps };
  const norms = { min: 0, max: 1, step: 0.05, format: (v) => name(exponents(v).p) };
  controls.append(
    slider(model, "inverse_q", { label: "norm p", ...norms }),
    slider(model, "w1", { label: ["weight θ", sub("1")], ...weight }),
    slider(model, "w2", { label: ["weight θ", sub("2")], ...weight }),
    slider(model, "radius", { label: "radius ε", min: 0.1, max: 2, ...steps }),
  );
  const write = readoutTable(readout, [
    "dual exponent q", ["‖θ‖", sub("q")], ["largest value ε‖θ‖", sub("q")], "maximiser δ*",
  ]);
  const remark = html("p", {});
  readout.append(remark);

  const refresh = () => {
    const inverseQ = model.get("inverse_q");
    const radius = model.get("radius");
    const { p, q } = exponents(inverseQ);
    const result = explore({ w: [model.get("w1"), model.get("w2")], inverseQ, radius });
    draw(canvas, map, { p, radius, result });
    place(map, result.w);
    const maximiser = result.kind === "point" ? pair(result.chosen) : "not unique";
    write([name(q), fixed(result.length), fixed(result.value), maximiser]);
    const { where, spoken } = sentence(result, p);
    remark.textContent = where;
    say(spoken);
    show(result);
  };
  // On the sliders' grid, so that zeros and equal weights, the cases that matter, can be hit.
  const snap = (value) => Number(clamp(Math.round(value * 20) / 20, -2, 2).toFixed(2));
  drag(canvas, handle, (x, y) => {
    model.set("w1", snap(map.fromX(x)));
    model.set("w2", snap(map.fromY(y)));
  }, () => model.save_changes());
  for (const key of ["inverse_q", "radius", "w1", "w2"]) model.on(`change:${key}`, refresh);
  refresh();
}

export default { render };

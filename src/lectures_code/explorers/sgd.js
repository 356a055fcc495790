// SGD explorer: the lecture's algorithm on the adversarial risk of two weights, infinity ball.
//
// `data` is { x, y, order, batchSize }: examples, labels, and the order in which epoch after epoch
// visits the examples, drawn where the data come from. There is no intercept.

const shrinkage = (theta, radius) => radius * (Math.abs(theta[0]) + Math.abs(theta[1]));

const worstMargin = (theta, data, i, cost) =>
  data.y[i] * (data.x[i][0] * theta[0] + data.x[i][1] * theta[1]) - cost;

// Adversarial risk, the mean of log(1 + exp(-worst margin)); the exponent is never positive.
function risk(theta, data, radius) {
  const cost = shrinkage(theta, radius);
  let total = 0;
  for (let i = 0; i < data.y.length; i += 1) {
    const z = worstMargin(theta, data, i, cost);
    total += Math.max(-z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
  }
  return total / data.y.length;
}

// With a_i = -Psi'(worst margin of i): the means of a_i y_i x_i, what pulls at the weights, and of
// a_i, which times the radius is what the adversary charges for each unit of |theta_j|.
function forces(theta, data, radius, rows) {
  const cost = shrinkage(theta, radius);
  const pull = [0, 0];
  let weight = 0;
  for (const i of rows) {
    const a = 1 / (1 + Math.exp(worstMargin(theta, data, i, cost)));
    weight += a;
    pull[0] += a * data.y[i] * data.x[i][0];
    pull[1] += a * data.y[i] * data.x[i][1];
  }
  return { pull: pull.map((sum) => sum / rows.length), weight: weight / rows.length };
}

const everyRow = (data) => data.y.map((_, i) => i);

// The gradient at the maximiser radius * sign(theta), as the algorithm takes it: sign(0) is 0.
function gradient(theta, data, radius, rows) {
  const { pull, weight } = forces(theta, data, radius, rows);
  return theta.map((value, j) => radius * Math.sign(value) * weight - pull[j]);
}

// Slopes of the risk in the directions +e_j and -e_j, there where theta_j = 0.
function slopes(theta, j, data, radius) {
  const there = theta.map((value, k) => (k === j ? 0 : value));
  const { pull, weight } = forces(there, data, radius, everyRow(data));
  return { up: radius * weight - pull[j], down: radius * weight + pull[j] };
}

// The rows of each step: whole epochs, one after the other, each in its own order.
function batches(data, minibatch, nSteps) {
  const n = data.y.length;
  if (!minibatch) return Array(nSteps).fill(everyRow(data));
  const rows = [];
  for (let first = 0; rows.length < nSteps; first += n) {
    const epoch = data.order.slice(first, first + n);
    for (let k = 0; k < n; k += data.batchSize) rows.push(epoch.slice(k, k + data.batchSize));
  }
  return rows.slice(0, nSteps);
}

// The iterates, the start included.
function descend(data, { start, radius, stepSize, nSteps, decay, minibatch }) {
  const path = [start];
  batches(data, minibatch, nSteps).forEach((rows, t) => {
    const theta = path[t];
    const step = decay ? stepSize / Math.sqrt(t + 1) : stepSize;
    const slope = gradient(theta, data, radius, rows);
    path.push(theta.map((value, j) => value - step * slope[j]));
  });
  return path;
}

// Where an increasing function passes 0, by bisection down to neighbouring numbers. It is negative
// at 0; an end is looked for up to 2^30.
function zero(slope) {
  let [low, high] = [0, 1];
  while (slope(high) < 0 && high < 2 ** 30) [low, high] = [high, 2 * high];
  for (;;) {
    const middle = (low + high) / 2;
    if (middle <= low || middle >= high) return middle;
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
}

// The minimiser of a convex function of one number that may have a kink at 0, and only there:
// `slope(t, side)` is its derivative, at 0 that of this side. Either 0 is it, and exactly 0, or it
// lies on the side that goes down.
function lowest(slope) {
  if (slope(0, 1) < 0) return zero((t) => slope(t, 1));
  if (slope(0, -1) > 0) return -zero((t) => -slope(-t, -1));
  return 0;
}

// The exact minimiser: theta_2 for each theta_1, and theta_1 along these. The derivative of a
// minimum is that at the minimiser, Danskin's theorem once more.
function minimise(data, radius) {
  const rows = everyRow(data);
  const derivative = (theta, j, side) => {
    const { pull, weight } = forces(theta, data, radius, rows);
    return radius * side * weight - pull[j];
  };
  const second = (first) => lowest((t, side) => derivative([first, t], 1, side));
  const first = lowest((t, side) => derivative([t, second(t)], 0, side));
  const theta = [first, second(first)];
  return { theta, risk: risk(theta, data, radius) };
}

// How often the path changes sides of the axis theta_j = 0 in its last `last` steps, and how far
// from it it gets there.
function chatter(path, j, last) {
  const tail = path.slice(-last - 1).map((theta) => theta[j]);
  return {
    steps: tail.length - 1,
    crossings: tail.slice(1).filter((value, t) => value * tail[t] < 0).length,
    reach: Math.max(...tail.map(Math.abs)),
  };
}

const LAST = 20;

// Everything that is shown for one setting; `best` may be given where it is known.
function explore(data, settings, best = minimise(data, settings.radius)) {
  const path = descend(data, settings);
  const end = path[path.length - 1];
  const kink = [1, 0].find((j) => best.theta[j] === 0); // the axis on which the minimum lies
  return {
    path, end, best,
    riskAtStart: risk(settings.start, data, settings.radius),
    riskAtEnd: risk(end, data, settings.radius),
    slopes: slopes(end, 1, data, settings.radius),
    axis: kink ?? null,
    tail: chatter(path, kink ?? 1, LAST),
  };
}

// The risk at the points of a square grid, a row for each theta_2.
const table = (data, radius, at) =>
  at.map((second) => at.map((first) => risk([first, second], data, radius)));

export const mathematics = { risk, gradient, slopes, descend, minimise, explore, contours, table };

// ------------------------------------------------------------------------------------------------

const WINDOW = [-1, 3];
const CELLS = 48; // 0 is among the grid's points, so that the kinks run along edges of squares
const WIDTH = WINDOW[1] - WINDOW[0];
const GRID = Array.from({ length: CELLS + 1 }, (_, k) => WINDOW[0] + (WIDTH * k) / CELLS);
const LEVELS = Array.from({ length: 11 }, (_, k) => 0.002 * 2 ** k); // above the lowest risk
const SUBSCRIPT = ["₁", "₂"];
const pair = (point, digits = 2) => `(${point.map((value) => fixed(value, digits)).join(", ")})`;
const times = (count) => (count === 1 ? "once" : `${count} times`);

function backdrop(group, map, data, { radius, best }) {
  const lines = contours(table(data, radius, GRID), GRID, LEVELS.map((level) => best.risk + level));
  const unit = ([x, y]) => [map.toX(x), map.toY(y)];
  group.replaceChildren(...lines.map((pieces) => svg("path", {
    d: pieces.map((piece) => through(piece.map(unit))).join(""), class: "sgd-contour",
  })));
}

function kinks(map) {
  const [low, high] = WINDOW;
  const line = (from, to) => svg("line", {
    x1: map.toX(from[0]), y1: map.toY(from[1]),
    x2: map.toX(to[0]), y2: map.toY(to[1]), class: "sgd-kink",
  });
  return [line([low, 0], [high, 0]), line([0, low], [0, high])];
}

function route(map, { path, best, end }) {
  const points = path.map(([x, y]) => [map.toX(x), map.toY(y)]);
  const dot = ([cx, cy], r, kind) => svg("circle", { cx, cy, r, class: kind });
  const [x, y] = [map.toX(best.theta[0]), map.toY(best.theta[1])];
  return [
    svg("path", { d: through(points), class: "sgd-path" }),
    ...points.slice(1).map((point) => dot(point, 2.2, "sgd-iterate")),
    dot([map.toX(end[0]), map.toY(end[1])], 4.5, "sgd-end"),
    svg("path", { d: `M${x} ${y - 8}l8 8l-8 8l-8 -8Z`, class: "sgd-minimum" }),
  ];
}

// The start, with a large invisible circle for fingers.
function startHandle(canvas) {
  const ring = svg("circle", { r: 7, class: "sgd-start" });
  const touch = svg("circle", { r: 24, fill: "transparent" });
  const label = svg("text", { class: "sgd-label" }, "start");
  const handle = svg("g", {}, ring, touch);
  canvas.append(label, handle);
  const place = (map, [x, y]) => {
    const [cx, cy] = [map.toX(x), map.toY(y)];
    for (const circle of [ring, touch]) fill(circle, { cx, cy }, []);
    const left = x > (WINDOW[0] + WINDOW[1]) / 2;
    const [shift, anchor] = left ? [-12, "end"] : [12, "start"];
    fill(label, { x: cx + shift, y: cy - 10, "text-anchor": anchor }, []);
  };
  return { handle, place };
}

// theta_2 by step, in which jumps too small for the map can be seen.
function strip(canvas, { path, best }) {
  const values = path.map((theta) => theta[1]);
  const heights = [...values, 0, best.theta[1]];
  const [low, high] = [Math.min(...heights), Math.max(...heights)];
  const margin = Math.max(0.08 * (high - low), 0.02);
  canvas.replaceChildren();
  const map = axes(canvas, {
    box: [50, 6, 360, 92], x: [0, Math.max(path.length - 1, 1)], y: [low - margin, high + margin],
    xlabel: "step", ylabel: "θ₂", n: 4,
  });
  const points = values.map((value, t) => [map.toX(t), map.toY(value)]);
  map.plot.append(
    svg("line", { x1: 50, x2: 410, y1: map.toY(0), y2: map.toY(0), class: "sgd-kink" }),
    svg("path", { d: through(points), class: "sgd-path" }),
    ...points.map(([cx, cy]) => svg("circle", { cx, cy, r: 2.2, class: "sgd-iterate" })),
  );
}

// In words: where the minimum lies, and what the steps do there.
function account(result, { start, nSteps, decay, minibatch }) {
  const { axis, tail, path } = result;
  if (axis === null) {
    const smooth = "The minimum lies off the axes, where the risk is smooth. ";
    if (!minibatch) {
      return `${smooth}The slope fades as the path comes near, and the steps with it.`;
    }
    return smooth + (decay
      ? "Each batch has a slope of its own there; the shrinking steps even that out."
      : "Each batch has a slope of its own there, so the path does not come to rest.");
  }
  const name = `θ${SUBSCRIPT[axis]}\u00a0=\u00a00`;
  const where = `The minimum lies on the axis ${name}: both sides go up from it. `;
  if (nSteps === 0) return `${where}Take some steps.`;
  const left = start[axis] === 0 && path[1][axis] !== 0
    ? "The path starts on the axis, and its first step leaves it: " +
      `δ${SUBSCRIPT[axis]}\u00a0=\u00a00 gives only one of the subgradients. `
    : "";
  if (tail.crossings === 0) return `${where}${left}The last steps do not cross it.`;
  const jumps = "The steps do not stop there. " +
    `They jumped across ${times(tail.crossings)} in the last ${tail.steps}, ` +
    `and got up to ${fixed(tail.reach, 3)} away. `;
  const why = decay ? "Shorter steps, smaller jumps." : "With a constant step they never settle.";
  return where + left + jumps + why;
}

const KEYS = ["radius", "step_size", "n_steps", "minibatch", "decay", "theta1", "theta2"];

function read(model) {
  const names = ["radius", "step_size", "n_steps", "decay", "minibatch"];
  const [radius, stepSize, nSteps, decay, minibatch] = names.map((name) => model.get(name));
  const start = [model.get("theta1"), model.get("theta2")];
  return { start, radius, stepSize, nSteps, decay, minibatch };
}

function controlsFor(model, batchSize) {
  const number = (digits) => ({ format: (v) => fixed(v, digits) });
  const weight = { min: WINDOW[0], max: WINDOW[1], step: 0.05, ...number(2) };
  return [
    slider(model, "radius", { label: "radius ε", min: 0, max: 0.6, step: 0.01, ...number(2) }),
    slider(model, "step_size", { label: "step size α", min: 0.1, max: 3, step: 0.1, ...number(1) }),
    slider(model, "n_steps", { label: "steps", min: 0, max: 200, step: 1, ...number(0) }),
    slider(model, "theta1", { label: ["start θ", sub("1")], ...weight }),
    slider(model, "theta2", { label: ["start θ", sub("2")], ...weight }),
    choice(model, "minibatch", {
      label: "each step uses",
      options: [[false, "all examples"], [true, `batches of ${batchSize}`]],
    }),
    checkbox(model, "decay", { label: "step t shrinks to α/√t" }),
  ];
}

function render({ model, el }) {
  const { picture, controls, readout, say, show } = stage(el, "SGD explorer");
  const canvas = drawing(420, 404);
  const below = drawing(420, 134);
  const map = axes(canvas, {
    box: [50, 8, 360, 360], x: WINDOW, y: WINDOW, xlabel: "θ₁", ylabel: "θ₂",
  });
  const [levels, moving] = [svg("g"), svg("g")];
  map.plot.append(levels, ...kinks(map), moving);
  const { handle, place } = startHandle(canvas);
  picture.append(canvas, below);
  const data = {
    x: model.get("x"), y: model.get("y"),
    order: model.get("order"), batchSize: model.get("batch_size"),
  };
  controls.append(...controlsFor(model, data.batchSize));
  const write = readoutTable(readout, [
    "risk at the start ○", "risk at the last step ●", "lowest risk ◆",
    "the last step is at", "the lowest risk at",
    ["slope from 0 to θ", sub("2"), "\u00a0>\u00a00"],
    ["slope from 0 to θ", sub("2"), "\u00a0<\u00a00"],
  ]);
  const remark = html("p", {});
  readout.append(remark);

  let known = {};
  const refresh = () => {
    const settings = read(model);
    if (known.radius !== settings.radius) {
      known = { radius: settings.radius, best: minimise(data, settings.radius) };
      backdrop(levels, map, data, known);
    }
    const result = explore(data, settings, known.best);
    moving.replaceChildren(...route(map, result));
    place(map, settings.start);
    strip(below, result);
    const { riskAtStart, riskAtEnd, best, end, slopes: { up, down } } = result;
    write([
      fixed(riskAtStart, 4), fixed(riskAtEnd, 4), fixed(best.risk, 4),
      pair(end, 3), pair(best.theta, 3), fixed(up, 3), fixed(down, 3),
    ]);
    remark.textContent = account(result, settings);
    const reached = `Risk ${fixed(riskAtEnd, 4)} after ${settings.nSteps} steps`;
    say(`${reached}, lowest ${fixed(best.risk, 4)}. ${remark.textContent}`);
    show(result);
  };
  // On the sliders' grid, so that a start on an axis, the case that matters, can be hit.
  const snap = (value) => Number(clamp(Math.round(value * 20) / 20, ...WINDOW).toFixed(2));
  drag(canvas, handle, (x, y) => {
    model.set("theta1", snap(map.fromX(x)));
    model.set("theta2", snap(map.fromY(y)));
  }, () => model.save_changes());
  for (const key of KEYS) model.on(`change:${key}`, refresh);
  refresh();
}

export default { render };

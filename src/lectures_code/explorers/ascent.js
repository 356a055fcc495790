// Ascent explorer: the log-odds of a mistake over one example's square, and ascents from many
// starts. A network is a list of { weight, bias }, with a ReLU between one and the next.

// The objective at a point of the plane, and its gradient, for a label of -1 or +1. Weights by
// column: what a unit that is 0 gives needs no sum, and that is half of them.
function objective(layers, y) {
  const last = layers.length - 1;
  const columns = layers.map(({ weight }) =>
    weight[0].map((_, j) => Float64Array.from(weight, (row) => row[j])));
  const biases = layers.map(({ bias }) => Float64Array.from(bias));
  const units = biases.map((bias) => new Float64Array(bias.length));
  const value = (point) => {
    let inputs = point;
    for (let k = 0; k <= last; k += 1) {
      const outputs = units[k];
      outputs.set(biases[k]);
      for (let j = 0; j < inputs.length; j += 1) {
        const [input, column] = [inputs[j], columns[k][j]];
        if (input === 0) continue;
        for (let i = 0; i < outputs.length; i += 1) outputs[i] += input * column[i];
      }
      if (k < last) for (let i = 0; i < outputs.length; i += 1) if (outputs[i] < 0) outputs[i] = 0;
      inputs = outputs;
    }
    return -y * inputs[0];
  };
  const gradient = (point) => {
    value(point);
    let slopes = [-y];
    for (let k = last; k >= 0; k -= 1) {
      // A ReLU at 0 counts as flat, as PyTorch has it.
      slopes = columns[k].map((column, j) =>
        (k === 0 || units[k - 1][j] > 0 ? inner(column, slopes) : 0));
    }
    return slopes;
  };
  return { value, gradient };
}

const moved = (x, delta) => [x[0] + delta[0], x[1] + delta[1]];

// The perturbations on the way, the start included: each step goes a tenth of the radius in each
// coordinate, and no coordinate beyond the radius.
function ascend(gradient, x, start, radius, nSteps) {
  const path = [start];
  for (let t = 0; t < nSteps; t += 1) {
    const slopes = gradient(moved(x, path[t]));
    path.push(path[t].map((delta, j) =>
      clamp(delta + (radius / 10) * Math.sign(slopes[j]), -radius, radius)));
  }
  return path;
}

// `n` numbers from one bound to the other.
const spaced = ([low, high], n) =>
  Array.from({ length: n }, (_, k) => low + (k / (n - 1)) * (high - low));

// The objective on a grid: a row for each second coordinate.
const table = (value, columns, rows) =>
  rows.map((second) => columns.map((first) => value([first, second])));

const N_POINTS = 61; // along a side of the square, as `landscape` has it

// Of ends that are within a quarter of the radius of each other in both coordinates, the highest:
// on the two sides of a summit, steps go back and forth, at most two steps apart.
function places(ends, values, radius) {
  const apart = (a, b) => Math.max(Math.abs(a[0] - b[0]), Math.abs(a[1] - b[1])) > radius / 4;
  const order = ends.map((_, k) => k).sort((a, b) => values[b] - values[a]);
  const kept = [];
  for (const k of order) if (kept.every((other) => apart(ends[other], ends[k]))) kept.push(k);
  return kept;
}

// Everything that is shown for one setting. The first ascent is that from the example itself.
function explore({ value, gradient }, { x, radius, nSteps, starts }) {
  const begins = [[0, 0], ...starts.map((start) => start.map((share) => radius * share))];
  const paths = begins.map((start) => ascend(gradient, x, start, radius, nSteps));
  const ends = paths.map((path) => path[nSteps]);
  const values = ends.map((end) => value(moved(x, end)));
  const [columns, rows] = x.map((centre) => spaced([centre - radius, centre + radius], N_POINTS));
  const heights = table(value, columns, rows);
  const flat = heights.flat();
  const top = Math.max(...flat);
  const where = flat.indexOf(top);
  return {
    x, radius, paths, ends, values, heights, top, columns, rows,
    summit: [columns[where % N_POINTS], rows[Math.floor(where / N_POINTS)]],
    clean: value(x), best: Math.max(...values.slice(1)),
    mistakes: values.slice(1).filter((each) => each >= 0).length,
    places: places(ends.slice(1), values.slice(1), radius),
  };
}

export const mathematics = {
  explore: (layers, y, settings) => explore(objective(layers, y), settings),
  values: (layers, y, points) => points.map(objective(layers, y).value),
  gradients: (layers, y, points) => points.map(objective(layers, y).gradient),
};

// ------------------------------------------------------------------------------------------------

// Cividis, which matplotlib's figures use too: light is large.
const COLOURS = [
  [0, 34, 78], [0, 49, 112], [42, 63, 109], [67, 78, 108], [87, 93, 109],
  [106, 108, 113], [125, 124, 120], [145, 139, 120], [165, 156, 116], [188, 174, 108],
  [210, 192, 96], [233, 211, 78], [254, 232, 56],
];

function colourOf(share) {
  const at = clamp(share, 0, 1) * (COLOURS.length - 1);
  const k = Math.min(Math.floor(at), COLOURS.length - 2);
  return COLOURS[k].map((from, c) => from + (at - k) * (COLOURS[k + 1][c] - from));
}

// A drawing with a map behind it, which covers `box`. `paint(heights)` colours it, a pixel for each
// point of the grid; the browser blends them. The outer half of the outer pixels is cut off.
function heatMap(width, height, box) {
  const canvas = drawing(width, height);
  const picture = html("canvas", { "aria-hidden": "true" });
  const paint = (heights) => {
    const [m, n] = [heights.length, heights[0].length];
    const flat = heights.flat();
    const [low, high] = [Math.min(...flat), Math.max(...flat)];
    Object.assign(picture, { width: n, height: m });
    const image = picture.getContext("2d").createImageData(n, m);
    flat.forEach((each, k) => {
      const colour = colourOf(high > low ? (each - low) / (high - low) : 0.5);
      const pixel = (m - 1 - Math.floor(k / n)) * n + (k % n); // the first row is the lowest
      image.data.set([...colour, 255], 4 * pixel);
    });
    picture.getContext("2d").putImageData(image, 0, 0);
    const [w, h] = [box[2] * (n / (n - 1)), box[3] * (m / (m - 1))];
    const share = (part, whole) => `${(100 * part) / whole}%`;
    Object.assign(picture.style, {
      left: share(box[0] - (w - box[2]) / 2, width), width: share(w, width),
      top: share(box[1] - (h - box[3]) / 2, height), height: share(h, height),
      clipPath: `inset(${50 / m}% ${50 / n}%)`,
    });
  };
  return { canvas, paint, node: html("div", { class: "ascent-map" }, picture, canvas) };
}

// Where the objective is 0, between right and wrong.
function boundary({ toX, toY }, heights, columns, rows) {
  const [pieces] = contours(heights, columns, [0], rows);
  const d = pieces.map((piece) => through(piece.map(([x, y]) => [toX(x), toY(y)]))).join("");
  const names = ["ascent-casing", "ascent-boundary"];
  return svg("g", {}, ...names.map((name) => svg("path", { d, class: name })));
}

const dot = ([cx, cy], r) => svg("circle", { cx, cy, r });
const square = ([x, y], r) => svg("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r });
const diamond = ([x, y], r) =>
  svg("path", { d: `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}Z` });
const named = (node, name) => fill(node, { class: name }, []);

// The plane: all examples, and the one that is dragged, with its square.
const PLANE = 360; // units, the width
const N_COLUMNS = 97;

// Bounds that hold all points and some room around, at least two fifths as high as wide and no
// higher than wide.
function windowOf(points) {
  const bounds = [0, 1].map((j) => {
    const values = points.map((point) => point[j]);
    return [Math.min(...values), Math.max(...values)];
  });
  const spans = bounds.map(([low, high]) => high - low);
  const width = 1.15 * Math.max(...spans, 1e-3);
  const halves = [width / 2, clamp(0.6 * spans[1], 0.2 * width, width / 2)];
  return bounds.map(([low, high], j) => {
    const middle = (low + high) / 2;
    return [middle - halves[j], middle + halves[j]];
  });
}

const look = (label) => (label < 0 ? "ascent-minus" : "ascent-plus");

function plane(parent, points, kinds, kind) {
  const [x, y] = windowOf(points);
  const height = PLANE * ((y[1] - y[0]) / (x[1] - x[0]));
  const { canvas, paint, node } = heatMap(420, height + 48, [50, 8, PLANE, height]);
  const labels = { xlabel: "feature 1", ylabel: "feature 2" };
  const scale = axes(canvas, { box: [50, 8, PLANE, height], x, y, ...labels, n: 4 });
  const line = svg("g");
  const dots = [-1, 1].map((label) => svg("path", {
    d: points.filter((_, i) => kinds[i] === label)
      .map((point) => `M${scale.toX(point[0]).toFixed(1)} ${scale.toY(point[1]).toFixed(1)}h0`)
      .join(""),
    class: `ascent-dots ${look(label)}`,
  }));
  const frame = svg("rect", { class: "ascent-frame" });
  scale.plot.append(line, ...dots, frame);
  const ring = svg("circle", { r: 6, class: `ascent-handle ${look(kind)}` });
  const touch = svg("circle", { r: 26, fill: "transparent" });
  const handle = svg("g", {}, ring, touch);
  canvas.append(handle);
  parent.append(node);
  const colour = (value) => {
    const rows = spaced(y, Math.max(2, Math.round(N_COLUMNS * (height / PLANE))));
    const columns = spaced(x, N_COLUMNS);
    const heights = table(value, columns, rows);
    paint(heights.map((row) => row.map(Math.asinh))); // steep far away, where no data are
    line.replaceChildren(boundary(scale, heights, columns, rows));
  };
  const place = (at, radius) => {
    const [cx, cy, r] = [scale.toX(at[0]), scale.toY(at[1]), scale.toX(radius) - scale.toX(0)];
    for (const circle of [ring, touch]) fill(circle, { cx, cy }, []);
    fill(frame, { x: cx - r, y: cy - r, width: 2 * r, height: 2 * r }, []);
  };
  return { canvas, handle, scale, colour, place, x, y };
}

// The square alone, in perturbations.
const SQUARE = [50, 8, 360, 360];

function closeUp(parent) {
  const { canvas, paint, node } = heatMap(420, 412, SQUARE);
  parent.append(node);
  return ({ x, radius, paths, ends, heights, columns, rows, summit }) => {
    paint(heights);
    canvas.replaceChildren();
    const sides = [-radius, radius];
    const labels = { xlabel: "δ₁", ylabel: "δ₂" };
    const scale = axes(canvas, { box: SQUARE, x: sides, y: sides, ...labels, n: 4 });
    const unit = ([first, second]) => [scale.toX(first), scale.toY(second)];
    const [first, second] = [columns, rows].map((side, j) => side.map((value) => value - x[j]));
    scale.plot.append(boundary(scale, heights, first, second));
    const last = paths.length - 1;
    const all = (draw) => paths.map((_, k) => draw(last - k)); // the middle's in front
    const kind = (k) => (k === 0 ? "ascent-middle" : "ascent-start");
    const line = (k, name) => svg("path", { d: through(paths[k].map(unit)), class: name });
    const top = unit([summit[0] - x[0], summit[1] - x[1]]);
    // Not in the plot, which is cut off: ends often lie on its rim.
    canvas.append(
      ...all((k) => line(k, "ascent-casing")),
      ...all((k) => line(k, `ascent-path ${kind(k)}`)),
      ...all((k) => named(dot(unit(paths[k][0]), 3), "ascent-begin")),
      ...all((k) => named((k === 0 ? square : diamond)(unit(ends[k]), 6), `ascent-end ${kind(k)}`)),
      named(dot(top, 11), "ascent-casing"),
      named(dot(top, 11), "ascent-top"),
    );
  };
}

// In words: where the ascents end, and which of them find a mistake.
function account({ clean, values, top, mistakes, places: kept }) {
  const where = kept.length === 1 ? "All random starts end in one place." :
    `The random starts end in ${kept.length} places.`;
  const middle = values[0] >= 0;
  const found = () => {
    if (clean >= 0) return "The network is wrong here without an attack.";
    if (middle) return "The ascent from the middle finds a mistake.";
    if (mistakes > 0) return "The ascent from the middle finds no mistake, a random start does.";
    return top < 0 ? "On the grid there is no mistake." : "No ascent finds the mistakes there are.";
  };
  return `${where} ${found()}`;
}

const KEYS = ["x1", "x2", "radius", "n_steps", "n_starts"];
const one = (value) => fixed(value, 1);

function legend() {
  const texts = [
    "light: the log-odds of a mistake are large", "white line: they are 0",
    "dots: examples, in the colour of their label",
  ];
  return html("p", { class: "ascent-legend" }, ...texts.map((text) => html("span", {}, text)));
}

function render({ model, el }) {
  const { picture, controls, readout, say, show } = stage(el, "Ascent explorer");
  const { value, gradient } = objective(model.get("layers"), model.get("label"));
  const overview = plane(picture, model.get("points"), model.get("labels"), model.get("label"));
  const draw = closeUp(picture);
  picture.append(legend());
  overview.colour(value);
  const starts = model.get("starts");
  const place = { step: 0.01, format: (v) => fixed(v) };
  const whole = { min: 1, step: 1, format: (v) => `${v}` };
  const ends = ([low, high]) => ({ min: low.toFixed(2), max: high.toFixed(2) });
  controls.append(
    slider(model, "x1", { label: "feature 1", ...place, ...ends(overview.x) }),
    slider(model, "x2", { label: "feature 2", ...place, ...ends(overview.y) }),
    slider(model, "radius", { label: "radius ε", ...place, min: 0.05, max: 1, step: 0.05 }),
    slider(model, "n_steps", { label: "steps of ε/10", ...whole, max: 60 }),
    slider(model, "n_starts", { label: "random starts", ...whole, max: starts.length }),
  );
  readout.append(html("p", { class: "ascent-heading" }, "Log-odds of a mistake"));
  const write = readoutTable(readout, [
    "without an attack", "from the middle ■", "best of the random starts ◆",
    `best of ${(N_POINTS ** 2).toLocaleString("en")} points ○`, "starts that find a mistake",
    "places where they end",
  ]);
  const remark = html("p", {});
  readout.append(remark);

  const refresh = () => {
    const [x1, x2, radius, nSteps, nStarts] = KEYS.map((key) => model.get(key));
    const settings = { x: [x1, x2], radius, nSteps, starts: starts.slice(0, nStarts) };
    const result = explore({ value, gradient }, settings);
    draw(result);
    overview.place(result.x, radius);
    const { clean, values, best, top, mistakes, places: kept } = result;
    const found = `${mistakes} of ${nStarts}`;
    write([...[clean, values[0], best, top].map(one), found, `${kept.length}`]);
    remark.textContent = account(result);
    say(`Best end ${one(best)}, best point of the grid ${one(top)}. ${remark.textContent}`);
    const { x, summit } = result;
    show({ x, radius, clean, values, ends: result.ends, top, summit, mistakes, places: kept });
  };
  // A drag changes two values at once, and one picture is enough.
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => {
      waiting = false;
      refresh();
    });
  };
  const inside = (at, bounds) => Number(clamp(at, ...bounds).toFixed(2));
  drag(overview.canvas, overview.handle, (x, y) => {
    model.set("x1", inside(overview.scale.fromX(x), overview.x));
    model.set("x2", inside(overview.scale.fromY(y), overview.y));
  }, () => model.save_changes());
  for (const key of KEYS) model.on(`change:${key}`, later);
  refresh();
}

export default { render };

// What all explorers share. An explorer's module is this text and its own, one after the other: a
// host needs to load nothing else.

const SVG = "http://www.w3.org/2000/svg";

// Elements ----------------------------------------------------------------------------------------

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const html = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);
const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

// A drawing of width times height units that fills its column. Screen readers skip it: what it
// shows is said by `say` and stands in the readout.
function drawing(width, height) {
  const viewBox = `0 0 ${width} ${height}`;
  return svg("svg", { viewBox, "aria-hidden": "true", class: "explorer-drawing" });
}

// The explorer's parts, put into `el` in place of the still picture. `say` tells screen readers,
// once the reader has stopped moving things; `show` keeps the current result, which tests read.
function stage(el, label) {
  const picture = html("div", { class: "explorer-picture" });
  const controls = html("div", { class: "explorer-controls" });
  const readout = html("div", { class: "explorer-readout" });
  const status = html("p", { class: "explorer-status", role: "status" });
  const root = html("div", { class: "explorer-live", role: "group", "aria-label": label });
  root.append(picture, controls, readout, status);
  el.classList.add("explorer");
  el.replaceChildren(root);
  let timer;
  const say = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => { status.textContent = text; }, 500);
  };
  const show = (result) => { root.dataset.result = JSON.stringify(result); };
  return { root, picture, controls, readout, say, show };
}

// Controls: each is tied to a value of the model, both ways ---------------------------------------

function tie(model, name, input, read, write) {
  const refresh = () => write(model.get(name));
  input.addEventListener("input", () => model.set(name, read()));
  input.addEventListener("change", () => model.save_changes());
  model.on(`change:${name}`, refresh);
  refresh();
}

// A range input. `format` gives the text beside it, which is also what a screen reader says.
// The label may hold elements (a subscript, say).
function slider(model, name, { label, min, max, step, format }) {
  const input = html("input", { type: "range", min, max, step, name });
  const output = html("output", {});
  tie(model, name, input, () => Number(input.value), (value) => {
    input.value = value;
    output.textContent = format(value);
    input.setAttribute("aria-valuetext", format(value));
  });
  const caption = html("span", {}, ...[label].flat());
  return html("label", { class: "explorer-slider" }, caption, input, output);
}

function checkbox(model, name, { label }) {
  const input = html("input", { type: "checkbox", name });
  tie(model, name, input, () => input.checked, (value) => { input.checked = value; });
  return html("label", { class: "explorer-checkbox" }, input, html("span", {}, ...[label].flat()));
}

// One of a few: `options` are pairs of a value and its text.
function choice(model, name, { label, options }) {
  const id = `${name}-${Math.random().toString(36).slice(2)}`;
  const legend = html("legend", {}, ...[label].flat());
  const set = html("fieldset", { class: "explorer-choice", name }, legend);
  for (const [value, text] of options) {
    const input = html("input", { type: "radio", name: id, value });
    tie(model, name, input, () => value, (chosen) => { input.checked = chosen === value; });
    set.append(html("label", {}, input, html("span", {}, text)));
  }
  return set;
}

function button(label, press) {
  const node = html("button", { type: "button", class: "explorer-button" }, label);
  node.addEventListener("click", press);
  return node;
}

// `move(x, y)` is called in the drawing's units while `handle` is dragged, by mouse, pen or finger;
// `done()` when it is let go. What is dragged also has sliders: those are for the keyboard.
function drag(canvas, handle, move, done = () => {}) {
  handle.classList.add("explorer-handle");
  const at = (event) => {
    const point = new DOMPoint(event.clientX, event.clientY);
    const { x, y } = point.matrixTransform(canvas.getScreenCTM().inverse());
    move(x, y);
  };
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    at(event);
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) at(event);
  });
  handle.addEventListener("pointerup", done);
}

// Numbers and axes --------------------------------------------------------------------------------

// As Python's format(value, ".2f"), with a minus sign and without a negative zero.
function fixed(value, digits = 2) {
  const text = value.toFixed(digits);
  return /^-0\.?0*$/.test(text) ? text.slice(1) : text.replace("-", "\u2212");
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const sum = (values) => values.reduce((total, value) => total + value, 0);

// About `n` round numbers between two bounds.
function ticks([low, high], n = 5) {
  const rough = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

// A pair of axes in `canvas`: `box` is [left, top, width, height] in its units. Gives the maps from
// values to units and back, and a group, cut off at the box, to draw in.
function axes(canvas, { box, x, y, xlabel, ylabel, n = 5 }) {
  const [left, top, width, height] = box;
  const toX = (value) => left + ((value - x[0]) / (x[1] - x[0])) * width;
  const toY = (value) => top + height - ((value - y[0]) / (y[1] - y[0])) * height;
  const grid = svg("g", { class: "explorer-axes" });
  const write = (text, place) =>
    grid.append(svg("text", { "text-anchor": "middle", ...place }, text));
  const number = (value) => `${value}`.replace("-", "\u2212");
  for (const value of ticks(x, n)) {
    grid.append(svg("line", { x1: toX(value), x2: toX(value), y1: top, y2: top + height }));
    write(number(value), { x: toX(value), y: top + height + 16 });
  }
  for (const value of ticks(y, n)) {
    grid.append(svg("line", { x1: left, x2: left + width, y1: toY(value), y2: toY(value) }));
    write(number(value), { x: left - 6, y: toY(value) + 4, "text-anchor": "end" });
  }
  if (xlabel) write(xlabel, { x: left + width / 2, y: top + height + 34 });
  if (ylabel) {
    write(ylabel, { transform: `translate(${left - 38} ${top + height / 2}) rotate(-90)` });
  }
  const id = `clip-${Math.random().toString(36).slice(2)}`;
  const cut = svg("clipPath", { id }, svg("rect", { x: left, y: top, width, height }));
  const plot = svg("g", { "clip-path": `url(#${id})` });
  canvas.append(grid, cut, plot);
  return {
    toX, toY, plot,
    fromX: (unit) => x[0] + ((unit - left) / width) * (x[1] - x[0]),
    fromY: (unit) => y[0] + ((top + height - unit) / height) * (y[1] - y[0]),
  };
}

// The `d` of a path through points [x, y] that are already in units.
const through = (points, closed = false) =>
  `M${points.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}${closed ? "Z" : ""}`;

// Contours by marching squares: for each level its line's pieces, pairs of points. `values[r][c]`
// belongs to the point (columns[c], rows[r]).
function contours(values, columns, levels, rows = columns) {
  const pieces = levels.map(() => []);
  for (let r = 0; r + 1 < rows.length; r += 1) {
    for (let c = 0; c + 1 < columns.length; c += 1) {
      const places = [[r, c], [r, c + 1], [r + 1, c + 1], [r + 1, c]];
      const heights = places.map(([row, column]) => values[row][column]);
      const [bottom, top] = [Math.min(...heights), Math.max(...heights)];
      if (!levels.some((level) => bottom < level && level <= top)) continue;
      const corners = places.map(([row, column], k) =>
        ({ point: [columns[column], rows[row]], value: heights[k] }));
      levels.forEach((level, k) => {
        if (bottom < level && level <= top) pieces[k].push(...crossing(corners, level));
      });
    }
  }
  return pieces;
}

// The pieces of a level's line in one square, whose corners go round it.
function crossing(corners, level) {
  const ends = corners.map((a, k) => {
    const b = corners[(k + 1) % 4];
    if ((a.value < level) === (b.value < level)) return null;
    const share = (level - a.value) / (b.value - a.value);
    return a.point.map((value, j) => value + share * (b.point[j] - value));
  });
  const met = ends.filter((end) => end !== null);
  if (met.length === 2) return [met];
  // Two opposite corners lie lower. Below a level a convex function's points form a convex set, so
  // these two belong together, and each piece cuts off one of the others.
  const [a, b, c, d] = ends;
  return corners[0].value < level ? [[a, b], [c, d]] : [[d, a], [b, c]];
}

// Lines of a readout: pairs of a name (text or nodes) and a value. Written in place, so that a
// reader's selection and a screen reader's place stay.
function readoutTable(parent, names) {
  const list = html("dl", {});
  const cells = names.map((name) => {
    const cell = html("dd", {});
    list.append(html("div", {}, html("dt", {}, ...[name].flat()), cell));
    return cell;
  });
  parent.append(list);
  return (values) => values.forEach((value, k) => { cells[k].textContent = value; });
}

const sub = (text) => html("sub", {}, text);

// Linear classifiers of images --------------------------------------------------------------------

// A pixel is stored as a byte k and means k / 255.
const PIXEL = Float64Array.from({ length: 256 }, (_, k) => k / 255);
const bytesOf = (view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
const pixelsOf = (bytes) => Array.from(bytes, (k) => PIXEL[k]);

function inner(theta, x) {
  let total = 0;
  for (let j = 0; j < theta.length; j++) total += theta[j] * x[j];
  return total;
}

// Linear in the pixels x, or, of a classifier with a threshold, in whether each is above it.
const scoreOf = ({ theta, intercept, threshold }, x) =>
  inner(theta, threshold === undefined ? x : x.map((pixel) => +(pixel > threshold))) + intercept;

// The probability of a "1" that a score stands for, accurate at both ends.
const sigmoid = (score) =>
  score >= 0 ? 1 / (1 + Math.exp(-score)) : Math.exp(score) / (1 + Math.exp(score));

// The worst perturbation of an image x with label y (-1 or +1), each pixel changed by at most
// `radius`: -y * radius * sign(theta), in the box no farther than to 0 or 1.
function worstPerturbation({ theta }, x, y, radius, inBox) {
  return theta.map((weight, j) => {
    const sign = weight === 0 ? 0 : -y * Math.sign(weight);
    return sign * (inBox ? Math.min(radius, sign > 0 ? 1 - x[j] : x[j]) : radius);
  });
}

// What a classifier makes of an image, and of the image under the worst perturbation.
function attack(model, x, y, radius, inBox) {
  const delta = worstPerturbation(model, x, y, radius, inBox);
  const attacked = x.map((pixel, j) => pixel + delta[j]);
  const score = scoreOf(model, x);
  const attackedScore = model.threshold === undefined
    ? score + inner(model.theta, delta)
    : scoreOf(model, attacked);
  return {
    delta,
    attacked,
    score,
    probability: sigmoid(score),
    attackedScore,
    attackedProbability: sigmoid(attackedScore),
  };
}

// A score of 0 is no answer, and counts as a mistake.
const answerTo = (score) => ["a zero", "neither", "a one"][Math.sign(score) + 1];

// Below a thousandth of either end a rounded probability would look like certainty.
function probabilityText(probability) {
  if (probability < 0.001) return "< 0.001";
  return probability > 0.999 ? "> 0.999" : fixed(probability, 3);
}

// Digits, as ink on paper -------------------------------------------------------------------------

const SIDE = 28;

// A square picture of 28 by 28 pixels: `paint(values, [paper, ink])` draws the first bound as paper
// and the second as ink. The paper's colour is the style sheet's; ink is how opaque black is.
function digitPicture() {
  const size = { width: SIDE, height: SIDE };
  const canvas = html("canvas", { ...size, class: "explorer-digit", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  const paint = (values, [paper, ink]) => {
    for (let j = 0; j < values.length; j++) {
      const share = ink > paper ? (values[j] - paper) / (ink - paper) : 0.5;
      image.data[4 * j + 3] = Math.round(255 * clamp(share, 0, 1));
    }
    context.putImageData(image, 0, 0);
  };
  return { canvas, paint };
}

// Three of them, an image, a perturbation and their sum, with signs between; below each of them
// `captions`, three elements. `paint` takes what `attack` gives, and the image.
function digitSum(captions) {
  const pictures = captions.map(digitPicture);
  const sign = (text) => html("span", { class: "explorer-sign", "aria-hidden": "true" }, text);
  const [first, second, third] = pictures.map(({ canvas }) => canvas);
  const row = html("div", { class: "explorer-sum" }, first, sign("+"), second, sign("="), third);
  captions.forEach((caption, k) => {
    caption.style.gridColumn = 2 * k + 1;
    row.append(caption);
  });
  const paint = (x, { delta, attacked }, radius, inBox) => {
    pictures[0].paint(x, [0, 1]);
    pictures[1].paint(delta, [-radius, radius]);
    pictures[2].paint(attacked, inBox ? [0, 1] : [-radius, 1 + radius]);
  };
  return { row, paint };
}

// Attack lab: any test image, any of the classifiers, any radius of the attack, box on or off.

// A pixel's room, its way to the face of the box: for each byte down to 0, then for each up to 1.
// Up it is 1 - k / 255, as the package has it, which may differ from (255 - k) / 255 by rounding.
const ROOM = [...PIXEL, ...PIXEL.map((pixel) => 1 - pixel)];
const BY_ROOM = Uint16Array.from(ROOM.keys()).sort((one, other) => ROOM[one] - ROOM[other]);

// How much weight has each room. An adversary of some radius takes weight * min(radius, room) from
// the margin.
function weightsByRoom({ theta }, images, start, y) {
  const weights = new Float64Array(ROOM.length);
  for (let j = 0; j < theta.length; j++) {
    weights[images[start + j] + (y * theta[j] > 0 ? 0 : 256)] += Math.abs(theta[j]);
  }
  return weights;
}

// Where the worst margin over the box reaches 0: it is piecewise linear in the radius, with a knot
// at each room. Infinity where nothing in the box is misclassified, -Infinity where x already is.
function radiusInBox(margin, weights) {
  if (margin === 0) return 0;
  if (margin < 0) return -Infinity;
  // The weight that has this room or more, summed from the far end so that it ends in a true 0.
  const free = new Float64Array(ROOM.length + 1);
  for (let r = ROOM.length - 1; r >= 0; r--) free[r] = free[r + 1] + weights[BY_ROOM[r]];
  let spent = 0;
  for (let r = 0; r < ROOM.length; r++) {
    const room = ROOM[BY_ROOM[r]];
    if (spent + free[r] * room >= margin) return (margin - spent) / free[r];
    spent += weights[BY_ROOM[r]] * room;
  }
  return Infinity;
}

// Where the worst margin of a classifier of thresholded pixels reaches 0: a pixel gives all of its
// weight at once, where the radius reaches the distance at which the package says that its byte
// crosses the threshold. For a threshold of at least 0 and below 1 the box changes nothing.
function radiusOfThreshold({ theta, threshold, distances }, images, start, y, margin) {
  if (margin === 0) return 0;
  if (margin < 0) return -Infinity;
  const steps = [];
  for (let j = 0; j < theta.length; j++) {
    const byte = images[start + j];
    if (theta[j] === 0 || y * theta[j] > 0 !== PIXEL[byte] > threshold) continue;
    steps.push([distances[byte], Math.abs(theta[j])]);
  }
  steps.sort(([one], [other]) => one - other);
  let taken = 0;
  for (const [distance, weight] of steps) {
    taken += weight;
    if (taken >= margin) return distance;
  }
  return Infinity;
}

// Margins and certified radii of all images, without and with the box, in order and sorted.
function certify(model, images, labels) {
  const d = model.theta.length;
  const length = sum(model.theta.map(Math.abs));
  const x = new Float64Array(d);
  const margins = new Float64Array(labels.length);
  const free = new Float64Array(labels.length);
  const boxed = new Float64Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const y = labels[i] ? 1 : -1;
    for (let j = 0; j < d; j++) x[j] = PIXEL[images[i * d + j]];
    margins[i] = y * scoreOf(model, x);
    if (model.threshold !== undefined) {
      free[i] = boxed[i] = radiusOfThreshold(model, images, i * d, y, margins[i]);
      continue;
    }
    free[i] = margins[i] === 0 ? 0 : margins[i] / length;
    boxed[i] = radiusInBox(margins[i], weightsByRoom(model, images, i * d, y));
  }
  const sorted = { free: free.slice().sort(), boxed: boxed.slice().sort() };
  return { margins, free, boxed, sorted };
}

// Mistakes under attack: an image falls when the attack's radius reaches its certified radius.
function countUpTo(sorted, radius) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= radius) low = middle + 1;
    else high = middle;
  }
  return low;
}

const countMistakes = ({ margins }) => margins.reduce((count, margin) => count + !(margin > 0), 0);

// The next image, wrapping around, that is classified correctly and that the attack flips, or null.
function nextFlipped(radii, from, radius) {
  for (let step = 1; step <= radii.length; step++) {
    const i = (from + step) % radii.length;
    if (radii[i] > 0 && radii[i] <= radius) return i;
  }
  return null;
}

// Everything that is shown of one image. `certified` is what `certify` found for the model.
function examine({ model, certified, images, labels, index, radius, inBox }) {
  const d = model.theta.length;
  const x = pixelsOf(images.subarray(index * d, (index + 1) * d));
  const y = labels[index] ? 1 : -1;
  const kind = inBox ? "boxed" : "free";
  return {
    x, y, ...attack(model, x, y, radius, inBox),
    free: certified.free[index],
    boxed: certified.boxed[index],
    clean: countMistakes(certified),
    mistakes: countUpTo(certified.sorted[kind], radius),
    n: labels.length,
  };
}

export const mathematics = {
  // For tests, which hand plain lists over.
  all({ model, images, labels, cases }) {
    const [bytes, digits] = [Uint8Array.from(images), Uint8Array.from(labels)];
    const certified = certify(model, bytes, digits);
    const given = { model, certified, images: bytes, labels: digits };
    return {
      free: Array.from(certified.free),
      boxed: Array.from(certified.boxed),
      cases: cases.map((one) => examine({ ...given, ...one })),
      flipped: cases.map(({ index, radius, inBox }) =>
        nextFlipped(inBox ? certified.boxed : certified.free, index, radius)),
    };
  },
};

// ------------------------------------------------------------------------------------------------

const LARGEST = 0.5;
const WIDTH = 440;
const BOX = [50, 10, 380, 225];
const LOOKS = 5;

const digitName = (y) => (y > 0 ? "a one" : "a zero");
const signed = (score) => (score > 0 ? "+" : "") + fixed(score);
const verdict = (score, y) => answerTo(score) + (y * score > 0 ? "" : ", wrong");

function radiusText(radius) {
  if (radius === Infinity) return "never wrong";
  return radius > 0 ? fixed(radius, 4) : "already wrong";
}

function rangeText(values) {
  const short = (value) => fixed(value, 3).replace(/\.?0+$/, "");
  const [low, high] = [Math.min(...values), Math.max(...values)].map(short);
  return `${low} to ${high}`;
}

const lookOf = (k) => `lab-curve lab-look-${k % LOOKS}`;

// A line as it is drawn for the k-th classifier, for the list of classifiers.
function swatch(k) {
  const line = svg("line", { x1: 0, x2: 26, y1: 6, y2: 6, class: lookOf(k) });
  return svg("svg", { width: 26, height: 12, "aria-hidden": "true", class: "lab-swatch" }, line);
}

// The whole curve as a path: constant between the drawing's steps of a third of a unit.
function curvePath(map, sorted) {
  const steps = 3 * BOX[2];
  const points = [];
  let last = -1;
  for (let k = 0; k <= steps; k++) {
    const radius = (k / steps) * LARGEST;
    const count = countUpTo(sorted, radius);
    if (count === last && k < steps) continue;
    if (last >= 0) points.push([map.toX(radius), map.toY(last / sorted.length)]);
    points.push([map.toX(radius), map.toY(count / sorted.length)]);
    last = count;
  }
  return through(points);
}

function curves(parent) {
  const canvas = drawing(WIDTH, 280);
  const labels = { xlabel: "radius ε of the attack", ylabel: "error under attack" };
  const map = axes(canvas, { box: BOX, x: [0, LARGEST], y: [0, 1], ...labels });
  const lines = svg("g");
  const mark = svg("line", { class: "lab-mark", y1: map.toY(0), y2: map.toY(1) });
  const dot = svg("circle", { r: 6, class: "lab-dot" });
  map.plot.append(lines, mark);
  const [x, y, width, height] = BOX;
  // The whole plot is the handle: a finger may go sideways on it, and scrolls when it goes up.
  const wider = { x: x - 12, y, width: width + 24, height };
  const handle = svg("rect", { ...wider, fill: "transparent", class: "lab-handle" });
  canvas.append(dot, handle);
  parent.append(canvas);
  const paths = new WeakMap();
  const pathOf = (sorted) => {
    if (!paths.has(sorted)) paths.set(sorted, curvePath(map, sorted));
    return paths.get(sorted);
  };
  const draw = (all, chosen) => lines.replaceChildren(
    ...all.map((sorted, k) => svg("path", {
      d: pathOf(sorted), class: lookOf(k) + (k === chosen ? " lab-chosen" : ""),
    })));
  const place = (radius, rate) => {
    fill(mark, { x1: map.toX(radius), x2: map.toX(radius) }, []);
    fill(dot, { cx: map.toX(radius), cy: map.toY(rate) }, []);
  };
  return { canvas, map, handle, draw, place };
}

function scoreTable(parent) {
  const rows = ["score", "probability of 1", "answer"].map((name) => {
    const cells = [html("td"), html("td")];
    return { row: html("tr", {}, html("th", { scope: "row" }, name), ...cells), cells };
  });
  const columns = ["image", "attacked"].map((name) => html("th", { scope: "col" }, name));
  const head = html("thead", {}, html("tr", {}, html("td"), ...columns));
  const body = html("tbody", {}, ...rows.map(({ row }) => row));
  parent.append(html("table", { class: "lab-table" }, head, body));
  return ({ score, attackedScore, probability, attackedProbability, y }) => {
    [score, attackedScore].forEach((each, k) => {
      rows[0].cells[k].textContent = signed(each);
      rows[1].cells[k].textContent = probabilityText([probability, attackedProbability][k]);
      rows[2].cells[k].textContent = answerTo(each) + (y * each > 0 ? "" : " ✗");
      rows[2].cells[k].classList.toggle("lab-wrong", !(y * each > 0));
    });
  };
}

function render({ model, el }) {
  const { picture, controls, readout, say, show } = stage(el, "Attack lab");
  const images = bytesOf(model.get("images"));
  const labels = bytesOf(model.get("labels"));
  const captions = ["image", "perturbation", "sum"].map((name) => {
    const range = html("span");
    return { range, node: html("p", { class: "lab-caption" }, name, html("br"), range) };
  });
  const { row, paint } = digitSum(captions.map(({ node }) => node));
  picture.append(row);
  const curve = curves(picture);

  const known = new WeakMap();
  const certificateOf = (classifier) => {
    if (!known.has(classifier)) known.set(classifier, certify(classifier, images, labels));
    return known.get(classifier);
  };
  const chosenIndex = () => {
    const names = model.get("models").map(({ name }) => name);
    return Math.max(0, names.indexOf(model.get("chosen")));
  };
  const kind = () => (model.get("in_box") ? "boxed" : "free");
  const radii = () => certificateOf(model.get("models")[chosenIndex()])[kind()];
  const go = (index) => {
    model.set("index", (index + labels.length) % labels.length);
    model.save_changes();
  };

  const classifiers = html("div", {});
  const listModels = () => classifiers.replaceChildren(choice(model, "chosen", {
    label: "classifier",
    options: model.get("models").map(({ name }, k) => [name, html("span", {}, swatch(k), name)]),
  }));
  listModels();
  controls.append(
    slider(model, "index", {
      label: "test image", min: 0, max: labels.length - 1, step: 1, format: (v) => `${v}`,
    }),
    html("div", { class: "lab-buttons" },
      button("previous", () => go(model.get("index") - 1)),
      button("next", () => go(model.get("index") + 1)),
      button("next image that the attack flips", () => {
        const found = nextFlipped(radii(), model.get("index"), model.get("radius"));
        if (found === null) say("The attack flips no image.");
        else go(found);
      })),
    classifiers,
    slider(model, "radius", {
      label: "radius ε", min: 0, max: LARGEST, step: 0.005, format: (v) => fixed(v, 3),
    }),
    checkbox(model, "in_box", { label: "keep pixels in [0, 1]" }),
  );
  const writeScores = scoreTable(readout);
  const write = readoutTable(readout, [
    "certified radius", "the same, pixels in [0, 1]", "test images wrong", "wrong under attack",
  ]);

  const refresh = () => {
    const [index, radius, inBox] = ["index", "radius", "in_box"].map((name) => model.get(name));
    const all = model.get("models");
    const k = chosenIndex();
    const certified = certificateOf(all[k]);
    const result = examine({ model: all[k], certified, images, labels, index, radius, inBox });
    const { x, y, delta, attacked, score, attackedScore, free, boxed, clean, mistakes, n } = result;
    paint(x, result, radius, inBox);
    captions.forEach(({ range }, c) => { range.textContent = rangeText([x, delta, attacked][c]); });
    curve.draw(all.map((each) => certificateOf(each).sorted[kind()]), k);
    curve.place(radius, mistakes / n);
    writeScores(result);
    write([radiusText(free), radiusText(boxed), `${clean} of ${n}`, `${mistakes} of ${n}`]);
    say(
      `Test image ${index}, ${digitName(y)}. ` +
      `${all[k].name}: ${verdict(score, y)}, score ${signed(score)}. ` +
      `Attacked with radius ${fixed(radius, 3)}${inBox ? " in the box" : ""}: ` +
      `${verdict(attackedScore, y)}, score ${signed(attackedScore)}. ` +
      `Under attack ${mistakes} of ${n} are wrong.`,
    );
    show({
      index, radius, inBox, chosen: all[k].name, y, score, attackedScore, clean, mistakes, n,
      probability: result.probability, attackedProbability: result.attackedProbability,
      // JSON has no infinity.
      free: `${free}`, boxed: `${boxed}`,
    });
  };
  const snap = (value) => Number((Math.round(clamp(value, 0, LARGEST) * 200) / 200).toFixed(3));
  const move = (x) => model.set("radius", snap(curve.map.fromX(x)));
  drag(curve.canvas, curve.handle, move, () => model.save_changes());
  model.on("change:models", () => { listModels(); refresh(); });
  for (const key of ["index", "radius", "in_box", "chosen"]) model.on(`change:${key}`, refresh);
  refresh();
}

export default { render };

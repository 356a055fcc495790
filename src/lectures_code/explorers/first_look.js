// First look: one image, one classifier, and the radius of the attack in the reader's hand.

export const mathematics = {
  // For tests, which hand plain lists over.
  look: ({ model, image, digit, radius }) =>
    attack(model, pixelsOf(Uint8Array.from(image)), digit ? 1 : -1, radius, false),
};

// ------------------------------------------------------------------------------------------------

const LARGEST = 0.3;
const signed = (score) => (score > 0 ? "+" : "") + fixed(score);

// Below a picture: a line that is large, and two that are small. The style sheet gives each its
// height, so that the page keeps its place whatever they say.
function caption() {
  const looks = ["look-answer", "look-detail", "look-detail"];
  const lines = looks.map((look) => html("span", { class: look }));
  return { node: html("p", { class: "look-caption" }, ...lines), lines };
}

function write({ lines }, texts, wrong = false) {
  lines.forEach((line, k) => { line.textContent = texts[k]; });
  lines[0].classList.toggle("look-wrong", wrong);
}

const opinion = (score, probability) =>
  [answerTo(score), `score ${signed(score)}`, `P(1) ${probabilityText(probability)}`];

function render({ model, el }) {
  const { root, picture, controls, say, show } = stage(el, "First look");
  root.classList.add("look");
  const classifier = model.get("classifier");
  const x = pixelsOf(bytesOf(model.get("image")));
  const y = model.get("digit") ? 1 : -1;
  const captions = [caption(), caption(), caption()];
  const { row, paint } = digitSum(captions.map(({ node }) => node));
  picture.append(row);
  controls.append(slider(model, "radius", {
    label: "change each pixel by", min: 0, max: LARGEST, step: 0.005, format: (v) => fixed(v, 3),
  }));

  const refresh = () => {
    const radius = model.get("radius");
    const result = attack(classifier, x, y, radius, false);
    const { score, probability, attackedScore, attackedProbability } = result;
    const wrong = !(y * attackedScore > 0);
    paint(x, result, radius, false);
    write(captions[0], opinion(score, probability));
    write(captions[1], [`± ${fixed(radius, 3)}`, "in each pixel,", "amplified"]);
    const now = opinion(attackedScore, attackedProbability);
    write(captions[2], now, wrong);
    const answer = `the classifier says ${now[0]}, ${now[1]}.${wrong ? " That is wrong." : ""}`;
    say(`Each pixel changed by ${fixed(radius, 3)}: ${answer}`);
    show({ radius, score, probability, attackedScore, attackedProbability, wrong });
  };
  model.on("change:radius", refresh);
  refresh();
}

export default { render };

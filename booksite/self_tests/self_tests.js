// "Check" shows what is said to the choice that was made, and nothing else. Answers stay in this browser,
// under the name of their question.
const PREFIX = "self-test-";
const tests = [...document.querySelectorAll(".self-test")];

function show(test, chosen) {
  test.querySelectorAll(".answer").forEach((answer, n) => { answer.hidden = n !== chosen; });
}

for (const test of tests) {
  const inputs = [...test.querySelectorAll("input")];
  const button = test.querySelector("button");
  button.hidden = false;
  test.querySelector("details").open = true;
  test.dataset.live = "";
  const kept = inputs[localStorage.getItem(test.id) ?? -1];
  if (kept) kept.checked = true;
  show(test, inputs.indexOf(kept));
  button.addEventListener("click", () => {
    if (!inputs[0].reportValidity()) return;
    const chosen = inputs.findIndex((input) => input.checked);
    show(test, chosen);
    try { localStorage.setItem(test.id, chosen) } catch { /* it is full */ }
  });
}

// The page's layout stands in for storage that is blocked, as long as the page is open.
const foot = document.createElement("p");
foot.className = "self-test-foot d-print-none";
foot.append(localStorage instanceof Storage
  ? "Your answers are kept in this browser only. "
  : "Your answers are kept until you leave this page. ");
const status = document.createElement("span");
status.role = "status";

function eraser(label, names) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", () => {
    for (const name of names()) localStorage.removeItem(name);
    for (const test of tests) {
      for (const input of test.querySelectorAll("input")) input.checked = false;
      show(test, -1);
    }
    status.textContent = "Erased.";
  });
  foot.append(button, " ");
}

eraser("Erase this page's", () => tests.map((test) => test.id));
eraser("Erase all", () => Object.keys(localStorage).filter((name) => name.startsWith(PREFIX)));
foot.append(status);
tests.at(-1).after(foot);

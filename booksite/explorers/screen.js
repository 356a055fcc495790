// For a projector: an explorer that fills the screen, and links that open it there in a given state,
// PAGE.html?show=EXPLORER&CONTROL=VALUE... (README.md beside this file). Host.js starts it as ever.
(() => {
  const wanted = new URLSearchParams(location.search);

  function make(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  // What a reader can set, by name: range inputs, check boxes, and sets of radio buttons.
  const controlsOf = (el) => new Map(
    [...el.querySelectorAll(".explorer-controls :is(fieldset, input:not([type=radio]))[name]")]
      .map((control) => [control.name, control]));

  function valueOf(control) {
    if (control.type === "fieldset") return control.querySelector(":checked")?.value;
    return control.type === "checkbox" ? control.checked : control.value;
  }

  function addressOf(el) {
    const state = [...controlsOf(el)].map(([name, control]) => [name, valueOf(control)]);
    const address = new URL(location.href);
    address.search = new URLSearchParams([["show", el.dataset.explorer], ...state]);
    address.hash = "";
    return address.href;
  }

  // Sets a control as a reader would. Where it does not take this value, says what it takes.
  function set(control, text) {
    let input = control;
    if (control.type === "range") {
      const number = text.trim() === "" ? NaN : Number(text);
      if (!(number >= Number(control.min) && number <= Number(control.max))) {
        return `must be from ${control.min} to ${control.max}`;
      }
      control.value = number;
    } else if (control.type === "checkbox") {
      if (!["true", "false"].includes(text)) return "must be true or false";
      control.checked = text === "true";
    } else {
      const values = [...control.elements].map(({ value }) => value);
      if (!values.includes(text)) return `must be one of: ${values.join(", ")}`;
      input = control.elements[values.indexOf(text)];
      input.checked = true;
    }
    input.dispatchEvent(new Event("input"));
    return null;
  }

  const warning = (text) => make("p", { className: "explorer-note", role: "alert" }, text);

  function restore(el) {
    const controls = controlsOf(el);
    const refused = [...wanted].filter(([name]) => name !== "show").map(([name, text]) => {
      const problem = controls.has(name) ? set(controls.get(name), text)
        : `is not among ${[...controls.keys()].join(", ")}`;
      return problem && `${name}=${text} ${problem}`;
    }).filter(Boolean);
    if (refused.length > 0) el.append(warning(`Left out of the address: ${refused.join("; ")}.`));
  }

  // The tools below an explorer. Returns a function that shows it in the whole window.
  function equip(el) {
    const dialog = make("dialog", { className: "explorer-screen" });
    dialog.setAttribute("aria-label", el.firstChild.getAttribute("aria-label"));
    const show = () => {
      el.replaceWith(dialog);
      dialog.append(el);
      dialog.showModal();
      toggle.textContent = "Close";
    };
    const button = (text, press) =>
      make("button", { type: "button", className: "explorer-button", onclick: press }, text);
    const toggle = button("Full screen", async () => {
      if (dialog.open) return dialog.close();
      // Where a browser does not give the screen, the window has to do. It must come first: what is
      // shown last lies on top.
      await document.documentElement.requestFullscreen?.().catch(() => {});
      return show();
    });
    const said = make("span", { role: "status" });
    const copy = button("Copy link", async () => {
      const address = addressOf(el);
      try {
        await navigator.clipboard.writeText(address);
        said.textContent = "Copied: it opens what you see.";
      } catch {
        said.textContent = address; // to be copied by hand
      }
    });
    el.append(make("div", { className: "explorer-tools d-print-none" }, toggle, copy, said));
    document.addEventListener("fullscreenchange", () => {
      if (dialog.open && !document.fullscreenElement) dialog.close();
    });
    dialog.addEventListener("close", () => {
      if (document.fullscreenElement) document.exitFullscreen();
      dialog.replaceWith(el);
      toggle.textContent = "Full screen";
      el.scrollIntoView({ block: "center" });
      toggle.focus({ preventScroll: true });
    });
    return show;
  }

  const name = wanted.get("show");
  const explorers = [...document.querySelectorAll(".explorer[data-state]")];
  const chosen = explorers.find((el) => el.dataset.explorer === name);
  document.addEventListener("explorer-live", ({ target }) => {
    const show = equip(target);
    if (target !== chosen) return;
    restore(target);
    show();
  });
  chosen?.scrollIntoView(); // it starts when it comes near
  if (name && !chosen) {
    const names = explorers.map((el) => el.dataset.explorer).join(", ") || "none";
    document.querySelector("article").prepend(
      warning(`The address asks for the explorer “${name}”; on this page there is: ${names}.`));
  }
})();

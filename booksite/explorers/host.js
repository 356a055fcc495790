// The small host that starts the book's explorers without a kernel. Each is an anywidget module:
// it gets a model with get, set, on, off and save_changes, and an element to draw in.
//
// Modules and states come as scripts that call `explorers.module` and `explorers.state`: a page
// that was opened as a file may load scripts, but must not fetch.
(() => {
  const folder = new URL("explorers/", document.currentScript.src);
  const arrived = new Map();
  const loading = new Map();

  window.explorers = {
    module: (name, source) => arrived.set(`${name}.js`, source),
    state: (key, state) => arrived.set(`${key}.js`, state),
  };

  function load(file) {
    if (!loading.has(file)) {
      loading.set(file, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = new URL(file, folder);
        script.addEventListener("load", () => resolve(arrived.get(file)));
        script.addEventListener("error", () => reject(new Error(`${file} could not be loaded`)));
        document.head.append(script);
      }));
    }
    return loading.get(file);
  }

  async function unpack(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new DataView(await new Response(stream).arrayBuffer());
  }

  class Model {
    constructor(values) {
      this.values = values;
      this.listeners = new Map();
    }

    get(name) {
      return this.values[name];
    }

    set(name, value) {
      if (Object.is(this.values[name], value)) return;
      this.values[name] = value;
      for (const listener of this.listeners.get(`change:${name}`) ?? []) listener();
    }

    on(event, listener) {
      this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
    }

    off(event, listener) {
      const others = (this.listeners.get(event) ?? []).filter((each) => each !== listener);
      this.listeners.set(event, others);
    }

    // There is no kernel to save anything to.
    save_changes() {}
  }

  async function start(el) {
    const { explorer: kind, state: key } = el.dataset;
    const [source, state] = await Promise.all([load(`${kind}.js`), load(`${key}.js`)]);
    const values = { ...state.values };
    for (const [name, text] of Object.entries(state.bytes)) values[name] = await unpack(text);
    const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    const { default: explorer } = await import(address);
    URL.revokeObjectURL(address);
    await explorer.render({ model: new Model(values), el });
    el.dataset.live = "";
    el.dispatchEvent(new Event("explorer-live", { bubbles: true }));
  }

  // The still picture stays where something is missing: an old browser, say.
  const begin = (el) => start(el).catch((error) => {
    const note = document.createElement("p");
    note.className = "explorer-note";
    note.textContent = `This picture cannot be moved here: ${error.message}.`;
    el.append(note);
  });

  // An explorer starts when it comes near the window, so that the first view stays light.
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      watch.unobserve(entry.target);
      begin(entry.target);
    }
  }, { rootMargin: "50%" });
  for (const el of document.querySelectorAll(".explorer[data-state]")) watch.observe(el);
})();

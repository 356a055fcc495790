// How a deck is shown: its size, its keys, and the explorers on it. Loaded before reveal.js.
//
// NAME.html is 16:9, NAME.html?size=4x3 is 4:3, NAME.html?print-pdf is for print, with the notes on
// pages of their own for ?print-pdf&notes.
globalThis.deck = (() => {
  const asked = new URLSearchParams(location.search);
  const narrow = asked.get("size") === "4x3";
  const printed = asked.has("print-pdf");

  // The settings of a size, and the style that belongs to it.
  function size(isNarrow) {
    document.documentElement.classList.toggle("narrow", isNarrow);
    return { width: isNarrow ? 960 : 1280, height: 720 };
  }

  // Within an explorer keys are its own, but for those of a presenter's remote control; Escape leaves.
  function keep(event) {
    const turn = { PageDown: "next", PageUp: "prev" }[event.key];
    if (turn) {
      event.preventDefault();
      Reveal[turn]();
    }
    if (turn || event.key === "Escape") document.activeElement.blur();
    event.stopPropagation();
  }

  // The site's own host starts explorers, as on the book's pages.
  addEventListener("DOMContentLoaded", () => {
    const live = document.querySelectorAll(".live");
    for (const each of live) each.addEventListener("keydown", keep);
    if (live.length === 0 || printed) return;
    const host = document.createElement("script");
    host.src = "../_static/host.js";
    document.body.append(host);
  });

  return {
    resize: (isNarrow) => Reveal.configure(size(isNarrow)),
    settings: {
      ...size(narrow),
      margin: 0,
      minScale: 0.1,
      maxScale: 4,
      center: false,
      hash: true,
      navigationMode: "linear",
      transition: "none",
      backgroundTransition: "none",
      slideNumber: "c/t",
      controlsTutorial: false,
      showNotes: printed && asked.has("notes") ? "separate-page" : false,
      pdfMaxPagesPerSlide: 1,
      pdfSeparateFragments: false,
      scrollActivationWidth: null,
    },
  };
})();

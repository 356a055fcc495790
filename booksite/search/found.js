// Leads a reader who comes from the search to what was searched for. Sphinx's own script, which
// comes before, marks the words; the paragraph with most of them is where to look, of equals first a
// heading, then prose: that a cell at the top imports a name says little about it.
addEventListener("load", () => setTimeout(() => {
  const marks = [...document.querySelectorAll("article .highlighted")]
    .filter((mark) => mark.checkVisibility());
  const kind = (mark) => (mark.closest("h1, h2, h3") ? 0.6 : mark.closest("pre") ? 0 : 0.3);
  const worth = (mark) => kind(mark) +
    new Set([...mark.closest("p, li, dt, dd, td, th, h1, h2, h3, pre, figcaption, legend, label, div")
      .querySelectorAll(".highlighted")].map((each) => each.textContent.toLowerCase())).size;
  const most = Math.max(...marks.map(worth));
  if (location.hash) return;
  marks.find((mark) => worth(mark) === most)?.scrollIntoView({ block: "center" });
}, 50));

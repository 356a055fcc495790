// Leads a reader who comes from the search to what was searched for. Sphinx's own script, which
// comes before, marks the words; the paragraph with most of them is where to look.
addEventListener("load", () => setTimeout(() => {
  const marks = [...document.querySelectorAll("article .highlighted")]
    .filter((mark) => mark.checkVisibility());
  const words = (mark) => new Set([...mark.closest("p, li, dt, dd, td, h1, h2, h3, pre, label, legend, article")
    .querySelectorAll(".highlighted")].map((each) => each.textContent.toLowerCase())).size;
  const most = Math.max(...marks.map(words));
  if (location.hash) return;
  marks.find((mark) => words(mark) === most)?.scrollIntoView({ block: "center" });
}, 50));

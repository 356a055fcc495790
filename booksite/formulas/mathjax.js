// Typesets TeX with MathJax inside a bare JavaScript engine: mathjax.py evaluates MathJax's own
// files first, then this one, and calls what it defines.

var parts = MathJax._;
var adaptor = parts.adaptors.liteAdaptor.liteAdaptor();
parts.a11y["assistive-mml"].AssistiveMmlHandler(
  parts.handlers.html_ts.RegisterHTMLHandler(adaptor));

// Without `noundefined` and `noerrors`, which print an error in red instead of raising it; without
// `newcommand`, whose definitions would depend on which formula came first.
var tex = new parts.input.tex_ts.TeX({
  packages: [
    "base", "ams", "boldsymbol", "braket", "cancel", "cases", "centernot", "mathtools",
  ],
  formatError(jax, error) { throw error; },
});
var svg = new parts.output.svg_ts.SVG({
  // Outlines apart from the formulas: each is on a page once.
  fontCache: "global",
  font: new parts.output.svg.fonts.tex_ts.TeXFont(),
});
var page = parts.mathjax.mathjax.document("", {
  InputJax: tex, OutputJax: svg, enableAssistiveMml: true,
});

function typeset(source, display) {
  try {
    return JSON.stringify({ html: adaptor.outerHTML(page.convert(source, { display })) });
  } catch (error) {
    return JSON.stringify({ problem: error.message || String(error) });
  }
}

function outlines() {
  return adaptor.outerHTML(svg.fontCache.getCache());
}

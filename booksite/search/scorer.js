// How the search ranks its results, and what it shows of them: Sphinx writes this into the script
// that a page loads after the search's own (html_search_scorer).
var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  // A name of the package counts less than a chapter's title, and more than the text of a page.
  objPrio: { 0: 0, 1: 0, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  section: 10,
  term: 5,
  partialTerm: 2,
};

// A page that was opened as a file, or in a closed frame, cannot read other pages; and what it stores
// may reach the next one too late. So the address says which words are to be marked there.
const apart = self.origin === "null";
if (apart) DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// Sections whose title has all of the words; Sphinx itself finds one only by half of its title.
function sectionsWith(terms) {
  const { docnames, filenames, titles, alltitles } = Search._index;
  const stemmer = new Stemmer();
  return Object.entries(alltitles).flatMap(([title, places]) => {
    const words = new Set(splitQuery(title.toLowerCase()).map((word) => stemmer.stemWord(word)));
    if (![...terms].every((term) => words.has(term))) return [];
    return places.filter(([page, id]) => id && titles[page] !== title).map(([page, id]) =>
      [docnames[page], `${titles[page]} > ${title}`, `#${id}`, null, Scorer.section, filenames[page]]);
  });
}

// The book comes before the package, unless what is searched for is written as a name in code.
const isName = (query) => /[_.]|[a-z][A-Z]/.test(query);
const perform = Search._performSearch;
Search._performSearch = (query, terms, excluded, marked, ...others) => {
  const found = perform(query, terms, excluded, marked, ...others);
  const place = ([page, , anchor]) => page + anchor;
  const known = new Set(found.map(place));
  const sections = excluded.size ? [] : sectionsWith(terms);
  const results = [...sections.filter((section) => !known.has(place(section))), ...found];
  for (const result of results) {
    if (result[0].endsWith("/api") && !isName(query)) result[4] -= 100;
    if (apart) result[2] = `?${new URLSearchParams({ highlight: [...marked].join(" ") })}${result[2]}`;
  }
  // The last one is shown first; of equals, that which comes first in the book.
  return results.sort((one, other) =>
    one[4] - other[4] || other[1].localeCompare(one[1], "en", { numeric: true }));
};

// An excerpt is of the article, not of the list of its sections, and gives no answer to a self-test away.
const textOf = Search.htmlToText;
Search.htmlToText = (page, anchor) => {
  const article = (page.match(/<article[^]*<\/article>/)?.[0] ?? page)
    .replace(/<div role="status">[^]*?<\/details>/g, "");
  return textOf(`<div role="main">${article}</div>`, anchor);
};

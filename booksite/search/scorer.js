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
  term: 5,
  partialTerm: 2,
};

// A page that was opened as a file, or in a closed frame, cannot read other pages; and what it stores
// may reach the next one too late. So the address says which words are to be marked there.
if (self.origin === "null") {
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  const perform = Search._performSearch;
  Search._performSearch = (query, terms, excluded, marked, ...others) => {
    const words = `?${new URLSearchParams({ highlight: [...marked].join(" ") })}`;
    const results = perform(query, terms, excluded, marked, ...others);
    for (const result of results) result[2] = words + result[2];
    return results;
  };
}

// An excerpt is of the article, not of the list of its sections, and gives no answer to a self-test away.
const textOf = Search.htmlToText;
Search.htmlToText = (page, anchor) => {
  const article = (page.match(/<article[^]*<\/article>/)?.[0] ?? page)
    .replace(/<div role="status">[^]*?<\/details>/g, "");
  return textOf(`<div role="main">${article}</div>`, anchor);
};

"""Questions that readers ask themselves: how a chapter writes them, and how a page shows them."""

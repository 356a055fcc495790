"""Links of the text to an explorer in a given state: `[words](page.ipynb?show=ball&radius=0.5)`."""

from urllib.parse import quote

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

QUERY = "?show="


class ExplorerLinks(SphinxPostTransform):
    """Resolves such links; on paper and in notebooks they lead to the site."""

    default_priority = 8  # before MyST, which would look for a page of this name

    def run(self, **_: object) -> None:
        for node in list(self.document.findall(addnodes.pending_xref)):
            file, found, state = node["reftarget"].partition(QUERY)
            origin = node.get("refdoc", self.env.docname)
            page = self.env.path2doc(self.env.relfn2path(file, origin)[1]) if found else None
            if page not in self.env.found_docs:
                continue  # MyST warns of a page that there is not
            on_site = self.app.builder.name == "html"
            address = (
                self.app.builder.get_relative_uri(origin, page)
                if on_site
                else f"{self.config.site_address}{page}.html"
            )
            address += QUERY + quote(state, safe="=&.-_+")
            link = nodes.reference("", "", *node.children, refuri=address, internal=on_site)
            node.replace_self(link)

"""A book with everything that paper needs done to it, built under the project's configuration."""

import base64
from io import BytesIO
from pathlib import Path

from nbformat import v4
from PIL import Image

from authoring.notebooks import ROOT, canonical
from booksite.finished import MARK
from tests.booksite import small_book

ALT = "A single square, which stands for a figure."
STILL = "A still square, which stands for an explorer."
LONG = "x = '" + "long " * 60 + "'"

TOC = """\
root: book/front
parts:
  - caption: One part
    numbered: true
    chapters:
      - file: book/first
        sections:
          - file: book/deeper
      - file: book/second
  - caption: Another part
    chapters:
      - file: book/last
"""
FRONT = "# The front\n\nIt begins here, and leads to {doc}`second`.\n"
FIRST = r"""# First chapter

## A place

As $x_1^2 \le \epsilon$ says, and {eq}`eq-one`, {numref}`fig-one`, {ref}`there <second-place>`.

```{math}
:label: eq-one
\max_{\delta \in \Delta} \frac{a}{b_1}
```

```{margin}
A note in the margin.
```

```{exercise}
:label: ex-one
Find it.
```

```{solution} ex-one
:class: dropdown
The answer that was hidden.
```

## On $\ell_1$ and more
"""
MORE = """\
````{tab-set}
```{tab-item} Left
What the first tab says.
```
```{tab-item} Right
What the second tab says.
```
````

```{dropdown} Its title
What was folded.
```

```{note}
:class: dropdown
What the note hid.
```
"""
DEEPER = "# A deeper page\n\n## In it\n\nBack to {doc}`first`.\n"
SECOND = r"""# Second chapter

(second-place)=
## A place

$y = x_1^2$, as in {eq}`eq-one` and {numref}`fig-one`; see <https://example.org/far>
and {ref}`the index <genindex>`.
"""
LAST = "# Last page\n\n- One.\n- Two.\n\nThese are the last words.\n"


def png() -> str:
    """Return a picture of one colour, in base64."""
    file = BytesIO()
    Image.new("RGB", (60, 40), "teal").save(file, format="PNG")
    return base64.b64encode(file.getvalue()).decode()


def chapter() -> str:
    """Return the first chapter, with outputs that were stored: nothing is executed."""
    still = f'<img alt="{STILL}" src="data:image/png;base64,{png()}">'
    explorer = f'<div class="explorer"><div class="explorer-still">{still}</div></div>'
    figure = {"image": {"alt": ALT}, "figure": {"caption": "A square.", "name": "fig-one"}}
    return canonical(
        v4.new_notebook(
            cells=[
                v4.new_markdown_cell(FIRST),
                v4.new_code_cell(
                    "folded_away = 1",
                    execution_count=1,
                    metadata={"tags": ["hide-cell"]},
                    outputs=[v4.new_output("stream", text="what the folded cell printed\n")],
                ),
                v4.new_code_cell(
                    LONG,
                    execution_count=2,
                    metadata={"mystnb": figure},
                    outputs=[v4.new_output("display_data", {"image/png": png()})],
                ),
                v4.new_code_cell(
                    "explorer",
                    execution_count=3,
                    outputs=[v4.new_output("display_data", {"text/html": explorer})],
                ),
                v4.new_markdown_cell(MORE),
            ],
            metadata={"kernelspec": {"name": "python3", "display_name": "", "language": "python"}},
        )
    )


def build(book: Path) -> Path:
    """Build the book in a folder: its site."""
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    config = config.replace("execute_notebooks: force", 'execute_notebooks: "off"')
    (book / "_config.yml").write_text(config, encoding="utf-8")
    (book / "CITATION.cff").write_text("version: 1.2.3\n", encoding="utf-8")
    pages = {"front.md": FRONT, "first.ipynb": chapter(), "deeper.md": DEEPER}
    pages |= {"second.md": SECOND, "last.md": LAST}
    result = small_book.build(book, pages, toc=TOC)
    assert result.exit_code == 0, result.stdout + result.stderr
    (book / "_build" / "html" / MARK).touch()
    return book / "_build" / "html"

"""A question with choices, and what is said to whoever takes each of them.

    :::{self-test} a-name-for-good
    The question, in one paragraph.

    - [ ] A choice.

      Why not, in one paragraph or more.
    - [x] The right one.

      Why.
    :::

Answers are stored under the name, so another question gets another name. Whatever is wrong with a
question is a warning, on which the book's build fails.
"""

import re
from collections import Counter
from collections.abc import Callable
from string import ascii_lowercase

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)
NAMES = "self_tests"  # those of a page, among what Sphinx keeps of it
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class self_test(nodes.General, nodes.Element):
    """A question, its choices, and the answers."""


class self_test_question(nodes.Part, nodes.TextElement):
    """What is asked."""


class self_test_choice(nodes.Part, nodes.TextElement):
    """One of the choices."""


class self_test_answers(nodes.Part, nodes.comment):
    """What is said to each choice: as many containers as there are choices, in their order.

    As a comment it is skipped by the search, which would lead to words that nobody sees.
    """


class SelfTest(SphinxDirective):
    """Reads a question; one that is not whole is an error."""

    required_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the question as one node."""
        name = self.arguments[0]
        if not NAME.fullmatch(name):
            raise self._error(f"its name must be small letters, digits and hyphens, is {name!r}")
        parsed = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, parsed)
        match parsed.children:
            case [nodes.paragraph() as question, nodes.bullet_list() as choices]:
                pass
            case _:
                raise self._error("it must have one paragraph that asks, then a list of choices")
        test = self_test(ids=[f"self-test-{name}"], names=[f"self-test-{name}"], name=name)
        self.set_source_info(test)
        answers = self_test_answers()
        test += self_test_question("", "", *question.children)
        rights = 0
        for letter, item in zip(ascii_lowercase, choices.children, strict=False):
            choice, explanation, is_right = self._choice(letter, item)
            rights += is_right
            test += choice
            answers += explanation
        if len(answers) < 2:
            raise self._error(f"it must have two choices or more, has {len(answers)}")
        if rights != 1:
            raise self._error(f"one choice must be right, marked by [x]: {rights} are")
        test += answers
        self.state.document.note_explicit_target(test, test)
        self.env.metadata[self.env.docname].setdefault(NAMES, []).append(name)
        return [test]

    def _choice(self, letter: str, item: nodes.Element) -> tuple[nodes.Node, nodes.Node, bool]:
        """Return a choice, what is said to it, and whether it is right."""
        first, *rest = item.children or [nodes.paragraph()]
        box = first.children[0] if first.children else None
        if not isinstance(box, nodes.raw) or "checkbox" not in box.astext():
            raise self._error(f"choice {letter} must begin with [ ] or, the right one, with [x]")
        if not rest or not isinstance(rest[0], nodes.paragraph):
            raise self._error(f"choice {letter} must be followed by a paragraph that explains it")
        is_right = "checked" in box.astext()
        words = f"{letter}) {'Right' if is_right else 'Not so'}."
        rest[0].insert(0, [nodes.strong(words, words), nodes.Text(" ")])
        text = [nodes.Text(f"{letter})"), *first.children[1:]]
        classes = ["answer", "right"] if is_right else ["answer"]
        return (
            self_test_choice("", "", *text),
            nodes.container("", *rest, classes=classes),
            is_right,
        )

    def _error(self, problem: str) -> Exception:
        return self.error(f"self-test {self.arguments[0]}: {problem}")


def find_repeated_names(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of a name that two questions of the book have."""
    places = [(name, page) for page, kept in env.metadata.items() for name in kept.get(NAMES, ())]
    for name, count in Counter(name for name, _ in places).items():
        if count > 1:
            pages = ", ".join(page for other, page in places if other == name)
            logger.warning("self-test %s: each needs a name of its own: %s", name, pages)


# --------------------------------------------------------------------------------------- pages


def visit_self_test(self: HTML5Translator, node: self_test) -> None:
    """A group of radio buttons: the keyboard moves among them as anywhere."""
    self.body.append(self.starttag(node, "fieldset", CLASS="self-test"))


def visit_question(self: HTML5Translator, node: self_test_question) -> None:
    self.body.append('<legend><span class="self-test-label">Self-test</span> ')


def visit_choice(self: HTML5Translator, node: self_test_choice) -> None:
    name = node.parent["ids"][0]
    self.body.append(
        f'<label><input type="radio" name="{name}" required autocomplete="off"> <span>'
    )


def visit_answers(self: HTML5Translator, node: self_test_answers) -> None:
    """Folded, and after the choices: so they are read on paper, and where no script runs."""
    self.body.append(
        '<button type="button" hidden>Check</button>\n'
        '<details><summary>Answers</summary>\n<div role="status">\n'
    )


def register(app: Sphinx) -> None:
    """Make the directive known, and how pages show it."""

    def end(text: str) -> Callable[[HTML5Translator, nodes.Element], None]:
        return lambda self, node: self.body.append(f"{text}\n")

    app.add_directive("self-test", SelfTest)
    app.connect("env-check-consistency", find_repeated_names)
    app.add_node(self_test, html=(visit_self_test, end("</fieldset>")))
    app.add_node(self_test_question, html=(visit_question, end("</legend>")))
    app.add_node(self_test_choice, html=(visit_choice, end("</span></label>")))
    app.add_node(self_test_answers, html=(visit_answers, end("</div>\n</details>")))

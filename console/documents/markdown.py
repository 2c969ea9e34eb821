"""From our own markdown to HTML with highlighted code and a table of contents."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

_WORDS = re.compile(r"[^a-z0-9]+")
_NAMES = {"sh": "Shell", "js": "JavaScript", "python": "Python", "json": "JSON"}


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the table of contents."""

    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered page; ``html`` holds everything below its first heading."""

    title: str
    html: SafeString
    headings: tuple[Heading, ...]


def render(text: str) -> Document:
    """Render a document that begins with its title. HTML in it is shown as text."""
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer)
    tokens = parser.enable("table").parse(text)
    title, body = _split(tokens)
    headings = _anchor(body)
    html = parser.renderer.render(body, parser.options, {})
    # Written by us, and every piece of text in it was escaped by the renderer.
    return Document(title, mark_safe(html), tuple(headings))  # noqa: S308


def _split(tokens: list[Token]) -> tuple[str, list[Token]]:
    if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        return tokens[1].content, tokens[3:]
    return "", tokens


def _anchor(tokens: Sequence[Token]) -> list[Heading]:
    """Give headings ids, and return those of the second order."""
    found = []
    for token, words in pairwise(tokens):
        if token.type == "heading_open":
            text = re.sub(r"[`*]", "", words.content)
            anchor = _WORDS.sub("-", text.lower()).strip("-")
            token.attrSet("id", anchor)
            if token.tag == "h2":
                found.append(Heading(anchor, text))
    return found


class _Renderer(RendererHTML):
    """Tables that scroll, code that can be copied, links from file to page."""

    def __init__(self, parser: object = None) -> None:
        super().__init__(parser)
        self._blocks = 0

    def table_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Put a table where it can scroll."""
        return '<div class="table-scroll" tabindex="0"><table>\n'

    def table_close(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Close a table and where it scrolls."""
        return "</table></div>\n"

    def link_open(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Point a link to another file at that file's page."""
        token = tokens[index]
        href = str(token.attrGet("href") or "")
        path, _, anchor = href.partition("#")
        if path.endswith(".md") and "://" not in path:
            name = path.rsplit("/", 1)[-1].removesuffix(".md")
            token.attrSet("href", f"/docs/{name}" + (f"#{anchor}" if anchor else ""))
        return self.renderToken(tokens, index, options, env)

    def fence(
        self, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
    ) -> str:
        """Highlight code and put a button beside it that copies it."""
        self._blocks += 1
        token = tokens[index]
        language = token.info.strip().split(" ")[0]
        return code_block(token.content, language=language, name=f"code-{self._blocks}")


def code_block(code: str, *, language: str, name: str) -> SafeString:
    """Return highlighted code with a button that copies it; ``name`` is its id."""
    label = f"the {_NAMES.get(language, 'text')} sample"
    button = render_to_string(
        "components/copy_icon.html", {"source": name, "label": label}
    )
    return format_html(
        '<div class="code-block">{}<pre class="code" tabindex="0">'
        '<code id="{}">{}</code></pre></div>\n',
        button,
        name,
        _highlighted(code, language),
    )


def _highlighted(code: str, language: str) -> SafeString | str:
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return code
    formatter = HtmlFormatter(nowrap=True, classprefix="hl-")
    # Pygments escapes what it marks up.
    return mark_safe(str(highlight(code, lexer, formatter)))  # noqa: S308

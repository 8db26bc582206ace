"""HTML that is escaped by construction: only what this module has built passes unescaped."""

from collections.abc import Mapping
from html import escape
from typing import Final

from machmeter.report.navigation import PAGES

#: No network, no inline scripts; plotly styles its chart inline and exports it as data: and blob: images.
POLICY_WITH_CHART: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)

#: No network, no inline scripts or styles.
POLICY_WITH_SCRIPT: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'"
)

#: No network, no script at all.
POLICY_WITHOUT_SCRIPT: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)

_VOID: Final = {"meta", "link", "input"}


class Markup(str):
    """A piece of HTML that `element` has built."""

    __slots__ = ()


def element(name: str, /, *content: str, **attributes: str) -> Markup:
    """Build an element.

    Parameters
    ----------
    name : str
        The tag.
    *content : str
        `Markup` stays as it is, any other text is escaped.
    **attributes : str
        Escaped; ``class_`` stands for ``class``, other underscores for hyphens.
    """
    spelled = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    if name in _VOID:
        return Markup(f"<{name}{spelled}>")
    return Markup(f"<{name}{spelled}>{_inner(content)}</{name}>")


def join(*content: str) -> Markup:
    """Put pieces one after the other, escaping those that are no `Markup`."""
    return Markup(_inner(content))


def page(
    title: str,
    policy: str,
    body: Markup,
    scripts: tuple[str, ...] = (),
    pages: Mapping[str, str] = PAGES,
) -> str:
    """Build a whole page with the navigation that all of ours share.

    Parameters
    ----------
    title : str
        Of the page and its window.
    policy : str
        Content-Security-Policy.
    body : Markup
        What stands below the heading.
    scripts : tuple of str
        Files beside the page, run in this order once it is read.
    pages : mapping of str to str
        Titles of all our pages by their files.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{title}, machmeter"),
        element("link", rel="icon", href="data:,"),
        element("link", rel="stylesheet", href="machmeter.css"),
        *(element("script", src=script, defer="") for script in scripts),
    )
    main = element("main", element("h1", title), body)
    shown = element("body", _navigation(title, pages), main)
    return f"<!doctype html>\n{element('html', head, shown, lang='en')}\n"


def _navigation(current: str, pages: Mapping[str, str]) -> Markup:
    links = [
        element("a", title, href=file, **({"aria_current": "page"} if title == current else {}))
        for file, title in {"index.html": "Benchmarks", **pages}.items()
    ]
    return element("nav", element("strong", "machmeter"), *links, aria_label="Pages")


def _inner(content: tuple[str, ...]) -> str:
    return "".join(piece if isinstance(piece, Markup) else escape(piece) for piece in content)

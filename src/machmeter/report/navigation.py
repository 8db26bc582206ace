"""The links from asv's own pages to ours."""

from collections.abc import Mapping
from typing import Final

PAGES: Final[Mapping[str, str]] = {
    "changes.html": "Changes",
    "machines.html": "Machines",
    "samples.html": "Samples",
}

#: With the page that is there only where benchmarks say what an item needs at least.
WITH_LOADERS: Final[Mapping[str, str]] = {**PAGES, "loaders.html": "Loaders"}

#: asv's last entry, the title of the benchmark shown; ours stand before it.
_PLACE: Final = '<li id="nav-li-graphdisplay">'


#: The end of the page that asv shows where its scripts from elsewhere cannot be loaded.
_ERROR_PLACE: Final = "</body>"


def add_links(index: str, pages: Mapping[str, str] = PAGES) -> str | None:
    """Add our links to the navigation of asv's page.

    Parameters
    ----------
    index : str
        asv's ``index.html``.
    pages : mapping of str to str
        Titles of our pages by their files.

    Returns
    -------
    str or None
        The page with each link exactly once; None if asv's navigation does not look as it did in 0.6.6.
    """
    missing = [_link(page, title) for page, title in pages.items() if _link(page, title) not in index]
    if not missing:
        return index
    if index.count(_PLACE) != 1:
        return None
    return index.replace(_PLACE, "\n        ".join([*missing, _PLACE]))


def add_offline_links(error_page: str, pages: Mapping[str, str] = PAGES) -> str:
    """Say on asv's error page which pages work without a network; its own need one.

    Parameters
    ----------
    error_page : str
        asv's ``error.html``.
    pages : mapping of str to str
        Titles of our pages by their files.

    Returns
    -------
    str
        The page with the links once, before its end; unchanged if it has no such end.
    """
    links = ", ".join(f'<a href="{page}">{title}</a>' for page, title in pages.items())
    offline = f"<p>These pages work without a network: {links}.</p>"
    if offline in error_page:
        return error_page
    return error_page.replace(_ERROR_PLACE, f"{offline}\n  {_ERROR_PLACE}", 1)


def _link(page: str, title: str) -> str:
    return f'<li id="nav-li-machmeter-{page.removesuffix(".html")}"><a href="{page}">{title}</a></li>'

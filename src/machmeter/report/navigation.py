"""The two links from asv's own page to ours."""

from typing import Final

PAGES: Final = {"machines.html": "Machines", "samples.html": "Samples"}

#: asv's last entry, the title of the benchmark shown; ours stand before it.
_PLACE: Final = '<li id="nav-li-graphdisplay">'


def add_links(index: str) -> str | None:
    """Add our links to the navigation of asv's page.

    Parameters
    ----------
    index : str
        asv's ``index.html``.

    Returns
    -------
    str or None
        The page with each link exactly once; None if asv's navigation does not look as it did in 0.6.6.
    """
    missing = [_link(page, title) for page, title in PAGES.items() if _link(page, title) not in index]
    if not missing:
        return index
    if index.count(_PLACE) != 1:
        return None
    return index.replace(_PLACE, "\n        ".join([*missing, _PLACE]))


def _link(page: str, title: str) -> str:
    return f'<li id="nav-li-machmeter-{page.removesuffix(".html")}"><a href="{page}">{title}</a></li>'

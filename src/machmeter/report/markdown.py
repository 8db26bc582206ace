"""Text of other people in markdown: as text or as code, never as markup."""

import re

from machmeter.report.labels import printable

#: Characters that begin a link, an image, code, emphasis, a mention or an entity, or end a table's cell.
_MARKUP = re.compile(r"[\\`*_\[\]!|<>&@#~]")


def plain(text: str) -> str:
    """Write text so that it stands there as it is: characters with a meaning become entities."""
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", printable(text))


def code(text: str) -> str:
    """Show text as it is, in a span of code with a fence that it does not hold; a bar would end the cell."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence, margin = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{margin}{printable(text)}{margin}{fence}".replace("|", "\\|")

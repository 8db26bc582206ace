import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from differences import HOSTILE, LOADER, SCRIPT, facts, function, nodes, profile, slower

from machmeter.profiles import Culprit, Difference, Stack
from machmeter.report import flamegraph


class Reader(HTMLParser):
    """Collects what a browser would see: elements, and their texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: dict[str, str] = {}
        self.text = ""
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = dict(attrs).get("type") or tag if tag == "script" else tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.texts[self._inside] = self.texts.get(self._inside, "") + data
        if self._inside not in {"script", "style", "application/json"}:
            self.text += data


def hostile() -> Difference:
    """Every text that is not ours is as bad as can be."""
    name = HOSTILE[1]
    bad = facts(name, tag=name, node=name, environment=name, clock=name, options=(name,), started_at=name)
    own = {(each, *HOSTILE): (1.0, 1.0) for each in HOSTILE}
    functions = tuple(function(each, 1.0, 2.0, status=each, callers=HOSTILE) for each in HOSTILE)
    culprit = Culprit(HOSTILE[2], 0.1, 0.1, 0.2, HOSTILE[3], HOSTILE[1])
    return Difference(
        *(HOSTILE[2] + name, HOSTILE, (replace(bad, versions={name: name}),), (bad,), 1.1, 1.0, 1.2, name),
        *(nodes(own), functions, culprit, "", HOSTILE),
    )


def test_the_page_says_what_was_found() -> None:
    """Heading, commits, sentence, the whole change, notes."""
    text = Reader(flamegraph.render(slower())).text
    wanted = (
        "loaders.Epoch.time_epoch(blosc2, 64)",
        "a1b2c3d4..e5f60718",
        "rings:Ring._decode explains +5.9% of +6.2% (95%: 5.1\N{EN DASH}6.6); changed in 4f2e1c3d",
        "The CPU time of an iteration changed by +6.2% (95%: 5.5\N{EN DASH}6.8).",
        "numpy is 2.2.0 at the head",
    )
    assert [each for each in wanted if each not in text.replace("machmeter_workloads.loaders.", "")] == []


def test_a_page_without_a_culprit_says_why() -> None:
    """No function is named."""
    page = flamegraph.render(replace(slower(), culprit=None, reason="the interval holds 0"))
    assert "Cannot name a function: the interval holds 0." in Reader(page).text


def test_hostile_names_stay_text() -> None:
    """No element, no attribute and no comment comes from a name; nothing is beyond UTF-8."""
    page = flamegraph.render(hostile())
    page.encode()
    reader, plain = Reader(page), Reader(flamegraph.render(slower()))
    assert set(reader.tags) == set(plain.tags)
    assert {name for name, _ in reader.attributes} <= {name for name, _ in plain.attributes}
    assert "<!--" not in page.removeprefix("<!doctype html>")
    assert SCRIPT in reader.text


def test_the_policy_allows_this_script_and_style_alone() -> None:
    """By their digests; no address but the empty icon is named."""
    page = flamegraph.render(slower())
    reader = Reader(page)
    policy = next(
        value for name, value in reader.attributes if name == "content" and "default-src" in (value or "")
    )
    for kind in ("script", "style"):
        digest = b64encode(hashlib.sha256(reader.texts[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in (policy or "")
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"|url\(", page) == ["data:,"]
    assert re.findall(r"https?://", page) == []


def big(paths: int, name: str) -> dict[Stack, tuple[float, float]]:
    """Deep stacks whose cost falls off as in a real profile."""
    names = {(depth, nth): f"{name}{depth}.{nth}" for depth in range(1, 61) for nth in range(depth)}
    stacks = (("main", *(names[depth, nth % depth] for depth in range(1, 61))) for nth in range(paths))
    return {(*stack, f"m:{nth}"): (1 / (1 + nth), 1.01 / (1 + nth)) for nth, stack in enumerate(stacks)}


@pytest.mark.parametrize(
    "name", ["f", "x" * 10_000, "\udcff<&>'" * 300, "模块:函数"], ids=["short", "long", "bad", "wide"]
)
def test_a_page_never_grows_beyond_its_limit(name: str) -> None:
    """Fifty thousand call paths with deep stacks and long names: some are left out, and the page says so."""
    many = nodes(big(1_000, name))
    assert len(many) > 50_000
    functions = tuple(function(f"{name}{nth}", 1.0, 2.0, callers=(name,)) for nth in range(2_000))
    versions = {f"{name}{nth}": name for nth in range(500)}
    side = (facts(versions=versions),)
    page = flamegraph.render(
        replace(slower(), nodes=many, functions=functions, base=side, notes=(name,) * 100, params=(name,))
    )
    assert 100_000 < len(page.encode()) <= flamegraph.LIMIT
    assert "call paths are not drawn" in page
    assert "more functions have no room here" in page


def test_an_empty_difference_is_a_page() -> None:
    """Nothing seen, no profile, no function: it says so."""
    empty = Difference("b", (), (), (), 1.0, 1.0, 1.0, "cpu", (), ())
    text = Reader(flamegraph.render(empty)).text
    assert "No call path was seen." in text
    assert "No function of the project was seen." in text
    assert "Cannot name a function." in text


def test_a_single_profile_has_one_view() -> None:
    """No switches, no table of changes; the facts in one column."""
    one = profile({LOADER: 30, LOADER[:2]: 10})
    page = flamegraph.render_profile(one, profile({LOADER: 10}), project=lambda name: "loaders" in name)
    reader = Reader(page)
    assert ("data-view", "before") not in reader.attributes
    assert "Functions that changed" not in reader.text
    assert "960" in reader.text

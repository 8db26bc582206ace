"""The pages that ``asv publish`` gains: Changes, Machines, Samples and, where there are some, Loaders."""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from asv.benchmarks import Benchmarks
from asv.config import Config
from asv.console import log
from asv.graph import GraphSet
from asv.publishing import OutputPublisher
from asv.repo import Repo
from plotly.offline import get_plotlyjs

from machmeter.files import write_text
from machmeter.report import (
    changes_data,
    changes_page,
    chart_data,
    loaders_data,
    loaders_page,
    machines_page,
    navigation,
    records,
    samples_page,
)
from machmeter.results import changes, history, profiles

_STATIC = ("machmeter.css", "common.js", "machmeter.js", "changes.js")


class MachmeterPages(OutputPublisher):
    """What asv calls once its own pages are written; asv finds it by its base class."""

    name = "machmeter"
    button_label = "Changes, machines and samples"
    description = "Where benchmarks changed, what the machines are, and every sample measured on them"
    order = 10

    @classmethod
    def publish(
        cls,
        conf: Config,
        repo: Repo,  # noqa: ARG003 (asv passes it)
        benchmarks: Benchmarks,
        graphs: GraphSet,  # noqa: ARG003 (asv passes it)
        revisions: Mapping[str, int],
    ) -> None:
        """Write the pages and link them from asv's navigation.

        Parameters
        ----------
        conf : asv.config.Config
            Names ``results_dir``, ``html_dir`` and ``repo``.
        repo, graphs : asv.repo.Repo, asv.graph.GraphSet
            Not used.
        benchmarks : asv.benchmarks.Benchmarks
            For the names of their parameters.
        revisions : mapping of str to int
            Revision number of a commit hash.
        """
        names = chart_data.parameter_names(benchmarks.items())
        pages = write_pages(Path(conf.results_dir), Path(conf.html_dir), revisions, names)
        write_changes(Path(conf.results_dir), Path(conf.html_dir), Path(conf.repo), pages)
        _link(Path(conf.html_dir), pages)


def write_pages(
    results_dir: Path,
    html_dir: Path,
    revisions: Mapping[str, int],
    parameter_names: Mapping[str, Sequence[str]],
) -> Mapping[str, str]:
    """Write the pages of machines, samples and loaders, and what all pages need without a network.

    Parameters
    ----------
    results_dir, html_dir : Path
        Read and written; `html_dir` exists.
    revisions : mapping of str to int
        Revision number of a commit hash.
    parameter_names : mapping of str to sequence of str
        Names of a benchmark's parameters.

    Returns
    -------
    mapping of str to str
        Titles of all our pages by their files, that of the changes among them.
    """
    found = records.read(results_dir)
    data = chart_data.collect(found.samples, revisions, parameter_names, found.events)
    loaders = loaders_data.collect(found, revisions, parameter_names)
    pages = navigation.WITH_LOADERS if loaders["rows"] else navigation.PAGES
    contents = {
        "machines.html": machines_page.render(found, revisions, pages),
        "samples.html": samples_page.render(data, found.problems, pages),
        "machmeter-data.js": chart_data.script(data),
        "plotly.min.js": get_plotlyjs(),
        **{name: _static(name) for name in _STATIC},
    }
    _write(html_dir, contents | _loaders(loaders, found.problems))
    return pages


def _loaders(data: Mapping[str, Any], problems: Sequence[str]) -> dict[str, str]:
    """Give the files of the Loaders page; none where no benchmark says what an item needs."""
    if not data["rows"]:
        return {}
    return {
        "loaders.html": loaders_page.render(data, problems),
        "machmeter-loaders.js": chart_data.script(data, "machmeterLoaders"),
        "loaders.js": _static("loaders.js"),
    }


def write_changes(
    results_dir: Path,
    html_dir: Path,
    project: Path | None = None,
    pages: Mapping[str, str] = navigation.PAGES,
) -> None:
    """Write the page of the changes.

    Parameters
    ----------
    results_dir, html_dir : Path
        Read and written; `html_dir` exists.
    project : Path, optional
        The project's repository: it knows the dates of commits whose results carry none.
    pages : mapping of str to str
        Titles of all our pages by their files.
    """
    past = history.read(results_dir, project=project)
    found = changes.find(results_dir, past)
    problems = [records.without_parents(text, results_dir) for text in (*past.problems, *found.problems)]
    flames = _flames(results_dir, found)
    scripts = changes_data.scripts(past, found, {name.partition("/")[2] for name in flames})
    page = changes_page.render(past, found, problems, pages)
    _write(html_dir, {"changes.html": page, **scripts, **flames})


def _flames(results_dir: Path, found: changes.Changes) -> dict[str, str]:
    """Flame graphs of confirmed changes, by their place in the site."""
    names = {change.answer.page for change, _ in found.found if change.answer is not None}
    pages = {f"flames/{name}": profiles.page(results_dir, name) for name in sorted(names)}
    return {name: text for name, text in pages.items() if text is not None}


def _write(html_dir: Path, contents: Mapping[str, str]) -> None:
    for name, content in contents.items():
        write_text(html_dir / name, content, durable=False)


def _static(name: str) -> str:
    return (resources.files("machmeter.report") / "static" / name).read_text(encoding="utf-8")


def _link(html_dir: Path, pages: Mapping[str, str]) -> None:
    index = html_dir / "index.html"
    linked = navigation.add_links(index.read_text(encoding="utf-8"), pages) if index.exists() else None
    if linked is None:
        log.warning(
            f"{index} has no navigation as asv 0.6.6 writes it: open machines.html beside it directly"
        )
        return
    write_text(index, linked)
    error_page = html_dir / "error.html"
    if error_page.exists():
        text = error_page.read_text(encoding="utf-8")
        write_text(error_page, navigation.add_offline_links(text, pages))

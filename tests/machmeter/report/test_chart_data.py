import json
from collections.abc import Callable

import pytest

from machmeter.model import Sample
from machmeter.report import chart_data

MakeSample = Callable[..., Sample]


def data_of(script: str) -> object:
    return json.loads(script.removeprefix("window.machmeter = ").removesuffix(";\n"))


@pytest.mark.parametrize(
    "name", ["</script><img src=x onerror=alert(1)>", "<!--", "\u2028\u2029", "\ud800", 'quote" \\ back']
)
def test_data_stays_data(name: str) -> None:
    """Nothing in the script can end it or break its lines, and reading it back gives the name again."""
    script = chart_data.script({"name": name})
    assert script.isascii()
    assert "<" not in script
    assert data_of(script) == {"name": name}


def test_points_are_parallel_and_per_item(sample: MakeSample) -> None:
    """Each array has an entry for each sample, in the order of the history."""
    samples = [
        sample(commit="new", items=2, wall_s=1.0, node="n2"),
        sample(commit="old", wall_s=0.25, cpu_s=0.125),
    ]
    data = chart_data.collect(samples, {"old": 1, "new": 2}, {})
    assert (data["commits"], data["nodes"]) == (("old", "new"), ["n2", "node01"])
    points = data["series"][0]["points"]
    assert (points["commit"], points["wall"], points["cpu"]) == ([0, 1], [0.25, 0.5], [0.125, None])
    assert (points["node"], points["contended"]) == ([1, 0], [0, 0])


def test_machines_and_environments_are_other_charts(sample: MakeSample) -> None:
    """Other hardware never appears in the same chart."""
    samples = [sample(tag=tag, environment=name) for tag in ("m1", "m2") for name in ("e1", "e2")]
    assert len(chart_data.collect(samples, {}, {})["series"]) == 4


def test_thinning_is_even_and_repeatable(sample: MakeSample) -> None:
    """Of too many samples the same evenly spaced ones are drawn every time, the first among them."""
    samples = [sample(index=index) for index in range(10)]
    kept = [[one.index for one in chart_data.thinned(samples, 4)] for _ in range(2)]
    assert kept == [[0, 2, 5, 7]] * 2
    assert chart_data.thinned(samples, 10) == samples


def test_thinned_charts_keep_the_figures_of_all_samples(sample: MakeSample) -> None:
    """The table rests on every sample, also where the chart draws fewer."""
    count = chart_data.MOST_DRAWN + 1
    (series,) = chart_data.collect([sample(index=n) for n in range(count)], {}, {})["series"]
    assert (series["count"], series["rows"][0]["n"]) == (count, count)
    assert len(series["points"]["wall"]) == chart_data.MOST_DRAWN


def test_many_charts_draw_fewer_samples_each() -> None:
    """The page's size is bounded over all charts together."""
    drawn = [chart_data.most_drawn(charts) for charts in (0, 1, 1000, 10**6)]
    assert drawn == [2000, 2000, 150, 20]


def test_parameters_are_named_where_the_names_fit(sample: MakeSample) -> None:
    """A benchmark that has changed its parameters since shows the values alone."""
    samples = [sample(params=("1", "2")), sample(benchmark="changed", params=("3",))]
    names = {"loaders.time_epoch": ["a", "b"], "changed": ["a", "b"]}
    found = [series["params"] for series in chart_data.collect(samples, {}, names)["series"]]
    assert found == ["3", "a=1, b=2"]

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machmeter.probe.work import digest

SIMPLE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(SIMPLE)
def test_equal_results_have_one_digest(value: object) -> None:
    """The digest depends on the value alone."""
    assert digest(value) == digest(value)


@given(st.lists(st.text()), st.lists(st.text()))
def test_other_texts_have_other_digests(first: list[str], second: list[str]) -> None:
    """Neither joining nor moving a border between parts goes unnoticed."""
    assert (digest(first) == digest(second)) == (first == second)


def test_the_order_of_keys_does_not_count() -> None:
    """Two mappings with the same contents are the same work."""
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


@pytest.mark.parametrize(
    ("first", "second"),
    [(1, 1.0), (1, True), ("1", 1), (b"a", "a"), ([], {}), (0.0, -0.0), ([1], [1, None])],
)
def test_types_are_kept_apart(first: object, second: object) -> None:
    """Values that Python calls equal may still be other work."""
    assert digest(first) != digest(second)


def test_arrays_count_by_type_shape_and_values() -> None:
    """The same numbers in another shape or precision are other work; a copy is the same."""
    array = np.arange(6, dtype=np.float32)
    assert digest(array) == digest(array.copy())
    assert len({digest(a) for a in (array, array.reshape(2, 3), array.astype(np.float64), array + 1)}) == 4


def test_something_without_a_value_is_refused() -> None:
    """An object's digest would be its address."""
    with pytest.raises(TypeError, match="object"):
        digest(object())

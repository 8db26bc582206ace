import math

from machmeter_workloads.work import rounded


def test_rounding_keeps_significant_digits_of_any_magnitude() -> None:
    """Three digits are kept whether a number is large or small."""
    assert rounded([123456.0, 0.00123456, -9.996]) == (123000.0, 0.00123, -10.0)


def test_rounding_passes_zero_and_infinity_through() -> None:
    """Numbers without a magnitude stay as they are."""
    assert rounded([0.0, math.inf]) == (0.0, math.inf)

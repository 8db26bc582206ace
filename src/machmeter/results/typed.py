"""Frozen values of the model from JSON: whatever has another type is refused."""

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

_Model = TypeVar("_Model")


def build(model: type[_Model], row: object) -> _Model:
    """Build a dataclass of strings, numbers, tuples, mappings and further dataclasses.

    Parameters
    ----------
    model : type
        A dataclass; fields with a default may be missing.
    row : object
        What the JSON parser gave. Names that the model does not know are passed over: a later version may
        have added them.

    Raises
    ------
    TypeError, ValueError
        If a field is missing, of another type, or a number that is not finite.
    """
    if not isinstance(row, Mapping) or not is_dataclass(model):
        msg = f"{row!r:.40} is no {model.__name__}"
        raise TypeError(msg)
    kinds = get_type_hints(model)
    known = [field.name for field in fields(model) if field.name in row]
    return model(**{name: _value(kinds[name], row[name], name) for name in known})


def _value(kind: Any, value: object, name: str) -> Any:  # noqa: ANN401 - any of the model's types
    if is_dataclass(kind) and isinstance(kind, type):
        return build(kind, value)
    if kind is Any:
        return value
    if get_origin(kind) is Mapping:
        return _mapping(get_args(kind)[1], value, name)
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind)[0], value, name)
    if get_origin(kind) in {Union, UnionType}:
        optional = next(part for part in get_args(kind) if part is not NoneType)
        return None if value is None else _value(optional, value, name)
    # JSON writes 1.0 as 1 in some languages; a bool is an int to Python, and no number.
    number = kind is float and type(value) is int
    if type(value) is not kind and not number:
        msg = f"{name} is {value!r:.40}"
        raise TypeError(msg)
    if isinstance(value, float) and not math.isfinite(value):
        msg = f"{name} is {value!r}"
        raise ValueError(msg)
    return value


def _mapping(kind: Any, value: object, name: str) -> dict[str, Any]:  # noqa: ANN401 - any of the model's types
    if not isinstance(value, dict):
        msg = f"{name} is no object"
        raise TypeError(msg)
    return {key: _value(kind, each, name) for key, each in value.items()}


def _tuple(kind: Any, value: object, name: str) -> tuple[Any, ...]:  # noqa: ANN401 - any of the model's types
    if not isinstance(value, list):
        msg = f"{name} is no list"
        raise TypeError(msg)
    return tuple(_value(kind, each, name) for each in value)

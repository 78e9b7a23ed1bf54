# SPDX-License-Identifier: GPL-3.0-or-later
"""Frozen dataclasses to JSON and back, strictly: nothing unknown, nothing missing, nothing of the wrong type."""

from __future__ import annotations

import json
import math
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from fractions import Fraction
from functools import cache
from typing import Any, Literal, TypeVar

from cloud_render.contract.errors import BadJob

Value = TypeVar("Value")


def to_json(value: Any) -> str:
    """Stable text: the same value gives the same bytes, keys in the order of the fields.

    Half a character, as a file's name in an old encoding has it, becomes a question mark: UTF-8 can't hold it.
    """
    text = json.dumps(to_plain(value), ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    return text.encode(errors="replace").decode()


def to_plain(value: Any) -> Any:
    """`value` in JSON's own types: dataclasses as objects, tuples as lists, fractions as "30000/1001"."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    return value


def from_json(kind: type[Value], text: str | bytes, what: str) -> Value:
    """A `kind` out of JSON text. Raises BadJob that names `what` and every place that is wrong."""
    try:
        plain = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object_of)
    except (ValueError, RecursionError) as error:
        raise BadJob(what, [f"it is not JSON ({error})"]) from error
    return from_plain(kind, plain, what)


def from_plain(kind: type[Value], plain: Any, what: str) -> Value:
    """A `kind` out of parsed JSON. Raises BadJob that names `what` and every place that is wrong."""
    issues: list[str] = []
    value = _read(kind, plain, "", issues)
    if issues:
        raise BadJob(what, issues)
    return typing.cast(Value, value)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice in one object")
    return dict(pairs)


def _read(kind: Any, plain: Any, place: str, issues: list[str]) -> Any:
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _read_optional(kind, plain, place, issues)
    if origin is Literal:
        return _read_choice(kind, plain, place, issues)
    if origin is tuple:
        return _read_tuple(kind, plain, place, issues)
    if is_dataclass(kind):
        return _read_dataclass(kind, plain, place, issues)
    if kind is Fraction:
        return _read_fraction(plain, place, issues)
    return _read_scalar(kind, plain, place, issues)


def _read_optional(kind: Any, plain: Any, place: str, issues: list[str]) -> Any:
    if plain is None:
        return None
    (inner,) = [option for option in typing.get_args(kind) if option is not types.NoneType]
    return _read(inner, plain, place, issues)


def _read_choice(kind: Any, plain: Any, place: str, issues: list[str]) -> Any:
    choices = typing.get_args(kind)
    if plain not in choices or isinstance(plain, bool):
        issues.append(f"{place or 'it'} must be one of {', '.join(map(repr, choices))}, not {_shown(plain)}")
    return plain


def _read_tuple(kind: Any, plain: Any, place: str, issues: list[str]) -> Any:
    if not isinstance(plain, list):
        issues.append(f"{place or 'it'} must be a list, not {_shown(plain)}")
        return ()
    inner = typing.get_args(kind)[0]
    return tuple(_read(inner, item, f"{place}[{number}]", issues) for number, item in enumerate(plain))


def _read_dataclass(kind: Any, plain: Any, place: str, issues: list[str]) -> Any:
    if not isinstance(plain, dict):
        issues.append(f"{place or 'it'} must be an object, not {_shown(plain)}")
        return None
    known = {field.name: field for field in fields(kind)}
    hints = _hints(kind)
    before = len(issues)
    prefix = f"{place}." if place else ""
    issues.extend(f"{prefix}{name} is unknown" for name in plain if name not in known)
    issues.extend(
        f"{prefix}{name} is missing"
        for name, field in known.items()
        if name not in plain and field.default is MISSING and field.default_factory is MISSING
    )
    values = {name: _read(hints[name], plain[name], prefix + name, issues) for name in known if name in plain}
    if len(issues) > before:
        return None
    try:
        return kind(**values)
    except BadJob as error:
        issues.extend(prefix + issue for issue in error.issues)
        return None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _read_fraction(plain: Any, place: str, issues: list[str]) -> Fraction:
    try:
        if not isinstance(plain, str) or len(plain) > 40:
            raise ValueError
        numerator, slash, denominator = plain.partition("/")
        if not slash:
            raise ValueError
        return Fraction(int(numerator), int(denominator))
    except (ValueError, ZeroDivisionError):
        issues.append(f'{place} must be a fraction such as "30000/1001", not {_shown(plain)}')
        return Fraction(1)


def _read_scalar(kind: Any, plain: Any, place: str, issues: list[str]) -> Any:
    if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
        plain = float(plain) if abs(plain) < 2**53 else math.inf
    right = isinstance(plain, kind) and (kind is bool or not isinstance(plain, bool))
    if not right or (kind is float and not math.isfinite(plain)):
        issues.append(f"{place or 'it'} must be {_NAMES[kind]}, not {_shown(plain)}")
    elif kind is str and _NO_TEXT.search(plain):
        issues.append(f"{place or 'it'} has a character that no text has: {_shown(plain)}")
    return plain


_NO_TEXT = re.compile("[\\x00\\ud800-\\udfff]")
"""NUL and halves of characters: no environment, file name or UTF-8 can hold them."""

_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _shown(plain: Any) -> str:
    text = json.dumps(plain, ensure_ascii=False, default=str).encode(errors="replace").decode()
    return text if len(text) <= 60 else text[:57] + "…"

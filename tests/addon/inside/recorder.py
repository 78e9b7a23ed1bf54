# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for UILayout: every function, parameter, icon, property and operator must exist in this Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import bpy
from blender import part

FUNCTIONS = bpy.types.UILayout.bl_rna.functions
PROPERTIES = bpy.types.UILayout.bl_rna.properties
KINDS = {"STRING": str, "INT": int, "FLOAT": (int, float), "BOOLEAN": bool}
PYTHONS_OWN = {"introspect", "enum_item_icon", "enum_item_name", "enum_item_description"}


@dataclass(frozen=True)
class Drawn:
    """One call: what was drawn, with its parameters by name, and whether the layout around it is red."""

    what: str
    values: dict[str, Any]
    alert: bool

    @property
    def text(self) -> str:
        return self.values.get("text") or ""


@dataclass
class Picture:
    """All that was drawn, in order."""

    drawn: list[Drawn] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [each.text for each in self.drawn if each.text]

    @property
    def words(self) -> str:
        return " ".join(self.texts)

    @property
    def operators(self) -> list[str]:
        return [each.values["operator"] for each in self.drawn if each.what == "operator"]

    def of(self, what: str) -> list[Drawn]:
        return [each for each in self.drawn if each.what == what]

    def alarming(self) -> str:
        """The words in red."""
        return " ".join(each.text for each in self.drawn if each.alert and each.text)


class Recorder:
    def __init__(self, picture: Picture, alert: bool = False, pointers: Mapping[str, Any] | None = None) -> None:
        self.__dict__.update(_picture=picture, _set={"alert": alert}, _pointers=dict(pointers or {}))

    def __setattr__(self, name: str, value: Any) -> None:
        _check_value(f"layout.{name}", PROPERTIES[name], value)
        self._set[name] = value

    def __getattr__(self, name: str) -> Any:
        if name in PROPERTIES:
            return self._set.get(name)
        return lambda *arguments, **named: self._call(name, arguments, named)

    def context_pointer_set(self, name: str, data: Any) -> None:
        self._pointers[name] = data

    def _call(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        values = _checked(name, arguments, named)
        self._picture.drawn.append(Drawn(name, values, self._set["alert"]))
        if name == "template_list":
            _draw_rows(values, self)
        if name == "operator":
            return _operator(values["operator"], self._pointers)
        return Recorder(self._picture, self._set["alert"], self._pointers)


def _checked(name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """The call's parameters by name, each of a kind that Blender takes."""
    parameters = {each.identifier: each for each in FUNCTIONS[name].parameters if not each.is_output}
    values = {**dict(zip(parameters, arguments, strict=False)), **named}
    assert len(arguments) <= len(parameters), (name, arguments)
    unknown = set(values) - set(parameters)
    assert not unknown, (name, unknown)
    absent = {each.identifier for each in parameters.values() if each.is_required} - set(values)
    assert not absent, (name, absent)
    for key, value in values.items():
        _check_value(f"{name}({key}=)", parameters[key], value)
    for owner, prop in (("data", "property"), ("search_data", "search_property")):
        if prop in values:
            assert values[prop] in values[owner].bl_rna.properties, (name, values[prop])
    return values


def _check_value(where: str, parameter: Any, value: Any) -> None:
    if parameter.type in KINDS:
        assert isinstance(value, KINDS[parameter.type]), (where, value)
    if parameter.type == "ENUM":
        assert value in parameter.enum_items, (where, value)


def _draw_rows(values: dict[str, Any], layout: Recorder) -> None:
    """As template_list has each row drawn."""
    rows, active = (
        values[owner].bl_rna.properties[values[name]]
        for owner, name in (("dataptr", "propname"), ("active_dataptr", "active_propname"))
    )
    assert (rows.type, active.type) == ("COLLECTION", "INT")
    kind = getattr(bpy.types, values["listtype_name"])
    if kind is bpy.types.UI_UL_list:
        return
    for row in getattr(values["dataptr"], values["propname"]):
        kind.draw_item(None, bpy.context, layout, values["dataptr"], row, 0, values["active_dataptr"], "")


def _operator(name: str, pointers: dict[str, Any]) -> Any:
    """What layout.operator() gives; polled, as Blender does to know whether it is grey."""
    group, _, verb = name.partition(".")
    operator = getattr(getattr(bpy.ops, group), verb)
    properties = operator.get_rna_type().properties
    with bpy.context.temp_override(**pointers):
        operator.poll()
    return _Properties(properties)


class _Properties:
    """Takes values of properties that the operator has."""

    def __init__(self, properties: Any) -> None:
        self.__dict__["_properties"] = properties

    def __setattr__(self, name: str, value: Any) -> None:
        _check_value(f"operator.{name}", self._properties[name], value)


def panels() -> list[Any]:
    return list(part("panels.spaces").PANELS)


def drawn(panel: Any) -> Picture:
    """The panel, and what it has in its header."""
    picture = Picture()
    canvas = SimpleNamespace(layout=Recorder(picture))
    for name in ("draw", "draw_header_preset"):
        if hasattr(panel, name):
            getattr(panel, name)(canvas, bpy.context)
    return picture


def sidebar() -> Picture:
    """All panels of the 3D View's tab, one below the other."""
    picture = Picture()
    for panel in panels():
        if panel.bl_space_type == "VIEW_3D":
            picture.drawn.extend(drawn(panel).drawn)
    return picture


def dialog(**chosen: Any) -> Picture:
    """The confirm dialog's content."""
    picture = Picture()
    usual = {"choice": next(iter(part("pricing").offers()), "PLAN"), "deadline": "", "limit_usd": 0.0, "details": False}
    values = {**usual, **chosen}
    shown = SimpleNamespace(layout=Recorder(picture), bl_rna=bpy.ops.cloud_render.send.get_rna_type(), **values)
    part("operators.submit").CLOUD_RENDER_OT_send.draw(shown, bpy.context)
    return picture


def retry_dialog(limit_usd: float = 0.0) -> Picture:
    """What is asked before a job goes on."""
    picture = Picture()
    kind = bpy.ops.cloud_render.retry.get_rna_type()
    shown = SimpleNamespace(layout=Recorder(picture), bl_rna=kind, limit_usd=limit_usd)
    part("operators.jobs").CLOUD_RENDER_OT_retry.draw(shown, bpy.context)
    return picture


def preferences_page() -> Picture:
    picture = Picture()
    kind = part("preferences").CloudRenderPreferences
    names = kind.bl_rna.properties.keys()
    page = SimpleNamespace(layout=Recorder(picture), bl_rna=kind.bl_rna, **dict.fromkeys(names, ""))
    kind.draw(page, bpy.context)
    return picture


def menu() -> Picture:
    picture = Picture()
    part("panels.spaces").draw_menu(SimpleNamespace(layout=Recorder(picture)), bpy.context)
    return picture

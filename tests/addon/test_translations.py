# SPDX-License-Identifier: GPL-3.0-or-later
"""Every text that the extension shows is there in every language, and Blender shows it.

Whatever in its sources looks like words counts as shown, so a new text can't be forgotten. What a run of Blender's own
translation takes, the bpy wheel lacks: that test needs a whole Blender, of CLOUD_RENDER_WHOLE_BLENDER or on the PATH.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import string
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from blender_addon.translations import LANGUAGES, NAMES

ROOT = Path(__file__).resolve().parents[2]
ADDON = ROOT / "blender_addon"

NOT_SHOWN = {
    "cloud-render ": "names a thread, and is looked for in an advice",
    "list jobs": "names a task",
    "sign in": "names a task",
    "download ": "names a task",
    "change ": "names a task",
    "frame ": "names a task",
    "log of ": "names a task",
    " of ": "names a task",
    "settings = bpy.context.scene.": "a line of Python in a preset",
}

WORDS = re.compile(r"[A-Z][a-z]|[a-z]{2}[ …]|[ ][a-z]{2}")
"""Looks like words for people, and not like an identifier."""

SHOWN_AS = {"name", "description", "text", "heading", "title", "message", "confirm_text", "bl_label", "bl_category"}
"""Arguments and attributes that Blender shows, be they one lower-case word."""

SIDEBAR_COLUMNS = 44
"""Letters that fit a sidebar of its usual width; a Japanese one takes two."""


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(ADDON.rglob("*.py")):
        if path.parent.name != "translations":
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


def strings_in(*nodes: ast.AST) -> Iterator[ast.Constant]:
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                yield inner


def shown_in(tree: ast.Module) -> Iterator[ast.Constant]:
    """All strings of a module that may come before a person's eyes."""
    silent: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log"))):
                silent.update(strings_in(node))
            case ast.Call(func=ast.Name(id="say"), args=[ast.Constant() as text, *_]):
                yield text
            case ast.keyword(arg=name, value=ast.Constant(value=str()) as text) if name in SHOWN_AS:
                yield text
            case ast.ClassDef(body=[ast.Expr(value=ast.Constant() as tooltip), *rest]) if _has_label(rest):
                yield tooltip
            case ast.Expr(value=ast.Constant() as docstring):
                silent.add(docstring)
    yield from (text for text in strings_in(tree) if text not in silent and WORDS.search(text.value))


def _has_label(body: list[ast.stmt]) -> bool:
    """Whether Blender takes the class's docstring for a tooltip: it does for what has a label."""
    return any(isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "bl_label" for line in body)


def shown() -> dict[str, str]:
    """Each text that is shown, and where it stands."""
    return {
        text.value: f"{name}:{text.lineno}"
        for name, tree in trees()
        for text in shown_in(tree)
        if text.value and text.value not in NAMES and text.value not in NOT_SHOWN
    }


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Where, the function's last name, and the call."""
    for name, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield f"{name}:{node.lineno}", ast.unparse(node.func).rpartition(".")[2], node


def argument(call: ast.Call, name: str) -> ast.expr:
    """What a keyword argument is; None as source has it where there is none."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), ast.Constant(None))


def branches(value: ast.expr) -> list[ast.expr]:
    """What a value may be, without its ifs."""
    return [*branches(value.body), *branches(value.orelse)] if isinstance(value, ast.IfExp) else [value]


def fields(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


every_language = pytest.mark.parametrize("texts", [pytest.param(texts, id=name) for name, texts in LANGUAGES.items()])


@every_language
def test_every_text_has_a_translation(texts):
    """What is shown is an entry of the language, or is named above as a name or as not shown."""
    assert {text: place for text, place in shown().items() if text not in texts} == {}


@every_language
def test_no_translation_is_left_over(texts):
    """A text that was changed or removed takes its old entry with it."""
    assert texts.keys() - shown().keys() == set()


def test_what_is_excused_is_there():
    """No name and no text that is not shown outlives its use."""
    there = {text.value for _, tree in trees() for text in strings_in(tree)}
    assert (NAMES | NOT_SHOWN.keys()) - there == set()


@every_language
def test_a_translation_has_the_values_of_its_text(texts):
    """Filling it in can neither fail nor lose a value."""
    assert [text for text, translation in texts.items() if fields(text) != fields(translation)] == []


@every_language
def test_a_translation_fits_where_its_text_does(texts):
    """What is short in English is no wider than a sidebar in another language."""
    short = {text: translation for text, translation in texts.items() if columns(text) <= SIDEBAR_COLUMNS * 3 // 4}
    assert [translation for translation in short.values() if columns(translation) > SIDEBAR_COLUMNS] == []


@every_language
def test_a_translation_ends_as_its_text_does(texts):
    """Blender ends tooltips with a full stop of its own; only a text that has one gets one, and none is empty."""
    ends = {".": ".。", "…": "…", "?": "?？"}
    wrong = [
        translation
        for text, translation in texts.items()
        if translation.strip() != translation
        or not translation
        or translation[-1] not in ends.get(text[-1], translation)
        or (text[-1] not in ends and translation[-1] in ".。…")
    ]
    assert wrong == []


def test_why_a_button_is_grey_is_translated_by_us():
    """Blender shows such a reason as it is given."""
    reasons = {place: ast.unparse(call.args[0]) for place, name, call in calls() if name == "poll_message_set"}
    assert reasons
    assert {place: text for place, text in reasons.items() if not text.startswith("say(")} == {}


def test_what_is_drawn_is_translated_once():
    """Words as they stand are left to Blender; what was made of values is ours or the library's, and it is told so."""
    wrong = []
    for place, _, call in calls():
        left_alone = ast.unparse(argument(call, "translate")) == "False"
        for text in branches(argument(call, "text")):
            as_it_stands = isinstance(text, (ast.Constant, ast.Subscript)) and ast.unparse(text) not in ("''", "None")
            made = isinstance(text, (ast.Call, ast.JoinedStr))
            if (as_it_stands and left_alone) or (made and not left_alone):
                wrong.append(f"{place}: {ast.unparse(text)}")
    assert wrong == []


IN_BLENDER = """
import json, sys
import bpy
sys.path.insert(0, sys.argv[-1])
from blender_addon import translations, words

def all_shown():
    return [bpy.app.translations.pgettext_iface(text, context) for context, text in keys]

view, answers = bpy.context.preferences.view, {}
for language, texts in translations.LANGUAGES.items():
    keys = [(context, text) for context in translations.CONTEXTS for text in texts]
    view.language = next(name for name in bpy.app.translations.locales if name.startswith(language))
    before = all_shown()
    translations.register()
    answers[language] = {"keys": keys, "before": before, "shown": all_shown(), "said": words.say("Job {id}", id=7)}
    translations.unregister()
    answers[language]["after"] = all_shown()
print("ANSWERS" + json.dumps(answers))
"""


@pytest.fixture
def whole_blender() -> str:
    """A Blender as artists have it."""
    program = os.environ.get("CLOUD_RENDER_WHOLE_BLENDER") or shutil.which("blender")
    if program is None:
        pytest.skip("no whole Blender here: set CLOUD_RENDER_WHOLE_BLENDER (the bpy wheel has no translations)")
    return program


def test_blender_shows_them(whole_blender):
    """In German and Japanese each text is ours, or Blender's own where it has one and the context is not ours alone;
    switched off, nothing of ours is left."""
    command = [whole_blender, "--background", "--factory-startup", "--python-expr", IN_BLENDER, "--", str(ROOT)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    answers = json.loads(said.partition("ANSWERS")[2].partition("\n")[0])
    assert (answers["de"]["said"], answers["ja"]["said"]) == ("Job 7", "ジョブ 7")
    for language, texts in LANGUAGES.items():
        answer = answers[language]
        assert answer["after"] == answer["before"]
        for (context, text), own, seen in zip(answer["keys"], answer["before"], answer["shown"], strict=True):
            assert seen == (texts[text] if own == text or context == "cloud_render" else own)

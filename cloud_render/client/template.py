# SPDX-License-Identifier: GPL-3.0-or-later
"""The stack's template as text: its version and parameters, and a form small enough to be sent. Knows no AWS.

No YAML parser: the extension carries none. What is relied on here is how our own template is laid out.
"""

from __future__ import annotations

import re
import textwrap
from collections import deque
from functools import cache

from cloud_render.client.sources import TEMPLATE

_BLOCK_BEGINS = re.compile(r"[:-]\s+[|>][+-]?$")


@cache
def ours() -> str:
    """The template that came with this program."""
    return TEMPLATE.read_text("utf-8")


def version(text: str) -> int:
    """The TemplateVersion among its Outputs; 0 for a foreign template."""
    found = re.search(r'^  TemplateVersion: \{Value: "(\d+)"\}', text, re.MULTILINE)
    return int(found[1]) if found else 0


def parameters(text: str) -> tuple[str, ...]:
    """The names that a stack of this template can be given values for."""
    section = re.search(r"^Parameters:\n((?:[ #].*\n|\n)+)", text, re.MULTILINE)
    return tuple(re.findall(r"^  (\w+):", section[1], re.MULTILINE)) if section else ()


def default(text: str, parameter: str) -> str:
    """The parameter's default; empty for one without."""
    found = re.search(rf"^  {parameter}:\n(?:    .*\n)*?    Default: (.*)$", text, re.MULTILINE)
    return found[1].strip('"') if found else ""


def minified(text: str) -> str:
    """The same YAML without comments and with the least indentation: a fifth smaller."""
    source, lines = deque(text.splitlines()), list[str]()
    levels = [(0, 0)]  # indentation before and after, the deepest level last
    while source:
        line = source.popleft()
        content = line.lstrip()
        if not content or content.startswith("#"):
            continue
        indent = len(line) - len(content)
        while levels[-1][0] > indent:
            levels.pop()
        item = content.startswith("- ")
        if levels[-1][0] < indent:
            # A list may stand right below its key, anything else must stand deeper.
            levels.append((indent, levels[-1][1] + (0 if item else 1)))
        lines.append(" " * levels[-1][1] + content)
        if item:
            # The other keys of an item stand below its first one, two columns after the dash.
            levels.append((indent + 2, levels[-1][1] + 2))
        if _BLOCK_BEGINS.search(content):
            lines += textwrap.indent(_block(source, indent), " " * (levels[-1][1] + 1)).splitlines()
    return "\n".join(lines) + "\n"


def _block(source: deque[str], outer: int) -> str:
    """Take the lines of a block off `source`: those deeper than `outer`, and blank ones."""
    taken = []
    while source and (not source[0].strip() or len(source[0]) - len(source[0].lstrip()) > outer):
        taken.append(source.popleft())
    return textwrap.dedent("\n".join(taken)).rstrip("\n")

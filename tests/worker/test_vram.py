# SPDX-License-Identifier: GPL-3.0-or-later
"""GPU memory, as a program called nvidia-smi tells it."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from worker import vram

PATIENCE_S = 90.0


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """Puts an nvidia-smi on PATH: it answers with one block of text after another, and with the last one for ever."""
    monkeypatch.setattr(vram, "FIRST_S", 0.01)
    monkeypatch.setattr(vram, "EVERY_S", 0.01)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def answers(*texts: str, end: str = "") -> Path:
        return fake(tmp_path, *texts, end=end)

    return answers


def fake(folder: Path, *texts: str, end: str = "") -> Path:
    for number, text in enumerate(texts):
        (folder / f"answer{number}").write_text(text)
    program = folder / "nvidia-smi"
    last = f"answer{len(texts) - 1}"
    program.write_text(
        f'#!/bin/sh\ncd {folder}\necho "$@" >> asked\n'
        f"answer=answer$(($(wc -l < asked) - 1))\n[ -e $answer ] || answer={last}\ncat $answer\n{end}\n"
    )
    program.chmod(0o755)
    return folder / "asked"


def until(ready) -> None:
    """Looks again and again, for as long as a slow computer may take."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if ready():
            return
        pause.wait(0.01)
    pytest.fail("it did not happen")


def test_the_peak_is_what_was_taken_since_the_beginning(smi):
    """In bytes; what other programs had before does not count, and what was given back does."""
    asked = smi("300\n", "1300\n", "2300\n", "800\n")
    with vram.measured() as found:
        until(lambda: len(asked.read_text().splitlines()) > 4)
    assert found.peak == 2000 << 20
    assert asked.read_text().splitlines()[0] == "--query-gpu=memory.used --format=csv,noheader,nounits"


def test_of_several_gpus_the_fullest_counts(smi):
    """A scene must fit on each."""
    smi("100\n500\n", "600\n700\n")
    with vram.measured() as found:
        until(lambda: found.peak)
    assert found.peak == 500 << 20


@pytest.mark.parametrize(
    ("texts", "end"),
    [
        (("[N/A]\n",), ""),
        (("",), ""),
        (("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",), "exit 9"),
        (("100\n", "100\n200\n"), ""),
    ],
)
def test_what_cannot_be_told_is_not_known(smi, texts, end):
    """A driver without an answer, one that fails, a GPU that comes or goes: nothing of it is an error."""
    asked = smi(*texts, end=end)
    with vram.measured() as found:
        until(lambda: asked.exists() and not found._thread.is_alive())
    assert found.peak == 0


def test_without_the_program_nothing_is_known(monkeypatch, tmp_path):
    """On a machine without a GPU no thread runs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with vram.measured() as found:
        assert not found._thread.is_alive()
    assert found.peak == 0


def test_the_report_has_the_peak(rig, tmp_path):
    """Of a whole render, with a GPU whose memory fills while frames are rendered."""
    folder = tmp_path / "smi"
    folder.mkdir()
    fake(folder, "300\n", "1300\n")
    rig.fake(slow_s=0.5)
    rig.job(frames="1-3")
    ended = rig.render(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}")
    assert ended.code == 0, ended.log
    assert rig.report().peak_vram == 1000 << 20

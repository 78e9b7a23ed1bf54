# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals, as a terminal or another program sends them."""

from __future__ import annotations

import signal

import pytest

from cloud_render.cli.interrupt import asked_to_stop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_only_asks_and_the_second_one_interrupts(number):
    """An upload ends at a good place; who is in a hurry presses Ctrl-C again."""
    with asked_to_stop() as stop_wished:
        assert not stop_wished()
        signal.raise_signal(number)
        assert stop_wished()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_afterwards_signals_are_as_they_were():
    """The watch that follows an upload hears Ctrl-C at once again."""
    before = signal.getsignal(signal.SIGINT)
    with asked_to_stop():
        pass
    assert signal.getsignal(signal.SIGINT) is before

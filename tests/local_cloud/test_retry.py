# SPDX-License-Identifier: GPL-3.0-or-later
"""evaluateOnExit, rule by rule."""

from __future__ import annotations

import pytest

from local_cloud.retry import Rule, wants_retry

HOST = "Host EC2 (instance i-0a1) terminated."


@pytest.mark.parametrize(
    ("rules", "exit_code", "reason", "status_reason", "again"),
    [
        pytest.param([], 1, "", "", True, id="nothing matches: retry"),
        pytest.param([Rule("EXIT", on_reason="*")], 1, "", "", False, id="* matches an empty reason"),
        pytest.param(
            [Rule("RETRY", on_status_reason="Host EC2*"), Rule("EXIT", on_reason="*")], None, "", HOST, True, id="host"
        ),
        pytest.param(
            [Rule("EXIT", on_exit_code="6*"), Rule("RETRY", on_reason="*")], 65, "", "", False, id="6* matches 65"
        ),
        pytest.param([Rule("EXIT", on_exit_code="6"), Rule("RETRY", on_reason="*")], 65, "", "", True, id="6 does not"),
        pytest.param(
            [Rule("EXIT", on_exit_code="1", on_reason="Out*")], 1, "", "", True, id="all patterns of a rule must match"
        ),
        pytest.param(
            [Rule("EXIT", on_exit_code="1"), Rule("RETRY", on_exit_code="1")], 1, "", "", False, id="first match wins"
        ),
        pytest.param([Rule("EXIT", on_exit_code="75")], None, "", "", True, id="no exit code matches no digits"),
    ],
)
def test_rules_decide_in_order(
    rules: list[Rule], exit_code: int | None, reason: str, status_reason: str, again: bool
) -> None:
    """The first rule whose patterns all match decides, and none means retry."""
    assert wants_retry(rules, exit_code, reason, status_reason) is again

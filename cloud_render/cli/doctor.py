# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render doctor`: what works and what doesn't, line by line as it is found."""

from __future__ import annotations

from dataclasses import asdict

from cloud_render.cli.connect import connection_of
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option, version
from cloud_render.cli.output import styled
from cloud_render.client.doctor import check_up
from cloud_render.client.findings import Finding

_ATTEMPTS = 3
"""Of one request: who asks what is wrong wants to know it soon."""


@command("doctor")
@option(
    "--blender",
    metavar="VERSION",
    default="",
    callback=version,
    help="Look for a build of this Blender in the cloud, such as 5.0.1. Default: list those there are.",
)
@option("--cost", is_flag=True, help="Also this month's cost; AWS takes 0.01 USD for the answer.")
@option("--drift", is_flag=True, help="Also what of the stack was changed by hand; takes a minute or two.")
def doctor(settings: Settings, blender: str, cost: bool, drift: bool) -> int:
    """Show what works and what doesn't: credentials, stack, image, Blender, machines, quotas, and what runs and lies
    there now.

    Changes nothing. Each line is OK or a problem with what to do; what follows from a problem is not looked at. Ends
    with 4 if there is a problem.
    """
    found = []
    connection = connection_of(settings, _ATTEMPTS)
    for finding in check_up(connection, settings.stack, blender, cost=cost, looks_for_drift=drift):
        settings.output.say(line(finding))
        found.append(finding)
    good = all(finding.good for finding in found)
    settings.output.document({"good": good, "findings": [asdict(finding) for finding in found]})
    return Exit.DONE if good else Exit.NO_CLOUD


def line(finding: Finding) -> str:
    sign = styled("OK     ", "green") if finding.good else styled("PROBLEM", "red")
    return f"{sign}  {finding.subject}: {finding.words}"

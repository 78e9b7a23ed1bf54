# SPDX-License-Identifier: GPL-3.0-or-later
"""`cloud-render setup`: from an AWS account to a cloud that has rendered a frame."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from cloud_render.cli import watch, words
from cloud_render.cli.blenders import look_into
from cloud_render.cli.connect import again, connection_of
from cloud_render.cli.demo import made_scene
from cloud_render.cli.exit_codes import Exit
from cloud_render.cli.options import Settings, command, option
from cloud_render.cli.output import Output
from cloud_render.cli.stages import Stage, Stages
from cloud_render.cli.submit import send
from cloud_render.client import control, image, monitor, preflight
from cloud_render.client import setup as client_setup
from cloud_render.client import stack as stacks
from cloud_render.client.farm import Connection, Farm
from cloud_render.client.monitor import JobState
from cloud_render.client.options import Options
from cloud_render.client.plan import plan as make_plan
from cloud_render.client.preflight import Shortage
from cloud_render.client.setup import Counting, Step
from cloud_render.client.stack import ChangeSet
from cloud_render.client.stack_events import Event
from cloud_render.contract.errors import CloudRenderError

SMOKE = Options(name="smoke test", frames="1", samples=1, percentage=10)
"""One frame as small as can be: what takes time is the first machine, which is what is tried."""

ASKED_VCPUS = 64.0
"""Of each kind that is short: sixteen machines, which AWS often grants without a question."""

_SIGN_OF = {"Add": "+", "Modify": "~", "Remove": "-"}


def _pairs(ctx: click.Context, parameter: click.Parameter, value: Sequence[str]) -> dict[str, str]:
    """`K=V`, repeated, as a mapping; a callback for an option."""
    pairs = {}
    for text in value:
        name, sign, content = text.partition("=")
        if not sign or not name.strip():
            raise click.BadParameter(f"{text!r} is not of the form NAME=VALUE.", ctx, parameter)
        pairs[name.strip()] = content.strip()
    return pairs


@command("setup")
@option(
    "--parameter",
    "-P",
    "parameters",
    metavar="NAME=VALUE",
    multiple=True,
    callback=_pairs,
    help="Of the stack, such as MaxvCpus=64; may be repeated. docs/stack.md lists them. Others stay as they are.",
)
@option("--image", "uri", metavar="URI", default="", help="Use this prebuilt image of the worker and build none.")
@option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@option("--smoke/--no-smoke", "wants_smoke", default=True, help="Render one tiny frame at the end. Default: it does.")
@option("--ask-for-quota", is_flag=True, help="Ask AWS for more machines where the account may have none yet.")
@option("--force", is_flag=True, help="Update even while renders run.")
def setup(
    settings: Settings,
    parameters: dict[str, str],
    uri: str,
    dry_run: bool,
    wants_smoke: bool,
    ask_for_quota: bool,
    force: bool,
) -> int:
    """Make the cloud in your AWS account, or bring it up to date: network, queues, rights, the worker's image.

    Shows what will change, does it, and renders one tiny frame. A set-up that fails leaves nothing half-made; stopped
    with Ctrl-C, the same command goes on. While nothing renders, the cloud costs only what is stored in it.
    """
    connection, stages, output = connection_of(settings), Stages(settings.output), settings.output
    wanted = {**parameters, **({"WorkerImage": uri} if uri else {})}
    with stages.stage("Looking at the account and its region", "Account and region looked at"):
        outlook = client_setup.look(connection, settings.stack, wanted)
        notes = [*outlook.notes, *(() if dry_run else preflight.make_roles(connection))]
    for note in notes:
        output.warn(note)
    answer: dict[str, Any] = {"stack": settings.stack, "notes": notes, "dry_run": dry_run}
    if outlook.builds_image and not dry_run and "ImageBuild" in outlook.outputs:
        _build(connection, outlook.outputs, stages)  # before the definitions name it
    with stages.stage("Working out the changes", "Changes worked out") as stage:
        change_set = stacks.prepare(connection, settings.stack, outlook.parameters, progress=_shown(stage, stages, 0))
    _show(output, change_set)
    answer |= {"creates": change_set.creates, "changes": [asdict(change) for change in change_set.changes]}
    if dry_run:
        stacks.discard(connection, change_set)
        output.document(answer)
        return Exit.DONE
    with stages.stage("Setting up the stack", f"Stack {settings.stack} stands") as stage:
        progress = _shown(stage, stages, len(change_set.changes))
        outputs = stacks.carry_out(connection, change_set, force=force, progress=progress)
    if outlook.builds_image:
        _build(connection, outputs, stages)
    _ask_for_quota(connection, outlook.short if ask_for_quota else (), output)
    code, smoke = _smoked(settings, connection, stages, outlook.short) if wants_smoke else (Exit.DONE, "skipped")
    output.document({**answer, "outputs": outputs, "smoke": smoke})
    if code == Exit.DONE:
        output.say(f"The cloud {settings.stack} is ready.")
        output.remark(f"Next: {again(settings, 'submit FILE --wait')}")
    return code


def _shown(stage: Stage, stages: Stages, total: int) -> Callable[[Event], None]:
    """CloudFormation's events on the bar of a stage."""
    stage.total = float(total)

    def tell(step: Step) -> None:
        stage.completed, stage.note = float(step.done), step.words
        stages.tick(stage)

    return Counting(total, tell).hear


def _show(output: Output, change_set: ChangeSet) -> None:
    """What would change: every resource of an update, the numbers of a new stack."""
    if not change_set.id:
        output.say("The stack is up to date: nothing changes.")
        return
    if 0 < change_set.version_before < change_set.version:
        output.say(f"The stack was made by an older version (template {change_set.version_before}).")
    if change_set.creates:
        output.say(f"A new stack {change_set.stack} of {words.count(len(change_set.changes), 'resource')}.")
        return
    for change in change_set.changes:
        again_made = "  (a new one takes its place)" if change.replaces else ""
        output.say(f"  {_SIGN_OF.get(change.action, '~')} {change.resource}  {change.kind}{again_made}")


def _build(connection: Connection, outputs: Mapping[str, str], stages: Stages) -> None:
    with stages.stage("Building the worker's image", "Worker's image is there") as stage:

        def tell(line: str) -> None:
            stage.note = line[-80:]
            stages.tick(stage)

        image.build(connection, outputs, image.source(), tell)


def _ask_for_quota(connection: Connection, short: Sequence[Shortage], output: Output) -> None:
    """A request that AWS refuses ends nothing: the stack stands."""
    for shortage in short:
        try:
            status = preflight.ask_for_more(connection, shortage, ASKED_VCPUS)
        except CloudRenderError as error:
            output.warn(f"AWS was not asked for {shortage.kind.words}: {error.problem}", error.advice)
            continue
        output.say(f"Asked AWS for {ASKED_VCPUS:g} vCPUs of {shortage.kind.words}: {status}. It may take days.")
    if short:
        output.say(preflight.until_then(short))


def _smoked(settings: Settings, connection: Connection, stages: Stages, short: Sequence[Shortage]) -> tuple[Exit, str]:
    """Exit code, and how the smoke test ended."""
    no_gpu = any(shortage.kind.gpu for shortage in short)
    options = SMOKE if not no_gpu else Options(**{**vars(SMOKE), "device": "cpu"})
    with tempfile.TemporaryDirectory(prefix="cloud-render-smoke-") as folder:
        try:
            scene = made_scene(Path(folder) / "scene", None, stages)
        except CloudRenderError as error:
            settings.output.warn(f"No smoke test: {error.problem}", "Render something of yours to try the cloud.")
            return Exit.DONE, "no Blender"
        farm = Farm.find(connection, settings.stack)
        plan = make_plan(look_into(scene, stages, None, False, options.frames), options, datetime.now(UTC))
        job_id = send(farm, plan, stages)
        state = _watched(farm, job_id, stages)
    if state.phase == "done":
        control.delete(farm, job_id)
        return Exit.DONE, "done"
    watch.say_end(settings, state)
    return Exit.FAILED, state.problem or state.phase


def _watched(farm: Farm, job_id: str, stages: Stages) -> JobState:
    watcher = monitor.Monitor(farm, job_id)
    return watch.follow(lambda: watch.look_and_mend(farm, watcher), stages)

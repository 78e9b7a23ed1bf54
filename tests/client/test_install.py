# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender comes into the cloud by itself: with the first job of a version, or when a person asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cloud_render.client import builds, control, monitor, objects
from cloud_render.client.builds import fitting
from cloud_render.client.farm import Connection, Farm
from cloud_render.client.install import install
from cloud_render.client.monitor import snapshot
from cloud_render.client.plan import SubmitPlan
from cloud_render.client.submit import submit
from cloud_render.contract import keys
from cloud_render.contract.errors import BadArguments, CloudRenderError, OldStack
from local_cloud.testing import LocalCloud

WaitFor = Callable[..., Any]
HELD = "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY"
ENDED_BADLY = ("mending", "failed")
"""Whether there is a mender is not the matter here."""


@pytest.fixture(scope="module")
def installing(cloud: LocalCloud) -> str:
    """A stack whose workers have no Blender of their own."""
    cloud.deploy("installing", BlenderFrom="bucket")
    return "installing"


@pytest.fixture
def farm(aws: LocalCloud, installing: str) -> Iterator[Farm]:
    farm = Farm.find(Connection(), installing)
    yield farm
    objects.delete(farm, [keys.blender_record(version) for version in builds.builds(farm)])


@pytest.fixture
def submit_of(farm: Farm, planned: Callable[..., SubmitPlan], tmp_path: Path) -> Callable[[str], str]:
    """Submits a job of that version of Blender, each as if from another computer."""
    return lambda version: submit(farm, replace(planned(), blender=version), memory=tmp_path / uuid4().hex)


def installations(farm: Farm, version: str) -> list[dict[str, Any]]:
    filters = [{"name": "JOB_NAME", "values": [keys.install_job_name(version)]}]
    rows: list[dict[str, Any]] = farm.batch.list_jobs(jobQueue=farm.utility_queue, filters=filters)["jobSummaryList"]
    return rows


def test_the_first_job_of_a_version_installs_it_and_renders(
    farm: Farm, submit_of: Callable[[str], str], wait_for: WaitFor
) -> None:
    """The frames wait for the build; the next job finds it there."""
    assert wait_for(submit_of("9.1.0")).phase == "done"
    assert builds.builds(farm) == ("9.1.0",)
    assert wait_for(submit_of("9.1.0")).phase == "done"
    assert len(installations(farm, "9.1.0")) == 1


def test_artists_who_submit_at_once_wait_for_one_installation(
    farm: Farm, aws: LocalCloud, submit_of: Callable[[str], str], wait_for: WaitFor
) -> None:
    """Whoever comes while it is under way waits for the same one."""
    aws.set_capacity(farm.utility_queue, HELD)
    try:
        jobs = [submit_of("9.2.0")]
        seen = snapshot(farm, jobs[0])
        assert (seen.phase, seen.installs) == ("queued", "9.2.0")
        with ThreadPoolExecutor(4) as pool:
            jobs += pool.map(submit_of, ["9.2.0"] * 4)
        assert len(installations(farm, "9.2.0")) == 1
    finally:
        aws.set_capacity(farm.utility_queue)
    assert [wait_for(job_id).phase for job_id in jobs] == ["done"] * 5


def test_while_blender_is_installed_a_job_says_so(
    farm: Farm, aws: LocalCloud, submit_of: Callable[[str], str], wait_for: WaitFor
) -> None:
    """With AWS's reason if the installation itself waits; in look and list, and no longer once the build is there."""
    aws.set_capacity(farm.utility_queue, HELD)
    try:
        job_id = submit_of("9.9.0")
        while not (seen := snapshot(farm, job_id)).waiting_because:
            assert (seen.phase, seen.installs) == ("queued", "9.9.0")
        assert HELD in seen.waiting_because
        assert {row.job_id: row.installs for row in monitor.jobs(farm)}[job_id] == "9.9.0"
    finally:
        aws.set_capacity(farm.utility_queue)
    assert wait_for(job_id, "rendering").installs == ""


def test_two_that_begin_at_the_same_moment_wait_for_the_older_one(farm: Farm, aws: LocalCloud) -> None:
    """Batch can't refuse a second job of a name, so both may be submitted; which one counts is not left to chance."""
    aws.set_capacity(farm.utility_queue, HELD)
    request = {
        "jobName": keys.install_job_name("9.3.0"),
        "jobQueue": farm.utility_queue,
        "jobDefinition": farm.install_definition,
        "parameters": {"version": "9.3.0"},
    }
    try:
        ids = [farm.batch.submit_job(**request)["jobId"] for _ in range(2)]
        rows = installations(farm, "9.3.0")
        oldest = min(rows, key=lambda row: (row["createdAt"], row["jobId"]))["jobId"]
        assert {builds.begin(farm, "9.3.0") for _ in range(2)} == {oldest}
        assert len(installations(farm, "9.3.0")) == 2
    finally:
        for batch_id in ids:
            farm.batch.terminate_job(jobId=batch_id, reason="test")
        aws.set_capacity(farm.utility_queue)


def test_a_job_whose_blender_can_not_be_installed_says_why(
    farm: Farm, submit_of: Callable[[str], str], wait_for: WaitFor
) -> None:
    """In the worker's own words, though no child of the job ever ran; another try installs anew."""
    job_id = submit_of("9.4.404")
    state = wait_for(job_id, *ENDED_BADLY)
    assert state.frames_done == 0
    assert "Blender 9.4.404 could not be installed in the cloud: https://download.blender.org/" in state.problem
    assert "cloud-render blender install 9.4.404" in state.advice
    objects.write(farm, keys.blender_record("9.4.404"), "{}")  # somebody brought it
    control.retry(farm, job_id)
    assert wait_for(job_id).phase == "done"
    assert len(installations(farm, "9.4.404")) == 1


def test_a_retry_installs_what_is_still_missing(farm: Farm, submit_of: Callable[[str], str], wait_for: WaitFor) -> None:
    """It is a submission like the first one."""
    job_id = submit_of("9.5.404")
    assert wait_for(job_id, *ENDED_BADLY).phase in ENDED_BADLY
    control.retry(farm, job_id)
    assert wait_for(job_id, *ENDED_BADLY).phase in ENDED_BADLY
    assert len(installations(farm, "9.5.404")) == 2


@pytest.mark.usefixtures("aws")
def test_workers_with_a_blender_of_their_own_need_none() -> None:
    """Such as a developer's computer, or a studio's own image. A stack that is too old to install waits for nothing."""
    own = Farm.find(Connection())
    assert builds.awaited(own, "9.6.0") == ()
    old = replace(own, blender_from="bucket", install_definition="")
    assert builds.awaited(old, "9.6.0") == ()
    with pytest.raises(OldStack, match="can't install Blender"):
        builds.begin(old, "9.6.0")


def test_an_installation_is_followed_line_by_line(farm: Farm) -> None:
    """And what is there is not installed again."""
    lines: list[str] = []
    assert install(farm, "9.7.0", lines.append, sleep=lambda _s: None)
    assert "fetching blender-9.7.0-linux-x64.tar.xz" in lines
    assert not install(farm, "9.7.0")
    assert len(installations(farm, "9.7.0")) == 1


def test_an_installation_that_fails_says_why(farm: Farm) -> None:
    """That the machine could not reach the site, in its own words."""
    with pytest.raises(CloudRenderError, match=r"download\.blender\.org/ can't be reached"):
        install(farm, "9.8.404", sleep=lambda _s: None)


def test_what_is_no_version_is_refused_before_anything_starts(farm: Farm) -> None:
    """A machine would start for nothing."""
    with pytest.raises(BadArguments, match="all three numbers"):
        install(farm, "9.8")
    assert installations(farm, "9.8") == []


@pytest.mark.parametrize(
    ("there", "best"),
    [((), ""), (("5.0.1",), "5.0.1"), (("5.0.10", "5.0.3"), "5.0.10"), (("5.0.0",), ""), (("5.1.0", "4.5.9"), "")],
)
def test_files_of_a_version_are_rendered_by_itself_or_a_newer_patch(there: tuple[str, ...], best: str) -> None:
    """Never by another release, which would lose something of them."""
    assert fitting(there, "5.0.1") == best

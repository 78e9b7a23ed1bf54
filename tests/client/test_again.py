# SPDX-License-Identifier: GPL-3.0-or-later
"""Some frames of a job rendered again, with the others as they were, through the local cloud."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from cloud_render.client import batch, objects
from cloud_render.client.again import again, old_job, options_of
from cloud_render.client.control import cancel, retry
from cloud_render.client.download import download
from cloud_render.client.farm import Farm
from cloud_render.client.monitor import snapshot
from cloud_render.client.options import Options
from cloud_render.client.plan import SubmitPlan, plan
from cloud_render.client.submit import resume, submit
from cloud_render.contract import keys
from cloud_render.contract.contents import Contents, StoredFile
from cloud_render.contract.errors import (
    BadArguments,
    BadFrames,
    Cancelled,
    CloudRenderError,
    CloudUnreachable,
    NotThere,
)
from cloud_render.contract.job import Submission
from cloud_render.contract.scene import Examination

Planned = Callable[..., SubmitPlan]
Submitted = Callable[..., str]
WaitFor = Callable[..., Any]

OUTPUTS = ("display/0002.png", "display/0003.png", "glow/0006.exr", "sheet/list.txt")


@pytest.fixture(scope="session")
def old_jobs() -> dict[str, str]:
    """The finished job that the tests start from, by the cloud's address: rendered once."""
    return {}


@pytest.fixture
def old(farm: Farm, submitted: Submitted, wait_for: WaitFor, old_jobs: dict[str, str]) -> str:
    """A job of frames 1-6 that is done, with previews, and outputs beside its frames."""
    if "old" not in old_jobs:
        job_id = submitted("shot", frames_per_job=2)
        assert wait_for(job_id).phase == "done"
        for name in OUTPUTS:
            objects.write(farm, keys.Prefix.of_job(job_id).output(name), f"old {name}")
        old_jobs["old"] = job_id
    return old_jobs["old"]


@pytest.fixture
def broken(farm: Farm) -> Iterator[Callable[..., None]]:
    """Breaks requests: `broken("s3", "CopyObject", after=2, key="…")`; `broken()` mends the lines again."""
    clients = {"s3": farm.s3, "batch": farm.connection.client("batch", repeats=False)}
    registered: list[tuple[Any, str, Callable[..., None]]] = []

    def break_them(service: str = "", operation: str = "", after: int = 0, key: str = "") -> None:
        while registered:
            client, event, handler = registered.pop()
            client.meta.events.unregister(event, handler)
        if not service:
            return
        seen: list[str] = []

        def refuse(request: Any, **_: object) -> None:
            if key in request.url:
                seen.append(request.url)
                if len(seen) > after:
                    raise EndpointConnectionError(endpoint_url=request.url)

        event = f"before-send.{service}.{operation}"
        clients[service].meta.events.register(event, refuse)
        registered.append((clients[service], event, refuse))

    yield break_them
    break_them()


def texts(farm: Farm, job_id: str, below: str) -> dict[str, str]:
    """By name. Reports are left out: one may still be on its way."""
    root = keys.Prefix.of_job(job_id).root + below
    return {
        entry.key.removeprefix(root): objects.read(farm, entry.key).decode("latin-1")
        for entry in objects.list_below(farm, root).entries
        if "/reports/" not in entry.key
    }


def submissions(farm: Farm, job_id: str) -> dict[str, Submission]:
    return {name: Submission.from_json(text) for name, text in texts(farm, job_id, "batch/").items()}


def arrays(farm: Farm, job_id: str) -> int:
    """How many render jobs Batch has of this job, in whatever state."""
    names = [keys.render_job_name(job_id, number) for number in (0, 1)]
    return sum(
        len(
            farm.batch.list_jobs(jobQueue=farm.render_gpu_queue, filters=[{"name": "JOB_NAME", "values": [name]}])[
                "jobSummaryList"
            ]
        )
        for name in names
    )


def no_wait(_seconds: float) -> None:
    pass


def test_chosen_frames_are_rendered_and_the_rest_is_kept(
    farm: Farm, old: str, planned: Planned, wait_for: WaitFor, tmp_path: Path
) -> None:
    """The new job has all frames, three of them new, and a video of all; the old job is as it was."""
    before = texts(farm, old, "")
    new = again(farm, planned(), old, "2-3,5")
    state = wait_for(new)
    assert (state.phase, state.frames_done, state.frames_total) == ("done", 6, 6)
    by = {name: text.rpartition(" ")[2] for name, text in texts(farm, new, "frames/").items()}
    assert by == {f"000{frame}.png": "1" if frame in (2, 3, 5) else "0" for frame in range(1, 7)}
    assert {name: text.frames for name, text in submissions(farm, new).items()} == {"1.json": "2-3,5"}
    assert set(texts(farm, new, "previews/")) == {f"000{frame}.jpg" for frame in range(1, 7)}
    assert download(farm, new, tmp_path / "new").video.read_text() == "video of 6 frames"
    assert texts(farm, old, "") == before


def test_outputs_of_the_kept_frames_come_along(farm: Farm, old: str, planned: Planned) -> None:
    """Those of the frames that are rendered again do not: the scene may no longer make them."""
    new = again(farm, planned(Options(name="hold")), old, "2,6")
    assert texts(farm, new, "outputs/") == {name: f"old {name}" for name in ("display/0003.png", "sheet/list.txt")}
    assert set(texts(farm, new, "previews/")) == {f"000{frame}.jpg" for frame in (1, 3, 4, 5)}
    cancel(farm, new)


def test_such_a_job_is_watched_and_cancelled_as_any_other(
    farm: Farm, old: str, planned: Planned, wait_for: WaitFor
) -> None:
    """Kept frames count as done from the start; after a cancel they stay and can be downloaded."""
    new = again(farm, planned(Options(name="hold")), old, "2-3")
    state = wait_for(new, "rendering")
    assert (state.frames_done, state.frames_total, state.submission) == (4, 6, 1)
    cancel(farm, new)
    state = snapshot(farm, new)
    assert (state.phase, state.frames_done) == ("cancelled", 4)


def test_a_failed_frame_of_it_is_retried_alone(farm: Farm, old: str, planned: Planned, wait_for: WaitFor) -> None:
    """The retry renders what is missing of the chosen frames, and nothing of the others."""
    new = again(farm, planned(Options(name="once fail=3")), old, "2-3")
    state = wait_for(new)
    assert (state.phase, state.problem) == ("failed", "Blender wrote no picture for frame 3.")
    submission = retry(farm, new)
    assert (submission.number, submission.frames) == (2, "3")
    assert wait_for(new).phase == "done"


def test_frames_of_such_a_job_can_be_rendered_again(farm: Farm, old: str, planned: Planned, wait_for: WaitFor) -> None:
    """From one to the next; the frames of both earlier jobs are in the last one."""
    second = again(farm, planned(), old, "2")
    assert wait_for(second).phase == "done"
    third = again(farm, planned(), second, "6")
    assert wait_for(third).phase == "done"
    by = [text.rpartition(" ")[2] for _, text in sorted(texts(farm, third, "frames/").items())]
    assert by == ["0", "1", "0", "0", "0", "1"]


def test_all_frames_again_is_a_plain_job(farm: Farm, old: str, planned: Planned) -> None:
    """There is nothing to keep, not even what belongs to no frame alone being a reason to call it something else."""
    new = again(farm, planned(Options(name="hold")), old, "1-6")
    assert set(submissions(farm, new)) == {"0.json"}
    assert texts(farm, new, "frames/") == {}
    cancel(farm, new)


@pytest.mark.parametrize(
    ("wanted", "changes", "words"),
    [
        ("5-8", {}, "has no frames 7-8"),
        ("2", {"frame_end": 7}, "those of the scene as planned 1-7"),
        ("2", {"file_format": "OPEN_EXR"}, "are PNG, those of the scene as planned OPEN_EXR"),
    ],
)
def test_what_does_not_fit_the_old_job_is_refused(
    farm: Farm, old: str, planned: Planned, wanted: str, changes: dict[str, Any], words: str
) -> None:
    """A strange frame, another range, another format: said before anything is sent."""
    scene = planned(**changes)
    with pytest.raises(BadArguments, match=words) as told:
        again(farm, scene, old, wanted)
    assert told.value.advice
    assert not texts(farm, scene.job_id, "")


def test_no_frames_and_no_job_are_refused(farm: Farm, old: str, planned: Planned) -> None:
    """Each in its own words."""
    with pytest.raises(BadFrames):
        again(farm, planned(), old, " ")
    with pytest.raises(NotThere, match="no job"):
        again(farm, planned(), "20260101-000000-gone-abcd", "2")


def test_a_frame_that_can_not_be_kept_is_named(farm: Farm, submitted: Submitted, planned: Planned) -> None:
    """The old job never rendered it: a video with a hole would come of it; asked for, it is rendered."""
    gappy = submitted("hold", frames="1-6")
    cancel(farm, gappy)
    for frame in (1, 2, 3, 5):
        objects.write(farm, keys.Prefix.of_job(gappy).frame(frame, "png"), "old")
    with pytest.raises(BadArguments, match="lacks frame 6, which would be kept"):
        again(farm, planned(Options(name="hold")), gappy, "4")
    new = again(farm, planned(Options(name="hold")), gappy, "4,6")
    assert submissions(farm, new)["1.json"].frames == "4,6"
    cancel(farm, new)


def test_a_copy_that_broke_off_goes_on(farm: Farm, old: str, planned: Planned, broken: Callable[..., None]) -> None:
    """There is no job yet; the same call copies the rest into the same one and then submits it."""
    first = planned(Options(name="hold"))
    broken("s3", "CopyObject", after=5)
    with pytest.raises(CloudRenderError, match="no connection"):
        again(farm, first, old, "2-3", sleep=no_wait)
    assert objects.read_if_there(farm, keys.Prefix.of_job(first.job_id).job) is None
    for thread in threading.enumerate():
        if thread.name.startswith("copy-frames"):  # some others may have tried once more meanwhile
            thread.join(60)
    copied = len(texts(farm, first.job_id, "frames/") | texts(farm, first.job_id, "previews/"))
    assert 0 < copied < 8
    broken("s3", "CopyObject", after=11 - copied)  # four frames, four previews, three outputs
    new = again(farm, planned(Options(name="hold")), old, "2-3", sleep=no_wait)
    assert new == first.job_id
    assert (arrays(farm, new), submissions(farm, new)["1.json"].frames) == (1, "2-3")
    cancel(farm, new)


@pytest.mark.parametrize("who", ["the same call", "another computer"])
def test_a_submit_that_broke_off_before_its_claim_goes_on(
    farm: Farm, old: str, planned: Planned, broken: Callable[..., None], who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finishes it submits the chosen frames alone, once."""
    monkeypatch.setattr(batch, "CLAIM_LASTS", timedelta(0))
    first = planned(Options(name="hold"))
    broken("s3", "PutObject", key="/batch/")
    with pytest.raises(CloudRenderError, match="no connection"):
        again(farm, first, old, "2-3", sleep=no_wait)
    broken()
    if who == "the same call":
        assert again(farm, planned(Options(name="hold")), old, "2-3", sleep=no_wait) == first.job_id
    else:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: resume(farm, first.job_id, no_wait), range(4)))
    assert (arrays(farm, first.job_id), set(submissions(farm, first.job_id))) == (1, {"1.json"})
    assert submissions(farm, first.job_id)["1.json"].frames == "2-3"
    cancel(farm, first.job_id)


def test_a_submit_whose_array_was_not_answered_goes_on(
    farm: Farm, old: str, planned: Planned, broken: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch could not be reached: the same call finds its claim, and one array stands in the end."""
    monkeypatch.setattr(batch, "CLAIM_LASTS", timedelta(0))
    first = planned(Options(name="hold"))
    broken("batch", "SubmitJob")
    with pytest.raises(CloudUnreachable, match="same again"):
        again(farm, first, old, "2-3", sleep=no_wait)
    broken()
    assert again(farm, planned(Options(name="hold")), old, "2-3", sleep=no_wait) == first.job_id
    assert arrays(farm, first.job_id) == 1
    assert submissions(farm, first.job_id)["1.json"].complete
    cancel(farm, first.job_id)


def test_a_submit_is_not_taken_for_one_of_other_frames(
    farm: Farm, old: str, planned: Planned, broken: Callable[..., None]
) -> None:
    """What broke off with frames 2-3 is not gone on with for frame 5, nor by a plain submit of the scene."""
    first = planned(Options(name="hold"))
    broken("s3", "CopyObject", after=2)
    with pytest.raises(CloudRenderError):
        again(farm, first, old, "2-3", sleep=no_wait)
    broken()
    other, plain = again(farm, planned(Options(name="hold")), old, "5"), submit(farm, planned(Options(name="hold")))
    assert len({first.job_id, other, plain}) == 3
    assert submissions(farm, other)["1.json"].frames == "5"
    assert submissions(farm, plain)["0.json"].frames == "1-6"
    cancel(farm, other)
    cancel(farm, plain)


def test_a_cancelled_copy_leaves_no_job(farm: Farm, old: str, planned: Planned) -> None:
    """Stopped between two frames; the old job is untouched, and nothing was submitted."""
    scene = planned(Options(name="hold"))
    stop = iter([False] * 3)

    def cancelled() -> bool:
        copying = objects.read_if_there(farm, keys.Prefix.of_job(scene.job_id).contents) is not None
        return copying and next(stop, True)

    with pytest.raises(Cancelled):
        again(farm, scene, old, "2-3", cancelled=cancelled)
    assert objects.read_if_there(farm, keys.Prefix.of_job(scene.job_id).job) is None
    assert arrays(farm, scene.job_id) == 0


def test_an_object_too_large_for_one_request_is_copied_in_parts(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 copies 5 GiB at once; above that the parts make up the same object."""
    content = bytes(range(256)) * (9 * 2**12)
    objects.write(farm, "jobs/large", content)
    monkeypatch.setattr(objects, "_MOST_COPIED", 2**20)
    entry = objects.find(farm, "jobs/large")
    assert entry is not None
    objects.copy(farm, entry, "jobs/copy")
    assert objects.read(farm, "jobs/copy") == content
    objects.delete(farm, ["jobs/large", "jobs/copy"])


def test_the_choices_of_the_old_job_can_be_made_again(farm: Farm, examined: Callable[..., Examination]) -> None:
    """A plan from them differs from the first in nothing but its id."""
    chosen = Options(
        name="Shot 7",
        camera="Side",
        view_layers=("Mist",),
        frames="1-9x2",
        frames_per_job=2,
        samples=3,
        percentage=50,
        resolution=(640, 360),
        engine="workbench",
        device="cpu",
        format="exr",
        codec="ffv1",
        quality="lossless",
        use_scripts=True,
        frame_limit_s=9.0,
        stall_limit_s=8.0,
    )
    now = datetime.now(UTC)
    first = plan(examined(), chosen, now)
    contents = Contents(tuple(StoredFile(file.scene_path, "0" * 64, 0, ()) for file in first.files))
    job = first.job(contents, "gpu")
    assert plan(examined(), options_of(job), now).with_job_id(job.id).job(contents, "gpu") == job


def test_a_job_whose_upload_has_not_ended_has_nothing_to_keep(farm: Farm) -> None:
    """It is said that the upload goes on where it stopped."""
    objects.write(farm, "jobs/20260101-000000-half-abcd/contents.json.gz", b"x")
    with pytest.raises(NotThere, match="upload of 20260101-000000-half-abcd has not ended"):
        old_job(farm, "20260101-000000-half-abcd")
    objects.delete(farm, ["jobs/20260101-000000-half-abcd/contents.json.gz"])

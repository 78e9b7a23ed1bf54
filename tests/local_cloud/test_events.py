# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge in the local cloud: events are matched against the deployed rules, whose targets are called."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cloud_render.client import stack
from local_cloud.event_bus import CannotDeliver, input_of
from local_cloud.events import Outbox
from local_cloud.testing import LocalCloud, running

TELL = "import sys; print(sys.argv[1:]); sys.exit(1 if sys.argv[1] == 'render' else 0)"
"""A worker whose renders fail, and whatever else it is told to do succeeds."""

IMAGES = {"*": [sys.executable, "-c", TELL]}

INBOX_RULE = """
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties: {NotificationConfiguration: {EventBridgeConfiguration: {EventBridgeEnabled: true}}}
  Quiet: {Type: AWS::S3::Bucket}
  Topic: {Type: AWS::SNS::Topic}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventPattern:
        source: [aws.s3]
        detail-type: [Object Created]
        detail: {object: {key: [{wildcard: inbox/*.blend}]}}
      Targets:
        - Id: topic
          Arn: !Ref Topic
          InputTransformer: {InputPathsMap: {key: $.detail.object.key}, InputTemplate: '"came: <key>"'}
Outputs:
  Topic: {Value: !Ref Topic}
  Bucket: {Value: !Ref Bucket}
  Quiet: {Value: !Ref Quiet}
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with running(slots=2, images=IMAGES) as cloud:
        yield cloud


def _until(holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 20
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not happen"
        threading.Event().wait(0.05)
    return found


def _jobs(cloud: LocalCloud, queue: str, name: str) -> list[dict[str, Any]]:
    batch = cloud.client("batch")
    rows = batch.list_jobs(jobQueue=queue, filters=[{"name": "JOB_NAME", "values": [name]}])["jobSummaryList"]
    return list(batch.describe_jobs(jobs=[row["jobId"] for row in rows])["jobs"]) if rows else []


def _submit(cloud: LocalCloud, outputs: dict[str, str], name: str, kind: str, **more: Any) -> str:
    queue = {"RenderCpu": "RenderCpuQueue"}.get(kind, "UtilityQueue")
    request = {"jobName": name, "jobQueue": outputs[queue], "jobDefinition": outputs[f"{kind}Definition"]}
    return str(cloud.client("batch").submit_job(**request, **more)["jobId"])


def _ended(cloud: LocalCloud, job_id: str) -> str:
    def state() -> str:
        (job,) = cloud.client("batch").describe_jobs(jobs=[job_id])["jobs"]
        return job["status"] if job["status"] in ("SUCCEEDED", "FAILED") else ""

    return str(_until(state))


@pytest.fixture
def mails() -> Iterator[tuple[str, list[str]]]:
    """An address to subscribe with, and the messages that have come to it."""
    came: list[str] = []

    class Letterbox(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["Message"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Letterbox)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", came
    server.shutdown()
    server.server_close()


def test_a_render_that_fails_starts_the_mender_with_its_name(cloud: LocalCloud) -> None:
    """One mender for the whole array, whatever its children did, in the queue that the rule names."""
    outputs = cloud.deploy("mending")
    job = _submit(cloud, outputs, "hare-0-render", "RenderCpu", arrayProperties={"size": 3})
    assert _ended(cloud, job) == "FAILED"
    (mender,) = _until(lambda: _jobs(cloud, outputs["UtilityQueue"], "mend"))
    assert mender["jobDefinition"] == outputs["MendDefinition"]
    assert mender["parameters"] == {"action": "mend", "name": "hare-0-render"}
    assert _ended(cloud, mender["jobId"]) == "SUCCEEDED"
    (told,) = cloud.client("logs").get_log_events(
        logGroupName=outputs["LogGroupName"],
        logStreamName=_jobs(cloud, outputs["UtilityQueue"], "mend")[0]["container"]["logStreamName"],
    )["events"]
    assert told["message"] == "['mend', '--stack', 'mending', '--name', 'hare-0-render']"


def test_what_no_rule_asks_for_starts_nothing(cloud: LocalCloud) -> None:
    """A video that is done, a render that someone cancelled: no mender; a later failure has brought its own by then."""
    outputs = cloud.deploy("quiet")
    assert _ended(cloud, _submit(cloud, outputs, "fox-0-stitch", "Stitch")) == "SUCCEEDED"
    cloud.set_capacity(outputs["RenderCpuQueue"], "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    cancelled = _submit(cloud, outputs, "fox-0-render", "RenderCpu", arrayProperties={"size": 2})
    cloud.client("batch").terminate_job(jobId=cancelled, reason="Cancelled by the artist.")
    assert _ended(cloud, cancelled) == "FAILED"
    cloud.set_capacity(outputs["RenderCpuQueue"])
    assert _ended(cloud, _submit(cloud, outputs, "hare-0-render", "RenderCpu")) == "FAILED"
    menders = _until(lambda: _jobs(cloud, outputs["UtilityQueue"], "mend"))
    assert [mender["parameters"]["name"] for mender in menders] == ["hare-0-render"]


def test_who_subscribed_is_told_of_what_is_done(cloud: LocalCloud, mails: tuple[str, list[str]]) -> None:
    """In the words of the stack's rule."""
    address, came = mails
    outputs = cloud.deploy("telling")
    cloud.client("sns").subscribe(TopicArn=outputs["NoticesTopic"], Protocol="http", Endpoint=address)
    _submit(cloud, outputs, "hare-0-stitch", "Stitch")
    assert _until(lambda: came) == ["Cloud Render (telling): the job hare-0-stitch is done."]


def test_an_object_in_the_inbox_is_told_of(cloud: LocalCloud, mails: tuple[str, list[str]]) -> None:
    """However it came; not of other keys, and not of a bucket that has EventBridge switched off."""
    address, came = mails
    outputs = stack.deploy(cloud, "inbox", {}, INBOX_RULE)
    cloud.client("sns").subscribe(TopicArn=outputs["Topic"], Protocol="http", Endpoint=address)
    s3, bucket = cloud.client("s3"), outputs["Bucket"]
    s3.put_object(Bucket=outputs["Quiet"], Key="inbox/quiet.blend", Body=b"1")
    for key in ("jobs/other.blend", "inbox/read.me", "inbox/a hare.blend"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"1")
    s3.copy_object(Bucket=bucket, Key="inbox/copied.blend", CopySource={"Bucket": bucket, "Key": "inbox/a hare.blend"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="inbox/large.blend")["UploadId"]
    whole = {"Bucket": bucket, "Key": "inbox/large.blend", "UploadId": upload}
    part = s3.upload_part(**whole, PartNumber=1, Body=b"1")
    s3.complete_multipart_upload(**whole, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    _until(lambda: len(came) == 3)
    assert came == ["came: inbox/a hare.blend", "came: inbox/copied.blend", "came: inbox/large.blend"]


def test_a_restart_loses_no_event(tmp_path: Path) -> None:
    """What ends after it, before the stack is there again, is told to the rules once they are."""
    with running(slots=1, data=tmp_path, images=IMAGES) as cloud:
        outputs = cloud.deploy()
        cloud.set_capacity(outputs["RenderCpuQueue"], "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
        job = _submit(cloud, outputs, "hare-0-render", "RenderCpu", arrayProperties={"size": 2})
        cloud.kill()
    with running(slots=1, data=tmp_path, images=IMAGES) as cloud:
        assert _ended(cloud, job) == "FAILED"
        outputs = cloud.deploy()
        (mender,) = _until(lambda: _jobs(cloud, outputs["UtilityQueue"], "mend"))
        assert mender["parameters"] == {"action": "mend", "name": "hare-0-render"}


def test_events_outlive_the_process_until_they_are_done_with(tmp_path: Path) -> None:
    """In their order, each once more if nobody said that it is done."""
    first = Outbox(tmp_path / "events.sqlite")
    for name in ("a", "b"):
        first.put({"id": name})
    first.close()
    second = Outbox(tmp_path / "events.sqlite")
    for name in ("a", "b"):
        number, event = second.oldest() or (0, {})
        assert event == {"id": name}
        second.done(number)
    assert second.oldest() is None
    second.close()


def test_on_a_full_disk_events_are_delivered_and_kept_later(tmp_path: Path) -> None:
    """In their order; as soon as there is room, a restart loses none of those that are left."""
    box = Outbox(tmp_path / "events.sqlite")
    box.put({"id": "a"})
    (pages,) = box._database.execute("PRAGMA page_count").fetchone()
    box._database.execute(f"PRAGMA max_page_count = {pages}")
    for name in ("b", "c", "d"):
        box.put({"id": name, "filling": "x" * 100_000})
    for name in ("a", "b"):
        number, event = box.oldest() or (0, {})
        assert event["id"] == name
        box.done(number)
    box._database.execute("PRAGMA max_page_count = 100000")
    box.put({"id": "e"})
    box.close()
    again, left = Outbox(tmp_path / "events.sqlite"), []
    while found := again.oldest():
        left.append(found[1]["id"])
        again.done(found[0])
    assert left == ["c", "d", "e"]
    again.close()


@pytest.mark.parametrize(
    ("template", "given"),
    [
        ('{"Parameters": {"name": "<name>"}}', {"Parameters": {"name": 'a "b" \\ c'}}),
        ('{"Parameters": {"name": <name>}}', {"Parameters": {"name": 'a "b" \\ c'}}),
        ('"say \\"<name>\\" <nothing>."', 'say "a "b" \\ c" .'),
        ('{"size": <size>, "text": "<size>"}', {"size": 3, "text": "3"}),
        ('"<unknown> <name>"', '<unknown> a "b" \\ c'),
    ],
)
def test_a_rule_fills_in_what_it_gives_on(template: str, given: Any) -> None:
    """Inside quotes and outside of them; what the event lacks is empty, and nothing in it can break the JSON."""
    event = {"detail": {"name": 'a "b" \\ c', "array": {"size": 3}}}
    paths = {"name": "$.detail.name", "size": "$.detail.array.size", "nothing": "$.detail.nothing.at.all"}
    assert input_of(event, {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}) == given


def test_a_rule_that_makes_no_json_is_told_so() -> None:
    """As EventBridge would drop the event."""
    with pytest.raises(CannotDeliver, match="not JSON: oops"):
        input_of({}, {"InputTransformer": {"InputTemplate": "oops"}})

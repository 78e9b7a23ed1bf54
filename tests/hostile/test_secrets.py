# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody's key is in anything that a job leaves behind, even if the scene looks for it."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from local_cloud.testing import LocalCloud, running

MARK = "MARKED"
TOKEN = "MARKED-token/of+nobody=0123456789"
LIMIT_S = 300

BUILD = '''
import bpy, sys
bpy.ops.wm.read_factory_settings(use_empty=False)
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples, scene.cycles.use_denoising = 1, False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.frame_end = 2
text = bpy.data.texts.new("look.py")
text.use_module = True
text.write("""import bpy, os
print("the scene sees", dict(os.environ))
bpy.context.scene["seen"] = str(dict(os.environ))
print("the scene looked around")
""")
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[1], compress=False)
'''

HOOK = "env | sort > $CLOUD_RENDER_OUTPUT/seen.txt\necho the hook looked around\nenv\n"
"""The artist's own script, which may see what it is told; what it leaves goes to the bucket."""


@dataclass(frozen=True)
class Left:
    """What a job left behind: the name of each piece, and its content."""

    secrets: tuple[str, ...]
    pieces: dict[str, bytes]

    def found(self) -> list[str]:
        """Pieces with a secret in them, in any of its spellings."""
        spellings = {spelled for secret in self.secrets for spelled in _spellings(secret)}
        return [name for name, content in self.pieces.items() if any(each in content for each in spellings)]


@pytest.fixture(scope="module")
def left(tmp_path_factory) -> Iterator[Left]:
    """Of a job that went all the way, with a script in the scene, a hook, and an artist who has a profile with keys."""
    pytest.importorskip("bpy", reason="needs the bpy wheel, to save and render a .blend")
    folder = tmp_path_factory.mktemp("secrets")
    blend, hook, aws = folder / "scene.blend", folder / "hook.sh", folder / "aws"
    subprocess.run([sys.executable, "-c", BUILD, str(blend)], check=True, capture_output=True)
    hook.write_text(HOOK)
    aws.mkdir()
    (aws / "credentials").write_text(f"[studio]\naws_access_key_id = AKIA{MARK}\naws_secret_access_key = {TOKEN}\n")
    (aws / "config").write_text(f"[profile studio]\nregion = us-east-1\naws_session_token = {TOKEN}\n")
    with running(slots=1) as cloud:
        outputs = cloud.deploy()
        environment = cloud.environment() | {
            "AWS_SHARED_CREDENTIALS_FILE": str(aws / "credentials"),
            "AWS_CONFIG_FILE": str(aws / "config"),
            "CLOUD_RENDER_STATE": str(folder / "state"),
            "CLOUD_RENDER_STORE_CACHE": str(folder / "remembered"),
            "STUDIO_PASSWORD": TOKEN,
        }
        said = _submitted(blend, hook, folder / "back", environment)
        pieces = {"what the command said": said} | _objects(cloud, outputs["BucketName"]) | _logs(cloud)
        pieces |= {f"local {path.relative_to(folder)}": path.read_bytes() for path in _files(folder, "aws")}
        yield Left((cloud.secret_key, TOKEN), pieces)


def _submitted(blend: Path, hook: Path, back: Path, environment: dict[str, str]) -> bytes:
    program = Path(sys.executable).with_name("cloud-render")
    options = ("--scripts", "--device", "cpu", "--post-hook", str(hook), "-k", "2", "--download", str(back))
    done = subprocess.run(
        [str(program), "submit", str(blend), *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    return done.stdout + done.stderr


def _objects(cloud: LocalCloud, bucket: str) -> dict[str, bytes]:
    """All of the bucket; what is compressed also as it was before."""
    s3 = cloud.client("s3")
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page["Contents"]:
            content = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
            found[item["Key"]] = gzip.decompress(content) if item["Key"].endswith(".gz") else content
    return found


def _logs(cloud: LocalCloud) -> dict[str, bytes]:
    logs = cloud.client("logs")
    found = {}
    for group in logs.describe_log_groups()["logGroups"]:
        for stream in logs.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]:
            where = {"logGroupName": group["logGroupName"], "logStreamName": stream["logStreamName"]}
            events = logs.get_log_events(**where, startFromHead=True)["events"]
            found[f"log {stream['logStreamName']}"] = "\n".join(event["message"] for event in events).encode()
    return found


def _files(folder: Path, but: str) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] != but)


def _spellings(secret: str) -> Iterator[bytes]:
    plain = secret.encode()
    yield plain
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    yield plain.hex().encode()
    # Of the three ways its bytes can fall into base64, what does not depend on their neighbours.
    for before in range(3):
        yield base64.b64encode(b"\0" * before + plain)[4:-4]


def test_all_that_a_job_leaves_was_looked_at(left):
    """Else the next test would prove nothing: the scene and the hook did look around, and all places are there."""
    names = list(left.pieces)
    in_the_bucket = ("store/packs/", "store/index/", "job.json", "contents.json.gz", "reports/", "frames/")
    for part in (*in_the_bucket, "log ", "local remembered"):
        assert any(part in name for name in names), part
    logs = b"".join(content for name, content in left.pieces.items() if name.startswith("log "))
    assert b"the scene looked around" in logs
    assert b"the hook looked around" in logs
    assert any(name.endswith("outputs/seen.txt") for name in names)


def test_no_secret_is_in_anything_a_job_leaves(left):
    """Not in the bucket, the logs, the .blend, the reports, on the terminal or in what this computer remembers."""
    assert left.found() == []


def test_a_secret_would_be_found(left):
    """As it is, and in base64 in the middle of something else."""
    secret = left.secrets[0].encode()
    for content in (b"x" + secret, b"x" + base64.b64encode(b"ab" + secret + b"c"), secret.hex().encode()):
        assert Left(left.secrets, {"leak": content}).found() == ["leak"]

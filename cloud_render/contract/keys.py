# SPDX-License-Identifier: GPL-3.0-or-later
"""Where everything lies in the bucket: names to keys and back. Talks to no one."""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

from cloud_render.contract.errors import BadArguments

PACKS = "store/packs/"
INDEX = "store/index/"
BLENDER = "blender/"
JOBS = "jobs/"

_JOB_ID = re.compile(r"(2[01]\d{6}-\d{6})-[a-z0-9][a-z0-9-]{0,39}-[a-z0-9]{4}")
_FRAME_NAME = re.compile(r"(-?\d{4,})\.([A-Za-z0-9]+)")


def new_job_id(name: str, now: datetime, suffix: str = "") -> str:
    """`<UTC yyyymmdd-hhmmss>-<slug>-<4 random>`: sorts by time, can't collide, is a valid Batch job name."""
    return f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{slug(name)}-{suffix or secrets.token_hex(2)}"


def slug(name: str) -> str:
    """`name` in at most 32 small letters, digits and dashes; never empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:32].strip("-") or "scene"


def is_job_id(text: str) -> bool:
    return _time(text) is not None


def time_of_job(job_id: str) -> datetime:
    """When the job was made, UTC. Raises BadArguments for what is not a job id."""
    found = _time(job_id)
    if found is None:
        raise BadArguments(f"{job_id!r} is not a job id.", "See `cloud-render jobs` for the ids.")
    return found


def _time(job_id: str) -> datetime | None:
    """None for what is not a job id: who may write into the bucket can make folders of any name."""
    match = _JOB_ID.fullmatch(job_id)
    try:
        return datetime.strptime(match[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC) if match else None
    except ValueError:
        return None


def frame_stem(frame: int) -> str:
    """Four digits at least, a sign where needed: 0001, 12345, -0005."""
    return f"{'-' if frame < 0 else ''}{abs(frame):04d}"


def frame_of_name(name: str) -> int | None:
    """The frame number of `0001.png` (a file's name, not a path); None for any other file."""
    match = _FRAME_NAME.fullmatch(name)
    return int(match[1]) if match else None


def pack(sha256: str) -> str:
    return PACKS + sha256


def index(upload_id: str) -> str:
    return INDEX + upload_id


def blender_build(version: str) -> str:
    """Prefix of the build of Blender `version` (such as 5.0.1)."""
    return f"{BLENDER}{version}/"


def blender_record(version: str) -> str:
    """What the build of Blender `version` is; written last, so where it exists the build is whole."""
    return blender_build(version) + "build.json"


def blender_of_record(key: str) -> str:
    """The version whose record `key` is; empty for any other key."""
    match = re.fullmatch(re.escape(BLENDER) + r"([^/]+)/build\.json", key)
    return match[1] if match else ""


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of an `s3://bucket/key`; the key may be empty. Raises BadArguments."""
    match = re.fullmatch(r"s3://([A-Za-z0-9][A-Za-z0-9._-]{2,62})(?:/(.*))?", uri, re.DOTALL)
    if not match:
        raise BadArguments(f"{uri!r} is not an S3 address.", "Write it as s3://bucket/path.")
    return match[1], match[2] or ""


@dataclass(frozen=True)
class Prefix:
    """A place that holds one render: `jobs/<job-id>/`, or wherever a plain worker call was told to write."""

    root: str
    """Ends in `/`, or is empty for the bucket itself."""

    @classmethod
    def of_job(cls, job_id: str) -> Prefix:
        """Raises BadArguments for what is not a job id, so that no prefix ever covers two jobs."""
        time_of_job(job_id)
        return cls(f"{JOBS}{job_id}/")

    @classmethod
    def of_key(cls, key: str) -> Prefix:
        return cls(key.rstrip("/") + "/" if key.strip("/") else "")

    @property
    def contents(self) -> str:
        return self.root + "contents.json.gz"

    @property
    def job(self) -> str:
        return self.root + "job.json"

    @property
    def end(self) -> str:
        return self.root + "end.json"

    @property
    def submissions(self) -> str:
        return self.root + "batch/"

    def submission(self, number: int) -> str:
        return f"{self.root}batch/{number}.json"

    @property
    def frames(self) -> str:
        return self.root + "frames/"

    def frame(self, frame: int, extension: str) -> str:
        """The primary image of a frame; `extension` without its dot."""
        return f"{self.frames}{frame_stem(frame)}.{extension}"

    @property
    def outputs(self) -> str:
        return self.root + "outputs/"

    def output(self, name: str) -> str:
        """A secondary output; `name` is a relative path such as `depth/0001.exr`."""
        return self.outputs + name

    def display(self, frame: int) -> str:
        """The display-referred PNG beside a frame that FFmpeg can't show as it is (scene-linear EXR)."""
        return self.output(f"display/{frame_stem(frame)}.png")

    @property
    def previews(self) -> str:
        return self.root + "previews/"

    def preview(self, frame: int) -> str:
        return f"{self.previews}{frame_stem(frame)}.jpg"

    def reports(self, submission: int) -> str:
        return f"{self.root}reports/{submission}/"

    def report(self, submission: int, index: int, attempt: int) -> str:
        return f"{self.reports(submission)}{index}-{attempt}.json"

    def stitch_report(self, submission: int, attempt: int) -> str:
        return f"{self.reports(submission)}stitch-{attempt}.json"

    def inspection(self, attempt: int) -> str:
        """The report of the worker that has made the job of a dropped file: before any submission."""
        return f"{self.root}inspections/{attempt}.json"

    @property
    def lacking_blender(self) -> str:
        """Of which release a Blender must be installed before a dropped file can be read, as {"release": "5.0"}."""
        return f"{self.root}inspections/blender.json"

    def failures(self, submission: int) -> str:
        """Below it, an empty object for each child that failed for good: others of the array count them."""
        return f"{self.root}failures/{submission}/"

    def failure(self, submission: int, exit_code: int, index: int) -> str:
        return f"{self.failures(submission)}{exit_code}-{index}"

    @property
    def downloads(self) -> str:
        """Below it, a note of each folder that frames were downloaded to."""
        return self.root + "downloads/"

    def download(self, name: str) -> str:
        return f"{self.downloads}{name}.json"

    def video(self, extension: str) -> str:
        return f"{self.root}video.{extension}"


def render_job_name(job_id: str, submission: int) -> str:
    """The Batch name of submission `submission`'s array; unique, so a submit can be recognised after a lost answer."""
    return f"{job_id}-{submission}-render"


def stitch_job_name(job_id: str, submission: int) -> str:
    return f"{job_id}-{submission}-stitch"


def install_job_name(version: str) -> str:
    """Of the installation of Blender `version`: two of them at a time know each other by it."""
    return f"install-blender-{version.replace('.', '-')}"


def version_of_name(batch_name: str) -> str:
    """The inverse of install_job_name(); empty for other names."""
    match = re.fullmatch(r"install-blender-(\d+)-(\d+)-(\d+)", batch_name)
    return ".".join(match.groups()) if match else ""


def job_id_of_name(batch_name: str) -> str:
    """The job whose array or stitch has that name in Batch; empty for names that are not ours."""
    named = submission_of_name(batch_name)
    return named.job_id if named else ""


@dataclass(frozen=True)
class NamedSubmission:
    """What the name of one of our jobs in Batch says."""

    job_id: str
    number: int
    role: str
    """render or stitch."""


def submission_of_name(batch_name: str) -> NamedSubmission | None:
    """The inverse of render_job_name() and stitch_job_name(); None for names that are not ours."""
    match = re.fullmatch(r"(.+)-(\d+)-(render|stitch)", batch_name)
    return NamedSubmission(match[1], int(match[2]), match[3]) if match and is_job_id(match[1]) else None

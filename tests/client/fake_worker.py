# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker that renders nothing: it reads job.json, puts frames, previews and reports, and makes a video of one line.

What goes wrong is written in the job's name: `fail=3` fails on frame 3, `skip=3` leaves frame 3 out in silence,
`kill=3` dies at frame 3 as the out-of-memory killer would have it, `hold` renders nothing until it is ended,
`again=3` asks Batch for a second attempt at frame 3, `lost=3` for one after the other, `late=3` does so when all
frames are there, `hang=3` waits at frame 3 in the first attempt until it is ended, `bad-stitch` fails in the stitch.
`once` lets all of it happen in the job's first submission only. Of the installations of Blender those of X.Y.404 fail.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import time

import boto3

from cloud_render.contract import frames, keys
from cloud_render.contract.job import RenderJob, Submission
from cloud_render.contract.report import ChildReport, End, FrameReport

NO_MENDER = "--no-mender"
"""In front of everything: a stack whose mender does nothing. Else it is the real one."""

S3 = boto3.client("s3")
INDEX = int(os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "0"))
ATTEMPT = int(os.environ["AWS_BATCH_JOB_ATTEMPT"])
WHEN = "2026-01-01T00:00:00+00:00"
RENDERED: list[FrameReport] = []


def main() -> int:
    if sys.argv[1] == "mend":
        os.execv(sys.executable, [sys.executable, "-m", "worker", *sys.argv[1:]])
    if sys.argv[1:3] == [NO_MENDER, "mend"]:
        return 0
    if sys.argv[1] == NO_MENDER:
        del sys.argv[1]
    if sys.argv[1] == "install-blender":
        return install(*sys.argv[2:])
    parser = argparse.ArgumentParser()
    parser.add_argument("action")
    for option in ("-i", "-o", "-f", "-t", "--submission", "--gaps"):
        parser.add_argument(option)
    asked = parser.parse_args()
    bucket, key = keys.split_uri(asked.o)
    prefix = keys.Prefix.of_key(key)
    job = RenderJob.from_json(S3.get_object(Bucket=bucket, Key=prefix.job)["Body"].read())
    name = job.name
    if "once" in name and int(asked.submission) != first_submission(bucket, prefix):
        name = ""
    print(f"{asked.action} of {job.id} begins", flush=True)
    if asked.action == "stitch":
        return stitch(bucket, prefix, job, name, int(asked.submission), asked.gaps)
    return render(bucket, prefix, job, name, int(asked.submission), int(asked.f), int(asked.t))


def install(version, _to, place):
    print(f"fetching blender-{version}-linux-x64.tar.xz", flush=True)
    if version.endswith(".404"):
        print("error: https://download.blender.org/ can't be reached (no route). Check the network.", flush=True)
        return 64
    S3.put_object(Bucket=keys.split_uri(place)[0], Key=keys.blender_record(version), Body=b"{}")
    return 0


def render(bucket, prefix, job, name, number, per_job, total):
    body = S3.get_object(Bucket=bucket, Key=prefix.submission(number))["Body"].read()
    wanted = Submission.from_json(body).frame_list
    assert len(wanted) == total
    if "hold" in name:
        time.sleep(600)
    for frame in frames.slice_of(wanted, INDEX, per_job):
        if ATTEMPT > 1 and is_there(bucket, prefix.frame(frame, job.image.extension)):
            continue
        if asked_for(name, "kill", frame):
            os.kill(os.getpid(), signal.SIGKILL)
        if asked_for(name, "again", frame) and ATTEMPT == 1:
            return report(bucket, prefix, "render", number, 75, "The disk is full.")
        if asked_for(name, "lost", frame):
            return report(bucket, prefix, "render", number, 75, "Spot takes this machine back.")
        if asked_for(name, "hang", frame) and ATTEMPT == 1:
            time.sleep(600)
        if asked_for(name, "fail", frame):
            return report(bucket, prefix, "render", number, 70, f"Blender wrote no picture for frame {frame}.")
        if not asked_for(name, "skip", frame):
            key = prefix.frame(frame, job.image.extension)
            S3.put_object(Bucket=bucket, Key=prefix.preview(frame), Body=f"preview {frame}".encode())
            S3.put_object(Bucket=bucket, Key=key, Body=f"frame {frame} of submission {number}".encode())
            RENDERED.append(FrameReport(frame, 0.1, 0.1, 20))
            print(f"frame {frame} is there", flush=True)
    late = any(asked_for(name, "late", frame) for frame in frames.slice_of(wanted, INDEX, per_job))
    return report(bucket, prefix, "render", number, 75 if late else 0, "S3 went away." if late else "")


def stitch(bucket, prefix, job, name, number, gaps):
    if "bad-stitch" in name:
        return report(bucket, prefix, "stitch", number, 70, "FFmpeg made no video.")
    pages = S3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix.frames)
    there = {row["Key"] for page in pages for row in page.get("Contents", ())}
    missing = tuple(frame for frame in job.frame_list if prefix.frame(frame, job.image.extension) not in there)
    if missing and gaps == "refuse":
        return report(bucket, prefix, "stitch", number, 66, f"Frames {frames.text_of(missing)} are missing.")
    video = prefix.video(job.video.container)
    S3.put_object(Bucket=bucket, Key=video, Body=f"video of {len(there)} frames".encode())
    end = End("done", len(there), len(job.frame_list), WHEN, video.removeprefix(prefix.root), missing)
    S3.put_object(Bucket=bucket, Key=prefix.end, Body=end.to_json().encode())
    return report(bucket, prefix, "stitch", number, 0, "")


def is_there(bucket, key):
    return S3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] > 0


def first_submission(bucket, prefix):
    """0, or 1 for a job that has frames from another one."""
    rows = S3.list_objects_v2(Bucket=bucket, Prefix=prefix.submissions)["Contents"]
    return 0 if any(row["Key"] == prefix.submission(0) for row in rows) else 1


def report(bucket, prefix, action, number, code, problem):
    advice = "Look at the scene." if problem else ""
    told = ChildReport(action, number, INDEX, ATTEMPT, code, WHEN, WHEN, problem, advice, tuple(RENDERED))
    key = prefix.stitch_report(number, ATTEMPT) if action == "stitch" else prefix.report(number, INDEX, ATTEMPT)
    S3.put_object(Bucket=bucket, Key=key, Body=told.to_json().encode())
    return code


def asked_for(name, what, frame):
    return any(int(number) == frame for number in re.findall(rf"{what}=(-?\d+)", name))


if __name__ == "__main__":
    sys.exit(main())

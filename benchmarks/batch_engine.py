# SPDX-License-Identifier: GPL-3.0-or-later
"""A 10,000-child array in the local cloud: how long SubmitJob and DescribeJobs take, and how much memory it all needs.

    python benchmarks/batch_engine.py [--children 10000] [--slots 2]

Goals: SubmitJob below 1 s, DescribeJobs of the parent below 20 ms, the local cloud's memory below 400 MB.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from local_cloud.testing import LocalCloud, running

PARENT_CALLS = 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--children", type=int, default=10_000)
    parser.add_argument("--slots", type=int, default=2)
    options = parser.parse_args()
    with running(slots=options.slots, images={"shell": ("/bin/sh", "-c")}) as cloud:
        measure(cloud, options.children)
    return 0


def measure(cloud: LocalCloud, children: int) -> None:
    outputs = cloud.deploy()
    batch = cloud.client("batch")
    queue = outputs["RenderCpuQueue"]
    container = {"image": "shell", "command": ["exit 0"], "vcpus": 1, "memory": 64}
    definition = batch.register_job_definition(
        jobDefinitionName="nothing", type="container", containerProperties=container
    )
    arn = definition["jobDefinitionArn"]
    print(f"memory before           {resident_mb(cloud.process.pid):8.0f} MB")

    cloud.set_capacity(queue, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    submit: Callable[[], Any] = lambda: batch.submit_job(  # noqa: E731 -- timed as it is
        jobName="array", jobQueue=queue, jobDefinition=arn, arrayProperties={"size": children}
    )
    seconds, job = timed(submit)
    array = job["jobId"]
    print(f"SubmitJob, {children:6} children{seconds:8.3f} s")
    describe("DescribeJobs, waiting    ", batch, array)
    seconds, _ = timed(lambda: batch.list_jobs(arrayJobId=array, jobStatus="RUNNABLE"))
    print(f"ListJobs, first page    {1000 * seconds:8.1f} ms")

    start = time.perf_counter()
    cloud.set_capacity(queue)
    describe("DescribeJobs, running    ", batch, array)
    while batch.describe_jobs(jobs=[array])["jobs"][0]["status"] != "SUCCEEDED":
        time.sleep(0.5)
    print(f"all children ran        {time.perf_counter() - start:8.1f} s")
    print(f"memory after            {resident_mb(cloud.process.pid):8.0f} MB")

    cloud.set_capacity(queue, "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY")
    _, job = timed(submit)
    seconds, _ = timed(lambda: batch.terminate_job(jobId=job["jobId"], reason="benchmark"))
    print(f"TerminateJob            {seconds:8.3f} s")


def describe(label: str, batch: Any, array: str) -> None:
    times = [1000 * timed(lambda: batch.describe_jobs(jobs=[array]))[0] for _ in range(PARENT_CALLS)]
    print(f"{label}{statistics.median(times):7.1f} ms median, {max(times):.1f} ms worst of {PARENT_CALLS}")


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def resident_mb(pid: int) -> float:
    shown = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(shown.stdout) / 1024


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""What the built image can do, and what it can't."""

from __future__ import annotations

import subprocess
import time

IMPORT_ALL = """
import importlib, pkgutil, cloud_render.client, cloud_render.contract, cloud_render.store, worker
for package in (worker, cloud_render.contract, cloud_render.store, cloud_render.client):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name != "worker.__main__":
            importlib.import_module(module.name)
            print(module.name)
"""

MAKE_CLIENTS = """
import boto3
for service in ("s3", "batch", "cloudformation", "sns", "sts", "sso", "sso-oidc"):
    print(boto3.client(service, region_name="eu-central-1").meta.service_model.service_name)
"""

WHO_AND_WHERE = """
import os, pathlib, re
print(os.getuid(), os.getgid(), re.search(r"CapEff:\\s*(\\w+)", pathlib.Path("/proc/self/status").read_text())[1])
for folder in ("/", "/tmp", "/opt/cloud-render", "/opt/worker", "/home/render", "/cache", "/scratch"):
    try:
        pathlib.Path(folder, "here").write_text("x")
        print(folder, "written")
    except OSError as error:
        print(folder, "refused")
"""


def test_it_starts_in_seconds(image):
    """A child begins work at once: no more than a few seconds from `run` to the worker's own words."""
    began = time.monotonic()
    done = subprocess.run([*image.prefix(), "--help"], capture_output=True, text=True, timeout=60, check=False)
    took = time.monotonic() - began
    print(f"\ncontainer: started, answered and ended in {took:.1f} s")
    assert done.returncode == 0, done.stderr
    assert "install-blender" in done.stdout
    assert took < 10


def test_every_module_of_the_worker_can_be_imported(image):
    """Nothing that the worker or the library in it imports is missing."""
    done = image.python(IMPORT_ALL)
    assert done.returncode == 0, done.stderr
    assert {"worker.render", "worker.stitch", "cloud_render.client.farm"} <= set(done.stdout.split())


def test_boto3_knows_the_services_a_worker_calls(image):
    """The descriptions of those that it does not call are left out of the image; these are in it."""
    done = image.python(MAKE_CLIENTS)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 7


def test_it_is_not_root_and_writes_only_to_cache_and_scratch(image):
    """A .blend is code: it can change nothing of the image, and it works so."""
    who, *places = image.python(WHO_AND_WHERE).stdout.splitlines()
    assert who.split()[:2] == ["10001", "10001"]
    assert int(who.split()[2], 16) == 0
    assert [place for place in places if place.endswith("written")] == ["/cache written", "/scratch written"]
    assert len(places) == 7


def test_wrong_usage_ends_with_its_exit_code(image):
    """Batch sees the worker's own code."""
    done = subprocess.run([*image.prefix(), "render"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 64
    assert done.stderr.splitlines()[-1].startswith("error: ")

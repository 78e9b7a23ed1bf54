# SPDX-License-Identifier: GPL-3.0-or-later
"""The project's checks by name; `nox` runs the quick ones, `nox --list` shows all."""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "types"]
nox.options.reuse_existing_virtualenvs = True


@nox.session
def lint(session: nox.Session) -> None:
    """Style, imports, and the form of the code."""
    session.install("ruff>=0.17,<0.18")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict; fake-bpy-module supplies Blender's types."""
    stubs = ("fake-bpy-module>=20250101", "boto3-stubs[batch,cloudformation,logs,s3]>=1.36")
    session.install("mypy>=2.4,<3", *stubs, "moto>=5.2,<5.3", "-e", ".[worker]")
    session.run("mypy")


@nox.session
def template(session: nox.Session) -> None:
    """The stack's template: cfn-lint and checkov; what these miss is tested in tests/template."""
    session.install("cfn-lint>=1.58,<2")
    session.run("cfn-lint", "cloudformation/cloud-render.yaml")
    # checkov wants a boto3 of its own; --skip-download: no word to its makers' service.
    session.install("checkov>=3.3,<4")
    options = ("--framework", "cloudformation", "--skip-download", "--compact", "--quiet")
    session.run("checkov", *options, "-f", "cloudformation/cloud-render.yaml")


_WORKER_WITH_BLENDER = ("tests/worker/test_render_real.py", "tests/worker/test_stitch_sound.py")
"""The others have a stand-in for Blender, and are the same with each version of it."""


def _on_blender(session: nox.Session, blender: str, worker: tuple[str, ...] = _WORKER_WITH_BLENDER) -> None:
    """What runs inside Blender, the worker that drives it, and the extension, on one version of the bpy wheel."""
    session.install("-e", ".[test]", f"bpy=={blender}.*")
    rooms = ("tests/inblender", "tests/fidelity", *worker, "tests/addon")
    session.run("pytest", *rooms, "-m", "not every_path", *session.posargs)


@nox.session(python="3.11")
def ui(session: nox.Session) -> None:
    """The extension in a real window of Blender 4.3; `nox -s ui -- --blender 5.2` for the other. Linux, as root.

    Exit code 2: it can't run here, and says why.
    """
    session.install("-e", ".[test]")
    session.run("python", "tests/ui/run.py", *session.posargs, success_codes=[0, 2])


@nox.session(python="3.13")
def container(session: nox.Session) -> None:
    """The worker's image, built with podman, renders and stitches a job of the local cloud. Linux.

    Exit code 2: it can't run here, and says why. Python 3.13 because the image has it: its Blender is this bpy.
    """
    session.install("-e", ".[test]", "bpy==5.2.*")
    session.run("python", "tests/container/run.py", *session.posargs, success_codes=[0, 2])


@nox.session(name="bpy-4.2", python="3.11")
def bpy_4_2(session: nox.Session) -> None:
    """The oldest Blender we support."""
    _on_blender(session, "4.2")


@nox.session(name="bpy-4.5", python="3.11")
def bpy_4_5(session: nox.Session) -> None:
    """A Blender in long-term support."""
    _on_blender(session, "4.5")


@nox.session(name="bpy-5.0", python="3.11")
def bpy_5_0(session: nox.Session) -> None:
    """The newest Blender for Python 3.11."""
    _on_blender(session, "5.0")


@nox.session(name="bpy-5.2", python="3.13")
def bpy_5_2(session: nox.Session) -> None:
    """The newest Blender; the whole worker too, as this Python is the one of its image."""
    _on_blender(session, "5.2", worker=("tests/worker",))

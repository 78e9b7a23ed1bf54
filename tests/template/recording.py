# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a client's command or a worker's action, and writes down every call to AWS that it makes.

python recording.py FILE client submit scene.blend …
python recording.py FILE worker render -i …

One JSON object a line: who, service, operation, and the parameters that say what the call is for.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import botocore.session

TOLD = (
    "Bucket", "Key", "Prefix", "Delete", "CopySource", "jobQueue", "jobDefinition", "jobId", "logGroupName",
    "logStreamName", "StackName", "repositoryName", "TopicArn",
)  # fmt: skip


def record(file: Path, who: str) -> None:
    """From now on each client of each session writes its calls down."""
    original = botocore.session.Session.__init__

    def init(session: Any, *args: Any, **kwargs: Any) -> None:
        original(session, *args, **kwargs)
        session.register("before-parameter-build.*.*", write)

    def write(params: dict[str, Any], model: Any, **_: Any) -> None:
        call = {"who": who, "service": model.service_model.service_name, "operation": model.name}
        told = {name: params[name] for name in TOLD if name in params}
        with file.open("a", encoding="utf-8") as lines:  # one write each: several processes share the file
            lines.write(json.dumps({**call, **told}) + "\n")

    botocore.session.Session.__init__ = init  # type: ignore[method-assign]


def main(file: str, who: str, *arguments: str) -> int:
    if who == "worker":
        from worker.__main__ import main as work

        record(Path(file), arguments[0])
        return work(arguments)
    from cloud_render.cli.main import run

    record(Path(file), who)
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

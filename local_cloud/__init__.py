# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS on this computer: the same APIs on loopback, jobs as local processes. Started as `python -m local_cloud`.

    client ──HTTP──> server ──WSGI──> front ──> Batch API ──> engine ──> runner ──> `python -m worker …`
                                        ├─────> log streams (what the children print)
                                        ├─────> S3: moto behind our checks, or SeaweedFS, or another server
                                        └─────> moto: CloudFormation, IAM, EC2, Logs, …

Nothing of Cloud Render's client or worker is imported here; both talk to it as they talk to AWS.
"""

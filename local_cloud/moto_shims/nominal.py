# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource types that moto does not know."""

from __future__ import annotations

from typing import Any

from local_cloud.moto_shims import builds

NOMINAL = (
    "AWS::Batch::SchedulingPolicy",
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::Alarm",
    "AWS::CodeBuild::Project",
    "AWS::FIS::ExperimentTemplate",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
)
"""Types that moto does not know. Here they are a name and an ARN, and do nothing. Not even a bucket policy is applied:
moto would ignore its conditions, and so turn "deny what is not TLS" into "deny all"."""

_KEPT: list[type] = []
"""moto finds resource types among the living subclasses; without a reference ours would be collected."""


def apply() -> None:
    """Change moto in place: it leaves such resources out, and Outputs that name them fail or vanish."""
    _KEPT.extend(map(_nominal, NOMINAL))


def _nominal(kind: str) -> type:
    from moto.core.common_models import CloudFormationModel

    class Nominal(CloudFormationModel):
        def __init__(self, name: str) -> None:
            self.name = name

        @property
        def physical_resource_id(self) -> str:
            return self.name

        @staticmethod
        def cloudformation_name_type() -> str:
            return ""

        @staticmethod
        def cloudformation_type() -> str:
            return kind

        @classmethod
        def has_cfn_attr(cls, attr: str) -> bool:
            return attr == "Arn"

        def get_cfn_attribute(self, _attribute: str) -> str:
            return f"arn:aws:local-cloud:::{self.name}"

        @classmethod
        def create_from_cloudformation_json(  # type: ignore[override]
            cls, resource_name: str, cloudformation_json: dict[str, Any], _account_id: str, _region: str, **_: Any
        ) -> Nominal:
            if kind == "AWS::CodeBuild::Project":
                builds.PROJECTS[resource_name] = cloudformation_json["Properties"]
            return cls(resource_name)

    return Nominal

"""What AWS's service models say of an operation's parameters, and what its documents say besides."""

import json
import re

from botocore.validate import ParamValidator

# By path, in which `[]` is any item: the most that there may be, and the page of https://docs.aws.amazon.com that says so.
SAID_BESIDES = {
    "DescribeServices.services": (10, "AmazonECS/latest/APIReference/API_DescribeServices.html"),
    "CreateService.serviceName": (255, "AmazonECS/latest/APIReference/API_CreateService.html"),
    "CreateService.loadBalancers": (5, "AmazonECS/latest/developerguide/register-multiple-targetgroups.html"),
    "CreateService.placementConstraints": (10, "AmazonECS/latest/APIReference/API_CreateService.html"),
    "CreateService.placementStrategy": (5, "AmazonECS/latest/APIReference/API_CreateService.html"),
    "CreateService.capacityProviderStrategy": (20, "AmazonECS/latest/APIReference/API_CreateService.html"),
    "CreateService.networkConfiguration.awsvpcConfiguration.subnets":
        (16, "AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html"),
    "CreateService.networkConfiguration.awsvpcConfiguration.securityGroups":
        (5, "AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html"),
    "RunTask.clientToken": (64, "AmazonECS/latest/APIReference/API_RunTask.html"),
    "RunTask.startedBy": (128, "AmazonECS/latest/APIReference/API_RunTask.html"),
    "RunTask.count": (10, "AmazonECS/latest/APIReference/API_RunTask.html"),
    "RunTask.placementConstraints": (10, "AmazonECS/latest/APIReference/API_RunTask.html"),
    "DescribeTasks.tasks": (100, "AmazonECS/latest/APIReference/API_DescribeTasks.html"),
    "StopTask.reason": (255, "AmazonECS/latest/APIReference/API_StopTask.html"),
    "RegisterTaskDefinition.family": (255, "AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html"),
    "RegisterTaskDefinition.containerDefinitions": (10, "AmazonECS/latest/developerguide/service-quotas.html"),
    "RegisterTaskDefinition.containerDefinitions[].name":
        (255, "AmazonECS/latest/APIReference/API_ContainerDefinition.html"),
    "RegisterTaskDefinition.containerDefinitions[].image":
        (255, "AmazonECS/latest/APIReference/API_ContainerDefinition.html"),
    "CreateLoadBalancer.Name": (32, "elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html"),
    "CreateLoadBalancer.Tags": (50, "elasticloadbalancing/latest/application/load-balancer-limits.html"),
    "CreateLoadBalancer.SecurityGroups": (5, "elasticloadbalancing/latest/application/load-balancer-limits.html"),
    "CreateTargetGroup.Name": (32, "elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html"),
    "CreateTargetGroup.Tags": (50, "elasticloadbalancing/latest/application/load-balancer-limits.html"),
    "CreateListener.Certificates": (1, "elasticloadbalancing/latest/APIReference/API_CreateListener.html"),
    "CreateListener.Tags": (50, "elasticloadbalancing/latest/application/load-balancer-limits.html"),
    "DescribeTags.ResourceArns": (20, "elasticloadbalancing/latest/APIReference/API_DescribeTags.html"),
    "AddTags.ResourceArns": (20, "elasticloadbalancing/latest/APIReference/API_AddTags.html"),
    "AddListenerCertificates.Certificates":
        (1, "elasticloadbalancing/latest/APIReference/API_AddListenerCertificates.html"),
    "ChangeResourceRecordSets.ChangeBatch.Changes":
        (1000, "Route53/latest/DeveloperGuide/DNSLimitations.html"),
}
# Bytes: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
TASK_DEFINITION = 65_536


def faults(operation, parameters):
    """A line for each."""
    shape = operation.input_shape
    report = ParamValidator().validate(parameters, shape)
    if report.has_errors():
        yield from report.generate_report().splitlines()
    yield from walk(shape, parameters, operation.name)
    if operation.name == "RegisterTaskDefinition":
        size = len(json.dumps(parameters, separators=(",", ":"), ensure_ascii=False).encode())
        if size > TASK_DEFINITION:
            yield f"RegisterTaskDefinition: {size} bytes, of at most {TASK_DEFINITION}"


def walk(shape, value, path):
    """What botocore knows and does not check itself: the greatest lengths and numbers, patterns, and enums."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        for name, member in shape.members.items():
            if name in value:
                yield from walk(member, value[name], f"{path}.{name}")
    elif kind == "list" and isinstance(value, list):
        yield from most(shape, len(value), f"{path} has {len(value)} items", path)
        for item in value:
            yield from walk(shape.member, item, f"{path}[]")
    elif kind == "map" and isinstance(value, dict):
        yield from most(shape, len(value), f"{path} has {len(value)} items", path)
        for key, item in value.items():
            yield from walk(shape.key, key, f"{path}.key")
            yield from walk(shape.value, item, f"{path}.{key}")
    elif kind == "string" and isinstance(value, str):
        yield from most(shape, len(value), f"{path} has {len(value)} characters", path)
        if shape.enum and value not in shape.enum:
            yield f"{path} is {value!r}, none of {shape.enum}"
        pattern = shape.metadata.get("pattern")
        if pattern and not re.search(in_python(pattern), value):
            yield f"{path} is {value!r}, which {pattern} does not match"
    elif kind in ("integer", "long") and isinstance(value, int):
        yield from most(shape, value, f"{path} is {value}", path)


def most(shape, size, is_so, path):
    limit = shape.metadata.get("max")
    if limit is not None and size > limit:
        yield f"{is_so}, of at most {limit}"
    limit, page = SAID_BESIDES.get(path, (None, None))
    if limit is not None and size > limit:
        yield f"{is_so}, of at most {limit} (https://docs.aws.amazon.com/{page})"


def in_python(pattern):
    """Java's classes of letters, numbers and separators, what it prints, and what it writes as two halves; and a pattern
    without anchors is meant for the whole text."""
    for java, python in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s"), (r"\p{Print}", "[ -~]"),
                         (r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")):
        pattern = pattern.replace(java, python)
    return pattern if pattern.startswith("^") or pattern.endswith("$") else f"^(?:{pattern})$"

"""What IAM would say of an operation, by `deploy/iam-policy.json` and what may be added to it: which actions it asks for,
on which resources, and in which context; and whether a statement allows each.

Resources: https://docs.aws.amazon.com/service-authorization/latest/reference/
Evaluation: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import fnmatch
import json
import re
from dataclasses import dataclass, field
from functools import cached_property

# The account, the owner id and the hosted zone of the policy, into which everybody puts their own.
ACCOUNT = "123456789012"
OWNER = "OWNER_ID"
ZONE = "example.com"


@dataclass
class Asked:
    """One action on one resource."""
    action: str
    resource: str
    context: dict = field(default_factory=dict)


class Request:
    """A request, as far as IAM is concerned. `tags_of(arn)` looks up the tags that a resource has now, and `zone_name(id)`
    the name of a hosted zone; None if there is no such thing."""

    def __init__(self, region, operation, parameters, tags_of, zone_name):
        self.region, self.operation, self.parameters = region, operation, parameters
        self.tags_of, self.zone_name = tags_of, zone_name

    def arn(self, service, name, region=None):
        return f"arn:aws:{service}:{self.region if region is None else region}:{ACCOUNT}:{name}"

    @cached_property
    def tags(self):
        """Those that the request has."""
        given = self.parameters.get("tags") or self.parameters.get("Tags") or []
        if isinstance(given, dict):
            return given
        return {tag.get("key", tag.get("Key")): tag.get("value", tag.get("Value")) for tag in given}

    def owner(self, resource):
        """The owner id that it is about: that of its own tags, or of the resource's."""
        key = "empire.dev/owner"
        return self.tags.get(key) or (self.tags_of(resource) or {}).get(key)

    def context(self, **more):
        return {f"aws:RequestTag/{key}": [value] for key, value in self.tags.items()} | more

    def passed(self, role, service):
        """A role that is given to a service."""
        return [Asked("iam:PassRole", role, {"iam:PassedToService": [service]})] if role else []

    def created(self, service, tagging, resource):
        """The tags of something that is being created are an action of their own."""
        create = {f"{service}:CreateAction": [self.operation]}
        return [Asked(f"{service}:{tagging}", resource, self.context(**create))] if self.tags else []

    def asked(self):
        """Everything that must be allowed, or the request is refused."""
        return getattr(self, self.operation)()

    # Elastic Container Service

    def cluster(self):
        return self.parameters["cluster"].rsplit("/", 1)[-1]

    def service(self, name):
        return name if name.startswith("arn:") else self.arn("ecs", f"service/{self.cluster()}/{name}")

    def in_cluster(self, **more):
        return {"ecs:cluster": [self.arn("ecs", f"cluster/{self.cluster()}")]} | more

    def with_exec(self):
        enabled = self.parameters.get("enableExecuteCommand")
        return {} if enabled is None else {"ecs:enable-execute-command": [str(enabled).lower()]}

    def ListServices(self):
        return [Asked("ecs:ListServices", "*", self.in_cluster())]

    def DescribeServices(self):
        return [Asked("ecs:DescribeServices", self.service(name)) for name in self.parameters["services"]]

    def DescribeClusters(self):
        return [Asked("ecs:DescribeClusters", self.arn("ecs", f"cluster/{name.rsplit('/', 1)[-1]}"))
                for name in self.parameters["clusters"]]

    def DescribeCapacityProviders(self):
        return [Asked("ecs:DescribeCapacityProviders", self.arn("ecs", f"capacity-provider/{name.rsplit('/', 1)[-1]}"))
                for name in self.parameters["capacityProviders"]]

    def DescribeTaskDefinition(self):
        return [Asked("ecs:DescribeTaskDefinition", "*")]

    def RegisterTaskDefinition(self):
        revision = self.arn("ecs", f"task-definition/{self.parameters['family']}:1")
        roles = [self.parameters.get(name) for name in ("executionRoleArn", "taskRoleArn")]
        containers = self.parameters["containerDefinitions"]
        # What AWS says of a container that does not speak of it, is not documented: taken for absent.
        privileged = {"ecs:privileged": ["true"]} if any(each.get("privileged") for each in containers) else {}
        compatible = {"ecs:compute-compatibility": self.parameters.get("requiresCompatibilities", [])}
        return [Asked("ecs:RegisterTaskDefinition", revision, self.context(**privileged, **compatible)),
                *self.created("ecs", "TagResource", revision),
                *(asked for role in roles for asked in self.passed(role, "ecs-tasks.amazonaws.com"))]

    def CreateService(self):
        service = self.service(self.parameters["serviceName"])
        context = self.context(**self.in_cluster(), **self.with_exec())
        return [Asked("ecs:CreateService", service, context), *self.created("ecs", "TagResource", service)]

    def UpdateService(self):
        context = self.in_cluster(**self.with_exec())
        return [Asked(f"ecs:{self.operation}", self.service(self.parameters["service"]), context)]

    DeleteService = ListServiceDeployments = UpdateService

    def StopServiceDeployment(self):
        deployment = self.parameters["serviceDeploymentArn"]
        service = deployment.replace(":service-deployment/", ":service/").rsplit("/", 1)[0]
        return [Asked("ecs:StopServiceDeployment", each) for each in (deployment, service)]

    def ListTasks(self):
        return [Asked("ecs:ListTasks", "*", self.in_cluster())]

    def DescribeTasks(self):
        return [Asked("ecs:DescribeTasks", task, self.in_cluster()) for task in self.parameters["tasks"]]

    def RunTask(self):
        definition = self.parameters["taskDefinition"]
        asked = [Asked("ecs:RunTask", definition, self.in_cluster(**self.with_exec()))]
        if self.parameters.get("propagateTags") == "TASK_DEFINITION":
            task = self.arn("ecs", f"task/{self.cluster()}/1")
            asked.append(Asked("ecs:TagResource", task, {"ecs:CreateAction": [self.operation]}))
        return asked

    def StopTask(self):
        return [Asked("ecs:StopTask", self.parameters["task"], self.in_cluster())]

    def TagResource(self):
        if "ResourceARN" in self.parameters:
            return self.scaling(self.parameters["ResourceARN"], self.context())
        if ":log-group:" in self.parameters["resourceArn"]:
            return self.logs(self.parameters["resourceArn"], self.context())
        return [Asked("ecs:TagResource", self.parameters["resourceArn"], self.context())]

    def UntagResource(self):
        if "ResourceARN" in self.parameters:
            return self.scaling(self.parameters["ResourceARN"])
        if ":log-group:" in self.parameters["resourceArn"]:
            return self.logs(self.parameters["resourceArn"])
        return [Asked("ecs:UntagResource", self.parameters["resourceArn"])]

    # Elastic Load Balancing

    def listed(self):
        return [Asked(f"elasticloadbalancing:{self.operation}", "*")]

    DescribeLoadBalancers = DescribeTargetGroups = DescribeListeners = DescribeTags = listed
    DescribeLoadBalancerAttributes = DescribeTargetGroupAttributes = DescribeListenerCertificates = listed
    DescribeTargetHealth = listed

    def in_network(self):
        """Of what the request says nothing, there is no key."""
        given = {"Scheme": as_list(self.parameters.get("Scheme") or []),
                 "Subnet": self.parameters.get("Subnets") or [],
                 "SecurityGroup": self.parameters.get("SecurityGroups") or []}
        return {f"elasticloadbalancing:{key}": values for key, values in given.items() if values}

    def made(self, resource, within=None):
        """`within` is what the new resource is made in, where that is what IAM looks at."""
        context = self.context(**self.in_network())
        return [Asked(f"elasticloadbalancing:{self.operation}", within or resource, context),
                *self.created("elasticloadbalancing", "AddTags", resource)]

    def looked_up(self, *reads):
        """What Elastic Load Balancing reads as us."""
        return [Asked(f"ec2:{read}", "*") for read in reads]

    def CreateLoadBalancer(self):
        kind = {"network": "net"}.get(self.parameters.get("Type"), "app")
        made = self.made(self.arn("elasticloadbalancing", f"loadbalancer/{kind}/{self.parameters['Name']}/1"))
        return made + self.looked_up("DescribeAccountAttributes", "DescribeAddresses", "DescribeInternetGateways",
                                     "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcs",
                                     "GetSecurityGroupsForVpc")

    def CreateTargetGroup(self):
        made = self.made(self.arn("elasticloadbalancing", f"targetgroup/{self.parameters['Name']}/1"))
        return made + self.looked_up("DescribeInternetGateways", "DescribeVpcs")

    def CreateListener(self):
        balancer = self.parameters["LoadBalancerArn"]
        return self.made(balancer.replace(":loadbalancer/", ":listener/") + "/1", within=balancer)

    def changed(self):
        named = [self.parameters[name] for name in ("LoadBalancerArn", "TargetGroupArn", "ListenerArn")
                 if name in self.parameters]
        return [Asked(f"elasticloadbalancing:{self.operation}", arn, self.context(**self.in_network()))
                for arn in named or self.parameters["ResourceArns"]]

    DeleteLoadBalancer = DeleteTargetGroup = DeleteListener = changed
    ModifyLoadBalancerAttributes = ModifyTargetGroup = ModifyTargetGroupAttributes = ModifyListener = changed
    AddListenerCertificates = RemoveListenerCertificates = SetSecurityGroups = changed
    AddTags = RemoveTags = changed

    def SetSubnets(self):
        return self.changed() + self.looked_up("DescribeSubnets")

    # Route 53

    def zone(self, **context):
        zone = self.parameters.get("HostedZoneId") or self.parameters["Id"]
        return [Asked(f"route53:{self.operation}", f"arn:aws:route53:::hostedzone/{zone}", context)]

    GetHostedZone = ListResourceRecordSets = zone

    def ChangeResourceRecordSets(self):
        changes = self.parameters["ChangeBatch"]["Changes"]
        zone = self.zone_name(self.parameters["HostedZoneId"]) or ZONE
        names = [change["ResourceRecordSet"]["Name"].lower().rstrip(".") for change in changes]
        return self.zone(**{
            "route53:ChangeResourceRecordSetsNormalizedRecordNames": [in_zone(name, zone) for name in names],
            "route53:ChangeResourceRecordSetsActions": [change["Action"] for change in changes],
            "route53:ChangeResourceRecordSetsRecordTypes": [change["ResourceRecordSet"]["Type"] for change in changes],
        })

    # EventBridge Scheduler

    def ListSchedules(self):
        return [Asked("scheduler:ListSchedules", "*")]

    def group(self):
        return self.arn("scheduler", f"schedule-group/{self.parameters['Name']}")

    def GetScheduleGroup(self):
        return [Asked("scheduler:GetScheduleGroup", self.group())]

    def ListTagsForResource(self):
        if "ResourceARN" in self.parameters:
            return self.scaling(self.parameters["ResourceARN"])
        if "resourceArn" in self.parameters:
            return self.logs(self.parameters["resourceArn"])
        return [Asked("scheduler:ListTagsForResource", self.parameters["ResourceArn"])]

    def CreateScheduleGroup(self):
        actions = ["CreateScheduleGroup", *(["TagResource"] if self.tags else [])]
        return [Asked(f"scheduler:{action}", self.group(), self.context()) for action in actions]

    def GetSchedule(self):
        schedule = self.arn("scheduler", f"schedule/{self.parameters['GroupName']}/{self.parameters['Name']}")
        role = self.parameters.get("Target", {}).get("RoleArn")
        return [Asked(f"scheduler:{self.operation}", schedule), *self.passed(role, "scheduler.amazonaws.com")]

    CreateSchedule = UpdateSchedule = DeleteSchedule = GetSchedule

    # Application Auto Scaling

    def scaling(self, resource, context=None):
        return [Asked(f"application-autoscaling:{self.operation}", resource, context or {})]

    def DescribeScalableTargets(self):
        return self.scaling("*")

    DescribeScalingPolicies = DescribeScheduledActions = DescribeScalableTargets

    def target(self):
        """Its ARN has an id that no request has; `tags_of` finds it by the service."""
        return self.arn("application-autoscaling", f"scalable-target/{self.parameters['ResourceId']}")

    def RegisterScalableTarget(self):
        context = {"application-autoscaling:service-namespace": [self.parameters["ServiceNamespace"]],
                   "application-autoscaling:scalable-dimension": [self.parameters["ScalableDimension"]]}
        asked = self.scaling(self.target(), self.context(**context))
        tagging = [Asked("application-autoscaling:TagResource", self.target(), self.context())] if self.tags else []
        return asked + tagging

    DeregisterScalableTarget = PutScheduledAction = DeleteScheduledAction = RegisterScalableTarget

    def PutScalingPolicy(self):
        """Its alarms are kept in the name of the one who calls."""
        alarm = self.arn("cloudwatch", f"alarm:TargetTracking-{self.parameters['ResourceId']}-AlarmHigh-1")
        alarms = [Asked(f"cloudwatch:{action}", alarm) for action in ("DeleteAlarms", "DescribeAlarms", "PutMetricAlarm")]
        return self.RegisterScalableTarget() + alarms

    DeleteScalingPolicy = PutScalingPolicy

    # CloudWatch Logs

    def logs(self, resource, context=None):
        return [Asked(f"logs:{self.operation}", resource, context or {})]

    def log_group(self):
        return self.arn("logs", f"log-group:{self.parameters['logGroupName']}")

    def DescribeLogGroups(self):
        return self.logs("*")

    def CreateLogGroup(self):
        tagging = [Asked("logs:TagResource", self.log_group(), self.context())] if self.tags else []
        return self.logs(self.log_group(), self.context()) + tagging

    def PutRetentionPolicy(self):
        return self.logs(self.log_group())

    AssociateKmsKey = DeleteLogGroup = PutRetentionPolicy

    # Secrets Manager, and the parameters of Systems Manager

    def DescribeSecret(self):
        """Of one that is named, the six characters at the end of its ARN are in no request."""
        secret = self.parameters["SecretId"]
        resource = secret if secret.startswith("arn:") else self.arn("secretsmanager", f"secret:{secret}-AbCdEf")
        return [Asked("secretsmanager:DescribeSecret", resource)]

    def DescribeParameters(self):
        return [Asked("ssm:DescribeParameters", "*")]

    # Security Token Service

    def AssumeRole(self):
        return [Asked("sts:AssumeRole", self.parameters["RoleArn"])]


def as_list(value):
    return value if isinstance(value, list) else [value]


def in_account(arn):
    """Emulators have accounts of their own."""
    return re.sub(r":\d{12}:", f":{ACCOUNT}:", arn, count=1)


def in_zone(name, zone):
    """Stories have zones of their own."""
    return re.sub(rf"(^|\.){re.escape(zone)}$", rf"\1{ZONE}", name)


class Policy:
    """What a role has by a policy, and by others that are added to it, by their names."""

    def __init__(self, text, added):
        self.statements = json.loads(text)["Statement"]
        self.added = {name: json.loads(text)["Statement"] for name, text in added.items()}

    def judged(self, request):
        """A line for each action that no statement allows, and the names of what was needed besides the policy."""
        faults, needs = [], set()
        for asked in request.asked():
            if asked.resource.startswith("arn:") and self.on_what_is_gone(asked, request):
                continue
            if any(allows(statement, asked, request) for statement in self.statements):
                continue
            found = {name for name, statements in self.added.items()
                     if any(allows(statement, asked, request) for statement in statements)}
            needs |= found
            if not found:
                faults.append(
                    f"{request.operation}: {asked.action} on {asked.resource} is not allowed with {asked.context}")
        return faults, sorted(needs)

    def on_what_is_gone(self, asked, request):
        """What a hand deleted in between has no tags, so IAM refuses; which the next look explains."""
        by_tag = [statement for statements in (self.statements, *self.added.values()) for statement in statements
                  if asked.action in as_list(statement["Action"]) and "aws:ResourceTag/" in json.dumps(statement)]
        return bool(by_tag) and not request.tags and request.tags_of(asked.resource) is None


def is_like(text, patterns):
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)


def allows(statement, asked, request):
    def matches(pattern, text):
        return fnmatch.fnmatchcase(text, pattern)

    return (any(matches(action, asked.action) for action in as_list(statement["Action"]))
            and any(matches(resource, in_account(asked.resource)) for resource in as_list(statement["Resource"]))
            and all(holds(operator, key, as_list(wanted), asked, request)
                    for operator, operands in statement.get("Condition", {}).items()
                    for key, wanted in operands.items()))


def holds(operator, key, wanted, asked, request):
    if key.startswith("aws:ResourceTag/"):
        tags = request.tags_of(asked.resource) or {}
        name = key.split("/", 1)[1]
        found = [tags[name]] if name in tags else []
    else:
        found = asked.context.get(key, [])
    if wanted == [OWNER]:
        # One and the same owner in all of a request.
        wanted = [request.owner(asked.resource)]
    # A negated operator holds where there is no such key.
    match operator:
        case "Null":
            return str(not found).lower() in wanted
        case "StringEquals":
            return bool(found) and all(value in wanted for value in found)
        case "StringNotEquals" | "StringEqualsIfExists" if not found:
            return True
        case "StringEqualsIfExists":
            return all(value in wanted for value in found)
        case "StringNotEquals":
            return all(value not in wanted for value in found)
        case "ArnLike":
            return bool(found) and all(is_like(in_account(value), wanted) for value in found)
        case "ForAllValues:StringEquals":
            return all(value in wanted for value in found)
        case "ForAllValues:StringLike":
            return all(is_like(value, wanted) for value in found)
    raise ValueError(f"{operator} is an operator that this judge does not know")

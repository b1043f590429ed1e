"""From an HTTP request to the operation that it calls and the operation's parameters, by botocore's service models.

Nothing is dropped: what the model has no member for comes out under the name it was sent with, and a value that is not of
its shape's type comes out as the text that was sent, so that the checks that follow see it.
"""

import json
import re
from functools import cache
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree

from botocore.session import Session

# How services sign themselves, where botocore calls them something else.
BOTOCORE_NAMES = {"elasticloadbalancing": "elbv2"}


@cache
def service_model(service):
    return Session().get_service_model(BOTOCORE_NAMES.get(service, service))


def signed_for(headers):
    """The region and the service of a request's signature."""
    scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request", headers["authorization"])
    return scope.group(1), scope.group(2)


def read(service, method, target, headers, body):
    """The operation's model, and its parameters as an SDK would be given them."""
    model = service_model(service)
    url = urlsplit(target)
    if "x-amz-target" in headers:
        operation = model.operation_model(headers["x-amz-target"].rsplit(".", 1)[-1])
        return operation, json.loads(body)
    if model.metadata.get("protocol") == "query":
        fields = dict(parse_qsl(body, keep_blank_values=True))
        operation = model.operation_model(fields.pop("Action"))
        fields.pop("Version")
        return operation, from_query(operation.input_shape, fields)
    operation, labels = routed(model, method, url.path)
    return operation, from_rest(operation, labels, dict(parse_qsl(url.query, keep_blank_values=True)), body)


def routed(model, method, path):
    for name in model.operation_names:
        operation = model.operation_model(name)
        template = urlsplit(operation.http["requestUri"])
        pattern = re.sub(r"\\\{(\w+)\\?\+?\\\}", r"(?P<\1>[^/]+)", re.escape(template.path.rstrip("/")))
        found = re.fullmatch(pattern, path.rstrip("/"))
        if operation.http["method"] == method and found:
            return operation, {label: unquote(value) for label, value in found.groupdict().items()}
    raise LookupError(f"no operation is {method} {path}")


def scalar(shape, text):
    """A value that came as text. Other than its type has it, it stays text."""
    match shape.type_name:
        case "integer" | "long" if re.fullmatch(r"-?\d+", text):
            return int(text)
        case "boolean" if text in ("true", "false"):
            return text == "true"
        case _:
            return text


def from_query(shape, fields):
    unread = dict(fields)
    parameters = query_member(shape, "", unread)
    return {**parameters, **unread}


def query_member(shape, prefix, unread):
    """Takes what begins with the prefix out of the form's fields."""
    def nested(name):
        return any(field == name or field.startswith(f"{name}.") for field in unread)

    match shape.type_name:
        case "structure":
            names = {name: f"{prefix}.{name}".lstrip(".") for name in shape.members}
            return {name: query_member(shape.members[name], field, unread)
                    for name, field in names.items() if nested(field)}
        case "list":
            items, number = [], 1
            unread.pop(prefix, None)
            while nested(f"{prefix}.member.{number}"):
                items.append(query_member(shape.member, f"{prefix}.member.{number}", unread))
                number += 1
            return items
        case _:
            return scalar(shape, unread.pop(prefix))


def from_rest(operation, labels, query, body):
    shape, parameters, unread = operation.input_shape, {}, dict(query)
    for name, member in shape.members.items():
        field = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case "uri":
                parameters[name] = scalar(member, labels[field])
            case "querystring" if field in unread:
                parameters[name] = scalar(member, unread.pop(field))
    if operation.service_model.metadata.get("protocol") == "rest-xml":
        parameters |= from_xml(shape, ElementTree.fromstring(body)) if body else {}
    elif body:
        parameters |= json.loads(body)
    return {**parameters, **unread}


def from_xml(shape, node):
    match shape.type_name:
        case "structure":
            names = {member.serialization.get("name", name): name for name, member in shape.members.items()}
            parameters = {}
            for child in node:
                tag = child.tag.rsplit("}", 1)[-1]
                name = names.get(tag, tag)
                member = shape.members.get(name)
                parameters[name] = child.text if member is None else from_xml(member, child)
            return parameters
        case "list":
            return [from_xml(shape.member, child) for child in node]
        case _:
            return scalar(shape, node.text or "")

"""Checks JSON values and HTTP answers against openapi.json: the subset of JSON Schema it uses."""
import json
import re


class Mismatch(AssertionError):
    """What was answered is not what the description says."""


TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}
# Every keyword of a schema must be one that is checked here, or says nothing about values.
CHECKED = {"type", "const", "enum", "properties", "required", "additionalProperties", "items",
           "maxItems", "minimum", "maximum", "minLength", "maxLength", "pattern", "anyOf", "$ref"}
SILENT = {"description", "format", "default"}


class Description:
    """openapi.json, and which of it has been seen."""

    def __init__(self, text):
        self.document = json.loads(text)
        self.seen = set()  # (method, path, status)

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for step in node["$ref"].lstrip("#/").split("/"):
                target = target[step]
            node = target
        return node

    def operations(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def operation(self, method, path):
        item = self.document["paths"].get(path, {})
        return item.get(method.lower())

    def check_answer(self, method, path, answer):
        """An answer to a described operation: its status, headers and body."""
        operation = self.operation(method, path)
        if operation is None:
            return
        where = f"{method} {path} {answer.status}"
        response = operation["responses"].get(str(answer.status))
        if response is None:
            raise Mismatch(f"{where}: this status is not described; {answer.body[:300]!r}")
        response = self.resolve(response)
        self.seen.add((method, path, answer.status))
        for name, header in response.get("headers", {}).items():
            value = answer.headers.get(name)
            if value is None:
                raise Mismatch(f"{where}: the header {name} is missing")
            self.check(self.resolve(header)["schema"], value, f"{where} header {name}")
        if method == "HEAD":
            return
        content = response.get("content", {})
        media = answer.headers.get("Content-Type", "").split(";")[0]
        schema = content.get(media) or content.get("*/*")
        if content and schema is None:
            raise Mismatch(f"{where}: Content-Type {media!r} is not described")
        if content and media == "application/json" and "*/*" not in content:
            self.check(schema["schema"], json.loads(answer.body), where)
        if not content and answer.body:
            raise Mismatch(f"{where}: a body that is not described")

    def check(self, schema, value, where):
        schema = self.resolve(schema)
        unknown = set(schema) - CHECKED - SILENT
        if unknown:
            raise Mismatch(f"{where}: the validator does not know {unknown}")

        def need(good, what):
            if not good:
                raise Mismatch(f"{where}: {what}, got {json.dumps(value)[:200]}")

        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            need(any(TYPES[t](value) for t in types), f"wants {types}")
        if "const" in schema:
            same = value == schema["const"] and type(value) is type(schema["const"])
            need(same, f"wants {schema['const']!r}")
        if "enum" in schema:
            need(value in schema["enum"], f"wants one of {schema['enum']}")
        if "anyOf" in schema:
            problems = []
            for choice in schema["anyOf"]:
                try:
                    self.check(choice, value, where)
                    break
                except Mismatch as problem:
                    problems.append(str(problem))
            else:
                raise Mismatch("; ".join(problems))
        if isinstance(value, str):
            need(len(value) >= schema.get("minLength", 0), "too short")
            need(len(value) <= schema.get("maxLength", len(value)), "too long")
            need("pattern" not in schema or re.search(schema["pattern"], value),
                 f"wants {schema.get('pattern')}")
        if TYPES["number"](value):
            need(value >= schema.get("minimum", value), "too small")
            need(value <= schema.get("maximum", value), "too large")
        if isinstance(value, list):
            need(len(value) <= schema.get("maxItems", len(value)), "too many items")
            for index, item in enumerate(value):
                self.check(schema.get("items", {}), item, f"{where}[{index}]")
        if isinstance(value, dict):
            properties = schema.get("properties", {})
            need(set(schema.get("required", [])) <= set(value), "a field is missing")
            if schema.get("additionalProperties") is False:
                need(set(value) <= set(properties), "a field is not described")
            for name, item in value.items():
                self.check(properties.get(name, {}), item, f"{where}.{name}")

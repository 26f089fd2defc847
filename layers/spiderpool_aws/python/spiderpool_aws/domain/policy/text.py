"""The policy's text to its document: YAML (JSON is YAML, too) of mappings, lists, texts, numbers and truth values."""

from typing import Any

import yaml

from spiderpool_aws.domain.errors import PolicyError

_TAGS = ("map", "seq", "str", "int", "float", "bool", "null")


class _Loader(yaml.SafeLoader):
    """SafeLoader, but a key that is given twice is an error: the last one would silently win."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise yaml.MarkedYAMLError(problem=f"{key.value!r} is given twice", problem_mark=key.start_mark)
                seen.add((key.tag, key.value))
        return node


# No field is a time, and a name such as 2026-01-01 stays the text that somebody wrote.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_UNKNOWN = yaml.SafeLoader.yaml_constructors[None]
_Loader.yaml_constructors = {
    None: _UNKNOWN,
    **{tag: yaml.SafeLoader.yaml_constructors[tag] for tag in (f"tag:yaml.org,2002:{name}" for name in _TAGS)},
}


def read_document(text: str) -> dict[Any, Any]:
    """Return the mapping that a text holds. Raises PolicyError, and nothing else, for what is none."""
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader that knows less
    except yaml.YAMLError as error:
        raise PolicyError(f"the policy is not YAML: {_say(error)}") from None
    except RecursionError:
        raise PolicyError("the policy is nested too deeply: a policy has no more than eight levels") from None
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        # What PyYAML's constructors let through for a text that a tag such as `!!int` calls something else.
        raise PolicyError(f"the policy is not YAML: a value is not what it is called ({error})") from None
    if not isinstance(document, dict):
        raise PolicyError("the policy is not a mapping: it starts with `version: 1`")
    return document


def _say(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}, column {error.problem_mark.column + 1}: {error.problem}"
    return " ".join(str(error).split())

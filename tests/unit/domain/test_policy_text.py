"""Whatever text is put into the parameter, the answer is a policy or a PolicyError: nothing else may come out."""

import pytest

from spiderpool_aws.domain.errors import PolicyError
from spiderpool_aws.domain.policy.model import parse_policy
from spiderpool_aws.domain.policy.text import read_document

MANY = 5000
NO_POLICIES = [
    pytest.param("", "not a mapping", id="nothing"),
    pytest.param("- 1", "not a mapping", id="a list"),
    pytest.param("a: [", "line 1, column 5: expected", id="a list that does not end"),
    pytest.param("a: 1\nb: 2\na: 3", "line 3, column 1: 'a' is given twice", id="a key given twice"),
    pytest.param('{"a": {"b": 1, "b": 2}}', "'b' is given twice", id="a key given twice in JSON"),
    pytest.param("a: !!int abc", "invalid literal for int", id="a word that is called a number"),
    pytest.param("a: !!float abc", "could not convert", id="a word that is called a fraction"),
    pytest.param("a: !!bool abc", "not what it is called", id="a word that is called a truth value"),
    pytest.param("a: !!timestamp x", "could not determine a constructor", id="a word that is called a time"),
    pytest.param("a: !!python/object:os.system {}", "could not determine a constructor", id="an object of Python"),
    pytest.param(f"a: {'9' * MANY}", "limit", id="more digits than Python reads"),
    pytest.param("[" * MANY, "nested too deeply", id="lists without end"),
    pytest.param("{a: " * MANY, "nested too deeply", id="mappings without end"),
    pytest.param("? [a]\n: 1", "unhashable key", id="a list for a key"),
    pytest.param("a: *b", "undefined alias", id="an alias of nothing"),
    pytest.param("a: \0", "not allowed", id="a control character"),
    pytest.param("a: 1\n---\nb: 1", "line 2, column 1: but found another document", id="two documents"),
]


@pytest.mark.parametrize(("text", "message"), NO_POLICIES)
def test_what_is_no_document_is_refused(text: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        parse_policy(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("version: 0x" + "f" * MANY, id="more digits than Python writes"),
        pytest.param("version: &a {<<: *a}", id="a mapping that is merged into itself"),
        pytest.param("groups: &a [*a]", id="a list that holds itself"),
        pytest.param("1: 2\nversion: 1", id="a number for a key"),
        pytest.param('cluster: "\\ud800"', id="half of a character"),
    ],
)
def test_a_document_of_odd_values_is_refused_like_any_other(text: str) -> None:
    with pytest.raises(PolicyError):
        parse_policy(text)


@pytest.mark.parametrize("text", ["2026-99-99", "2026-01-01", "2026-01-01T25:61:61Z"])
def test_what_looks_like_a_time_stays_the_text_that_it_is(text: str) -> None:
    assert read_document(f"cluster: {text}") == {"cluster": text}


def test_a_merged_mapping_may_be_overridden() -> None:
    text = "base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}"
    assert read_document(text)["other"] == {"a": 1, "b": 3}

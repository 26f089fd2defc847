import pytest

from spiderpool_aws.domain.request import ReconcileRequest
from spiderpool_aws.messages import decode, decode_of_group, encode


@pytest.mark.parametrize("subject", ["i-0123456789abcdef0", "eni-0a", "eni-attach-0b"])
def test_a_request_comes_back_as_it_was_sent(subject: str) -> None:
    request = ReconcileRequest(subject, "event-1", "AttachNetworkInterface: ä")
    assert decode(encode(request)) == request


def test_the_same_request_is_always_the_same_text() -> None:
    request = ReconcileRequest("i-0a", "e", "resync")
    assert encode(request) == '{"eventId":"e","reason":"resync","subject":"i-0a"}'


def test_keys_of_a_later_version_are_passed_over() -> None:
    assert decode('{"eventId":"e","reason":"r","subject":"i-0a","more":1}').subject == "i-0a"


@pytest.mark.parametrize("hints", ['"spot"', "[[]]", "[{}]", "[null, 1]", '["one-of-a-later-version"]'])
def test_a_hint_that_is_none_is_passed_over(hints: str) -> None:
    assert decode(f'{{"eventId":"e","reason":"r","subject":"i-0a","hints":{hints}}}').hints == frozenset()


def test_a_message_of_another_instances_group_is_refused_for_the_group_is_the_lock() -> None:
    text = encode(ReconcileRequest("i-0a", "e", "r"))
    assert decode_of_group(text, "i-0a").subject == "i-0a"
    with pytest.raises(ValueError, match="about i-0a, but in the group of i-0b"):
        decode_of_group(text, "i-0b")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{", "not JSON", id="no JSON"),
        pytest.param("[]", "not a JSON object", id="no object"),
        pytest.param("[" * 100_000, "nested too deeply", id="JSON without end"),
        pytest.param(f'{{"a":{"1" * 5000}}}', "no request .Exceeds the limit", id="a number without end"),
        pytest.param(
            '{"subject":"i-0a","eventId":"\\ud800","reason":"r"}', "surrogates not allowed", id="half a character"
        ),
        pytest.param('{"eventId":"e","reason":"r"}', "no text 'subject'", id="no subject"),
        pytest.param('{"subject":"i-0a","reason":"r"}', "no text 'eventId'", id="no event"),
        pytest.param('{"subject":"i-0a","eventId":"e","reason":1}', "no text 'reason'", id="a reason that is no text"),
        pytest.param('{"subject":"node-1","eventId":"e","reason":"r"}', "'node-1' is no instance", id="another thing"),
        pytest.param('{"subject":"i-0a","eventId":"","reason":"r"}', "eventId is empty", id="empty event"),
    ],
)
def test_a_message_that_is_none_says_why(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        decode(text)

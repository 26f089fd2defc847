"""What all describes have in common: ids, filters, pages.

With ids, one that does not exist fails the whole call, and MaxResults is refused; without, what does not match is
left out. A page token says where to go on in the order of creation, so that things that come or go between two pages
neither repeat nor hide others.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from spiderpool_aws.local.ec2.documents import Document, Documents
from spiderpool_aws.local.ec2.errors import Ec2Error, check_id, combination_error, not_found, value_error
from spiderpool_aws.local.ec2.filters import FilterTable, is_exact
from spiderpool_aws.local.ec2.registry import Params
from spiderpool_aws.local.ec2.rendering import copy


@dataclass(frozen=True, slots=True)
class Describe:
    """How one describe names its ids and pages its results."""

    ids_parameter: str
    ids_name: str  # as the error message has it
    prefix: str
    filters: FilterTable
    indexed: tuple[str, ...] = ()
    """The filters that `Documents` has an index of, beside `tag:<key>`."""
    least: int = 5
    most: int = 1000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of documents, copied for the caller."""

    documents: list[Document]
    next_token: str | None


def describe_stored(how: Describe, documents: Documents, params: Params) -> Page:
    """Describe instances or NICs: by id, by an indexed filter, or by looking at all of them."""
    ids = params.get(how.ids_parameter)
    matches = how.filters.compile(params.get("Filters", ()))
    scope = _scope(how, params)
    limit, after = _paging(how, params, scope)
    if ids:
        found = _by_id(how, ids, documents.get)
        return Page([copy(document) for document in found if matches(document)], None)
    filters = params.get("Filters", ())
    candidates = _candidates(how, documents, filters)
    return _page(
        (
            (documents.number(identifier), document)
            for identifier, document in candidates
            if documents.number(identifier) > after and matches(document)
        ),
        limit,
        scope,
    )


def describe_listed(how: Describe, documents: Iterable[tuple[str, Document]], params: Params) -> Page:
    """Describe what is rendered for the call: (id, document) in a stable order."""
    listed = dict(documents)
    ids = params.get(how.ids_parameter)
    matches = how.filters.compile(params.get("Filters", ()))
    scope = _scope(how, params)
    limit, after = _paging(how, params, scope)
    if ids:
        return Page([copy(document) for document in _by_id(how, ids, listed.get) if matches(document)], None)
    numbered = enumerate(listed.values(), start=1)
    return _page(((number, doc) for number, doc in numbered if number > after and matches(doc)), limit, scope)


def _by_id(how: Describe, ids: Sequence[str], get: Callable[[str], Document | None]) -> list[Document]:
    found: list[Document] = []
    absent: list[str] = []
    for identifier in dict.fromkeys(ids):
        if how.prefix:
            check_id(how.prefix, identifier)
        document = get(identifier)
        if document is None:
            absent.append(identifier)
        else:
            found.append(document)
    if absent and how.prefix:
        raise not_found(how.prefix, absent)
    if absent:
        raise Ec2Error("InvalidInstanceType", f"The following supplied instance types do not exist: {absent}")
    return found


def _candidates(how: Describe, documents: Documents, filters: Sequence[Params]) -> Iterator[tuple[str, Document]]:
    usable = [given for given in filters if _is_indexed(how, given["Name"]) and is_exact(given["Values"])]
    if not usable:
        return documents.all()
    # The filters are and-ed, so whichever leaves the fewest will do: a cluster's tag is on everything.
    narrowest = min(usable, key=lambda given: documents.count(given["Name"], given["Values"]))
    ids = documents.indexed(narrowest["Name"], narrowest["Values"])
    found = ((identifier, documents.get(identifier)) for identifier in ids)
    return ((identifier, document) for identifier, document in found if document is not None)


def _is_indexed(how: Describe, name: str) -> bool:
    return name in how.indexed or name.startswith("tag:")


def _page(numbered: Iterable[tuple[int, Document]], limit: int, scope: str) -> Page:
    page: list[Document] = []
    last = 0
    for number, document in numbered:
        if len(page) == limit:
            return Page(page, _token(last, scope))
        page.append(copy(document))
        last = number
    return Page(page, None)


def _paging(how: Describe, params: Params, scope: str) -> tuple[int, int]:
    """Return the page size and the number of the last thing on the page before.

    Without MaxResults a page is the largest there is: an answer without a token may then be taken for all.
    """
    limit: int | None = params.get("MaxResults")
    token = params.get("NextToken")
    if params.get(how.ids_parameter) and (limit is not None or token):
        raise combination_error(f"The parameter {how.ids_name} cannot be used with the parameter maxResults")
    if limit is not None and limit < how.least:
        raise value_error(
            f"Value ( {limit} ) for parameter maxResults is invalid. Expecting a value greater than {how.least}."
        )
    if limit is not None and limit > how.most:
        # EC2 takes a larger value for the largest it allows in some calls; refusing it is never kinder.
        raise value_error(
            f"Value ( {limit} ) for parameter maxResults is invalid. Expecting a value smaller than {how.most}."
        )
    return limit or how.most, _number(token, scope) if token else 0


def _scope(how: Describe, params: Params) -> str:
    """Return what a page token belongs to: the operation and its filters, in whatever order they are given."""
    filters = sorted(
        (str(one.get("Name")), sorted(map(str, one.get("Values", ())))) for one in params.get("Filters", ())
    )
    return hashlib.sha256(repr((how.ids_parameter, filters)).encode()).hexdigest()[:16]


def _token(number: int, scope: str) -> str:
    return base64.urlsafe_b64encode(f"after:{number}:{scope}".encode()).decode()


def _number(token: str, scope: str) -> int:
    try:
        kind, number, given = base64.urlsafe_b64decode(token).decode().split(":")
    except (binascii.Error, ValueError) as error:
        raise _bad_token() from error
    # EC2 wants the same request again with the token; it does not say that it notices another one, so this is strict.
    if kind != "after" or not number.isdigit() or given != scope:
        raise _bad_token()
    return int(number)


def _bad_token() -> Ec2Error:
    return Ec2Error("InvalidNextToken", "The specified NextToken is not valid.")

"""Finding the style at services that do not say ``invalid_client`` of a wrong one."""

from dataclasses import replace

import httpx
import pytest

from broker.model import Secret, StyleFinding, StyleVerdict, Sureness
from broker.model import TokenRequestStyle as Style
from broker.oauth import Revoker, TokenEndpoint
from broker.oauth.style_probe import StyleProbe
from broker.outbound import Outbound
from tests.fakes.client_styles import CLIENT_SECRET, Answer, Shop, says
from tests.fakes.deaf_services import (
    BASIC,
    FORMS,
    IN_BODY,
    IN_HEADER,
    JSON_BASIC,
    JSON_POST,
    JSONS,
    POST,
    TO_FORMS,
    TO_JSON,
    WITHOUT_HEADER,
    deaf,
)
from tests.unit.oauth_answers import REDIRECT_URI, SERVER, StoppedClock

READS_JSON = pytest.mark.parametrize("answer", TO_FORMS.values(), ids=TO_FORMS)
READS_FORMS = pytest.mark.parametrize("answer", TO_JSON.values(), ids=TO_JSON)
READS_HEADERS = pytest.mark.parametrize("answer", WITHOUT_HEADER.values(), ids=WITHOUT_HEADER)


def find(shop: Shop, secret: str = CLIENT_SECRET, **changes: object) -> StyleFinding:
    clock = StoppedClock()
    outbound = Outbound(clock, httpx.MockTransport(shop))
    probe = StyleProbe(TokenEndpoint(outbound, clock), Revoker(outbound, clock), clock)
    server = replace(SERVER, **changes)  # type: ignore[arg-type] # any member
    found = probe.find(server, Secret(secret), redirect_uri=REDIRECT_URI, deadline=60.0)
    assert found.requests == len(shop.sent) <= 10
    refused = [each.style for each in shop.sent if not each.real]
    assert len(refused) <= (8 if secret != CLIENT_SECRET else 4)
    return found


@READS_JSON
@pytest.mark.parametrize("style", JSONS)
def test_json_is_found_whatever_forms_are_told(answer: Answer, style: Style) -> None:
    found = find(deaf(answer, FORMS, [style]))
    assert (found.verdict, found.style, found.sure) == (
        StyleVerdict.PROVEN,
        style,
        Sureness.CERTAIN,
    )


@READS_HEADERS
@pytest.mark.parametrize("style", IN_HEADER)
def test_a_header_is_found_whatever_is_said_without_one(answer: Answer, style: Style) -> None:
    found = find(deaf(answer, IN_BODY, [style]))
    assert (found.proven, found.style) == (True, style)


@READS_FORMS
@pytest.mark.parametrize("style", FORMS)
def test_a_form_is_found_whatever_json_is_told(answer: Answer, style: Style) -> None:
    found = find(deaf(answer, JSONS, [style]))
    assert (found.proven, found.style) == (True, style)


@READS_JSON
def test_where_the_code_is_looked_at_first_it_is_sent_as_json(answer: Answer) -> None:
    found = find(deaf(answer, FORMS, [JSON_POST], code_first=True))
    assert found.verdict is StyleVerdict.UNDECIDED
    assert set(found.candidates[:2]) == set(JSONS)


@READS_HEADERS
def test_where_the_code_is_looked_at_first_it_is_sent_with_a_header(answer: Answer) -> None:
    found = find(deaf(answer, (*IN_BODY, JSON_BASIC), [BASIC], code_first=True))
    assert (found.verdict, found.style) == (StyleVerdict.UNDECIDED, BASIC)


@pytest.mark.parametrize("name", [one for one in TO_FORMS if one not in ("generic", "validation")])
def test_a_wrong_secret_is_known_where_only_json_is_read(name: str) -> None:
    found = find(deaf(TO_FORMS[name], FORMS, JSONS), "canary-another-secret")
    assert (found.verdict, found.candidates) == (StyleVerdict.CLIENT_REFUSED, (JSON_POST,))


@READS_FORMS
def test_a_wrong_secret_is_known_where_only_forms_are_read(answer: Answer) -> None:
    found = find(deaf(answer, JSONS, FORMS), "canary-another-secret")
    assert (found.verdict, found.candidates) == (StyleVerdict.CLIENT_REFUSED, (POST,))


def test_a_method_that_is_looked_at_after_the_secret_is_not_taken_for_the_right_one() -> None:
    wrong_method = says(400, "invalid_request", "Not for this client.")
    refused = says(401, "invalid_client")

    def answered() -> httpx.Response:
        return (wrong_method if shop.sent[-1].real else refused)()

    shop = deaf(answered, [POST], [BASIC])
    found = find(shop)
    assert (found.style, found.sure) == (BASIC, Sureness.CERTAIN)


def test_a_wrong_secret_with_an_error_of_the_services_own_is_told_apart() -> None:
    found = find(Shop([POST], unheard=says(400, "some_error", "Unauthorized")))
    assert (found.proven, found.style, found.sure) == (True, POST, Sureness.LIKELY)


def test_what_forms_alone_revoke_proves_nothing_of_json() -> None:
    shop = deaf(TO_FORMS["415"], FORMS, [POST], code_first=True)
    found = find(shop, revocation_endpoint="https://login.example.com/revoke")
    assert found.verdict is StyleVerdict.UNDECIDED
    assert found.style is JSON_POST

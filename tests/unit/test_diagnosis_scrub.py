import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.diagnosis import Evidence, Kind, Step, media_type, printable, scrub, short_code

TOKENS = [
    "ya29.a0AfH6SMBx3jK8vQz1",
    "xoxe.xoxp-1-Mi0yLTEyMzQ1Njc4OTA",
    "1//0gabcDEF1234567890-xyz",
    "gho_16C7e42F292c6912E7710c838347Ae178B4a",
    "5d41402abc4b2a76b9719d911017c592",
    "8f14e45f-ceea-467f-a83c-2d8a1b9c0d3e",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJqbyJ9.c2lnbmF0dXJl",
    "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    "czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3",
    "tGzvjOkFXGQxTlKWIAbCdEfGh",
    "aB+cD/eF1gH2iJ3kL4mN5oP6qR7s==",
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnop",
]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    "text",
    ["{}", "Invalid refresh token: {}", "token={}", "“{}” is dead.", "({}), sorry", "a {}\nb"],
)
def test_a_token_is_taken_out(token: str, text: str) -> None:
    assert token not in scrub(text.format(token))


@pytest.mark.parametrize(
    "text",
    [
        "The code passed is incorrect or expired.",
        "Content-Type must be application/x-www-form-urlencoded",
        "unsupported_grant_type: code_challenge_methods_supported",
        "AADSTS700082: The refresh token has expired due to inactivity.",
        "MISMATCH_REDIRECT_URI_AUTH_CODE",
        "expected internationalization-of-authorization",
        "redirectUriMismatchException in OAuth2",
        "https://broker.example.com/callback/crm does not match",
        "see https://login.microsoftonline.com/8f14e45f-ceea-467f-a83c-2d8a1b9c0d3e/v2.0",
    ],
)
def test_ordinary_words_stay(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user jo.doe+x@mail.example.com failed", "user …@mail.example.com failed"),
        ("https://a.example/p?code=x#y", "https://a.example/p?…"),
        ("https://user:pw@a.example:8443/p", "https://a.example:8443/p"),
        ("uri=https://a.example/p?code=x is bad", "uri=https://a.example/p?… is bad"),
        ("https://a.example/hook/T0000aBcD1234eFgH5678", "https://a.example/hook/…"),
        ("https://[::1", "…"),
        ("client_secret=abc&code=def", "client_secret=…&code=…"),
        ("a\u202eb\x00c\u200bd\ud800e\r\n\tf", "abcde f"),
        ("", ""),
    ],
)
def test_what_may_hold_a_secret_or_move_text_is_taken_out(text: str, expected: str) -> None:
    assert scrub(text) == expected


@pytest.mark.parametrize("secret", ["word", "a b+c", "%41é", "hunter2!"])
def test_a_secret_that_looks_like_a_word_is_hidden_when_it_is_named(secret: str) -> None:
    from urllib.parse import quote, quote_plus

    text = f"raw {secret} url {quote(secret, safe='')} form {quote_plus(secret)} end"
    assert scrub(text, [secret]) == "raw … url … form … end"


def test_an_empty_or_tiny_secret_hides_nothing() -> None:
    assert scrub("a banana", ["", "a", "an"]) == "a banana"


def test_at_most_200_characters_are_shown() -> None:
    shown = scrub("word " * 100)
    assert len(shown) == 200
    assert shown.endswith("…")


def test_a_token_cut_off_by_the_limit_of_what_is_read_is_not_shown_in_part() -> None:
    text = ("h" * 480 + " ") * 4 + "word " * 14 + "cut-secret"
    assert scrub(text, ["cut-secret"]).endswith("word")


@given(st.text())
def test_scrubbing_again_changes_nothing(text: str) -> None:
    once = scrub(text)
    assert scrub(once) == once
    assert len(once) <= 200
    once.encode("utf-8")


@pytest.mark.parametrize("text", ["A" * 2000, "a-" * 1000, "x://" * 500, "a@" * 900, "=" * 2000])
def test_hostile_text_is_scrubbed_without_blowing_up(text: str) -> None:
    scrub(text * 50)


@pytest.mark.parametrize(
    "code", ["invalid_grant", "AADSTS700082", "OAUTH_014", "a.b-c", "E0000011", "x" * 15]
)
def test_an_error_code_stays(code: str) -> None:
    assert short_code(code) == code


@pytest.mark.parametrize(
    "code", [None, 5, "", "a b", "x" * 65, "<b>", "é", "a\n", *TOKENS[:1], *TOKENS[3:8]]
)
def test_what_is_no_error_code_is_dropped(code: object) -> None:
    assert short_code(code) is None


def test_a_code_that_holds_a_named_secret_is_dropped() -> None:
    assert short_code("bad_hunter2", ["hunter2"]) is None


def test_printable_text_has_nothing_invisible() -> None:
    assert printable(" a\u200f\u2066b\x07 \n c\ud800\u00ad ") == "ab c"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("text/html; charset=utf-8", "text/html"),
        ("Application/JSON", "application/json"),
        (None, None),
        ("", None),
        ("nonsense", "other"),
        ("x/secret-that-a-server-echoes", "other"),
        ("<b>/x", "other"),
    ],
)
def test_a_media_type_is_the_bare_one(header: str | None, expected: str | None) -> None:
    assert media_type(header) == expected


def test_evidence_is_scrubbed_whatever_is_put_in() -> None:
    token = TOKENS[3]
    evidence = Evidence(
        Step.EXCHANGE,
        Kind.REFUSED,
        status=400,
        content_type=f"text/html; x={token}",
        error=token,
        description=f"no {token}",
        facts={"where": f"https://a.example/?t={token}", "n": 3, "yes": True},
    )
    assert token not in repr(evidence)
    assert evidence.facts["n"] == 3
    assert evidence.error is None


def test_evidence_says_in_one_line_what_was_seen() -> None:
    evidence = Evidence(
        Step.EXCHANGE,
        Kind.REFUSED,
        status=400,
        content_type="application/json",
        error="invalid_grant",
        description="Code was used.",
    )
    expected = "exchange: refused HTTP 400 application/json: invalid_grant, “Code was used.”"
    assert evidence.seen == expected
    assert Evidence(Step.MCP, Kind.NO_ANSWER).seen == "mcp: no_answer"

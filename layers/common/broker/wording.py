"""What end users read: short, friendly, and in their language where we have it.

A service's name is the builder's text and is shown as such; nothing an authorization server or
MCP server said is ever part of a sentence.
"""

import re
from collections.abc import Mapping

DEFAULT_LOCALE = "en"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "not_connected": "To do this, {chat} needs access to your {service} account.",
        "reconnect_required": "Your {service} account needs to be connected again.",
        "because_refresh_rejected": "{service} no longer accepts this connection.",
        "because_ambiguous_refresh": "{service} did not confirm a renewal of the access, and no"
        " longer accepts this connection.",
        "because_revoked": "The access was withdrawn at {service}.",
        "because_rejected_by_server": "{service} refuses the access that was given for it.",
        "because_server_changed": "{service} was set up anew here since you connected.",
        "because_expired_without_refresh": "The access has run out, and {service} gave no means to"
        " renew it without you.",
        "additional_scope": "To do this, {chat} needs one more permission in your {service}"
        " account.",
        "button_not_connected": "Connect {service} account",
        "button_reconnect_required": "Reconnect {service} account",
        "button_additional_scope": "Allow in {service}",
        "several": "To do this, {chat} needs access to your accounts at: {services}.",
        "button_several": "Connect accounts",
        "detail_several": "You sign in at each service itself. {chat} asks only for the data that"
        " these apps need, never sees your passwords, and you can disconnect at any time.",
        "open_link": "Open this link to go on: {link}",
        "connect_in_chat": "Connect the account in {chat} first, then try again.",
        "not_connected_now": "The {service} account was not connected, so nothing was done.",
        "connected_now": "The {service} account is connected. List the tools again to see them.",
        "connect_tool": "Connect the user's {service} account. Its tools are listed once the"
        " account is connected.",
        "cannot_ask": "{service} asks for more input than this client can give.",
        "detail": "You sign in at {service} itself. {chat} asks only for the data that this app"
        " needs, never sees your password, and you can disconnect at any time.",
        "connected_title": "Connected",
        "connected": "Your {service} account is connected. You can close this window.",
        "failed_title": "That did not work",
        "link_expired": "This link has expired or was already used. Go back to the chat and ask"
        " for a new one.",
        "other_browser": "This sign-in was started in another browser or window, so it was not"
        " used. Go back to the chat and start again.",
        "access_denied": "You did not allow the access, and nothing was connected.",
        "service_refused": "{service} did not complete the sign-in, and nothing was connected."
        " Go back to the chat and try again.",
        "account_refused": "The connection could not be made. Go back to the chat and try again.",
        "copy_title": "Signed in",
        "copy": "Copy this code to where you started the test. It is valid for two minutes.",
        "consent_title": "Connect {service}",
        "consent": "{chat} asks to connect a {service} account for the user {user}. Go on only"
        " if you started this yourself and {user} is you.",
        "consent_button": "Continue to {service}",
        "consent_detail": "If somebody sent you this link, close this window.",
    },
    "de": {
        "not_connected": "Dafür braucht {chat} Zugriff auf dein Konto bei {service}.",
        "reconnect_required": "Dein Konto bei {service} muss neu verbunden werden.",
        "because_refresh_rejected": "{service} nimmt diese Verbindung nicht mehr an.",
        "because_ambiguous_refresh": "{service} hat eine Verlängerung des Zugriffs nicht bestätigt"
        " und nimmt diese Verbindung nicht mehr an.",
        "because_revoked": "Der Zugriff wurde bei {service} zurückgezogen.",
        "because_rejected_by_server": "{service} lehnt den Zugriff ab, der dafür gegeben wurde.",
        "because_server_changed": "{service} wurde hier neu eingerichtet, seit du dein Konto"
        " verbunden hast.",
        "because_expired_without_refresh": "Der Zugriff ist abgelaufen, und {service} bietet keinen"
        " Weg, ihn ohne dich zu verlängern.",
        "additional_scope": "Dafür braucht {chat} eine weitere Berechtigung in deinem Konto bei"
        " {service}.",
        "button_not_connected": "{service}-Konto verbinden",
        "button_reconnect_required": "{service}-Konto neu verbinden",
        "button_additional_scope": "Bei {service} erlauben",
        "several": "Dafür braucht {chat} Zugriff auf deine Konten bei: {services}.",
        "button_several": "Konten verbinden",
        "detail_several": "Du meldest dich direkt bei jedem Dienst an. {chat} fragt nur nach den"
        " Daten, die diese Apps brauchen, sieht nie deine Passwörter, und du kannst jede"
        " Verbindung jederzeit trennen.",
        "open_link": "Öffne diesen Link, um fortzufahren: {link}",
        "connect_in_chat": "Verbinde das Konto zuerst in {chat} und versuche es dann noch einmal.",
        "not_connected_now": "Das Konto bei {service} wurde nicht verbunden, also geschah nichts.",
        "connected_now": "Das Konto bei {service} ist verbunden. Frag die Werkzeuge noch einmal ab,"
        " um sie zu sehen.",
        "connect_tool": "Verbindet das Konto des Nutzers bei {service}. Die Werkzeuge stehen in der"
        " Liste, sobald das Konto verbunden ist.",
        "cannot_ask": "{service} fragt nach mehr Angaben, als dieser Client geben kann.",
        "detail": "Du meldest dich direkt bei {service} an. {chat} fragt nur nach den Daten, die"
        " diese App braucht, sieht nie dein Passwort, und du kannst die Verbindung jederzeit"
        " trennen.",
        "connected_title": "Verbunden",
        "connected": "Dein Konto bei {service} ist verbunden. Du kannst dieses Fenster schließen.",
        "failed_title": "Das hat nicht geklappt",
        "link_expired": "Dieser Link ist abgelaufen oder schon benutzt. Geh zurück zum Chat und"
        " lass dir einen neuen geben.",
        "other_browser": "Diese Anmeldung wurde in einem anderen Browser oder Fenster begonnen"
        " und deshalb nicht verwendet. Geh zurück zum Chat und beginne neu.",
        "access_denied": "Du hast den Zugriff nicht erlaubt, und nichts wurde verbunden.",
        "service_refused": "{service} hat die Anmeldung nicht abgeschlossen, und nichts wurde"
        " verbunden. Geh zurück zum Chat und versuche es noch einmal.",
        "account_refused": "Die Verbindung kam nicht zustande. Geh zurück zum Chat und versuche"
        " es noch einmal.",
        "copy_title": "Angemeldet",
        "copy": "Kopiere diesen Code dorthin, wo du den Test gestartet hast. Er gilt zwei Minuten.",
        "consent_title": "{service} verbinden",
        "consent": "{chat} möchte für {user} ein Konto bei {service} verbinden. Mach nur weiter,"
        " wenn du das selbst begonnen hast und {user} bist.",
        "consent_button": "Weiter zu {service}",
        "consent_detail": "Wenn dir jemand diesen Link geschickt hat, schließe dieses Fenster.",
    },
}


def locale_of(wanted: str | None) -> str:
    """Return the locale we have that fits a BCP 47 tag best."""
    language = (wanted or "").replace("_", "-").partition("-")[0].lower()
    return language if language in _TEXTS else DEFAULT_LOCALE


def say(key: str, locale: str | None, **names: str) -> str:
    """Return one sentence; ``names`` fill in chat, service and user."""
    text = _TEXTS[locale_of(locale)][key]
    return _PLACEHOLDER.sub(lambda found: names.get(found[1], found[0]), text)

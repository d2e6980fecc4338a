"""Takes secrets out of free text: tokens, keys, passwords, card numbers, e-mail addresses.

Loaded at start, not with the package: these expressions take milliseconds to compile.
"""

from __future__ import annotations

import re

SUSPECT = re.compile(
    r"""[-_.0-9:=@ABEb](?:
      (?<=[ABEb])(?:KIA|SIA|Iza|AA|earer\s|asic\s)
    | (?<![ABEb])(?:
        (?<=[-_])[A-Za-z0-9_-]{9}
      | (?<=[.])(?:[A-Za-z0-9_-]{8}|[A-Za-z0-9_-]{6,7}[.][A-Za-z0-9_-]{8})
      | (?<=[0-9])[0-9]{3}
      | (?<=[:=])(?://hooks|\s{0,3}["']?[^\s"',;&]{0,40}[0-9])
      | (?<=\S@)\S))""",
    re.VERBOSE,
)
"""Finds something in every text that has a secret, in a quarter of a microsecond: most texts have none of it.

It begins with one set of characters, because the engine skips quickly to those.
"""

SECRET_NAME = re.compile(
    r"(?i)api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|passwort|\bpwd\b|authorization|\bcookie\b"
)

# The kind of secret stands in its place. Those that hold others come first. Where an expression begins with
# plain letters, the engine skips to them.
SECRETS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (replacement, re.compile(pattern))
    for replacement, pattern in (
        (
            "[private key]",
            r"(?s)-----BEGIN [A-Z ]{0,40}PRIVATE KEY.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)",
        ),
        ("[webhook]", r"https://hooks\.slack\.com/[a-z]+/[A-Za-z0-9/_-]+"),
        (
            "[webhook]",
            r"https://(?:[a-z]+\.)?discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]+/[A-Za-z0-9_-]+",
        ),
        ("[bot token]", r"(?<![0-9])[0-9]{5,16}:[A-Za-z0-9_-]{30,}"),
        ("[bot token]", r"x(?:ox[a-z]|app)-[A-Za-z0-9-]{10,}"),
        ("[token]", r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
        (
            "[bot token]",
            r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{23,28}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}",
        ),
        ("[token]", r"bw_[a-z]_[0-9A-Za-z]{20,}"),
        (
            "[key]",
            r"\b(?:[sr]k[-_]|gh[a-z]_|github_pat_|glpat-|hf_|npm_|syt_)[A-Za-z0-9_-]{16,}"
            r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}|\bAIza[A-Za-z0-9_-]{30,}|\bEAA[A-Za-z0-9]{40,}"
            r"|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        ),
        (
            "earer [token]",
            r"earer\s+(?:(?=\S{0,40}[0-9])[A-Za-z0-9._~+/=-]{6,}|[A-Za-z0-9._~+/=-]{16,})",
        ),
        ("asic [login]", r"asic\s+(?=\S{0,200}[0-9=])[A-Za-z0-9+/]{6,}={0,2}"),
        (
            # A value without a digit is more often a word: "token: please".
            r"\1[secret]",
            r"(?i)((?:api[_-]?key|access[_-]?key|secret|token|passw(?:or)?d|passwort|pwd)"
            r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?)(?=[^\s\"',;&]{0,40}[0-9])[^\s\"',;&]{6,}",
        ),
    )
)
LOGIN = re.compile(r"(://)[^\s/:@]*:[^\s/@]+@")
CARD_LIKE = re.compile("[0-9]{4}(?:[ \u00a0.-]?[0-9]){9,}")
CARD_PART = re.compile("[0-9]+|[^0-9]")
CARD_DIGITS = (13, 14, 15, 16, 19)
E_MAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}")


def without_secrets(text: str) -> str:
    if "@" in text:
        text = LOGIN.sub(r"\1[login]@", text)
    for replacement, pattern in SECRETS:
        text = pattern.sub(replacement, text)
    return CARD_LIKE.sub(without_cards, text)


def without_e_mail(text: str) -> str:
    return E_MAIL.sub("[e-mail]", text) if "@" in text else text


def without_cards(digits: re.Match[str]) -> str:
    """Digits in groups, among which there may be card numbers with others before and behind."""
    parts: list[str] = CARD_PART.findall(digits[0])
    kept, at = [], 0
    while at < len(parts):
        size = card_size(parts, at)
        kept.append("[card number]" if size else parts[at])
        at += size or 1
    return "".join(kept)


def card_size(parts: list[str], start: int) -> int:
    """How many parts, groups and what stands between them, are a card's number; 0 when none are.

    By length, first digit and Luhn's check sum: ids and times of chat platforms begin with 1.
    """
    digits = ""
    for index in range(start, len(parts) if parts[start][0] in "23456" else 0, 2):
        digits += parts[index]
        if len(digits) > CARD_DIGITS[-1]:
            break
        if len(digits) in CARD_DIGITS and luhn_sum(digits) % 10 == 0:
            return index + 1 - start
    return 0


def luhn_sum(digits: str) -> int:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return sum(map(int, digits[::-2])) + sum(doubled)


def is_secret_name(name: str) -> bool:
    """Whether what is kept under this name, in attributes or details, is a secret whatever it looks like."""
    return SECRET_NAME.search(name) is not None

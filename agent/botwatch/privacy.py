"""What of a bot's events may be kept, decided before anything touches the disk.

Each field has a policy; free text also loses its secrets. Both happen in the call, so that neither the spool
nor the collector ever has what was taken out.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .encode import plain_text
from .scrub import SUSPECT, is_secret_name, without_e_mail, without_secrets

# Ids and channels name somebody or something; scrubbed, several would become one.
IDENTITIES = ("user_id", "channel")
FREE_TEXTS = ("text", "user_name", "attributes", "details")
FIELDS = (*FREE_TEXTS, *IDENTITIES)
SWITCHES = ("secrets", "emails")
POLICIES = ("keep", "hash", "truncate", "mask", "drop")

TRUNCATED_CHARACTERS = 100
LEAST_KEY_BYTES = 16
HASH_CHARACTERS = 24
MASKED = re.compile(r"\w")
MOST_DEPTH = 32

Policy = Callable[[str], "str | None"]


@dataclass(frozen=True)
class Privacy:
    """`rules` are policies by field, "truncate:80" with its length; what is not named is kept."""

    rules: tuple[tuple[str, str], ...] = ()
    key: bytes = field(default=b"", repr=False)

    @cached_property
    def is_suspect(self) -> Callable[[str], object]:
        """Whether a text needs a look: None when it may be kept as it is, for the usual rules quickly."""
        if any(name in FIELDS and rule != "keep" for name, rule in self.rules):
            return lambda text: True
        return SUSPECT.search if self._scrubs else lambda text: None

    def applied(self, name: str, value: str) -> str | None:
        """A field's value as it may be kept; None when it may not."""
        return self._policy(name)(value if name in IDENTITIES else self.scrubbed(value))

    def scrubbed(self, text: str) -> str:
        """The text without secrets, whatever the policies."""
        if self._scrubs and SUSPECT.search(text):
            for scrub in self._scrubs:
                text = scrub(text)
        return text

    def attributes(self, given: Mapping[str, object]) -> dict[str, object]:
        """A message's attributes, each by its own policy or else by that of all, which keeps numbers."""
        named = {name: (f"attributes.{plain_text(name)}", value) for name, value in given.items()}
        return {
            name: self._within(rule, plain_text(name), value, 0)
            for name, (rule, value) in named.items()
            if self._policy(rule) is not dropped
        }

    def details(self, given: Mapping[str, object]) -> dict[str, object]:
        """An activity's details, of any depth: every string in them by the policy of `details`."""
        if self._policy("details") is dropped:
            return {}
        return {name: self._within("details", plain_text(name), value, 0) for name, value in given.items()}

    def _within(self, rule: str, name: str, value: object, depth: int) -> object:
        if isinstance(value, Mapping) and depth < MOST_DEPTH:
            named = {key: plain_text(key) for key in value}
            return {key: self._within(rule, named[key], inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple) and depth < MOST_DEPTH:
            return [self._within(rule, name, inner, depth + 1) for inner in value]
        if value is None:
            return None
        is_number = isinstance(value, int | float)
        if self._hides_secrets and is_secret_name(name) and not is_number:
            return "[secret]"
        text = plain_text(value)
        changed = self.scrubbed(text)
        has_own_policy = "." in rule and rule in self._policies
        if is_number and changed == text and not has_own_policy:
            return value
        return self._policy(rule)(changed)

    def _policy(self, name: str) -> Policy:
        policies = self._policies
        return policies.get(name) or policies.get(name.partition(".")[0]) or kept

    @cached_property
    def _policies(self) -> dict[str, Policy]:
        return {name: self._made(rule) for name, rule in self.rules if name not in SWITCHES}

    def _made(self, rule: str) -> Policy:
        word, _, length = rule.partition(":")
        if word == "truncate":
            most = int(length or TRUNCATED_CHARACTERS)
            return lambda value: value[:most]
        return {"keep": kept, "hash": self._hashed, "mask": masked, "drop": dropped}[word]

    def _hashed(self, value: str) -> str:
        """The same for the same value and key, in any field and process; 96 bits, so that none meet."""
        return hmac.digest(self.key, value.encode("utf-8", "replace"), "sha256").hex()[:HASH_CHARACTERS]

    @cached_property
    def _scrubs(self) -> tuple[Callable[[str], str], ...]:
        is_kept = {name for name, rule in self.rules if rule == "keep"}
        scrubs = (("secrets", without_secrets), ("emails", without_e_mail))
        return tuple(scrub for name, scrub in scrubs if name not in is_kept)

    @property
    def _hides_secrets(self) -> bool:
        return without_secrets in self._scrubs


def kept(value: str) -> str:
    return value


def masked(value: str) -> str:
    """Length and shape remain."""
    return MASKED.sub("*", value)


def dropped(value: str) -> None:
    return None


def checked_privacy(rules: Mapping[str, str], key: str | bytes | None) -> Privacy:
    """Raises ValueError saying what is wrong; the message never holds the key."""
    if not isinstance(rules, Mapping):
        raise ValueError(f"expected a mapping of fields to policies, got {type(rules).__name__}")
    for name, rule in rules.items():
        check_rule(name, rule)
    secret = key.encode() if isinstance(key, str) else bytes(key or b"")
    if "hash" in rules.values() and len(secret) < LEAST_KEY_BYTES:
        raise ValueError(
            f"hash needs a key of at least {LEAST_KEY_BYTES} bytes (privacy_key, BOTWATCH_PRIVACY_KEY): "
            "user ids are few enough to be guessed from a hash without one"
        )
    return Privacy(tuple(sorted(rules.items())), secret)


def check_rule(name: object, rule: object) -> None:
    if name in SWITCHES:
        if rule not in ("keep", "mask"):
            raise ValueError(f"{name}: expected keep or mask, got {rule!r}")
        return
    if name not in FIELDS and not (isinstance(name, str) and name.startswith("attributes.")):
        known = ", ".join((*FIELDS, "attributes.NAME", *SWITCHES))
        raise ValueError(f"no field {name!r}; there are {known}")
    word, colon, length = rule.partition(":") if isinstance(rule, str) else ("", "", "")
    is_length = not colon or (word == "truncate" and length.isdecimal() and len(length) < 6)
    if word not in POLICIES or not is_length:
        raise ValueError(f"{name}: expected one of {', '.join(POLICIES)} or truncate:N, got {rule!r}")


def rules_from(text: str) -> dict[str, str]:
    """What an environment variable says: "user_id=hash, text=truncate:80". Raises ValueError."""
    rules = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, rule = part.partition("=")
        if not equals:
            raise ValueError(f"expected field=policy, ..., got {part!r}")
        rules[name.strip()] = rule.strip()
    return rules

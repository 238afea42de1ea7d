"""Keys and passwords in lines of a file, masked before others see them. Pure.

Every expression looks at each character a bounded number of times, whatever the text: a run of word characters has one
place where a match may begin, and nothing that repeats stands beside something alike.
"""

from __future__ import annotations

import re

MASK = "«masked»"

_TOKENS = re.compile(
    r"(?<![\w-])(?:"
    r"(?:sk|pk|rk)[-_][\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}"
    r"|A(?:KIA|SIA|ROA|IDA)[0-9A-Z]{16}(?!\w)|AIza[\w-]{30,}|ya29\.[\w-]{20,}|npm_\w{30,}|pypi-[\w-]{40,}|hf_\w{30,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|shp(?:at|ca|pa|ss)_\w{20,}|do[opr]_v1_\w{32,}|AGE-SECRET-KEY-1\w{20,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?|gc_[0-9a-f]{16}_[\w-]{20,}"
    r")"
)
_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_IN_URL = re.compile(r"(?P<before>://[^\s/:@\"'<>]{0,200}:)[^\s/@\"'<>]{1,200}(?=@)")
_BEARER = re.compile(r"(?i)(?P<before>(?<!\w)(?:bearer|basic)[ \t]{1,4})[\w+/=.~-]{8,}")
_FLAG = re.compile(
    r"(?i)(?P<before>(?<![\w-])--?(?:password|passwd|passphrase|token|api-?key|secret)[ \t]{1,4})(?![-\s|>&])\S{1,400}"
)
_NAMED = re.compile(
    r"(?<![\w-])(?P<name>[\w-]{1,200}+)(?P<sign>[\"']?[ \t]{0,8}(?:=>|:=|=|:)(?!=)[ \t]{0,8})"
    r"(?P<value>[bruBRU]?\"[^\"\n]{0,2000}\"|[bruBRU]?'[^'\n]{0,2000}'|[^\s,;\"'&#]{1,2000})"
)
_PASSWORD = re.compile(r"(?i)passw(?:or)?d|passphrase|pwd$|_pass$|^pass$")
_SECRET = re.compile(r"(?i)secret|token|credential|api[_-]?key|(?:private|access|auth|encryption)[_-]?key")
_CODE = re.compile(
    r"(?i)[$%{<(\[*].*|(?:str|string|bytes|int|bool|none|null|nil|true|false|any|optional|text|required|varchar)\W?.*"
    r"|[a-z_]\w*(?:[.(\[]|::|->).*"
)


def masked(text: str) -> str:
    """What looks like a key or a password is not shown to others."""
    kept = _TOKENS.sub(MASK, _without_private_keys(text))
    for pattern in (_IN_URL, _BEARER, _FLAG):
        kept = pattern.sub(rf"\g<before>{MASK}", kept)
    return _NAMED.sub(_without_value, kept)


def _without_private_keys(text: str) -> str:
    """From the first line of a key to its last; to the end of the text where that is missing."""
    parts, at = [], 0
    while begins := _BEGINS.search(text, at):
        parts += [text[at : begins.start()], MASK]
        ends = _ENDS.search(text, begins.end())
        at = ends.end() if ends else len(text)
    return "".join([*parts, text[at:]])


def _without_value(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if MASK in value or not _is_secret(name, value):
        return match[0]
    quote = value.lstrip("bruBRU")[:1] if value[-1] in "\"'" else ""
    prefix = value[: value.index(quote)] if quote else ""
    return f"{name}{match['sign']}{prefix}{quote}{MASK}{quote}"


def _is_secret(name: str, value: str) -> bool:
    """A password is one however short it is; of other names only what is long enough, and no code."""
    quoted = value[-1] in "\"'"
    inner = value.lstrip("bruBRU")[1:-1] if quoted else value
    if _PASSWORD.search(name):
        return bool(inner) and (quoted or _has_digit(inner) or not _CODE.fullmatch(inner))
    if not _SECRET.search(name):
        return False
    return len(inner) >= 6 if quoted else len(inner) >= 8 and _has_digit(inner) and not _CODE.fullmatch(inner)


def _has_digit(text: str) -> bool:
    return any(one.isdecimal() for one in text) and not any(one in text for one in "([$<{")

"""Masks keys and passwords in lines of a file before others see them. Pure.

Every expression examines each character a bounded number of times, whatever the text is: a match can begin at one place
only in a run of word characters, and no two repetitions of similar characters stand side by side.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MASK = "«masked»"

_TOKENS = re.compile(
    r"(?<![\w-])(?:"
    r"(?:sk|pk|rk)[-_][\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}"
    r"|A(?:KIA|SIA|ROA|IDA)[0-9A-Z]{16}(?!\w)|AIza[\w-]{30,}|ya29\.[\w-]{20,}|npm_\w{30,}|pypi-[\w-]{40,}|hf_\w{30,}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|shp(?:at|ca|pa|ss)_\w{20,}|do[opr]_v1_\w{32,}|AGE-SECRET-KEY-1\w{20,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?|gc_[0-9a-f]{16}_[\w-]{20,}"
    r")"
)
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_IN_URL = re.compile(r"(?P<before>://[^\s/:@\"'<>\[]{0,200}:)(?!\d{1,5}[/?#])(?P<value>[^\s@\"'<>]++)(?P<at>@?)")
_BEARER = re.compile(
    r"(?i)(?P<before>(?P<header>authorization[\"']?[ \t]{0,4}[:=][ \t]{0,4}[\"']?|(?<!\w))(?:bearer|basic)[ \t]{1,4})"
    r"(?P<value>[\w+/=.~-]{8,})"
)
_FLAG = re.compile(
    r"(?i)(?P<before>(?<![\w-])--?(?:password|passwd|passphrase|token|api-?key|secret)[ \t]{1,4})(?![-\s|>&])\S{1,400}"
)
_NETRC = re.compile(
    r"(?P<before>(?<!\S)(?:machine[ \t]{1,4}\S{1,200}+|default)\s{1,20}login[ \t]{1,4}\S{1,200}+\s{1,20}"
    r"password[ \t]{1,4})\S{1,400}"
)
_ELEMENT = re.compile(r"<(?P<name>[\w:.-]{1,100}+)(?P<sign>[^<>\n]{0,200}+>)(?P<value>[^<>\n]{1,2000}+)(?=</)")
_TO_LINE_END = re.compile(
    r"(?m)^(?P<before>[ \t]{0,80}(?:- )?[\"']?(?P<name>[\w-]{1,200}+)[\"']?:[ \t]{1,8})"
    r"(?![|>][+-]?[ \t]{0,8}$)(?P<value>[^\s\"'#][^\n]{0,2000})"
)
_NEXT_LINE = re.compile(
    r"(?im)^(?P<before>(?P<indent>[ \t]{0,80})(?:- )?[\"']?[\w-]{0,60}(?:passw(?:or)?d|passphrase)[\"']?:[ \t]{0,8}"
    r"(?:[|>][+-]?[ \t]{0,8})?\n(?P<deeper>[ \t]{1,80}))(?P<value>[^\s\"'#<{\[-][^\n:]{0,2000})$"
)
_NAMED = re.compile(
    r"(?<![\w-])(?P<name>[\w-]{1,200}+)(?P<sign>[\"']?[ \t]{0,8}(?:=>|:=|=|:)(?!=)[ \t]{0,8})"
    r"(?P<value>[bruBRU]?\"\"\"[^\"]*+(?:\"(?!\"\")[^\"]*+)*+\"\"\"|[bruBRU]?'''[^']*+(?:'(?!'')[^']*+)*+'''"
    r"|[bruBRU]?\"(?:[^\"\\\n]|\\.){0,2000}+\"|[bruBRU]?'(?:[^'\\\n]|\\.){0,2000}+'"
    r"|[bruBRU]?\"[^\"\n]{0,2000}\"|[bruBRU]?'[^'\n]{0,2000}'|[^\s,;\"'&#]{1,2000})(?P<goes_on>[\"',]?)"
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORD = re.compile(r"passw(?:or)?d|passphrase")
_PASSWORDS = ("password", "passwords", "passwd", "passphrase", "pwd")
_SECRETS = ("token", "secret", "secrets", "credential", "credentials", "apikey", "apikeys")
_KEYS = tuple(
    f"{what}key{s}" for what in ("api", "private", "access", "auth", "encryption", "secret") for s in ("", "s")
)
_GENERIC_NAME_PARTS = re.compile(
    r"value|base|prod|production|dev|development|test|testing|stage|staging|live|old|new|current|previous|primary|"
    r"secondary|default|main|backup"
)
_ABOUT_A_PASSWORD = re.compile(
    r"min|max|length|len|label|hint|field|fields|placeholder|policy|reset|forgot|url|uri|link|file|path|name|type|"
    r"text|title|required|expire|expires|expiry|expired|format|pattern|regex|rule|rules|error|errors|message|"
    r"prompt|input|id|strength|rounds|ttl|age|count|size|limit|attempts|algorithm|form|page|screen|view|button|"
    r"help|description|icon|visible|enabled|changed|updated|at|manager|less"
)
_SPECIAL_TOKENS = frozenset({"pad", "eos", "bos", "unk", "sep", "cls", "mask"})  # vocabulary tokens of a model
_NO_SECRETS = frozenset({"include", "omit", "same-origin"})  # values of the `credentials` option of fetch
_LOOKS_RANDOM = re.compile(r"(?=[^\d\n]{0,400}\d)(?=[^a-zA-Z\n]{0,400}[a-zA-Z])[\w+/=.~-]{16,400}")
_WORD_OF_CODE = re.compile(
    r"(?i)[$%{<(\[*].*|[|>][+-]?|(?:str|string|bytes|int|bool|none|null|nil|true|false|any|optional|text|required|varchar)\b.*"
)
_CODE = re.compile(rf"{_WORD_OF_CODE.pattern}|[a-z_]\w*(?:[.(\[]|::|->).*")
_PATH = re.compile(r"&?(?P<first>[A-Za-z_]\w{0,80}+)(?:(?:\.|::|->|\?\.)(?P<last>\w{1,80}+))*+")
_CALL_OR_INDEX = re.compile(r"(?:[.:>?-]{0,3}\w){1,400}[(\[]")
_VARIABLE_HOLDERS = re.compile(
    r"self|this|cls|os|env|environ|process|settings|config|conf|cfg|request|req|args|arg|opts|options|params|"
    r"props|ctx|context|user|form|data|app|event|secrets|getpass|credentials|creds|body|input|state|values|vars"
)
_PASSWORD_NAMES = frozenset({"pw", "pwd", "passwd", "password"})


def mask_secrets(text: str) -> str:
    """The text with everything masked that looks like a key or a password."""
    kept = _TOKENS.sub(MASK, _mask_private_keys(text))
    kept = _BEARER.sub(_mask_credentials, _IN_URL.sub(_mask_password, kept))
    for pattern in (_FLAG, _NETRC):
        kept = pattern.sub(rf"\g<before>{MASK}", kept)
    kept = _TO_LINE_END.sub(_mask_line, _NEXT_LINE.sub(_mask_next_line, kept))
    return _NAMED.sub(_mask_value, _ELEMENT.sub(_mask_element, kept))


def _mask_private_keys(text: str) -> str:
    """Mask from the first line of a private key to its last, or to the end of the text if the last is missing."""
    parts, at = [], 0
    while begins := _KEY_BEGINS.search(text, at):
        parts += [text[at : begins.start()], MASK]
        ends = _KEY_ENDS.search(text, begins.end())
        at = ends.end() if ends else len(text)
    return "".join([*parts, text[at:]])


def _mask_password(match: re.Match[str]) -> str:
    return f"{match['before']}{MASK}@" if match["at"] else match[0]


def _mask_credentials(match: re.Match[str]) -> str:
    """Without a header name it may be prose: "basic authentication", "Basic Programming"."""
    value = match["value"]
    is_secret = match["header"] or any(one.isdecimal() or one == "=" or one.isupper() for one in value[1:])
    return f"{match['before']}{MASK}" if is_secret else match[0]


def _mask_line(match: re.Match[str]) -> str:
    """An unquoted password may hold blanks: in YAML it ends at the end of the line or before a comment."""
    value, _, comment = match["value"].partition(" #")
    first = re.split(r"[\s,;\"'&]", value, maxsplit=1)[0]
    if MASK in value or not (
        _is_password(_name_words(match["name"])) and _is_secret(match["name"], first, value[len(first) :])
    ):
        return match[0]
    return f"{match['before']}{MASK}" + (f" #{comment}" if comment else "")


def _mask_next_line(match: re.Match[str]) -> str:
    is_inside = len(match["deeper"]) > len(match["indent"])
    return f"{match['before']}{MASK}" if is_inside and MASK not in match["value"] else match[0]


def _mask_element(match: re.Match[str]) -> str:
    if MASK in match["value"] or not _is_secret(match["name"], match["value"]):
        return match[0]
    return f"<{match['name']}{match['sign']}{MASK}"


def _mask_value(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if MASK in value or not _is_secret(name, value, match["goes_on"]):
        return match[0]
    quoted = _split_quotes(value)
    return f"{name}{match['sign']}{quoted.prefix}{quoted.quote}{MASK}{quoted.quote}{match['goes_on']}"


@dataclass(frozen=True)
class _QuotedValue:
    """The text before the quote, such as the `r` of a raw string, the quote, and the quoted text."""

    prefix: str
    quote: str
    text: str


def _split_quotes(value: str) -> _QuotedValue:
    if value[-1] not in "\"'":
        return _QuotedValue("", "", value)
    bare = value.lstrip("bruBRU")
    quote = bare[:3] if len(bare) >= 6 and bare[:3] in ('"""', "'''") else bare[:1]
    return _QuotedValue(value[: len(value) - len(bare)], quote, bare[len(quote) : -len(quote)])


def _name_words(name: str) -> tuple[str, ...]:
    """`accessToken`, `ACCESS_TOKEN_2` and `access-token` are the same two words."""
    words = [one.lower() for one in _WORD.findall(name)]
    while len(words) > 1 and (words[-1].isdecimal() or _GENERIC_NAME_PARTS.fullmatch(words[-1])):
        words.pop()
    return tuple(words)


def _is_password(words: tuple[str, ...]) -> bool:
    """A name is a password's unless a known word behind `password` says otherwise (such as `password_length`)."""
    if words and (words[-1] == "pass" or words[-1].endswith(_PASSWORDS)):
        return True
    for at, one in enumerate(words):
        if found := _PASSWORD.search(one):
            return not any(map(_ABOUT_A_PASSWORD.fullmatch, (one[found.end() :], *words[at + 1 :])))
    return False


def _is_secret(name: str, value: str, after: str = "") -> bool:
    """Whether the value is a secret. A password may be of any length; other values must be long
    enough, and not code."""
    words, quoted = _name_words(name), _split_quotes(value)
    quote, inner = quoted.quote, quoted.text
    if _is_password(words):
        return bool(inner) and not (quote == "" and _is_code(words, inner, after)) and not _is_folder(words, inner)
    if words[-1:] and (words[-1].endswith(_SECRETS) or "".join(words[-2:]).endswith(_KEYS)):
        return _is_long_secret(words, inner, quote)
    is_about_one = any(one.endswith((*_SECRETS, "tokens")) for one in words)
    return is_about_one and _LOOKS_RANDOM.fullmatch(inner) is not None and not _CODE.fullmatch(inner)


def _is_long_secret(words: tuple[str, ...], inner: str, quote: str) -> bool:
    if not quote:
        return len(inner) >= 8 and _has_digit(inner) and not _CODE.fullmatch(inner)
    return len(inner) >= 6 and inner not in _NO_SECRETS and not _SPECIAL_TOKENS.intersection(words[-2:-1])


def _is_folder(words: tuple[str, ...], inner: str) -> bool:
    """Whether `pwd` means the working directory here."""
    return words[-1].endswith("pwd") and inner.startswith(("/", "~", "./", "../"))


def _is_code(words: tuple[str, ...], value: str, after: str) -> bool:
    """Whether an unquoted value is code and not a password: a variable, a type, a call, an attribute."""
    if _has_digit(value):
        return False
    if _WORD_OF_CODE.fullmatch(value):
        return True
    if _CALL_OR_INDEX.match(value):
        return value[-1] in "([" or ")" in value or "]" in value or after != ""
    path = _PATH.fullmatch(value.rstrip(")]};"))
    if path is None:
        return False
    last = _name_words(path["last"] or path["first"])
    is_held = path["last"] is not None and _VARIABLE_HOLDERS.fullmatch(path["first"].lower()) is not None
    return is_held or _PASSWORD_NAMES.union(words).issuperset(last)


def _has_digit(text: str) -> bool:
    return any(one.isdecimal() for one in text) and not any(one in text for one in "([$<{")

"""Detects messages that need no answer: thanks, an acknowledgement, an empty text. Pure.

Only phrases that surely mean nothing else: "ok", "yes" or "done" may be an answer that somebody waits for.
"""

from __future__ import annotations

import re
import unicodedata

from gateway.protocol.text.inline_commands import NOOP

MAX_TEXT_CHARS = 80

# The phrases that make a message an acknowledgement. Where one is the beginning of another, the longer comes first.
_PHRASES = (
    *("thank you", "thank u", "thanks", "thx", "many thanks", "cheers", "much appreciated", "appreciated"),
    *("you are welcome", "you re welcome", "youre welcome", "no problem", "my pleasure", "anytime", "any time"),
    *("acknowledged", "acknowledge", "ack", "noted", "duly noted", "got it", "understood", "roger", "roger that"),
    *("message received", "received with thanks", "glad to help", "glad i could help", "happy to help"),
    *("danke", "dankeschön", "danke schön", "vielen dank", "besten dank", "herzlichen dank", "verstanden"),
    *("gern geschehen", "gerne", "gern", "keine ursache", "zur kenntnis genommen", "bitte sehr", "bitteschön"),
    *("merci", "de rien", "je vous en prie", "je t en prie", "bien reçu", "avec plaisir"),
    *("gracias", "de nada", "recibido", "entendido", "con gusto"),
    *("obrigado", "obrigada", "recebido", "entendido"),
    *("grazie", "grazie mille", "prego", "di niente", "ricevuto"),
    *("dank je", "dank u", "bedankt", "graag gedaan"),
    *("tack", "tack så mycket", "tak", "takk", "kiitos", "dziękuję", "dzięki", "děkuji", "köszönöm", "teşekkürler"),
    *("спасибо", "благодарю", "пожалуйста", "понял", "поняла", "понятно", "дякую"),
    *("ありがとう", "ありがとうございます", "どういたしまして", "了解", "了解です", "了解しました", "承知しました"),
    *("谢谢", "多谢", "感谢", "不客气", "收到", "明白", "謝謝", "多謝", "感謝", "不客氣"),
    *("감사합니다", "고맙습니다", "고마워요", "천만에요", "알겠습니다"),
    *("شكرا", "شكرا لك", "धन्यवाद", "תודה"),
)
# The words that may surround them; none of them could be an order by itself.
_FILLER_PHRASES = (
    *(
        "a",
        "all",
        "also",
        "and",
        "as always",
        "everybody",
        "everyone",
        "folks",
        "from me",
        "great",
        "guys",
        "i",
        "mate",
    ),
    *("so", "so much", "much", "very much", "a lot", "lots", "again", "perfect", "really", "team", "very well", "well"),
    *("of", "oh", "the", "this", "that", "there", "to", "too", "you", "you all", "both", "indeed", "then", "it"),
    *("for that", "for this", "for it", "for the update", "for the info", "for the information", "for the heads up"),
    *(
        "for your help",
        "for the help",
        "for helping",
        "for your answer",
        "for the answer",
        "for your reply",
        "for asking",
    ),
    *("for the quick reply", "for the quick answer", "for the quick response", "for the review", "for your review"),
    *("für", "die", "das", "dir", "euch", "ihnen", "sehr", "auch", "für deine hilfe", "für die hilfe", "für die info"),
    *("beaucoup", "pour ton aide", "pour votre aide", "mille", "muchas", "muchísimas", "por tu ayuda", "por su ayuda"),
    *("muito", "pela ajuda", "molto", "per il tuo aiuto", "большое", "вам", "тебе", "за помощь", "非常", "你", "您"),
)
_QUESTION_MARKS = re.compile(r"[?？؟⁇;]")  # ; is the Greek question mark; elsewhere more text follows it
_MENTION = re.compile(r"@[\w.:-]+")
_WORD = re.compile(r"[^\W_]+")
_PHRASES_BY_WORDS = sorted(
    ((tuple(_WORD.findall(one)), one in _PHRASES) for one in (*_PHRASES, *_FILLER_PHRASES)),
    key=lambda one: -len(one[0]),
)


def is_closing_phrase(text: str) -> bool:
    """Whether a text is a short thanks or acknowledgement without a question, NOOP, or has no words at all."""
    if len(text) > MAX_TEXT_CHARS:
        return False
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if all(line.strip("[]().`*").upper() == NOOP for line in lines):
        return True
    if _QUESTION_MARKS.search(text):
        return False
    words = _WORD.findall(_MENTION.sub(" ", unicodedata.normalize("NFC", text).casefold()))
    return _is_only_thanks(tuple(words)) if words else not any(one.isascii() and one.isalnum() for one in text)


def _is_only_thanks(words: tuple[str, ...]) -> bool:
    found, at = False, 0
    while at < len(words):
        known = next((one for one in _PHRASES_BY_WORDS if words[at : at + len(one[0])] == one[0]), None)
        if known is None:
            return False
        found = found or known[1]
        at += len(known[0])
    return found

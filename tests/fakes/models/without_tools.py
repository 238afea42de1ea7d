"""The wires of the vendors as a connector uses them: every request is a turn, though it offers no tools. The body of
the last request holds what the connector has sent."""

from tests.fakes.models.anthropic import Anthropic
from tests.fakes.models.gemini import Gemini
from tests.fakes.models.openai_chat import OpenAIChat
from tests.fakes.models.script import Asked, Json, Kind


class AnthropicWithoutTools(Anthropic):
    def read(self, method: str, path: str, body: Json) -> Asked:
        if (method, path) != ("POST", "/v1/messages"):
            return Asked(Kind.UNKNOWN)
        texts = tuple(one["content"] for one in body["messages"])
        return Asked(Kind.TURN, texts[-1:], texts, stream=bool(body.get("stream")))


class ChatWithoutTools(OpenAIChat):
    """Also at the path of Perplexity, which has no version in it."""

    def read(self, method: str, path: str, body: Json) -> Asked:
        if (method, path.removeprefix("/v1")) != ("POST", "/chat/completions"):
            return Asked(Kind.UNKNOWN)
        texts = tuple(one["content"] for one in body["messages"])
        return Asked(Kind.TURN, texts[-1:], texts, stream=bool(body.get("stream")))


class GeminiWithoutTools(Gemini):
    """Google's own SDK asks at version 1, Gemini CLI at the beta of it."""

    def read(self, method: str, path: str, body: Json) -> Asked:
        return super().read(method, path.replace("/v1/models/", "/v1beta/models/"), body)

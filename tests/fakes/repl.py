"""A program that reads lines, for tests of agents that are known by a rules file alone: it has a prompt, a row that
says that it works, a question, and a transcript. Standard library alone.

    repl.py [TRANSCRIPT]

While a file `hold` is in its folder, it works. It asks before it deletes something, and for a code to sign in. The
command in REPL_HOOK gets each turn as JSON. REPL_HOOK_FORM names a form of another release: `renamed` calls its events
otherwise, `fields` keeps their names and moves what they hold, `nested` makes an object of every field.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    transcript = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    while True:
        try:
            line = input("mine> ")
        except EOFError:
            return
        if not line:
            continue
        tell(transcript, {"type": "user", "text": line}, {"hook_event_name": "UserPromptSubmit", "prompt": line})
        answer = answer_to(line)
        tell(
            transcript,
            {"type": "assistant", "message": {"content": [{"text": answer}]}},
            {"hook_event_name": "Stop", "last_assistant_message": answer},
        )
        print(answer)
        print("-- done --")


def answer_to(line: str) -> str:
    if "delete" in line:
        chosen = input("Delete it? [y/n] ")
        return f"you chose {chosen}"
    if "sign in" in line:
        code = input("Sign in to go on. Code: ")
        return f"signed in with {code}"
    print("working...")
    while Path("hold").exists():
        time.sleep(0.02)
    return f"heard: {line}"


def tell(transcript: Path | None, entry: dict[str, object], event: dict[str, str]) -> None:
    if transcript is not None:
        with transcript.open("a") as file:
            file.write(json.dumps(entry) + "\n")
    if hook := os.environ.get("REPL_HOOK"):
        told = json.dumps(in_form(os.environ.get("REPL_HOOK_FORM", ""), event))
        subprocess.run(hook, shell=True, input=told, text=True, capture_output=True, check=False)


def in_form(form: str, event: dict[str, str]) -> dict[str, object]:
    match form:
        case "renamed":
            return {**event, "hook_event_name": f"turn.{event['hook_event_name'].lower()}", "schema": 2}
        case "fields":
            name = event.pop("hook_event_name")
            return {"hook_event_name": name, "schema": 2, "session": None, "data": event}
        case "nested":
            named = {"session_id": {"id": 1}, "transcript_path": {"file": "/nowhere"}, "prompt_id": ["a"]}
            return {**named, **{key: {"value": value} for key, value in event.items()}}
    return {**event}


if __name__ == "__main__":
    main()

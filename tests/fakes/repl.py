"""A program that reads lines, for tests of agents that are known by a rules file alone: it has a prompt, a row that
says that it works, a question, and a transcript. Standard library alone.

    repl.py [TRANSCRIPT]

While a file `hold` is in its folder, it works. It asks before it deletes something. The command in REPL_HOOK gets each
turn as JSON.
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
    print("working...")
    while Path("hold").exists():
        time.sleep(0.02)
    return f"heard: {line}"


def tell(transcript: Path | None, entry: dict[str, object], event: dict[str, str]) -> None:
    if transcript is not None:
        with transcript.open("a") as file:
            file.write(json.dumps(entry) + "\n")
    if hook := os.environ.get("REPL_HOOK"):
        subprocess.run(hook, shell=True, input=json.dumps(event), text=True, capture_output=True, check=False)


if __name__ == "__main__":
    main()

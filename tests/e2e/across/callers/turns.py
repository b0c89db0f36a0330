"""What the callers in Python have in common: the tools, the words of the user, and what is expected."""

import json
import sys

BASE_URL, KEY, _told = sys.argv[1:]
TURNS = json.loads(_told)

RULES = "You are a clerk. Use the tools."
QUESTION = "What is the weather in Oslo, and what time is it?"
GO_ON = "Go on."


def _tool(name, description, properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    _tool("weather", "The weather in a city.", {"city": {"type": "string"}}),
    _tool("now", "What time it is.", {}),
]


def outcome(name, arguments):
    """What a tool gives: it names what it was asked for, so that a mistaken result is found out."""
    if name == "weather":
        return json.dumps({"city": arguments["city"], "degrees": 7})
    return "12:00"


def check(turn, text, calls, tokens):
    """Holds an answer to what the target is known to have said; `calls` are pairs of name and arguments."""
    assert isinstance(tokens, int) and tokens >= turn["tokens"], f"{turn}: {tokens} tokens"
    if turn["said"] is None:
        return
    said = turn["said"]
    expected = [(call["name"], call["arguments"]) for call in said["calls"]]
    assert (text or "") == said["text"], f"{turn}: {text!r}"
    assert calls == expected, f"{turn}: {calls}"

"""OpenAI's SDK for Python as a caller: what it reads and what it raises, without any setting of ours."""

import json
import sys

import openai

base_url, key = sys.argv[1:]
BROKEN = "The pilot light is a small flame that never goes out, whatever hap"
MENDED = BROKEN + "pens to the rest of the stove."

client = openai.OpenAI(base_url=base_url, api_key=key)


def ask(model, **more):
    messages = [{"role": "user", "content": "Hi"}]
    return client.chat.completions.create(model=model, messages=messages, **more)


def raises(error, model, **more):
    try:
        answer = ask(model, **more)
    except openai.APIError as raised:
        assert type(raised) is error, f"{model}: {raised!r}"
        return raised
    raise AssertionError(f"{model}: nothing was raised, but {answer!r} returned")


whole = ask("whole-route")
assert whole.choices[0].message.content == "Hello.", whole
assert whole.choices[0].finish_reason == "stop", whole
assert whole.usage.total_tokens == 13, whole
assert whole.model_extra["pilotlight"]["target"] == "whole", whole

chunks = list(ask("streamed-route", stream=True, stream_options={"include_usage": True}))
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert text == "Hello.", chunks
assert chunks[-1].usage.total_tokens == 13, chunks
disclosed = [chunk.model_extra["pilotlight"] for chunk in chunks if "pilotlight" in chunk.model_extra]
assert disclosed[-1]["target"] == "streamed", chunks

models = [model.id for model in client.models.list()]
assert "whole-route" in models and "whole" in models, models
assert client.models.retrieve("whole").id == "whole"

limited = raises(openai.RateLimitError, "throttled-route")
assert limited.response.headers["x-should-retry"] == "false", limited.response.headers
assert int(limited.response.headers["retry-after"]) <= 40, limited.response.headers
attempts = limited.body["pilotlight"]["attempts"]
assert attempts[0]["outcome"] == "throttled", limited.body

refused = raises(openai.BadRequestError, "refused-route")
assert "Bad schema" in refused.message, refused

barred = raises(openai.InternalServerError, "barred-route", stream=True)
assert barred.status_code == 503, barred

silent = raises(openai.InternalServerError, "silent-route")
assert silent.status_code == 504, silent

mistaken = raises(openai.BadRequestError, "whole-route", temperature="hot")
assert mistaken.param == "temperature", mistaken


def breaks(model, **more):
    """What was heard of a stream before it raised, and what it raised."""
    heard = []
    try:
        for chunk in ask(model, stream=True, **more):
            heard.extend(choice.delta.content or "" for choice in chunk.choices)
    except openai.APIError as raised:
        assert type(raised) is openai.APIError, f"{model}: {raised!r}"
        return "".join(heard), raised
    raise AssertionError(f"{model}: a stream that broke off looks whole: {heard}")


def outcomes(error):
    return [attempt["outcome"] for attempt in error.body["pilotlight"]["attempts"]]


heard, cut = breaks("cut-route")
assert heard == "Hal", heard
assert cut.body["pilotlight"]["attempts"][0]["outcome"] == "stream_cut", cut.body

heard, told_late = breaks("silent-stream-route")
assert heard == "", heard
assert told_late.code == "all_targets_timed_out", told_late.body

heard, contradicted = breaks("contradicted-route")
assert heard == BROKEN, heard
assert outcomes(contradicted) == ["stream_cut", "no_splice", "no_splice", "overloaded"], contradicted.body


def gathered(model, **more):
    """A stream as the SDK's own helper puts it together, and its chunks."""
    messages = [{"role": "user", "content": "Hi"}]
    usage = {"include_usage": True}
    with client.chat.completions.stream(model=model, messages=messages, stream_options=usage, **more) as stream:
        chunks = [event.chunk for event in stream if event.type == "chunk"]
        return stream.get_final_completion(), chunks


def check(model, text, target, **more):
    final, chunks = gathered(model, **more)
    choice = final.choices[0]
    assert choice.message.content == text, final
    assert choice.message.role == "assistant", final
    assert len({chunk.id for chunk in chunks}) == 1, chunks
    finished = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert len(finished) == 1, chunks
    assert finished[0].model_extra["pilotlight"]["target"] == target, finished
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [True], chunks
    assert final.usage.total_tokens >= 13, final
    return final, finished[0].model_extra["pilotlight"]


final, told = check("taken-over-route", MENDED, "taken-over-next")
assert final.choices[0].finish_reason == "stop", final
assert [part["target"] for part in told["parts"]] == ["taken-over", "taken-over-next"], told
assert sum(part["characters"] for part in told["parts"]) == len(MENDED), told

final, _ = check("slow-route", "Hello.", "slow")
assert final.choices[0].finish_reason == "stop", final

final, told = check("held-route", "Another one altogether.", "held-next", extra_headers={"x-pilotlight-mode": "hold"})
assert final.choices[0].finish_reason == "stop", final
assert "parts" not in told, told

final, _ = check("calling-route", "I look. ", "calling-next")
assert final.choices[0].finish_reason == "tool_calls", final
calls = [(call.function.name, json.loads(call.function.arguments)) for call in final.choices[0].message.tool_calls]
assert calls == [("weather", {"city": "Oslo"}), ("tide", {"harbour": "Moss"})], final

inside = ask("inside-route")
assert inside.choices[0].message.content == MENDED, inside
assert inside.choices[0].finish_reason == "stop", inside
assert inside.usage.total_tokens > 13, inside

stranger = openai.OpenAI(base_url=base_url, api_key="wrong")
try:
    stranger.models.list()
except openai.AuthenticationError as raised:
    assert raised.code == "invalid_api_key", raised
else:
    raise AssertionError("a wrong key is let in")

print("all well")

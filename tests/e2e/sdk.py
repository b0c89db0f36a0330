"""OpenAI's SDK for Python as a caller: what it reads and what it raises, without any setting of ours."""

import sys

import openai

base_url, key = sys.argv[1:]
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

heard = []
try:
    for chunk in ask("cut-route", stream=True):
        heard.append(chunk.choices[0].delta.content or "")
except openai.APIError as raised:
    assert "".join(heard) == "Hal", heard
    assert raised.body["pilotlight"]["attempts"][0]["outcome"] == "stream_cut", raised.body
else:
    raise AssertionError(f"a stream that broke off looks whole: {heard}")

stranger = openai.OpenAI(base_url=base_url, api_key="wrong")
try:
    stranger.models.list()
except openai.AuthenticationError as raised:
    assert raised.code == "invalid_api_key", raised
else:
    raise AssertionError("a wrong key is let in")

print("all well")

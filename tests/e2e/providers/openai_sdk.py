"""OpenAI's SDK for Python, which knows nothing of who answers: one answer of two companies, one by a schema, and thoughts."""

import sys

import openai
from pydantic import BaseModel

shared, held, thinking, whole = sys.argv[1:]


class Lighthouse(BaseModel):
    name: str
    lit: int


def client(url):
    return openai.OpenAI(base_url=url, api_key="none", max_retries=0)


messages = [{"role": "user", "content": "What is a pilot light?"}]
usage = {"include_usage": True}
with client(shared).chat.completions.stream(model="auto", messages=messages, stream_options=usage) as stream:
    text = "".join(event.delta for event in stream if event.type == "content.delta")
    final = stream.get_final_completion()
assert text == whole, text
assert final.choices[0].message.content == whole, final
assert final.choices[0].message.role == "assistant", final
assert final.choices[0].finish_reason == "stop", final
assert final.usage.total_tokens > 0, final

messages = [{"role": "user", "content": "Skagen's lighthouse?"}]
parsed = client(held).chat.completions.parse(model="auto", messages=messages, response_format=Lighthouse)
assert parsed.choices[0].message.parsed == Lighthouse(name="Skagen", lit=1747), parsed
with client(held).chat.completions.stream(model="auto", messages=messages, response_format=Lighthouse) as stream:
    final = stream.get_final_completion()
assert final.choices[0].message.parsed == Lighthouse(name="Skagen", lit=1747), final

# What a message brings back is whatever the SDK kept of it.
parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]


def at_once(**asked):
    return client(thinking).chat.completions.create(**asked)


def gathered(**asked):
    with client(thinking).chat.completions.stream(**asked) as stream:
        return stream.get_final_completion()


for ask in [at_once, gathered]:
    messages = [{"role": "user", "content": "The weather in Oslo?"}]
    called = ask(model="auto", messages=messages, tools=tools).choices[0].message
    result = {"role": "tool", "tool_call_id": called.tool_calls[0].id, "content": "Oslo: 7"}
    said = ask(model="auto", messages=[*messages, called, result], tools=tools).choices[0].message
    assert said.content == "7 degrees.", said

print("all well")

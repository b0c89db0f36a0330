"""OpenAI's SDK for Python in a conversation with tools, each turn of which another target answers."""

import json

import openai
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from turns import BASE_URL, GO_ON, KEY, QUESTION, RULES, TOOLS, TURNS, check, outcome

client = openai.OpenAI(base_url=BASE_URL, api_key=KEY)

# What an answer may have beyond OpenAI's own types: the gateway's account of it, and what some companies add.
EXTENSIONS = {
    "pilotlight",
    # Thoughts, in the forms of several companies.
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    # Gemini's signatures.
    "extra_content",
    # The place of a call, which some companies tell in whole answers as well.
    "index",
    # Accounts of companies: OpenRouter's, Groq's, Together's, vLLM's.
    "cost",
    "native_finish_reason",
    "prompt_logprobs",
    "provider",
    "seed",
    "stop_reason",
    "total_time",
    "x_groq",
    # Together's.
    "prompt",
}


def strict(kind, plain):
    """The SDK lets anything pass; this holds the same object to the SDK's own types."""
    extra = []
    undeclared(kind.model_validate_json(json.dumps(plain), strict=True), extra)
    assert set(extra) <= EXTENSIONS, f"{sorted(set(extra) - EXTENSIONS)} in {plain}"


def undeclared(value, found):
    if isinstance(value, list):
        for entry in value:
            undeclared(entry, found)
    elif isinstance(value, openai.BaseModel):
        found.extend(value.model_extra or {})
        for name in type(value).model_fields:
            undeclared(getattr(value, name), found)


def whole(model, messages):
    raw = client.chat.completions.with_raw_response.create(model=model, messages=messages, tools=TOOLS)
    strict(ChatCompletion, json.loads(raw.text))
    return raw.parse()


def streamed(model, messages):
    usage = {"include_usage": True}
    asked = {"model": model, "messages": messages, "tools": TOOLS, "stream_options": usage}
    with client.chat.completions.stream(**asked) as stream:
        chunks = [event.chunk for event in stream if event.type == "chunk"]
        final = stream.get_final_completion()
    for chunk in chunks:
        strict(ChatCompletionChunk, chunk.to_dict())
    assert chunks[-1].usage, chunks[-1]
    return final


def converse(ask):
    messages = [{"role": "system", "content": RULES}, {"role": "user", "content": QUESTION}]
    for turn in TURNS:
        completion = ask(turn["model"], messages)
        choice = completion.choices[0]
        message = choice.message
        calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or []]
        check(turn, message.content, calls, completion.usage.total_tokens)
        assert choice.finish_reason in (["tool_calls"] if calls else ["stop", "length"]), completion
        assert message.role == "assistant", completion
        messages.append(message)
        for call, (name, arguments) in zip(message.tool_calls or [], calls):
            assert call.id and call.type == "function", completion
            messages.append({"role": "tool", "tool_call_id": call.id, "content": outcome(name, arguments)})
        if not calls:
            messages.append({"role": "user", "content": GO_ON})


converse(whole)
converse(streamed)
print("all well")

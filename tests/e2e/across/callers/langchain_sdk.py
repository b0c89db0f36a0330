"""LangChain in a conversation with tools, each turn of which another target answers."""

import functools
import operator

from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI

from turns import BASE_URL, GO_ON, KEY, QUESTION, RULES, TOOLS, TURNS, check, outcome

chat = ChatOpenAI(model="unused", base_url=BASE_URL, api_key=KEY, stream_usage=True).bind_tools(TOOLS)


def whole(model, messages):
    return chat.invoke(messages, model=model)


def streamed(model, messages):
    return functools.reduce(operator.add, chat.stream(messages, model=model))


def converse(ask):
    messages = [SystemMessage(RULES), HumanMessage(QUESTION)]
    for turn in TURNS:
        answer = ask(turn["model"], messages)
        assert not answer.invalid_tool_calls, f"{turn}: {answer!r}"
        calls = [(call["name"], call["args"]) for call in answer.tool_calls]
        check(turn, answer.text, calls, answer.usage_metadata["total_tokens"])
        messages.append(answer)
        for call in answer.tool_calls:
            messages.append(ToolMessage(outcome(call["name"], call["args"]), tool_call_id=call["id"]))
        if not answer.tool_calls:
            messages.append(HumanMessage(GO_ON))


converse(whole)
converse(streamed)
print("all well")

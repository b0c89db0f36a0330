// The conversation: its exchanges, and the one that is being answered.
//
// It lives here and nowhere else, and ends with the page. What is shown is what is sent: an answer
// that broke off goes along as far as it came, and a question without any answer is left out, which
// its account says.

import { asked, isOpen, messagesOf, next } from "./answer.js";
import { ask } from "./chat.js";
import { problem, standing } from "./words.js";
import { addExchange } from "./view.js";

/**
 * A conversation in a list. `wish()` is what is asked for now (model, system, key); `end` follows
 * the page's end, `voice` speaks, and `onState` hears of each state of the latest answer.
 */
export function conversation({ list, wish, end, voice, onState }) {
  let exchanges = [];
  let current;

  function put(question) {
    exchanges.at(-1)?.view.settle();
    const exchange = { question };
    exchanges.push(exchange);
    return answer(exchange);
  }

  function again() {
    const last = exchanges.at(-1);
    if (current || !last) return undefined;
    last.view.remove();
    return answer(last);
  }

  function stop() {
    current?.abort();
  }

  function clear() {
    stop();
    current = undefined;
    for (const { view } of exchanges) view.remove();
    exchanges = [];
    voice.begin();
    onState();
  }

  async function answer(exchange) {
    const { model, system, key } = wish();
    const mine = new AbortController();
    const messages = messagesOf(system, exchanges.slice(0, -1), exchange.question);
    exchange.view = addExchange(list, { question: exchange.question, model, retry: again });
    exchange.answer = asked(performance.now());
    current = mine;

    function show() {
      exchange.view.show(exchange.answer, performance.now());
      // After `clear` this exchange is nobody's any more.
      if (current !== mine) return;
      onState(exchange.answer);
      voice.follow(exchange.answer.text);
      end.grown();
    }

    voice.begin();
    show();
    end.toEnd();
    const clock = setInterval(show, 1_000);
    const paint = oncePerFrame(() => isOpen(exchange.answer) && show());
    for await (const event of ask({ model, messages, key, signal: mine.signal })) {
      exchange.answer = next(exchange.answer, event, performance.now());
      paint();
    }
    clearInterval(clock);
    show();
    if (current !== mine) return;
    current = undefined;
    voice.finish(exchange.answer.text);
    voice.say(lastWords(exchange.answer));
  }

  return { put, again, stop, clear, isOpen: () => current !== undefined };
}

function lastWords(answer) {
  const words = [standing(answer) ?? `Answered by ${answer.target}`, problem(answer)];
  return words.filter(Boolean).join(". ");
}

/** Tokens come faster than frames. */
function oncePerFrame(show) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      show();
    });
  };
}

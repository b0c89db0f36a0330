//! A conversation that grows by a turn at a time: for most of its turns, what was sent before is
//! sent again, byte by byte, with only new messages after it.

use pilotlight::openai::{ChatRequest, Role};
use pilotlight::policy::fit::{self, Fitted};

use super::{Said, body, budget, written};

/// What was sent at each step of a growing conversation, message by message, from the first step
/// on at which something had to be cut.
fn sent_while_growing(steps: &[Vec<Said>], window: u32) -> Vec<Vec<String>> {
    let mut said = vec![Said::System(
        "You are the assistant of a lighthouse keeper.".to_owned(),
    )];
    let mut all = Vec::new();
    for step in steps {
        said.extend_from_slice(step);
        let body = body(&said, "Looks up a lamp by its name.");
        let request = ChatRequest::parse(&body).unwrap();
        match fit::fit(&request, &budget(window)) {
            Fitted::Whole { .. } => assert!(all.is_empty(), "what was cut once fits again"),
            Fitted::Cut {
                messages, counted, ..
            } => {
                let counted = counted.unwrap();
                assert!(
                    counted > budget(window).limit() / 3,
                    "{counted}: more went than had to"
                );
                all.push(messages.iter().map(written).collect());
            }
            Fitted::TooLong => panic!("too long"),
        }
    }
    assert!(all.len() * 2 > steps.len(), "hardly anything was cut");
    all
}

/// The share of steps, in percent, at which what `counts` of what was sent before is sent again.
fn unchanged(sent: &[Vec<String>], counts: impl Fn(&[String]) -> usize) -> usize {
    let same = sent
        .windows(2)
        .filter(|pair| pair[1].starts_with(&pair[0][..counts(&pair[0])]))
        .count();
    same * 100 / (sent.len() - 1)
}

/// Messages up to the newest user message, which is one past what has to stay.
fn before_newest_turn(sent: &[String]) -> usize {
    let user = format!("{}:", Role::User.as_str());
    sent.iter()
        .rposition(|message| message.starts_with(&user))
        .unwrap()
}

/// A length between `from` and `to` that looks random.
fn length(seed: usize, from: usize, to: usize) -> usize {
    from + seed.wrapping_mul(2_654_435_761) % 4_294_967_296 / 7 % (to - from)
}

fn prose(seed: usize, from: usize, to: usize) -> String {
    const WORDS: [&str; 16] = [
        "the ", "lamp ", "at ", "home ", "is ", "lit ", "and ", "never ", "goes ", "out, ",
        "while ", "clouds ", "come ", "in ", "from ", "sea. ",
    ];
    let mut text = format!("{seed}: ");
    while text.len() < length(seed, from, to) {
        text.push_str(WORDS[length(text.len() + seed, 0, WORDS.len())]);
    }
    text
}

#[test]
fn a_chat_keeps_its_prefix_for_most_turns() {
    for (window, least) in [(4_096, 65), (8_192, 80), (16_384, 90)] {
        let steps: Vec<Vec<Said>> = (0..150)
            .map(|turn| {
                let mut step = vec![Said::User(prose(turn, 20, 400))];
                if turn > 0 {
                    step.insert(0, Said::Answer(prose(turn + 1_000, 100, 1_600)));
                }
                step
            })
            .collect();
        let sent = sent_while_growing(&steps, window);
        let share = unchanged(&sent, <[String]>::len);
        assert!(share >= least, "{share} % at {window}");
    }
}

#[test]
fn a_chat_with_tools_keeps_what_stood_before_its_newest_turn() {
    for window in [8_192, 16_384] {
        let mut steps = Vec::new();
        for turn in 0..100 {
            steps.push(vec![Said::User(prose(turn, 20, 300))]);
            if turn % 2 == 0 {
                let results = vec![prose(turn + 500, 200, 9_000), prose(turn + 600, 50, 500)];
                steps.push(vec![Said::Call("lamp".to_owned(), results)]);
            }
            let answer = Said::Answer(prose(turn + 1_000, 100, 1_200));
            steps.push(vec![answer]);
        }
        let requests: Vec<Vec<Said>> = joined_answers(steps);
        let sent = sent_while_growing(&requests, window);
        let share = unchanged(&sent, before_newest_turn);
        assert!(share > 80, "{share} % at {window}");
    }
}

/// An answer is only sent with the user message that follows it.
fn joined_answers(steps: Vec<Vec<Said>>) -> Vec<Vec<Said>> {
    let mut requests: Vec<Vec<Said>> = Vec::new();
    let mut waiting = Vec::new();
    for step in steps {
        if matches!(step[..], [Said::Answer(_)]) {
            waiting = step;
        } else {
            requests.push([std::mem::take(&mut waiting), step].concat());
        }
    }
    requests
}

#[test]
fn an_agent_keeps_its_prefix_for_most_rounds() {
    for window in [8_192, 16_384] {
        let mut steps = vec![vec![Said::User(prose(1, 800, 1_600))]];
        steps.extend((0..120).map(|round| {
            let result = prose(round, 100, 1_500);
            vec![Said::Call(prose(round + 300, 20, 200), vec![result])]
        }));
        let sent = sent_while_growing(&steps, window);
        let share = unchanged(&sent, <[String]>::len);
        assert!(share > 80, "{share} % at {window}");
    }
}

#[test]
fn a_chat_after_a_long_work_keeps_its_prefix_for_most_turns() {
    for window in [8_192, 16_384] {
        let mut work = vec![Said::User(prose(1, 200, 400))];
        for round in 0..60 {
            let result = prose(round, 100, 4_000);
            work.push(Said::Call(prose(round + 300, 20, 200), vec![result]));
        }
        let hello = vec![
            Said::User("Hello.".to_owned()),
            Said::Answer("Hi.".to_owned()),
        ];
        let mut steps = vec![[hello, work].concat()];
        steps.extend((0..60).map(|turn| {
            vec![
                Said::Answer(prose(turn + 1_000, 100, 1_200)),
                Said::User(prose(turn, 20, 400)),
            ]
        }));
        let sent = sent_while_growing(&steps, window);
        let share = unchanged(&sent, <[String]>::len);
        assert!(share >= 75, "{share} % at {window}");
    }
}

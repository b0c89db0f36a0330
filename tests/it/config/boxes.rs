//! What a target may say of the box that it runs on, and what is told of one that cannot.

use pilotlight::config::{Context, Warm};
use serde_json::json;

use super::{check_told, parse, parse_sound, with};

#[test]
fn a_target_at_home_may_have_its_boxs_window_and_be_kept_warm() {
    let config = parse_sound(&[
        ("/targets/home/context", json!("auto")),
        ("/targets/home/warm", json!(true)),
        ("/targets/home/box", json!("attic")),
    ]);
    let home = config.target("home").unwrap();
    assert_eq!((home.context, home.warm), (Context::Auto, Warm::Yes));
    assert_eq!(home.box_name.as_deref(), Some("attic"));
    let usual = parse_sound(&[("/targets/home/context", json!(null))]);
    let home = usual.target("home").unwrap();
    assert_eq!((home.context, home.warm), (Context::Tokens(4096), Warm::No));
    assert_eq!(home.box_name.as_deref(), Some("home"));
    assert_eq!(config.target("groq").unwrap().box_name, None);
}

#[test]
fn what_only_a_box_that_tells_of_itself_can_have_is_told() {
    let check = |pointer: &str, value, part: &str| {
        let path = pointer.trim_start_matches('/').replace('/', ".");
        check_told(parse(&with(&[(pointer, value)])), &[(&path, part)]);
    };
    check("/targets/home/context", json!("atuo"), "or \"auto\"");
    check("/targets/home/context", json!(255), "from 256 to 10000000");
    check("/targets/home/warm", json!("yes"), "false or true");
    check("/targets/home/box", json!("the attic"), "letters, digits");
    check(
        "/targets/groq/context",
        json!("auto"),
        "has no words for that",
    );
    check("/targets/groq/warm", json!(true), "has no words for that");
    check("/targets/groq/box", json!("attic"), "write home = true");
    let gone = [
        ("/targets/home/home", json!(false)),
        ("/targets/home/context", json!("auto")),
        ("/targets/home/warm", json!(true)),
    ];
    let expected = [
        ("targets.home.context", "write home = true"),
        ("targets.home.warm", "write home = true"),
    ];
    check_told(parse(&with(&gone)), &expected);
    for none in [json!(0), json!("0s"), json!("0h0m")] {
        let cold = [
            ("/targets/home/keep_alive", none),
            ("/targets/home/warm", json!(true)),
        ];
        check_told(
            parse(&with(&cold)),
            &[("targets.home.warm", "keep_alive is 0")],
        );
    }
}

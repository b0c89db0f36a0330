use proptest::prelude::*;

use super::*;
use crate::provider::ollama::Ollama;
use crate::provider::watched::{Installed, Running};
use sighting::Look;

const NOW: u64 = 1_795_233_600_000;
const MINUTE: u64 = 60_000;

fn glimpse(window: Option<u32>, trained: Option<u32>) -> Glimpse {
    let unload_at = None;
    Glimpse {
        running: Some(window.map_or(Running::No, |window| Running::Yes {
            window: Some(window),
            unload_at,
        })),
        installed: Some(Installed::Yes { trained }),
        forwarded: Forwarded::No,
    }
}

fn here(window: Option<u32>) -> Sighting {
    Sighting::Here {
        version: "0.32.15".to_owned(),
        models: BTreeMap::from([("smol".to_owned(), glimpse(window, Some(8192)))]),
    }
}

fn seen(sighting: Sighting) -> Vec<(String, Sighting)> {
    vec![("home".to_owned(), sighting)]
}

/// The state after looks at these minutes, and how often it was written.
fn after_looks(looks: impl IntoIterator<Item = (u64, Sighting)>) -> (Boxes, u32) {
    let mut boxes = Boxes::default();
    let mut writes = 0;
    for (minute, sighting) in looks {
        let decision = decide(&boxes, &seen(sighting), NOW + minute * MINUTE);
        writes += u32::from(decision.news != News::None);
        boxes = decision.boxes;
    }
    (boxes, writes)
}

#[test]
fn what_does_not_change_is_written_once_an_hour() {
    let day = (0..1440)
        .step_by(2)
        .map(|minute| (minute, here(Some(4096))));
    assert_eq!(after_looks(day).1, 24);
    let two = [(0, here(Some(4096))), (2, here(Some(4096)))];
    assert_eq!(after_looks(two).1, 1);
}

#[test]
fn a_box_that_stays_away_is_hidden_all_the_while_and_written_every_third_round() {
    let mut boxes = Boxes::default();
    let mut writes = 0;
    for minute in (0..1440).step_by(2) {
        let now = NOW + minute * MINUTE;
        let decision = decide(&boxes, &seen(Sighting::Away), now);
        writes += u32::from(decision.news != News::None);
        boxes = decision.boxes;
        // Until the next round, and the one after that, should one come late or fail.
        for later in [0, 2 * MINUTE, 4 * MINUTE] {
            assert!(boxes.is_away("home", now + later), "{minute} {later}");
        }
    }
    assert_eq!(writes, 240);
    assert_eq!(boxes.0["home"].since, NOW);
}

#[test]
fn a_cron_that_died_hides_no_box_for_longer_than_ten_minutes() {
    let (boxes, _) = after_looks([(0, Sighting::Away)]);
    assert!(boxes.is_away("home", NOW + AWAY_MS - 1));
    assert!(!boxes.is_away("home", NOW + AWAY_MS));
    assert!(!boxes.is_away("other", NOW));
}

#[test]
fn a_box_that_came_back_is_told_of_once() {
    let (boxes, _) = after_looks([(0, here(None)), (2, Sighting::Away)]);
    let closed = decide(&boxes, &seen(Sighting::Closed), NOW + 4 * MINUTE);
    assert_eq!((closed.news, closed.back.len()), (News::Changed, 0));
    let back = decide(&boxes, &seen(here(None)), NOW + 4 * MINUTE);
    assert_eq!(
        (back.news, back.back),
        (News::Changed, vec!["home".to_owned()])
    );
    assert!(!back.boxes.is_away("home", NOW + 4 * MINUTE));
    assert_eq!(back.boxes.0["home"].since, NOW + 4 * MINUTE);
    let still = decide(&back.boxes, &seen(here(None)), NOW + 6 * MINUTE);
    assert_eq!((still.news, still.back.len()), (News::None, 0));
    let first = decide(&Boxes::default(), &seen(here(None)), NOW);
    assert!(
        first.back.is_empty(),
        "who was never seen away did not come back"
    );
}

#[test]
fn the_window_is_the_one_last_seen_and_never_more_than_was_trained_for() {
    let window = |looks: &[(u64, Sighting)]| {
        let (boxes, _) = after_looks(looks.iter().cloned());
        let state = *boxes.model("home", "smol", NOW + 6 * MINUTE).unwrap();
        (state.held, state.window_or(4096))
    };
    assert_eq!(window(&[(0, here(None))]), (Held::Cold, 4096));
    let warm = (0, here(Some(6144)));
    assert_eq!(window(std::slice::from_ref(&warm)), (Held::Loaded, 6144));
    assert_eq!(window(&[warm.clone(), (2, here(None))]), (Held::Cold, 6144));
    assert_eq!(
        window(&[warm.clone(), (2, Sighting::Away)]),
        (Held::Loaded, 6144)
    );
    assert_eq!(window(&[warm, (2, here(Some(2048)))]), (Held::Loaded, 2048));
    assert_eq!(window(&[(0, here(Some(100_000)))]).1, 8192);
    let small = ModelState {
        trained: Some(2048),
        ..ModelState::default()
    };
    assert_eq!(small.window_or(4096), 2048);
}

#[test]
fn what_is_known_of_a_model_runs_out() {
    let (boxes, _) = after_looks([(0, here(None))]);
    let forwarded = |at| boxes.model("home", "smol", at).map(|model| model.forwarded);
    assert_eq!(forwarded(NOW + KNOWN_MS - 1), Some(Forwarded::No));
    assert_eq!(forwarded(NOW + KNOWN_MS), None);
    assert_eq!(boxes.model("home", "other", NOW), None);
}

#[test]
fn a_server_that_is_no_longer_configured_is_forgotten() {
    let (boxes, _) = after_looks([(0, Sighting::Away)]);
    let decision = decide(&boxes, &[], NOW + MINUTE);
    assert_eq!(
        (decision.news, decision.boxes),
        (News::Changed, Boxes::default())
    );
}

#[test]
fn what_stands_before_a_server_is_told_from_the_server() {
    let told = |look: &Look| sighting::version(&Ollama, look);
    for look in [Look::Nothing, Look::Status(502), Look::Status(530)] {
        assert_eq!(told(&look), Err(Sighting::Away), "{look:?}");
    }
    let page = Look::Body(b"<html>".to_vec());
    for look in [
        Look::Status(403),
        Look::Status(302),
        Look::Status(404),
        page,
    ] {
        assert_eq!(told(&look), Err(Sighting::Closed), "{look:?}");
    }
    let version = Look::Body(br#"{"version":"0.32.15"}"#.to_vec());
    assert_eq!(told(&version), Ok("0.32.15".to_owned()));
}

#[test]
fn a_model_whose_prompts_go_elsewhere_is_known_by_name_or_by_the_list() {
    let list = br#"{"models":[{"name":"mine:latest","remote_host":"https://ollama.com"},
        {"name":"smol:latest"}]}"#;
    let forwarded = |installed: &Look, model: &str| {
        sighting::glimpse(&Ollama, &Look::Nothing, installed, model).forwarded
    };
    let list = Look::Body(list.to_vec());
    assert_eq!(forwarded(&list, "mine"), Forwarded::Yes);
    assert_eq!(forwarded(&list, "smol"), Forwarded::No);
    assert_eq!(forwarded(&list, "absent"), Forwarded::Unknown);
    assert_eq!(forwarded(&Look::Nothing, "smol"), Forwarded::Unknown);
    assert_eq!(
        forwarded(&Look::Nothing, "gpt-oss:120b-cloud"),
        Forwarded::Yes
    );
}

#[test]
fn a_model_that_cannot_be_seen_is_neither_cold_nor_absent() {
    let held = |running, installed| {
        let forwarded = Forwarded::Unknown;
        let glimpse = Glimpse {
            running,
            installed,
            forwarded,
        };
        glimpse.held()
    };
    let here = Some(Installed::Yes { trained: None });
    assert_eq!(held(Some(Running::No), here), Held::Cold);
    assert_eq!(held(None, here), Held::Unknown);
    assert_eq!(held(Some(Running::No), None), Held::Unknown);
    assert_eq!(held(None, Some(Installed::No)), Held::Absent);
}

#[test]
fn the_value_is_small_and_survives_the_store() {
    let (boxes, _) = after_looks([(0, here(Some(4096)))]);
    let text = serde_json::to_string(&boxes).unwrap();
    assert_eq!(
        text,
        r#"{"home":{"at":1795233600000,"since":1795233600000,"reach":"here","version":"0.32.15","models":{"smol":{"held":"loaded","window":4096,"trained":8192,"forwarded":"no"}}}}"#
    );
    assert_eq!(serde_json::from_str::<Boxes>(&text).unwrap(), boxes);
}

#[test]
fn of_two_words_on_a_box_the_later_one_stands() {
    let (early, _) = after_looks([(0, here(None))]);
    let (late, _) = after_looks([(2, Sighting::Away)]);
    for (first, second) in [(&early, &late), (&late, &early)] {
        let mut heard = first.clone();
        heard.hear(second);
        assert!(heard.is_away("home", NOW + 2 * MINUTE));
    }
}

fn any_sighting() -> impl Strategy<Value = Sighting> {
    let window = prop::option::of(prop::sample::select(vec![2048_u32, 4096, 16_384]));
    prop_oneof![
        3 => window.prop_map(here),
        2 => Just(Sighting::Away),
        1 => Just(Sighting::Closed),
    ]
}

proptest! {
    /// Over any history of looks at any pace.
    #[test]
    fn it_is_written_only_for_a_reason_and_nothing_outlives_its_time(
        looks in prop::collection::vec((any_sighting(), 1_u64..=12), 1..60),
        silence in 0_u64..=400,
    ) {
        let mut boxes = Boxes::default();
        let mut now = NOW;
        let mut last_write = None;
        for (sighting, pause) in looks {
            now += pause * MINUTE;
            let was_away = boxes.0.get("home").is_some_and(|state| state.reach == Reach::Away);
            let is_here = matches!(sighting, Sighting::Here { .. });
            let is_away = sighting == Sighting::Away;
            let decision = decide(&boxes, &seen(sighting.clone()), now);

            let plain = |boxes: &Boxes| boxes.0.get("home").map(|it| BoxState { at: 0, ..it.clone() });
            let same = plain(&boxes) == plain(&decision.boxes);
            prop_assert_eq!(decision.news == News::Changed, !same);
            if decision.news == News::None {
                prop_assert_eq!(&decision.boxes, &boxes);
            }
            if decision.news == News::Renewed {
                prop_assert!(last_write.is_some_and(|at| now - at >= 5 * MINUTE));
            }
            if decision.news != News::None {
                last_write = Some(now);
            }
            prop_assert_eq!(!decision.back.is_empty(), was_away && is_here);
            prop_assert_eq!(decision.boxes.is_away("home", now), is_away);
            // Looking again at the same moment changes nothing.
            let again = decide(&decision.boxes, &seen(sighting), now);
            prop_assert_eq!(again.news, News::None);
            prop_assert!(again.back.is_empty());
            boxes = decision.boxes;
        }
        // Then the cron dies.
        let later = now + silence * MINUTE;
        if silence >= 10 {
            prop_assert!(!boxes.is_away("home", later));
        }
        if silence >= 180 {
            prop_assert!(boxes.model("home", "smol", later).is_none());
        }
    }
}

#[test]
fn that_a_model_is_the_boxs_own_is_not_believed_of_a_box_that_nobody_has_seen_since() {
    let elsewhere = Glimpse {
        forwarded: Forwarded::Yes,
        ..glimpse(None, None)
    };
    for gone in [Sighting::Away, Sighting::Closed] {
        for (glimpse, told, kept) in [
            (glimpse(None, None), Forwarded::No, Forwarded::Unknown),
            (elsewhere, Forwarded::Yes, Forwarded::Yes),
        ] {
            let models = BTreeMap::from([("smol".to_owned(), glimpse)]);
            let version = "0.32.15".to_owned();
            let here = Sighting::Here { version, models };
            let (boxes, _) = after_looks([(0, here.clone())]);
            assert_eq!(boxes.0["home"].models["smol"].forwarded, told);
            // For as long as it lasts, with what is told of it renewed.
            let days = (1..2_000).map(|round| (2 * round, gone.clone()));
            let (boxes, _) = after_looks([(0, here)].into_iter().chain(days));
            assert_eq!(boxes.0["home"].models["smol"].forwarded, kept, "{gone:?}");
        }
    }
}

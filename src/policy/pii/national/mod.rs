//! Numbers by which states know people: one row for each, with its forms and its check.
//!
//! # Why a word is needed for some
//!
//! A check digit lets one number of ten pass. Where a number's form is as good as any other's (nine
//! or eleven digits), a word must stand near that tells what it is.

mod check;

use crate::policy::pii::Kind;
use crate::policy::pii::form::{Fit, Form, Place, forms, goes_on, stands_alone};
use crate::policy::pii::near::{Words, near};

/// The length of the only number here that may begin with six letters: Italy's.
pub(super) const LETTERED: usize = 16;

/// One country's number.
struct Scheme {
    /// Forms that are telling, together with the check.
    telling: &'static [Form],
    /// Forms that need a word near them.
    with_word: &'static [Form],
    words: Words,
    /// Whether the digits and capital letters can be such a number.
    check: fn(&[u8]) -> bool,
}

const SCHEMES: &[Scheme] = &[
    // United States: the social security number.
    Scheme {
        telling: &forms(["ddd-dd-dddd"]),
        with_word: &forms(["ddddddddd", "ddd dd dddd", "ddd.dd.dddd"]),
        words: words(&["social security"], &["ssn", "social"]),
        check: check::united_states,
    },
    // Germany: the tax number for life.
    Scheme {
        telling: &forms(["Pdddddddddd", "Pd ddd ddd ddd"]),
        with_word: &forms(["Pd/ddd/ddd/ddd"]),
        words: words(&["steuer", "idnr", "tax", "identifikationsn"], &["tin"]),
        check: check::germany,
    },
    // France: the social security number.
    Scheme {
        telling: &forms([
            "ddddddddddddddd",
            "d dd dd dd ddd ddd dd",
            "ddddddddddddd dd",
            "ddddddLdddddddd",
            "d dd dd dL ddd ddd dd",
        ]),
        with_word: &forms([]),
        words: words(&[], &[]),
        check: check::france,
    },
    // Spain: the identity card's number, and that of foreigners.
    Scheme {
        telling: &forms([
            "ddddddddL",
            "dddddddd-L",
            "LdddddddL",
            "L-ddddddd-L",
            "Lddddddd-L",
        ]),
        with_word: &forms(["ddddddddl", "dddddddd l", "dd.ddd.ddd-l", "ldddddddl"]),
        words: words(&["documento", "identidad"], &["dni", "nie", "nif"]),
        check: check::spain,
    },
    // Italy: the tax code. Its digits may be letters, where two people would have the same.
    Scheme {
        telling: &forms(["llllllwwlwwlwwwl"]),
        with_word: &forms([]),
        words: words(&[], &[]),
        check: check::italy,
    },
    // The Netherlands: the citizen service number.
    Scheme {
        telling: &forms([]),
        with_word: &forms(["ddddddddd", "dddd.dd.ddd", "ddd ddd ddd", "ddd.ddd.ddd"]),
        words: words(
            &["burgerservice", "sofinummer", "citizen service"],
            &["bsn", "sofi"],
        ),
        check: check::netherlands,
    },
    // United Kingdom: the national insurance number.
    Scheme {
        telling: &forms(["LLddddddL", "LL dd dd dd L", "LL dddddd L", "LL-dd-dd-dd-L"]),
        with_word: &forms(["llddddddl", "ll dd dd dd l"]),
        words: words(&["national insurance"], &["nino", "ni"]),
        check: check::united_kingdom,
    },
    // England, Wales and the Isle of Man: the number of the National Health Service.
    Scheme {
        telling: &forms([]),
        with_word: &forms(["ddd ddd dddd", "dddddddddd", "ddd-ddd-dddd"]),
        words: words(&["health service"], &["nhs"]),
        check: check::england,
    },
    // Canada: the social insurance number.
    Scheme {
        telling: &forms([]),
        with_word: &forms(["ddd ddd ddd", "ddd-ddd-ddd", "ddddddddd"]),
        words: words(&["social insurance"], &["sin", "nas"]),
        check: check::canada,
    },
    // Sweden: the personal identity number.
    Scheme {
        telling: &forms(["dddddd-dddd", "dddddd+dddd", "19dddddd-dddd"]),
        with_word: &forms(["dddddddddd", "dddddddddddd", "20dddddd-dddd"]),
        words: words(
            &[
                "personnummer",
                "personnr",
                "personal identity",
                "samordning",
            ],
            &["pnr"],
        ),
        check: check::sweden,
    },
    // Poland: PESEL.
    Scheme {
        telling: &forms([]),
        with_word: &forms(["ddddddddddd"]),
        words: words(&["pesel"], &[]),
        check: check::poland,
    },
    // Brazil: CPF.
    Scheme {
        telling: &forms(["ddd.ddd.ddd-dd"]),
        with_word: &forms(["ddddddddddd", "ddddddddd-dd"]),
        words: words(&["cadastro de pessoa"], &["cpf"]),
        check: check::brazil,
    },
    // Switzerland: the number of old-age insurance.
    Scheme {
        telling: &forms(["756.dddd.dddd.dd", "756dddddddddd", "756 dddd dddd dd"]),
        with_word: &forms([]),
        words: words(&[], &[]),
        check: check::switzerland,
    },
    // Finland: the personal identity code.
    Scheme {
        telling: &forms([
            "dddddd-dddd",
            "dddddd-dddL",
            "ddddddLdddd",
            "ddddddLdddL",
            "dddddd+dddL",
        ]),
        with_word: &forms([]),
        words: words(&[], &[]),
        check: check::finland,
    },
    // Belgium: the national register number.
    Scheme {
        telling: &forms(["dd.dd.dd-ddd.dd"]),
        with_word: &forms(["ddddddddddd", "dddddd-ddd-dd", "dddddd ddd dd"]),
        words: words(
            &[
                "rijksregister",
                "registre national",
                "national register",
                "national number",
            ],
            &["insz", "niss"],
        ),
        check: check::belgium,
    },
    // China: the resident identity card's number.
    Scheme {
        telling: &forms(["Pddddddddddddddddd", "PddddddddddddddddL"]),
        with_word: &forms([]),
        words: words(&[], &[]),
        check: check::china,
    },
];

const fn words(stems: &'static [&'static str], whole: &'static [&'static str]) -> Words {
    Words { stems, whole }
}

/// The number that begins here.
pub(super) fn number(place: Place<'_>) -> Option<Kind> {
    SCHEMES
        .iter()
        .any(|scheme| scheme.begins(place))
        .then_some(Kind::NationalId)
}

impl Scheme {
    fn begins(&self, place: Place<'_>) -> bool {
        let Place { text, at, .. } = place;
        let passes = |fit: &Fit| {
            stands_alone(text, at, fit.end) && !goes_on(text, at, fit) && (self.check)(fit.kept())
        };
        place.fits(self.telling).any(|fit| passes(&fit))
            || place
                .fits(self.with_word)
                .filter(passes)
                .any(|fit| near(text, at, fit.end, &self.words))
    }
}

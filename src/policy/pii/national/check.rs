//! The checks of national numbers.
//!
//! Each tells whether the digits and capital letters that a form kept can be such a number. Where a
//! number tells a birthday that is checked too, loosely: it costs little and spares many a mistake.

use crate::policy::pii::card::luhn;

/// The letters of Spain's check, by the number modulo 23.
const SPAIN: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";

/// The characters of Finland's check, by the number modulo 31.
const FINLAND: &[u8] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";

/// The characters of China's check, by the sum modulo 11.
const CHINA: &[u8] = b"10X98765432";

/// What letters count in the odd places of Italy's tax code, from A on; digits count as A to J.
const ITALY: [u32; 26] = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

/// Area, group and serial number are not all noughts, and the area was given out
/// (<https://www.ssa.gov/employer/randomization.html>). There is no check digit.
pub(super) fn united_states(number: &[u8]) -> bool {
    let (area, group, serial) = (at(number, 0, 3), at(number, 3, 2), at(number, 5, 4));
    area != 0 && area != 666 && area < 900 && group != 0 && serial != 0
}

/// ISO 7064 modulo 11, 10; and of the first ten digits just one stands there twice or three times
/// (<https://de.wikipedia.org/wiki/Steuerliche_Identifikationsnummer>, after §139b AO).
pub(super) fn germany(number: &[u8]) -> bool {
    let Some((check, digits)) = number.split_last() else {
        return false;
    };
    let mut times = [0; 10];
    for digit in digits {
        if let Some(times) = times.get_mut(usize::from(digit.saturating_sub(b'0'))) {
            *times += 1;
        }
    }
    let repeated = || times.iter().filter(|times| **times > 1);
    let product = digits.iter().fold(10, |product, digit| {
        let sum = (value(*digit) + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    repeated().count() == 1
        && repeated().all(|times| *times <= 3)
        && (11_u64.saturating_sub(product)) % 10 == value(*check)
}

/// Sex, year, month, place and order, and a key: 97 less the rest modulo 97. Corsica's 2A and 2B
/// count as 19 and 18 (<https://fr.wikipedia.org/wiki/Numéro_de_sécurité_sociale_en_France>).
pub(super) fn france(number: &[u8]) -> bool {
    let mut digits = [b'0'; 15];
    if number.len() != digits.len() {
        return false;
    }
    digits.copy_from_slice(number);
    match number {
        [_, _, _, _, _, b'2', letter @ (b'A' | b'B'), ..] => {
            let twin = if *letter == b'A' { b'9' } else { b'8' };
            for (place, digit) in digits.iter_mut().skip(5).zip([b'1', twin]) {
                *place = digit;
            }
        }
        _ if number.iter().all(u8::is_ascii_digit) => {}
        _ => return false,
    }
    let month = at(&digits, 3, 2);
    matches!(digits.first(), Some(b'1' | b'2' | b'7' | b'8'))
        && (matches!(month, 1..=12 | 20..=42) || month >= 50)
        && at(&digits, 5, 2) != 0
        && 97_u64.saturating_sub(at(&digits, 0, 13) % 97) == at(&digits, 13, 2)
}

/// A letter by the number modulo 23; a foreigner's X, Y or Z counts as 0, 1 or 2
/// (<https://www.interior.gob.es/opencms/es/servicios-al-ciudadano/tramites-y-gestiones/dni/calculo-del-digito-de-control-del-nif-nie/>).
pub(super) fn spain(number: &[u8]) -> bool {
    let leading = match number.first() {
        Some(first) if first.is_ascii_digit() => value(*first),
        Some(first @ b'X'..=b'Z') => u64::from(first.saturating_sub(b'X')),
        Some(_) | None => return false,
    };
    let number_value = leading * 10_000_000 + at(number, 1, 7);
    number.get(8) == at_rest(SPAIN, number_value)
}

/// Name, year, month's letter, day (women's plus 40), place, and a letter by a sum modulo 26
/// (Decreto ministeriale 23 dicembre 1976). Two digits at least are digits: people who would have
/// the same code get letters for some.
pub(super) fn italy(code: &[u8]) -> bool {
    let Some((check, code)) = code.split_last() else {
        return false;
    };
    let place = |byte: u8| {
        let nought = if byte.is_ascii_digit() { b'0' } else { b'A' };
        byte.saturating_sub(nought)
    };
    let sum: u32 = code
        .iter()
        .zip([1, 0].into_iter().cycle())
        .map(|(byte, odd)| match odd {
            1 => ITALY.get(usize::from(place(*byte))).copied().unwrap_or(0),
            _ => u32::from(place(*byte)),
        })
        .sum();
    let digits = code.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_month = code
        .get(8)
        .is_some_and(|month| b"ABCDEHLMPRST".contains(month));
    let is_day = |tens: u8| tens < b'8' || tens.is_ascii_uppercase();
    digits >= 2
        && is_month
        && code.get(9).is_some_and(|tens| is_day(*tens))
        && sum % 26 == u32::from(check.saturating_sub(b'A'))
}

/// The sum of nine times the first digit, eight times the second and so on, less the last, is a
/// multiple of eleven (<https://nl.wikipedia.org/wiki/Burgerservicenummer#11-proef>).
pub(super) fn netherlands(number: &[u8]) -> bool {
    let sum = weighed(number, &[9, 8, 7, 6, 5, 4, 3, 2, 10]);
    sum != 0 && sum.is_multiple_of(11)
}

/// The sum of ten times the first digit, nine times the second and so on, once the last, is a multiple
/// of eleven
/// (<https://www.datadictionary.nhs.uk/attributes/nhs_number.html>).
pub(super) fn england(number: &[u8]) -> bool {
    let sum = weighed(number, &[10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    sum != 0 && sum.is_multiple_of(11)
}

/// Luhn's digit; the first one is not an 8
/// (<https://en.wikipedia.org/wiki/Social_insurance_number>).
pub(super) fn canada(number: &[u8]) -> bool {
    number.first() != Some(&b'8') && luhn(number)
}

/// Which letters begin and end it; there is no check
/// (<https://www.gov.uk/hmrc-internal-manuals/national-insurance-manual/nim39110>).
pub(super) fn united_kingdom(number: &[u8]) -> bool {
    let [first, second, .., last] = number else {
        return false;
    };
    let pair: &[u8] = &[*first, *second];
    !b"DFIQUV".contains(first)
        && !b"DFIOQUV".contains(second)
        && ![b"BG", b"GB", b"NK", b"KN", b"TN", b"NT", b"ZZ"]
            .iter()
            .any(|no| pair == *no)
        && matches!(last, b'A'..=b'D')
}

/// A birthday (of coordination numbers plus 60) and Luhn's digit, over the last ten digits
/// (<https://www.skatteverket.se/privat/folkbokforing/personnummer.4.3810a01c150939e893f18c29.html>).
pub(super) fn sweden(number: &[u8]) -> bool {
    let Some(number) = number.last_chunk::<10>() else {
        return false;
    };
    let day = at(number, 4, 2);
    is_day(at(number, 2, 2), if day > 60 { day - 60 } else { day }) && luhn(number)
}

/// A birthday, whose month tells the century too, and a sum with the weights 1, 3, 7, 9 that is a
/// multiple of ten (<https://www.gov.pl/web/gov/czym-jest-numer-pesel>).
pub(super) fn poland(number: &[u8]) -> bool {
    is_day(at(number, 2, 2) % 20, at(number, 4, 2))
        && weighed(number, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

/// Two check digits modulo 11; not all digits are the same
/// (<https://pt.wikipedia.org/wiki/Cadastro_de_Pessoas_Físicas>).
pub(super) fn brazil(number: &[u8]) -> bool {
    let digit = |weights: &[u64]| weighed(number, weights) * 10 % 11 % 10;
    number.iter().any(|one| Some(one) != number.first())
        && digit(&[10, 9, 8, 7, 6, 5, 4, 3, 2]) == at(number, 9, 1)
        && digit(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) == at(number, 10, 1)
}

/// The check digit of article numbers, EAN-13
/// (<https://www.ahv-iv.ch/p/1.01.d>; GS1 General Specifications, 7.9).
pub(super) fn switzerland(number: &[u8]) -> bool {
    weighed(number, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
}

/// A birthday, a number, and a character by both modulo 31
/// (<https://dvv.fi/en/personal-identity-code>). The letter of a century, if it is one, does not count.
pub(super) fn finland(number: &[u8]) -> bool {
    let (day, serial, check) = match number {
        [day @ .., century, a, b, c, check] if century.is_ascii_alphabetic() => {
            (day, [*a, *b, *c], check)
        }
        [day @ .., a, b, c, check] => (day, [*a, *b, *c], check),
        _ => return false,
    };
    let rest = at(day, 0, 6) * 1000 + at(&serial, 0, 3);
    is_day(at(day, 2, 2), at(day, 0, 2)) && Some(check) == at_rest(FINLAND, rest)
}

/// A birthday, a number, and 97 less the rest of both modulo 97, with a 2 in front of who was born
/// since 2000 (<https://www.ibz.rrn.fgov.be>, Arrêté royal du 3 avril 1984).
pub(super) fn belgium(number: &[u8]) -> bool {
    let (first, check) = (at(number, 0, 9), at(number, 9, 2));
    at(number, 2, 2) % 20 <= 12
        && at(number, 4, 2) <= 31
        && [first, 2_000_000_000 + first]
            .iter()
            .any(|number| 97_u64.saturating_sub(number % 97) == check)
}

/// A place, a birthday, a number, and a character by the weighed sum modulo 11, ISO 7064 (GB 11643).
pub(super) fn china(number: &[u8]) -> bool {
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    number.first().is_some_and(|first| *first <= b'8')
        && (1800..2100).contains(&at(number, 6, 4))
        && is_day(at(number, 10, 2), at(number, 12, 2))
        && number.get(17) == CHINA.get(usize::try_from(weighed(number, &weights) % 11).unwrap_or(0))
}

/// The number that so many digits from a place on spell.
fn at(number: &[u8], from: usize, length: usize) -> u64 {
    let digits = number.iter().skip(from).take(length);
    digits.fold(0, |sum, digit| sum * 10 + value(*digit))
}

fn value(digit: u8) -> u64 {
    u64::from(digit.saturating_sub(b'0')).min(9)
}

/// The sum of the digits, each times its weight; those without a weight do not count.
fn weighed(number: &[u8], weights: &[u64]) -> u64 {
    number
        .iter()
        .zip(weights)
        .map(|(digit, weight)| value(*digit) * weight)
        .sum()
}

/// The character for what is left of `number` modulo how many there are.
fn at_rest(characters: &'static [u8], number: u64) -> Option<&'static u8> {
    let rest = number.checked_rem(u64::try_from(characters.len()).ok()?)?;
    characters.get(usize::try_from(rest).ok()?)
}

fn is_day(month: u64, day: u64) -> bool {
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

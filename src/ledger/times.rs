//! Times as counts in buckets: what can be added up, and still tells the middle and the tail.

use crate::openai::json::Writer;

/// The upper bounds of the buckets but the last, in milliseconds; each is twice the one before.
pub const BOUNDS: [u64; 15] = [
    50, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 102_400, 204_800, 409_600,
    819_200,
];

/// How many buckets there are.
pub const BUCKETS: usize = BOUNDS.len() + 1;

/// The bucket of a time.
pub fn bucket(ms: u64) -> usize {
    BOUNDS.partition_point(|bound| *bound < ms)
}

/// Writes the counts as an object: the median and the 95th percentile, each as the upper bound of its
/// bucket in milliseconds (`null` beyond the last bound, or where nothing was counted), and the counts
/// by upper bound.
pub fn write(out: &mut Vec<u8>, counts: &[u64; BUCKETS]) {
    let mut object = Writer::new(out);
    for (name, percent) in [("p50", 50), ("p95", 95)] {
        match percentile(counts, percent) {
            Some(bound) => object.number(name, bound),
            None => object.raw(name, "null"),
        };
    }
    let mut buckets = Writer::new(object.name("buckets"));
    let bounds = BOUNDS.iter().map(ToString::to_string);
    for (bound, count) in bounds.chain(["more".to_owned()]).zip(counts) {
        if *count > 0 {
            buckets.number(&bound, *count);
        }
    }
    buckets.end();
    object.end();
}

/// The upper bound of the bucket in which so many percent of all times have been reached.
fn percentile(counts: &[u64; BUCKETS], percent: u64) -> Option<u64> {
    let all: u64 = counts.iter().sum();
    if all == 0 {
        return None;
    }
    let wanted = all.saturating_mul(percent).div_ceil(100);
    let mut reached = 0_u64;
    for (at, count) in counts.iter().enumerate() {
        reached = reached.saturating_add(*count);
        if reached >= wanted {
            return BOUNDS.get(at).copied();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(times: &[u64]) -> String {
        let mut counts = [0; BUCKETS];
        for ms in times {
            counts[bucket(*ms)] += 1;
        }
        let mut out = Vec::new();
        write(&mut out, &counts);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_time_is_in_the_first_bucket_that_it_does_not_exceed() {
        for (ms, expected) in [
            (0, 0),
            (50, 0),
            (51, 1),
            (819_200, 14),
            (819_201, 15),
            (u64::MAX, 15),
        ] {
            assert_eq!(bucket(ms), expected, "{ms}");
        }
    }

    #[test]
    fn the_middle_and_the_tail_are_told_as_upper_bounds() {
        let mut times = vec![60; 90];
        times.extend([3_000; 10]);
        assert_eq!(
            written(&times),
            r#"{"p50":100,"p95":3200,"buckets":{"100":90,"3200":10}}"#
        );
        assert_eq!(written(&[]), r#"{"p50":null,"p95":null,"buckets":{}}"#);
        assert_eq!(
            written(&[u64::MAX]),
            r#"{"p50":null,"p95":null,"buckets":{"more":1}}"#
        );
    }
}

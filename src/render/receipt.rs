//! The receipt under a result. Knows plain response data only.

use std::time::Duration;

use super::{grouped, plural};
use crate::session::response::{Receipt, TopicReceipt};

/// The receipt as lines, each ended: one when at most one topic was read, else one for the rows and one per topic; before
/// them, loudly, why the result is not whole.
pub fn text(receipt: &Receipt, color: bool) -> String {
    let (loud, plain) = if color { ("\x1b[1;33m", "\x1b[0m") } else { ("", "") };
    let mut text = match &receipt.incomplete {
        Some(why) => format!("{loud}INCOMPLETE: {why}{plain}\n"),
        None => String::new(),
    };
    let rows = plural(receipt.rows, "row");
    match receipt.topics.as_slice() {
        [] => text.push_str(&format!("{rows} · {}\n", duration(receipt.elapsed))),
        [topic] => text.push_str(&format!("{rows} · {}\n", line(topic, receipt.elapsed))),
        topics => {
            text.push_str(&format!("{rows} · {} · {} topics\n", duration(receipt.elapsed), topics.len()));
            for topic in topics {
                text.push_str(&format!("  {}: {}\n", topic.topic, line(topic, receipt.elapsed)));
            }
        }
    }
    text
}

fn line(topic: &TopicReceipt, elapsed: Duration) -> String {
    let mut parts = vec![
        format!(
            "scanned {} of {}, {} of {}",
            grouped(topic.scanned),
            plural(topic.in_range, "message"),
            topic.partitions_read,
            plural(u64::try_from(topic.partitions).unwrap_or(u64::MAX), "partition"),
        ),
        bytes(topic.bytes),
        match per_second(topic.scanned, elapsed) {
            Some(rate) => format!("{} ({}/s)", duration(elapsed), count(rate)),
            None => duration(elapsed),
        },
    ];
    if let Some(tombstones) = topic.tombstones.filter(|n| *n > 0) {
        parts.push(plural(tombstones, "tombstone"));
    }
    if let Some(undecodable) = topic.undecodable.filter(|n| *n > 0) {
        let name = topic.topic.replace('\'', "''");
        parts.push(format!("{} undecodable: SELECT * FROM errors('{name}')", grouped(undecodable)));
    }
    parts.join(" · ")
}

/// `n` per second, `None` when there is nothing to divide.
pub fn per_second(n: u64, elapsed: Duration) -> Option<u64> {
    let nanos = elapsed.as_nanos();
    if n == 0 || nanos == 0 {
        return None;
    }
    u64::try_from(u128::from(n) * 1_000_000_000 / nanos).ok()
}

/// `n` in at most three digits: `999`, `1.2 k`, `277 k`, `48.1 M`.
pub fn count(n: u64) -> String {
    scaled(n, &["", " k", " M", " G", " T", " P", " E"])
}

/// A number of bytes in at most three digits: `512 B`, `1.9 MB`.
pub fn bytes(n: u64) -> String {
    scaled(n, &[" B", " kB", " MB", " GB", " TB", " PB", " EB"])
}

fn scaled(n: u64, units: &[&str]) -> String {
    let mut unit = units.iter();
    let mut name = unit.next().copied().unwrap_or("");
    // Tenths, so that 1.9 keeps its digit; rounding down never shows more than there was.
    let mut tenths = u128::from(n) * 10;
    let mut whole = true;
    while tenths >= 10_000 {
        let Some(next) = unit.next() else { break };
        name = next;
        tenths /= 1000;
        whole = false;
    }
    if whole || tenths >= 1000 {
        format!("{}{name}", tenths / 10)
    } else {
        format!("{}.{}{name}", tenths / 10, tenths % 10)
    }
}

/// `38 ms`, `1.2 s`, `2 min 5 s`, `3 h 20 min`.
pub fn duration(elapsed: Duration) -> String {
    let ms = elapsed.as_millis();
    let seconds = elapsed.as_secs();
    match ms {
        0 => "<1 ms".to_string(),
        1..1000 => format!("{ms} ms"),
        1000..60_000 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> TopicReceipt {
        TopicReceipt {
            topic: name.into(),
            scanned: 10_547,
            in_range: 10_547,
            partitions_read: 6,
            partitions: 6,
            bytes: 1_950_000,
            ..TopicReceipt::default()
        }
    }

    #[test]
    fn one_topic_is_one_line() {
        let topic = TopicReceipt { tombstones: Some(120), undecodable: Some(4), decoded: 10_423, ..topic("orders") };
        let receipt =
            Receipt { rows: 2, elapsed: Duration::from_millis(38), topics: vec![topic], ..Receipt::default() };
        assert_eq!(
            text(&receipt, false),
            "2 rows · scanned 10,547 of 10,547 messages, 6 of 6 partitions · 1.9 MB · 38 ms (277 k/s) · 120 tombstones \
             · 4 undecodable: SELECT * FROM errors('orders')\n"
        );
    }

    #[test]
    fn no_topic_is_rows_and_time() {
        let receipt = Receipt { rows: 1, ..Receipt::default() };
        assert_eq!(text(&receipt, false), "1 row · <1 ms\n");
    }

    #[test]
    fn several_topics_have_a_line_each_and_a_cut_is_loud() {
        let receipt = Receipt {
            rows: 3,
            elapsed: Duration::from_millis(2250),
            topics: vec![topic("orders"), TopicReceipt { tombstones: Some(0), ..topic("it's") }],
            incomplete: Some("max_rows = 3 reached".into()),
        };
        assert_eq!(
            text(&receipt, true),
            "\x1b[1;33mINCOMPLETE: max_rows = 3 reached\x1b[0m\n\
             3 rows · 2.2 s · 2 topics\n\
             \x20 orders: scanned 10,547 of 10,547 messages, 6 of 6 partitions · 1.9 MB · 2.2 s (4.6 k/s)\n\
             \x20 it's: scanned 10,547 of 10,547 messages, 6 of 6 partitions · 1.9 MB · 2.2 s (4.6 k/s)\n"
        );
    }

    #[test]
    fn figures_have_at_most_three_digits() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1.0 k");
        assert_eq!(count(99_950), "99.9 k");
        assert_eq!(count(999_999), "999 k");
        assert_eq!(count(48_100_000), "48.1 M");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
        assert_eq!(duration(Duration::from_secs(125)), "2 min 5 s");
        assert_eq!(duration(Duration::from_secs(12_000)), "3 h 20 min");
    }
}

//! The progress bar's text. Knows figures only.

use std::fmt;
use std::time::Duration;

use super::receipt::{bytes, count, duration, per_second};
use super::value::{columns, shortened};
use crate::session::response::Progress;

/// One look at a running scan; its `Display` is one line that fits `width` columns.
#[derive(Debug, Clone, Copy)]
pub struct Bar {
    /// Where it stands.
    pub progress: Progress,
    /// Since the statement began.
    pub elapsed: Duration,
    /// Columns of the terminal.
    pub width: usize,
}

/// Columns of the bar itself.
const CELLS: u64 = 20;

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Progress { done, total, bytes: read, .. } = self.progress;
        let done = done.min(total);
        let share = |of: u64| u64::try_from(u128::from(done) * u128::from(of) / u128::from(total.max(1))).unwrap_or(of);
        let eighths = share(CELLS * 8);
        let mut line = String::from(" ");
        for cell in 0..CELLS {
            line.push(match eighths.saturating_sub(cell * 8).min(8) {
                0 => '░',
                1 => '▏',
                2 => '▎',
                3 => '▍',
                4 => '▌',
                5 => '▋',
                6 => '▊',
                7 => '▉',
                _ => '█',
            });
        }
        line.push_str(&format!(" {:>3}%  {} of {}", share(100), count(done), count(total)));
        if let Some(rate) = per_second(done, self.elapsed) {
            line.push_str(&format!("  {} msg/s", count(rate)));
            if let Some(rate) = per_second(read, self.elapsed) {
                line.push_str(&format!("  {}/s", bytes(rate)));
            }
            // With the rate so far; at least a second, since less is not worth a number.
            let left = Duration::from_secs(total.saturating_sub(done).checked_div(rate).unwrap_or(0).max(1));
            line.push_str(&format!("  ETA {}", whole_seconds(left)));
        }
        let limit = self.width.saturating_sub(1);
        if columns(&line) > limit { f.write_str(&shortened(&line, limit)) } else { f.write_str(&line) }
    }
}

fn whole_seconds(left: Duration) -> String {
    if left.as_secs() < 60 { format!("{} s", left.as_secs()) } else { duration(left) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(done: u64, total: u64, width: usize) -> String {
        let progress = Progress { done, total, bytes: done * 100, rows: 0 };
        Bar { progress, elapsed: Duration::from_secs(2), width }.to_string()
    }

    #[test]
    fn it_says_share_rate_and_time_left() {
        assert_eq!(
            bar(3_900_000, 6_700_000, 100),
            " ███████████▋░░░░░░░░  58%  3.9 M of 6.7 M  1.9 M msg/s  195 MB/s  ETA 1 s"
        );
    }

    #[test]
    fn it_copes_with_nothing_done_nothing_to_do_and_a_narrow_terminal() {
        assert_eq!(bar(0, 10, 100), " ░░░░░░░░░░░░░░░░░░░░   0%  0 of 10");
        assert_eq!(bar(0, 0, 100), " ░░░░░░░░░░░░░░░░░░░░   0%  0 of 0");
        assert_eq!(bar(20, 10, 100), " ████████████████████ 100%  10 of 10  5 msg/s  1.0 kB/s  ETA 1 s");
        assert_eq!(columns(&bar(5, 10, 30)), 29);
    }
}

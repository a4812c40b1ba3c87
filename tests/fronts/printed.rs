//! What scripts and the shell print for statements: rows on standard output, talk on standard error.

use std::fmt::Write as _;
use std::sync::Arc;

use weir::error::{Error, Span};
use weir::render::{Format, Look, Renderer, error::screen, receipt};
use weir::session::response::Response;

use super::inside::Ran;

/// Rows as they are printed without a terminal, in the format that is set; nothing of a result that failed before its first.
pub fn data(ran: &Ran) -> String {
    let mut out = Vec::new();
    let mut renderer: Option<Renderer> = None;
    let look = Look { format: Format::of(&ran.settings), width: None, color: false };
    for response in &ran.responses {
        match response {
            Response::Schema(schema) => renderer = Some(Renderer::new(Arc::clone(schema), look)),
            Response::Rows(batch) => renderer.as_mut().unwrap().rows(batch, &mut out).unwrap(),
            Response::Receipt(_) => renderer.take().into_iter().for_each(|mut r| r.finish(&mut out).unwrap()),
            _ => {}
        }
    }
    if matches!(ran.responses.last(), Some(Response::Rows(_))) {
        renderer.unwrap().finish(&mut out).unwrap();
    }
    String::from_utf8(out).unwrap()
}

/// Notices, receipts, effects and the error's screen; the statement starts at byte `at` of `text`, which is called `name`.
pub fn talk(ran: &Ran, text: &str, at: usize, name: &str) -> String {
    let mut out = String::new();
    for response in &ran.responses {
        match response {
            // Said once per session and topic, and every front has sessions of its own.
            Response::Notice(notice) if notice.about.is_some() => {}
            Response::Notice(notice) => {
                writeln!(out, "note: {}", notice.message).unwrap();
                notice.hint.iter().for_each(|hint| writeln!(out, "hint: {hint}").unwrap());
            }
            Response::Receipt(receipt) => out.push_str(&receipt::text(receipt, false)),
            Response::Done { message } => writeln!(out, "{message}").unwrap(),
            _ => {}
        }
    }
    if let Some(error) = &ran.error {
        out.push_str(&screen(&moved(error, at), text, Some(name), false));
    }
    out
}

/// The error with its span `by` bytes further on.
fn moved(error: &Error, by: usize) -> Error {
    let mut moved = Error::new(error.kind(), error.message());
    if let Some(detail) = error.detail() {
        moved = moved.with_detail(detail);
    }
    if let Some(hint) = error.hint() {
        moved = moved.with_hint(hint);
    }
    match error.span() {
        Some(span) => moved.with_span(Span::new(span.start + by, span.end + by)),
        None => moved,
    }
}

/// Talk without what differs from run to run, how long it took, and from session to session, what columns were inferred
/// from: that is said once for each topic.
pub fn timeless(talk: &str) -> String {
    let line = |line: &str| line.split(" · ").filter(|part| !is_time(part)).collect::<Vec<_>>().join(" · ");
    let once = |line: &str| line.starts_with("note: ") && line.contains(": columns inferred from ");
    talk.lines().filter(|l| !once(l)).map(|l| line(l) + "\n").collect()
}

/// `38 ms`, `<1 ms`, `2 min 5 s (277 k/s)`.
fn is_time(part: &str) -> bool {
    let part = part.split_once(" (").map_or(part, |(time, _)| time);
    let words: Vec<&str> = part.split(' ').collect();
    let number = |word: &str| word.trim_start_matches('<').parse::<f64>().is_ok();
    words.len().is_multiple_of(2)
        && words.chunks(2).all(|pair| number(pair[0]) && ["ms", "s", "min", "h"].contains(&pair[1]))
}

#[test]
fn times_are_told_apart_from_counts() {
    let talk = "6 rows · scanned 1 of 1 messages · 98 B · 1.2 s (5 k/s) · 1 s\n2 rows · <1 ms\nno · t\n";
    assert_eq!(timeless(talk), "6 rows · scanned 1 of 1 messages · 98 B\n2 rows\nno · t\n");
}

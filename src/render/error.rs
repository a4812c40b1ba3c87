//! The error screen: message, the line it points at, what would do. Knows the error and the text that was executed.

use crate::error::{Error, Span};

use super::value::{columns, shortened};

/// Most lines of source shown for one error.
const MOST_LINES: usize = 3;
/// Most columns of a line of source.
const LONGEST: usize = 100;
/// A tab in the source is shown as this many spaces.
const TAB: &str = "    ";

/// The screen for `error`, each line ended.
///
/// `text` is what was executed: when the error has a span, the lines it covers follow with carets under the right columns.
/// `source` names the file the text came from.
pub fn screen(error: &Error, text: &str, source: Option<&str>, color: bool) -> String {
    let (red, cyan, dim, plain) =
        if color { ("\x1b[1;31m", "\x1b[36m", "\x1b[2m", "\x1b[0m") } else { ("", "", "", "") };
    let mut screen = format!("{red}error:{plain} {}\n", error.message());
    if let Some(span) = error.span() {
        let span = clipped(span, text);
        let (line, column) = position(text, span.start);
        if let Some(source) = source {
            screen.push_str(&format!("{dim}  --> {source}:{line}:{column}{plain}\n"));
        }
        for shown in lines(text, span) {
            screen.push_str(&format!("{dim}{} |{plain} {}\n", shown.number, shown.text));
            let margin = " ".repeat(shown.number.len());
            screen.push_str(&format!("{dim}{margin} |{plain} {}{red}{}{plain}\n", shown.before, shown.carets));
        }
    } else if let Some(source) = source {
        screen.push_str(&format!("{dim}  --> {source}{plain}\n"));
    }
    if let Some(detail) = error.detail() {
        for line in detail.lines() {
            screen.push_str(&format!("  {line}\n"));
        }
    }
    if let Some(hint) = error.hint() {
        screen.push_str(&format!("{cyan}hint:{plain} {hint}\n"));
    }
    screen
}

/// Line and column, both counted from 1 and the column in characters, of byte `at` in `text`.
pub fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..boundary(text, at)).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

/// The span inside `text`, on character boundaries and without the space around it, whatever it was.
fn clipped(span: Span, text: &str) -> Span {
    let start = boundary(text, span.start);
    let end = boundary(text, span.end).max(start);
    let marked = text.get(start..end).unwrap_or("");
    let start = start + if marked.trim().is_empty() { 0 } else { marked.len() - marked.trim_start().len() };
    Span::new(start, start + text.get(start..end).unwrap_or("").trim_end().len())
}

fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

struct Shown {
    number: String,
    text: String,
    before: String,
    carets: String,
}

impl Shown {
    /// A line of source; of a long one, the part around what is marked: a line that wraps would take the carets from their
    /// place.
    fn window(number: usize, before: &str, marked: &str, after: &str) -> Shown {
        let mut before = before.to_string();
        if columns(&before) + columns(marked) + columns(after) > LONGEST && columns(&before) > LONGEST / 2 {
            let mut kept = String::new();
            for c in before.chars().rev() {
                if columns(&kept) >= LONGEST / 3 {
                    break;
                }
                kept.insert(0, c);
            }
            before = format!("…{kept}");
        }
        let lead = columns(&before);
        let whole = format!("{before}{marked}{after}");
        let text = if columns(&whole) > LONGEST { shortened(&whole, LONGEST) } else { whole };
        let carets = columns(marked).clamp(1, LONGEST.saturating_sub(lead).max(1));
        Shown { number: number.to_string(), text, before: " ".repeat(lead), carets: "^".repeat(carets) }
    }
}

/// The source lines under `span`, the first few; numbers are padded to one width.
fn lines(text: &str, span: Span) -> Vec<Shown> {
    let mut shown = Vec::new();
    let mut start = 0;
    for (index, line) in text.split('\n').enumerate() {
        let end = start + line.len();
        // A span of no width, and one at the very end, still points somewhere.
        let touches = span.start <= end && (span.end > start || span.start == start);
        if touches && shown.len() < MOST_LINES {
            let line = line.trim_end_matches('\r');
            let from = span.start.clamp(start, start + line.len()) - start;
            let to = span.end.clamp(start, start + line.len()) - start;
            let (before, marked) = (line.get(..from).unwrap_or(""), line.get(from..to).unwrap_or(""));
            // On the lines after the first, the indentation is not what is wrong.
            let indent =
                if before.is_empty() && shown.is_empty() { 0 } else { marked.len() - marked.trim_start().len() };
            let (skipped, marked) = marked.split_at(if before.is_empty() { indent } else { 0 });
            let marked = marked.trim_end();
            let after = line.get(before.len() + skipped.len() + marked.len()..).unwrap_or("");
            let [before, marked, after] =
                [format!("{before}{skipped}"), marked.to_string(), after.to_string()].map(|s| s.replace('\t', TAB));
            shown.push(Shown::window(index + 1, &before, &marked, &after));
        }
        start = end + 1;
    }
    let widest = shown.iter().map(|line| line.number.len()).max().unwrap_or(0);
    for line in &mut shown {
        line.number = format!("{:>widest$}", line.number);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, word: &str) -> Span {
        let start = text.find(word).unwrap();
        Span::new(start, start + word.len())
    }

    #[test]
    fn the_caret_stands_under_the_word() {
        let text = "SELECT region,\n\tsum(amout) FROM orders";
        let error = Error::sql("column \"amout\" not found in orders")
            .with_span(at(text, "amout"))
            .with_detail("orders has: id, region, amount")
            .with_hint("did you mean \"amount\"?");
        assert_eq!(
            screen(&error, text, Some("queries/top.sql"), false),
            "error: column \"amout\" not found in orders\n  --> queries/top.sql:2:6\n2 |     sum(amout) FROM orders\n  |         \
             ^^^^^\n  orders has: id, region, amount\nhint: did you mean \"amount\"?\n"
        );
    }

    #[test]
    fn wide_characters_take_their_columns() {
        let text = "SELECT '日本', żółw FROM t";
        let error = Error::sql("no żółw").with_span(at(text, "żółw"));
        assert_eq!(
            screen(&error, text, None, false),
            "error: no żółw\n1 | SELECT '日本', żółw FROM t\n  |                ^^^^\n"
        );
    }

    #[test]
    fn a_span_over_lines_marks_each_without_its_indentation() {
        let text = "SELECT (a\n  + b)\nFROM t";
        let error = Error::sql("cannot add").with_span(at(text, "(a\n  + b)"));
        assert_eq!(
            screen(&error, text, None, false),
            "error: cannot add\n1 | SELECT (a\n  |        ^^\n2 |   + b)\n  |   ^^^^\n"
        );
    }

    #[test]
    fn space_around_a_span_is_not_marked() {
        let error = Error::sql("no").with_span(Span::new(1, 12));
        assert_eq!(
            screen(&error, ";\n\n  SELECT \n", Some("a.sql"), false),
            "error: no\n  --> a.sql:3:3\n3 |   SELECT \n  |   ^^^^^^\n"
        );
    }

    #[test]
    fn a_span_beyond_the_text_or_inside_a_character_points_at_the_nearest_place() {
        let error = Error::sql("unfinished").with_span(Span::new(99, 120));
        assert_eq!(screen(&error, "SELECT", None, false), "error: unfinished\n1 | SELECT\n  |       ^\n");
        let error = Error::sql("odd").with_span(Span::new(1, 1));
        assert_eq!(screen(&error, "ż", None, false), "error: odd\n1 | ż\n  | ^\n");
    }

    #[test]
    fn without_a_span_there_is_no_source_line_and_colour_only_when_asked() {
        let error = Error::connect("no broker at x:1");
        assert_eq!(screen(&error, "SELECT 1", None, true), "\x1b[1;31merror:\x1b[0m no broker at x:1\n");
        assert_eq!(screen(&error, "", Some("a.sql"), false), "error: no broker at x:1\n  --> a.sql\n");
    }

    #[test]
    fn of_a_long_line_the_part_around_the_mistake_is_shown() {
        let text = format!("SELECT {} nope, {} FROM t", "a, ".repeat(60), "b, ".repeat(60));
        let at = text.find("nope").unwrap();
        let error = Error::sql("no").with_span(Span::new(at, at + 4));
        let screen = screen(&error, &text, None, false);
        let lines: Vec<&str> = screen.lines().collect();
        let (source, carets) = (lines[1], lines[2]);
        assert!(source.starts_with("1 | …") && source.ends_with('…'), "{screen}");
        assert!(columns(source) <= LONGEST + 4, "{screen}");
        let column = columns(&source[..source.find("nope").unwrap()]);
        assert_eq!(carets, format!("  |{}^^^^", " ".repeat(column - 3)));
        // Too long a mark is cut with its line.
        let all = Error::sql("no").with_span(Span::new(0, text.len()));
        let screen = super::screen(&all, &text, None, false);
        assert!(screen.lines().all(|line| columns(line) <= LONGEST + 4), "{screen}");
    }
}

//! Colours for the edit line. Pure. The coloured text always has the same width as the plain one.

use super::keyword::is_keyword;
use super::lex::{Kind, lex};

/// What Enter puts at the start of a further line of a statement; shown as [`CONTINUATION`].
pub const INDENT: &str = "      ";
/// The look of [`INDENT`]: as wide as it, and as wide as the prompt.
pub const CONTINUATION: &str = "   -> ";

/// `text` with escape sequences for colour (when `color`), and with the indentation of further lines shown as the
/// continuation prompt.
pub fn highlight(text: &str, color: bool) -> String {
    let mut shown = String::with_capacity(text.len() * 2);
    let mut skip_to = 0;
    for piece in lex(text).pieces {
        if piece.range.start < skip_to {
            continue;
        }
        let part = text.get(piece.range.clone()).unwrap_or("");
        let (on, off) = match piece.kind {
            _ if !color => ("", ""),
            Kind::Word if is_keyword(part) => ("\x1b[1;34m", "\x1b[0m"),
            Kind::Text => ("\x1b[32m", "\x1b[0m"),
            Kind::Number => ("\x1b[36m", "\x1b[0m"),
            Kind::Comment => ("\x1b[2m", "\x1b[0m"),
            Kind::Backslash => ("\x1b[35m", "\x1b[0m"),
            _ => ("", ""),
        };
        shown.push_str(on);
        shown.push_str(part);
        shown.push_str(off);
        let ends_line = matches!(piece.kind, Kind::Space | Kind::Comment) && part.ends_with('\n');
        if ends_line && text.get(piece.range.end..).is_some_and(|rest| rest.starts_with(INDENT)) {
            let (on, off) = if color { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
            shown.push_str(on);
            shown.push_str(CONTINUATION);
            shown.push_str(off);
            skip_to = piece.range.end + INDENT.len();
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keywords_texts_numbers_and_comments_are_coloured() {
        assert_eq!(
            highlight("select a, 'x' from t limit 5 -- why", true),
            "\x1b[1;34mselect\x1b[0m a, \x1b[32m'x'\x1b[0m \x1b[1;34mfrom\x1b[0m t \x1b[1;34mlimit\x1b[0m \x1b[36m5\x1b[0m \
             \x1b[2m-- why\x1b[0m"
        );
    }

    #[test]
    fn further_lines_show_the_continuation_prompt_but_not_inside_a_text() {
        assert_eq!(highlight("select\n      1,\n      2", false), "select\n   -> 1,\n   -> 2");
        assert_eq!(highlight("select -- x\n      1", false), "select -- x\n   -> 1");
        assert_eq!(highlight("select '\n      1'", false), "select '\n      1'");
    }

    proptest! {
        #[test]
        fn only_colour_and_the_continuation_prompt_are_added(text in "[a-c'\";\\\\ \n$/*.1żSELECT-]{0,40}") {
            prop_assert_eq!(highlight(&text, false).replace(CONTINUATION, INDENT), text.replace(CONTINUATION, INDENT));
            let mut plain = highlight(&text, true);
            for sequence in ["\x1b[0m", "\x1b[1;34m", "\x1b[32m", "\x1b[36m", "\x1b[2m", "\x1b[35m"] {
                plain = plain.replace(sequence, "");
            }
            prop_assert_eq!(plain, highlight(&text, false));
        }
    }
}

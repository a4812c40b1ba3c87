//! A text into pieces, one per statement, by tokens: a `;` inside a string, a comment or quotes does not count.

use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::error::{Error, Result, Span};

/// One statement's tokens and its place in the text.
#[derive(Debug, Clone)]
pub struct Piece {
    /// From its first to its last token, without the `;`.
    pub span: Span,
    /// Tokens, without white space and comments; spans are places in the whole text.
    pub tokens: Vec<TokenWithSpan>,
    /// Whether a `;` ended it.
    pub terminated: bool,
}

/// Byte offsets of the line and column places that the tokenizer speaks of.
#[derive(Debug)]
pub struct Places<'a> {
    text: &'a str,
    lines: Vec<usize>,
}

impl<'a> Places<'a> {
    /// Places in `text`.
    pub fn new(text: &'a str) -> Self {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Places { text, lines }
    }

    /// The byte at a location; the text's end for places past it.
    pub fn byte(&self, at: Location) -> usize {
        let line = usize::try_from(at.line).unwrap_or(usize::MAX).saturating_sub(1);
        let column = usize::try_from(at.column).unwrap_or(usize::MAX).saturating_sub(1);
        let Some(start) = self.lines.get(line).copied() else { return self.text.len() };
        let end = self.lines.get(line + 1).copied().unwrap_or(self.text.len());
        let content = self.text.get(start..end).unwrap_or("");
        if content.is_ascii() {
            return start + column.min(content.len());
        }
        content.char_indices().nth(column).map_or(end, |(at, _)| start + at)
    }

    /// The bytes of a tokenizer span.
    pub fn span(&self, span: sqlparser::tokenizer::Span) -> Span {
        Span::new(self.byte(span.start), self.byte(span.end))
    }
}

/// Every statement of `text` in order; empty statements are left out.
///
/// # Errors
/// Text that is not made of tokens: an unterminated string or comment.
pub fn split(text: &str) -> Result<Vec<Piece>> {
    let places = Places::new(text);
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location().map_err(|e| {
        let at = places.byte(e.location);
        let end = text.len().min(at + 1);
        Error::sql(e.message.to_lowercase())
            .with_span(Span::new(at, end))
            .with_hint("close the quote or the comment that starts here")
    })?;
    let mut pieces = Vec::new();
    let mut current: Vec<TokenWithSpan> = Vec::new();
    for token in tokens {
        match token.token {
            Token::Whitespace(_) | Token::EOF => {}
            Token::SemiColon => finish(&mut pieces, &mut current, &places, true),
            _ => current.push(token),
        }
    }
    finish(&mut pieces, &mut current, &places, false);
    Ok(pieces)
}

fn finish(pieces: &mut Vec<Piece>, current: &mut Vec<TokenWithSpan>, places: &Places<'_>, terminated: bool) {
    let tokens = std::mem::take(current);
    let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else { return };
    let span = Span::new(places.byte(first.span.start), places.byte(last.span.end));
    pieces.push(Piece { span, tokens, terminated });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(sql: &str) -> Vec<&str> {
        split(sql).unwrap().iter().map(|p| &sql[p.span.start..p.span.end]).collect()
    }

    #[test]
    fn semicolons_count_only_as_tokens() {
        assert_eq!(
            texts("select ';' ; -- no; not here\nselect \"a;b\" /* ; */ from t;;\n select 3"),
            ["select ';'", "select \"a;b\" /* ; */ from t", "select 3"]
        );
        assert!(!split("select 1; select 2").unwrap()[1].terminated);
    }

    #[test]
    fn places_survive_wide_characters_and_tabs() {
        assert_eq!(texts("select 'grün' ;\n\tselect 'ö', x;"), ["select 'grün'", "select 'ö', x"]);
    }

    #[test]
    fn an_open_quote_is_an_error_with_its_place() {
        let error = split("select 1;\nselect 'abc").unwrap_err();
        assert_eq!(error.span().unwrap().start, 17);
    }

    proptest! {
        #[test]
        fn any_text_splits_or_fails_without_panic(text in "\\PC{0,80}") {
            if let Ok(pieces) = split(&text) {
                for p in pieces {
                    prop_assert!(text.get(p.span.start..p.span.end).is_some());
                }
            }
        }
    }
}

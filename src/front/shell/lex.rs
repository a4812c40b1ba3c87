//! SQL text to coloured, classified pieces, however unfinished it is. Pure.

use std::ops::Range;

use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer, Whitespace};

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A word without quotes: a keyword or a name.
    Word,
    /// A name in quotes.
    Quoted,
    /// A number.
    Number,
    /// A string literal.
    Text,
    /// A comment; one that ends with its line holds the line feed too.
    Comment,
    /// Space, tab or line feed.
    Space,
    /// `;`
    Semicolon,
    /// `.`
    Dot,
    /// `,`
    Comma,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `=`
    Equals,
    /// `\`
    Backslash,
    /// Any other operator.
    Other,
}

/// A piece of the text; pieces follow each other without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub range: Range<usize>,
}

/// The pieces of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lexed {
    /// In order, covering all of the text.
    pub pieces: Vec<Piece>,
    /// Its last piece has no end yet: an open quote or comment.
    pub open: bool,
    /// Its last piece can never be SQL.
    pub refused: bool,
}

/// Cuts `text` into pieces. What cannot be read is one last piece.
pub fn lex(text: &str) -> Lexed {
    let mut tokens = Vec::new();
    let failed = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location_into_buf(&mut tokens).err();
    let mut walker = Walker { text, at: 0, line: 1, column: 1 };
    let mut pieces = Vec::with_capacity(tokens.len() + 1);
    for TokenWithSpan { token, span } in &tokens {
        let start = walker.at;
        let end = walker.walk(span.end);
        if start < end {
            pieces.push(Piece { kind: kind(token), range: start..end });
        }
    }
    let rest = text.get(walker.at..).unwrap_or("");
    let open = failed.as_ref().is_some_and(|e| e.message.starts_with("Unterminated") || e.message.contains("EOF"));
    let refused = failed.is_some() && !open;
    if !rest.is_empty() {
        let kind = match rest.chars().next() {
            Some('"' | '`') => Kind::Quoted,
            Some('/') => Kind::Comment,
            _ => Kind::Text,
        };
        pieces.push(Piece { kind, range: walker.at..text.len() });
    }
    Lexed { pieces, open, refused }
}

/// Follows the tokenizer's lines and columns through the text's bytes.
struct Walker<'a> {
    text: &'a str,
    at: usize,
    line: u64,
    column: u64,
}

impl Walker<'_> {
    fn walk(&mut self, to: Location) -> usize {
        let rest = self.text.get(self.at..).unwrap_or("");
        for c in rest.chars() {
            if (self.line, self.column) >= (to.line, to.column) {
                break;
            }
            self.at += c.len_utf8();
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.at
    }
}

fn kind(token: &Token) -> Kind {
    match token {
        Token::Word(word) if word.quote_style.is_some() => Kind::Quoted,
        Token::Word(_) => Kind::Word,
        Token::Number(..) => Kind::Number,
        Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => Kind::Comment,
        Token::Whitespace(_) => Kind::Space,
        Token::SemiColon => Kind::Semicolon,
        Token::Period => Kind::Dot,
        Token::Comma => Kind::Comma,
        Token::LParen => Kind::Open,
        Token::RParen => Kind::Close,
        Token::Eq => Kind::Equals,
        Token::Backslash => Kind::Backslash,
        Token::SingleQuotedString(_)
        | Token::TripleSingleQuotedString(_)
        | Token::DollarQuotedString(_)
        | Token::SingleQuotedByteStringLiteral(_)
        | Token::SingleQuotedRawStringLiteral(_)
        | Token::NationalStringLiteral(_)
        | Token::EscapedStringLiteral(_)
        | Token::UnicodeStringLiteral(_)
        | Token::HexStringLiteral(_) => Kind::Text,
        _ => Kind::Other,
    }
}

/// A part of what was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// One or more statements.
    Sql(Range<usize>),
    /// A command of the shell: `\d orders`, or one of the words `help`, `quit`, `exit`. Without the line's end.
    Command(Range<usize>),
}

/// Words that are commands when they stand alone.
pub const WORDS: [&str; 3] = ["help", "quit", "exit"];

/// Cuts `text` into statements and commands. A command starts with `\` where a statement could start, or at the start of a
/// line outside of quotes, and ends with its line. A statement in front of a command may be unfinished.
pub fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut from = 0;
    let alone = text.trim().trim_end_matches(';').trim_end();
    if WORDS.iter().any(|word| word.eq_ignore_ascii_case(alone)) {
        let start = text.len() - text.trim_start().len();
        return vec![Part::Command(start..start + alone.len())];
    }
    while let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) {
        let command = command_in(rest).map(|at| from + at);
        let end = command.unwrap_or(text.len());
        if text.get(from..end).is_some_and(|sql| !sql.trim().is_empty()) {
            parts.push(Part::Sql(from..end));
        }
        let Some(start) = command else { break };
        let line = text.get(start..).unwrap_or("");
        let end = start + line.find('\n').unwrap_or(line.len());
        let length = text.get(start..end).map_or(0, |line| line.trim_end().len());
        parts.push(Part::Command(start..start + length));
        from = end;
    }
    parts
}

/// Where the first command starts.
fn command_in(text: &str) -> Option<usize> {
    let lexed = lex(text);
    let mut fresh = true;
    for piece in &lexed.pieces {
        let line = text.get(..piece.range.start).and_then(|before| before.rsplit('\n').next()).unwrap_or("");
        match piece.kind {
            Kind::Space | Kind::Comment => {}
            Kind::Backslash if fresh || line.trim().is_empty() => return Some(piece.range.start),
            kind => fresh = kind == Kind::Semicolon,
        }
    }
    None
}

/// Whether Enter should run `text`: it is empty, ends in a command, or its last statement has its semicolon.
pub fn is_complete(text: &str) -> bool {
    let parts = parts(text);
    let Some(Part::Sql(range)) = parts.last() else { return true };
    let lexed = lex(text.get(range.clone()).unwrap_or(""));
    let last = lexed.pieces.iter().rev().find(|piece| !matches!(piece.kind, Kind::Space | Kind::Comment));
    // Only comments: nothing to wait for. What can never be SQL: let the engine say so.
    !lexed.open && (lexed.refused || last.is_none_or(|piece| piece.kind == Kind::Semicolon))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_statement_is_complete_at_a_semicolon_outside_of_everything() {
        for text in [
            "",
            "  \n",
            "select 1;",
            "select ';' ;",
            "select 1; -- done",
            "-- nothing",
            "\\d",
            "\\d it's",
            "HELP",
            "quit;",
            "clear\n  \\q",
        ] {
            assert!(is_complete(text), "{text:?}");
        }
        for text in [
            "select 1",
            "select ';",
            "select \";\"",
            "/* ; ",
            "select $$;",
            "select '\n\\q",
            "select 1 \\q",
            "select 1; select",
            "select 1 -- ;",
            "help me",
        ] {
            assert!(!is_complete(text), "{text:?}");
        }
        assert!(is_complete("select $$ ; $$;"));
        assert!(is_complete("select /* ; /* nested */ ; */ 1;"));
    }

    #[test]
    fn commands_and_statements_are_told_apart() {
        let text = "select '\n\\x';\n\\x on \nselect 2; select 3;\n\\q";
        let shown: Vec<(bool, &str)> = parts(text)
            .into_iter()
            .map(|part| match part {
                Part::Sql(range) => (false, text[range].trim()),
                Part::Command(range) => (true, &text[range]),
            })
            .collect();
        assert_eq!(
            shown,
            [(false, "select '\n\\x';"), (true, "\\x on"), (false, "select 2; select 3;"), (true, "\\q")]
        );
    }

    #[test]
    fn pieces_have_the_right_bytes() {
        let text = "SELECT 'ż', \"日\"\r\n FROM t";
        let words: Vec<&str> =
            lex(text).pieces.into_iter().filter(|p| p.kind != Kind::Space).map(|p| &text[p.range]).collect();
        assert_eq!(words, ["SELECT", "'ż'", ",", "\"日\"", "FROM", "t"]);
    }

    proptest! {
        #[test]
        fn pieces_cover_any_text_without_gaps(text in "[a-c'\"`;\\\\ \n\r\t$/*.,()=ż1-]{0,40}") {
            let mut at = 0;
            for piece in lex(&text).pieces {
                prop_assert_eq!(piece.range.start, at);
                prop_assert!(text.get(piece.range.clone()).is_some_and(|t| !t.is_empty()));
                at = piece.range.end;
            }
            prop_assert_eq!(at, text.len());
            is_complete(&text);
            for part in parts(&text) {
                let (Part::Sql(range) | Part::Command(range)) = part;
                prop_assert!(text.get(range).is_some());
            }
        }
    }
}

//! A strict reader of JSON text that builds nothing: it walks, and hands out slices. Knows RFC 8259 and nothing else.
//!
//! The text must be UTF-8 already. Depth is bounded, so that hostile nesting is an error and not a full stack.

use std::borrow::Cow;

use super::guess::{self, Lead, ShortKey};

/// How deep arrays and objects may nest.
const MAX_DEPTH: u32 = 64;

/// Where the reader stands.
#[derive(Debug)]
pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    guesses: bool,
}

/// The text is not JSON. In a box, so that a step that succeeds returns in a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) Box<Problem>);

/// What was expected, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) what: &'static str,
    pub(super) at: usize,
}

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    Array,
    Text,
    Number,
    Bool,
    Null,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Object => "an object",
            Kind::Array => "an array",
            Kind::Text => "text",
            Kind::Number => "a number",
            Kind::Bool => "a boolean",
            Kind::Null => "null",
        }
    }
}

type Step<T> = Result<T, Malformed>;

impl<'a> Parser<'a> {
    /// A reader that looks at each byte.
    pub(super) fn checked(text: &'a str) -> Self {
        Parser { text, at: 0, depth: 0, guesses: false }
    }

    /// A reader that takes the short cuts of [`guess`] where they hold.
    #[inline]
    pub(super) fn guessing(text: &'a str) -> Self {
        Parser { text, at: 0, depth: 0, guesses: true }
    }

    #[cold]
    fn wrong<T>(&self, what: &'static str) -> Step<T> {
        Err(Malformed(Box::new(Problem { what, at: self.at })))
    }

    #[inline]
    fn peek_raw(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space, left where it is.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.peek_raw() {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// What the next value is.
    #[inline]
    pub(super) fn kind(&mut self) -> Step<Kind> {
        match self.peek() {
            Some(b'"') => Ok(Kind::Text),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(_) => self.wrong("a value was expected"),
            None => self.wrong("the text ends where a value was expected"),
        }
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Step<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.wrong("something follows the value"),
        }
    }

    fn literal(&mut self, word: &str) -> Step<()> {
        if self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(())
        } else {
            self.wrong("true, false or null was expected")
        }
    }

    /// Consumes `null`.
    pub(super) fn null(&mut self) -> Step<()> {
        self.literal("null")
    }

    /// Consumes `true` or `false`.
    pub(super) fn boolean(&mut self) -> Step<bool> {
        if self.peek() == Some(b't') {
            self.literal("true").map(|()| true)
        } else {
            self.literal("false").map(|()| false)
        }
    }

    /// Consumes a number; true when it has neither point nor exponent.
    #[inline]
    pub(super) fn number(&mut self) -> Step<(&'a str, bool)> {
        let start = self.at;
        if self.guesses
            && let Some((end, whole)) = guess::number_end(self.text.as_bytes(), start)
        {
            self.at = end;
            return Ok((self.slice(start), whole));
        }
        self.any_number()
    }

    /// Consumes a whole number if it has the usual form.
    #[inline]
    pub(super) fn usual_whole(&mut self) -> Option<i64> {
        let (value, end) = guess::whole(self.text.as_bytes(), self.at).filter(|_| self.guesses)?;
        self.at = end;
        Some(value)
    }

    /// Consumes a number if it has the usual form.
    #[inline]
    pub(super) fn usual_float(&mut self) -> Option<f64> {
        let (value, end) = guess::float(self.text.as_bytes(), self.at).filter(|_| self.guesses)?;
        self.at = end;
        Some(value)
    }

    fn any_number(&mut self) -> Step<(&'a str, bool)> {
        let start = self.at;
        if self.peek_raw() == Some(b'-') {
            self.at += 1;
        }
        match self.peek_raw() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.wrong("a digit was expected"),
        }
        let mut whole = true;
        if self.peek_raw() == Some(b'.') {
            whole = false;
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek_raw(), Some(b'e' | b'E')) {
            whole = false;
            self.at += 1;
            if matches!(self.peek_raw(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok((self.slice(start), whole))
    }

    fn digits(&mut self) {
        while matches!(self.peek_raw(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Step<()> {
        if !matches!(self.peek_raw(), Some(b'0'..=b'9')) {
            return self.wrong("a digit was expected");
        }
        self.digits();
        Ok(())
    }

    /// Where the reader stands.
    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What was consumed since the reader stood at `start`.
    #[inline]
    pub(super) fn slice(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Consumes text; what stands between the quotes, and whether it has escapes.
    #[inline]
    fn quoted(&mut self) -> Step<(&'a str, bool)> {
        self.at += 1;
        let start = self.at;
        if self.guesses
            && let Some(end) = guess::text_end(self.text.as_bytes(), start)
        {
            self.at = end + 1;
            return Ok((self.text.get(start..end).unwrap_or_default(), false));
        }
        self.any_quoted()
    }

    /// Consumes text whose first quote was consumed.
    fn any_quoted(&mut self) -> Step<(&'a str, bool)> {
        let start = self.at;
        let mut escapes = false;
        let bytes = self.text.as_bytes();
        loop {
            // Eight bytes at a time as long as nothing in them is special.
            while let Some(Ok(eight)) = bytes.get(self.at..self.at + 8).map(<[u8; 8]>::try_from) {
                if special(u64::from_le_bytes(eight)) {
                    break;
                }
                self.at += 8;
            }
            match bytes.get(self.at) {
                Some(b'"') => {
                    let inside = self.slice(start);
                    self.at += 1;
                    return Ok((inside, escapes));
                }
                Some(b'\\') => {
                    escapes = true;
                    self.at += 1;
                    self.escape()?;
                }
                Some(0..=0x1F) => return self.wrong("a control character stands in text"),
                Some(_) => self.at += 1,
                None => return self.wrong("the text ends inside quotes"),
            }
        }
    }

    /// Consumes what follows a backslash.
    fn escape(&mut self) -> Step<()> {
        match self.peek_raw() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                let unit = self.unit()?;
                if (0xDC00..0xE000).contains(&unit) {
                    return self.wrong("half a surrogate pair stands in text");
                }
                if (0xD800..0xDC00).contains(&unit) {
                    let pair = self.text.as_bytes().get(self.at..self.at + 2) == Some(b"\\u");
                    self.at += 2;
                    if !pair || !(0xDC00..0xE000).contains(&self.unit()?) {
                        return self.wrong("half a surrogate pair stands in text");
                    }
                }
            }
            _ => return self.wrong("a backslash is followed by no escape"),
        }
        Ok(())
    }

    fn unit(&mut self) -> Step<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let value =
            digits.and_then(|d| d.iter().try_fold(0, |all, digit| Some(all << 4 | char::from(*digit).to_digit(16)?)));
        match value {
            Some(value) => {
                self.at += 4;
                Ok(value)
            }
            None => self.wrong("four hexadecimal digits were expected"),
        }
    }

    /// Consumes text.
    #[inline]
    pub(super) fn text(&mut self) -> Step<Cow<'a, str>> {
        let (inside, escapes) = self.quoted()?;
        Ok(if escapes { Cow::Owned(unescaped(inside)) } else { Cow::Borrowed(inside) })
    }

    /// Consumes any value.
    #[inline]
    pub(super) fn pass(&mut self) -> Step<()> {
        match self.peek() {
            Some(b'"') => self.quoted().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            _ => self.skip().map(|_| ()),
        }
    }

    /// Consumes any value and gives its text.
    pub(super) fn skip(&mut self) -> Step<&'a str> {
        let kind = self.kind()?;
        let start = self.at;
        match kind {
            Kind::Text => self.quoted().map(|_| ())?,
            Kind::Number => self.number().map(|_| ())?,
            Kind::Bool => self.boolean().map(|_| ())?,
            Kind::Null => self.null()?,
            Kind::Object => {
                let mut more = self.open(b'}')?;
                while more {
                    self.key_raw()?;
                    self.skip()?;
                    more = self.next(b'}')?;
                }
            }
            Kind::Array => {
                let mut more = self.open(b']')?;
                while more {
                    self.skip()?;
                    more = self.next(b']')?;
                }
            }
        }
        Ok(self.slice(start))
    }

    /// Enters an array or object that ends with `close`; whether it has anything in it.
    #[inline]
    pub(super) fn open(&mut self, close: u8) -> Step<bool> {
        if self.depth >= MAX_DEPTH {
            return self.wrong("the value is nested too deeply");
        }
        self.at += 1;
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        self.depth += 1;
        Ok(true)
    }

    /// After an item: whether another follows before `close`.
    #[inline]
    pub(super) fn next(&mut self, close: u8) -> Step<bool> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(_) => self.wrong("a comma or the end of the value was expected"),
            None => self.wrong("the text ends inside a value"),
        }
    }

    /// Consumes a key and its colon if they are exactly these bytes.
    #[inline]
    pub(super) fn expected(&mut self, lead: &Lead) -> bool {
        self.peek();
        match lead.end(self.text.as_bytes(), self.at) {
            Some(end) if self.guesses => {
                self.at = end;
                true
            }
            _ => false,
        }
    }

    /// The key that comes next, if it has the usual form, and where its colon ends. Consumes nothing.
    #[inline]
    pub(super) fn short_key(&mut self) -> Option<(ShortKey, usize)> {
        if !self.guesses || self.peek() != Some(b'"') {
            return None;
        }
        ShortKey::at(self.text.as_bytes(), self.at + 1)
    }

    /// Consumes everything before `end`.
    #[inline]
    pub(super) fn jump(&mut self, end: usize) {
        self.at = end;
    }

    /// A key and its colon: what stands between the quotes, and whether that has escapes.
    #[inline]
    pub(super) fn key_raw(&mut self) -> Step<(&'a str, bool)> {
        if self.peek() != Some(b'"') {
            return self.wrong("a name in quotes was expected");
        }
        let key = self.quoted()?;
        if self.peek() != Some(b':') {
            return self.wrong("a colon was expected");
        }
        self.at += 1;
        Ok(key)
    }

    /// A key and its colon.
    #[inline]
    pub(super) fn key(&mut self) -> Step<Cow<'a, str>> {
        let (inside, escapes) = self.key_raw()?;
        Ok(if escapes { Cow::Owned(unescaped(inside)) } else { Cow::Borrowed(inside) })
    }
}

/// Whether one of eight bytes is a quote, a backslash or a control character. May say yes too often, never too rarely.
#[inline]
fn special(eight: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |x: u64| x.wrapping_sub(ONES) & !x & HIGH;
    let quote = zero(eight ^ (ONES * 0x22));
    let backslash = zero(eight ^ (ONES * 0x5C));
    let control = eight.wrapping_sub(ONES * 0x20) & !eight & HIGH;
    quote | backslash | control != 0
}

/// Text with its escapes, which were checked before, replaced.
pub(super) fn unescaped(inside: &str) -> String {
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside.chars();
    let unit = |rest: &mut std::str::Chars<'_>| -> u32 {
        rest.by_ref().take(4).fold(0, |all, digit| all << 4 | digit.to_digit(16).unwrap_or_default())
    };
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let mut code = unit(&mut rest);
                if (0xD800..0xDC00).contains(&code) {
                    let low = {
                        rest.next();
                        rest.next();
                        unit(&mut rest)
                    };
                    code = 0x1_0000 + (((code - 0xD800) << 10) | (low.wrapping_sub(0xDC00) & 0x3FF));
                }
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn valid(text: &str) -> Step<()> {
        let mut parser = Parser::checked(text);
        parser.skip()?;
        parser.end()
    }

    proptest! {
        #[test]
        fn it_accepts_what_serde_accepts(text in r#"[\[\]{}:,"\\ 0-9a-fnrtu.eE+\-tls]{0,24}"#) {
            let serde = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            let strings_are_text = serde_json::from_str::<serde_json::Value>(&text).is_ok()
                || !text.contains("\\u") && (!text.contains(['e', 'E']));
            if strings_are_text {
                prop_assert_eq!(valid(&text).is_ok(), serde, "{}", text);
            }
        }

        #[test]
        fn text_is_read_as_serde_reads_it(text in ".{0,40}", ascii in any::<bool>()) {
            let mut json = serde_json::to_string(&text).unwrap();
            if ascii {
                json = json.chars().flat_map(|c| {
                    let mut units = [0; 2];
                    let escaped: String = if c.is_ascii() { c.into() } else {
                        c.encode_utf16(&mut units).iter().map(|u| format!("\\u{u:04X}")).collect()
                    };
                    escaped.chars().collect::<Vec<_>>()
                }).collect();
            }
            let mut parser = Parser::checked(&json);
            prop_assert_eq!(parser.text().unwrap(), text);
            prop_assert!(parser.end().is_ok());
        }
    }

    #[test]
    fn hostile_nesting_is_an_error() {
        assert!(valid(&"[".repeat(100_000)).is_err());
        assert!(valid(&"{\"a\":".repeat(100_000)).is_err());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "01",
            "1.",
            "-",
            "+1",
            "1e",
            "tru",
            "nul",
            "\"\t\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "{\"a\"}",
            "[1,]",
            "{,}",
            "1 2",
            "'a'",
            "NaN",
        ] {
            assert!(valid(text).is_err(), "{text}");
        }
    }
}

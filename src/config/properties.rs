//! Property files as text: Java's `client.properties` and the `name=value` files of librdkafka and kcat. Knows syntax, not
//! what any property means.

use crate::error::{Error, Result};

/// One property and where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its value, unescaped and trimmed.
    pub value: String,
    /// The line it starts on, from 1.
    pub line: usize,
}

/// Which rules a file follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// Java: `=`, `:` or blanks separate, `\` escapes and continues lines, `#` and `!` comment.
    Java,
    /// librdkafka and kcat: `=` separates, nothing is escaped, `#` comments.
    Librdkafka,
}

/// Names that only librdkafka knows. A file with one of them is read by its rules, where a backslash is a backslash.
const LIBRDKAFKA_ONLY: &[&str] = &[
    "metadata.broker.list",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.key.location",
    "enable.ssl.certificate.verification",
    "debug",
    "log_level",
];

/// Which rules `text` follows: librdkafka's when it sets a property that only librdkafka has and holds no JAAS line, else
/// Java's.
pub fn detect(text: &str) -> Syntax {
    let mut names = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim());
    let jaas = names.clone().any(|n| n == "sasl.jaas.config");
    if !jaas && names.any(|n| LIBRDKAFKA_ONLY.contains(&n)) { Syntax::Librdkafka } else { Syntax::Java }
}

/// The properties in `text`, in order. `file` names it in errors.
///
/// # Errors
/// [`crate::error::Kind::Usage`] with file and line: a line without a value, a bad escape.
pub fn parse(text: &str, file: &str) -> Result<Vec<Entry>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match detect(text) {
        Syntax::Librdkafka => parse_librdkafka(text, file),
        Syntax::Java => parse_java(text, file),
    }
}

fn at(file: &str, line: usize, what: &str) -> Error {
    Error::usage(format!("{file}:{line}: {what}")).with_hint("each line is name=value")
}

fn parse_librdkafka(text: &str, file: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        match trimmed.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => {
                entries.push(Entry { name: name.trim().into(), value: value.trim().into(), line: index + 1 });
            }
            _ => return Err(at(file, index + 1, "there is no = in this line")),
        }
    }
    Ok(entries)
}

fn parse_java(text: &str, file: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, first)) = lines.next() {
        let first = first.trim_start();
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        let mut logical = first.to_string();
        while continues(&logical) {
            logical.pop();
            match lines.next() {
                Some((_, next)) => logical.push_str(next.trim_start()),
                None => break,
            }
        }
        let entry = split_java(&logical, index + 1).map_err(|what| at(file, index + 1, &what))?;
        entries.push(entry);
    }
    Ok(entries)
}

/// Whether a line ends in an odd number of backslashes.
fn continues(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

fn split_java(line: &str, number: usize) -> Result<Entry, String> {
    let mut escaped = false;
    let mut end = line.len();
    for (i, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '=' | ':' => {
                end = i;
                break;
            }
            c if c.is_whitespace() => {
                end = i;
                break;
            }
            _ => {}
        }
    }
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    if rest.is_empty() && end == line.len() {
        return Err("there is no value in this line".into());
    }
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    let name = unescape(name)?;
    if name.is_empty() {
        return Err("there is no name before the =".into());
    }
    Ok(Entry { name, value: unescape(value.trim())?, line: number })
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4).and_then(char::from_u32);
                out.push(code.ok_or_else(|| format!("\\u{digits} is no character"))?);
            }
            Some(other) => out.push(other),
            None => {}
        }
    }
    Ok(out)
}

/// A login module and its options, from a `sasl.jaas.config` value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jaas {
    /// Class name without its package, as in `PlainLoginModule`.
    pub module: String,
    /// Its `name="value"` options, in order.
    pub options: Vec<(String, String)>,
}

/// Reads `org.….PlainLoginModule required username="u" password="p";`. Values may be quoted with `"` or `'`, with `\`
/// escaping the quote; blanks and `;` inside quotes belong to the value.
///
/// # Errors
/// A sentence that says what is wrong, without any value in it.
pub fn parse_jaas(text: &str) -> Result<Jaas, String> {
    let text = text.trim();
    let (class, mut rest) = text.split_once(char::is_whitespace).ok_or("there is no login module and flag")?;
    let module = class.rsplit('.').next().unwrap_or(class).to_string();
    rest = rest.trim_start();
    let flag_end = rest.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(rest.len());
    let (flag, after) = rest.split_at(flag_end);
    if !["required", "requisite", "sufficient", "optional"].iter().any(|f| f.eq_ignore_ascii_case(flag)) {
        return Err(format!("after {module} comes a flag such as \"required\""));
    }
    rest = after.trim_start();
    let mut options = Vec::new();
    loop {
        if let Some(tail) = rest.strip_prefix(';') {
            return if tail.trim().is_empty() {
                Ok(Jaas { module, options })
            } else {
                Err("only one login module is understood".into())
            };
        }
        let Some((name, after)) = rest.split_once('=') else {
            return Err(if rest.is_empty() { "the closing ; is missing".into() } else { "an option has no =".into() });
        };
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) {
            return Err("an option has no =".into());
        }
        let (value, after) =
            jaas_value(after.trim_start()).ok_or(format!("the value of {name} has no closing quote"))?;
        options.push((name.to_string(), value));
        rest = after.trim_start();
    }
}

/// The value at the front of `text`, and what follows it.
fn jaas_value(text: &str) -> Option<(String, &str)> {
    let quote = match text.chars().next() {
        Some(q @ ('"' | '\'')) => q,
        _ => {
            let end = text.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(text.len());
            let (value, rest) = text.split_at(end);
            return Some((value.to_string(), rest));
        }
    };
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            '\\' => value.push(chars.next()?.1),
            c if c == quote => return text.get(i + c.len_utf8()..).map(|rest| (value, rest)),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String, usize)> {
        parse(text, "f").unwrap().into_iter().map(|e| (e.name, e.value, e.line)).collect()
    }

    fn triple(name: &str, value: &str, line: usize) -> (String, String, usize) {
        (name.into(), value.into(), line)
    }

    #[test]
    fn java_rules() {
        let text = "# c\n! c\n\nbootstrap.servers = a:1,\\\n   b:2\nsasl.jaas.config: X\\u0041\\=\\\\\n  key value with blanks \nempty=\n";
        assert_eq!(
            pairs(text),
            [
                triple("bootstrap.servers", "a:1,b:2", 4),
                triple("sasl.jaas.config", "XA=\\", 6),
                triple("key", "value with blanks", 7),
                triple("empty", "", 8),
            ]
        );
    }

    #[test]
    fn librdkafka_rules_keep_backslashes() {
        let text = "# kcat\nmetadata.broker.list=a:1\nsasl.password=p\\w=1\n";
        assert_eq!(pairs(text), [triple("metadata.broker.list", "a:1", 2), triple("sasl.password", "p\\w=1", 3)]);
    }

    #[test]
    fn errors_carry_file_and_line() {
        let message = |text| parse(text, "x.properties").unwrap_err().message().to_string();
        assert_eq!(message("a=1\nlonely\n"), "x.properties:2: there is no value in this line");
        assert_eq!(message("sasl.username=u\nlonely\n"), "x.properties:2: there is no = in this line");
        assert_eq!(message("a=\\uZZ"), "x.properties:1: \\uZZ is no character");
    }

    #[test]
    fn jaas_values_may_hold_anything_when_quoted() {
        let jaas = parse_jaas(
            r#"org.apache.kafka.common.security.plain.PlainLoginModule required username="u ser" password="p;=\"' \\" x=y;"#,
        )
        .unwrap();
        assert_eq!(jaas.module, "PlainLoginModule");
        let options: Vec<(&str, &str)> = jaas.options.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(options, [("username", "u ser"), ("password", "p;=\"' \\"), ("x", "y")]);
        assert_eq!(parse_jaas("a.B required username='o;k';").unwrap().options[0].1, "o;k");
    }

    #[test]
    fn jaas_errors_name_the_fault_and_no_value() {
        for (text, message) in [
            ("B", "there is no login module and flag"),
            ("B now", "after B comes a flag such as \"required\""),
            ("B required password=\"secret", "the value of password has no closing quote"),
            ("B required password=secret", "the closing ; is missing"),
            ("B required secret;", "an option has no ="),
        ] {
            assert_eq!(parse_jaas(text).unwrap_err(), message);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "\\PC{0,40}(\n\\PC{0,20}){0,3}") {
            let _ = parse(&text, "f");
            let _ = parse_jaas(&text);
        }

        #[test]
        fn a_quoted_jaas_value_comes_back(value in "\\PC{0,20}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let jaas = parse_jaas(&format!("P required password=\"{quoted}\";")).unwrap();
            prop_assert_eq!(&jaas.options[0].1, &value);
        }
    }
}

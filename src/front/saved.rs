//! Saved queries: SQL files whose header declares parameters. Reads folders and files, knows nothing of sessions.
//!
//! ```sql
//! -- @desc  Biggest customers by paid amount
//! -- @param since INTERVAL = '1 hour' -- how far back
//! -- @param n INT = 10
//! SELECT … WHERE _timestamp > now() - :since … LIMIT :n;
//! ```
//! The header is every comment and blank line before the first statement.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result, Span, nearest};
use crate::sql::params::{ParamType, Params, Value};

/// A file's text and its declarations.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedQuery {
    /// What `weir run` calls it: the path below the folder of queries, without `.sql`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// All of the file; spans are byte ranges of it.
    pub text: String,
    /// The header's `@desc`.
    pub description: Option<String>,
    /// The header's `@param`s, in order.
    pub params: Vec<Declared>,
}

/// One `@param` line.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// Its name, as in `:name`.
    pub name: String,
    /// Its type.
    pub r#type: ParamType,
    /// Its value when none is given; without one the parameter must be given.
    pub default: Option<Value>,
    /// The default as it was written.
    pub default_text: Option<String>,
    /// What it is for.
    pub description: Option<String>,
}

impl Declared {
    /// `name TYPE = default`, as in the header.
    pub fn signature(&self) -> String {
        match &self.default_text {
            Some(default) => format!("{} {} = {default}", self.name, self.r#type.name()),
            None => format!("{} {}", self.name, self.r#type.name()),
        }
    }
}

/// An error with the text and the file it speaks of, when it speaks of one.
#[derive(Debug)]
pub struct FileError {
    /// What is wrong; its span lies in `text`.
    pub error: Error,
    /// The file's text; empty when it could not be read.
    pub text: String,
    /// The file.
    pub path: PathBuf,
}

impl SavedQuery {
    /// Reads the header of `text`.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`] with a span: a malformed `@param`, an unknown type, a default that is not of its type,
    /// a name declared twice, a tag that looks like a slip of one.
    pub fn parse(name: &str, path: &Path, text: String) -> Result<SavedQuery> {
        let mut description: Option<String> = None;
        let mut params: Vec<Declared> = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let trimmed = line.trim();
            let Some(comment) = trimmed.strip_prefix("--") else {
                if trimmed.is_empty() || trimmed == "\u{feff}" {
                    continue;
                }
                break;
            };
            let Some(tag_line) = comment.trim_start().strip_prefix('@') else { continue };
            let body_at = start + (line.trim_end().len() - tag_line.len());
            let (tag, rest) = split_word(tag_line);
            let rest_at = body_at + (tag_line.len() - rest.len());
            match tag {
                "desc" => match &mut description {
                    Some(said) => {
                        said.push(' ');
                        said.push_str(rest.trim());
                    }
                    None => description = Some(rest.trim().to_string()),
                },
                "param" => {
                    let declared = parse_param(rest, rest_at)?;
                    if params.iter().any(|p| p.name == declared.name) {
                        return Err(Error::usage(format!("parameter {} is declared twice", declared.name))
                            .with_span(Span::new(rest_at, rest_at + declared.name.len())));
                    }
                    params.push(declared);
                }
                other => {
                    if let Some(near) = nearest(other, ["desc", "param"]) {
                        return Err(Error::usage(format!("there is no header tag @{other}"))
                            .with_hint(format!("did you mean @{near}?"))
                            .with_span(Span::new(body_at.saturating_sub(1), body_at + other.len())));
                    }
                }
            }
        }
        Ok(SavedQuery { name: name.to_string(), path: path.to_path_buf(), text, description, params })
    }

    /// Types `arguments` by the header and fills in defaults.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`]: a value that is not of its parameter's type, a parameter that is not declared, given
    /// twice, or missing.
    pub fn bind(&self, arguments: &[(String, String)]) -> Result<Params> {
        let mut params = Params::new();
        for (name, text) in arguments {
            let Some(declared) = self.params.iter().find(|p| p.name == *name) else {
                return Err(self.unknown(name));
            };
            let value = declared.r#type.parse(text).ok_or_else(|| wrong_type(declared, text))?;
            if params.insert(name.clone(), value).is_some() {
                return Err(Error::usage(format!("parameter {name} is given twice")));
            }
        }
        for declared in &self.params {
            if params.contains_key(&declared.name) {
                continue;
            }
            let Some(default) = &declared.default else {
                let hint = format!("give it as {}=…: {}", declared.name, declared.r#type.example());
                return Err(Error::usage(format!(
                    "parameter {} ({}) of {} has no default and was not given",
                    declared.name,
                    declared.r#type.name(),
                    self.name
                ))
                .with_hint(hint));
            };
            params.insert(declared.name.clone(), default.clone());
        }
        Ok(params)
    }

    /// Values to plan with: defaults, and a sample of its type for a parameter without one.
    pub fn sample_params(&self) -> Params {
        self.params.iter().map(|p| (p.name.clone(), p.default.clone().unwrap_or_else(|| p.r#type.sample()))).collect()
    }

    fn unknown(&self, name: &str) -> Error {
        let error = Error::usage(format!("{} has no parameter {name}", self.name));
        match nearest(name, self.params.iter().map(|p| p.name.as_str())) {
            Some(near) => error.with_hint(format!("did you mean {near}?")),
            None if self.params.is_empty() => error.with_hint("it takes no parameters"),
            None => {
                let all: Vec<String> = self.params.iter().map(Declared::signature).collect();
                error.with_hint(format!("it takes: {}", all.join(", ")))
            }
        }
    }
}

fn wrong_type(declared: &Declared, text: &str) -> Error {
    Error::usage(format!("parameter {} expects {}, got '{text}'", declared.name, declared.r#type.name()))
        .with_hint(declared.r#type.example())
}

/// The first word of `text` and what follows it, blanks between them dropped.
fn split_word(text: &str) -> (&str, &str) {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start())
}

/// Reads `name TYPE [= default] [-- description]`; `at` is where `text` starts in the file.
fn parse_param(text: &str, at: usize) -> Result<Declared> {
    let offset = |part: &str| at + (text.len() - part.len());
    let (name, rest) = split_word(text);
    let is_name =
        name.chars().enumerate().all(|(i, c)| c == '_' || c.is_alphabetic() || (i > 0 && c.is_alphanumeric()));
    if name.is_empty() || !is_name {
        return Err(Error::usage(format!("@param needs a name of letters, digits and _, not \"{name}\""))
            .with_hint("write: -- @param name TYPE = default -- description")
            .with_span(Span::new(at, at + name.len())));
    }
    let type_at = offset(rest);
    let type_end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
    let (type_name, rest) = rest.split_at(type_end);
    let r#type = ParamType::by_name(type_name).ok_or_else(|| {
        let names: Vec<&str> = ParamType::names().collect();
        let message = match type_name {
            "" => format!("parameter {name} has no type"),
            _ => format!("parameter {name} has the unknown type {type_name}"),
        };
        let hint = match nearest(type_name, ParamType::names()) {
            Some(near) if !type_name.is_empty() => format!("did you mean {near}?"),
            _ => format!("one of: {}", names.join(", ")),
        };
        Error::usage(message).with_hint(hint).with_span(Span::new(type_at, type_at + type_name.len()))
    })?;
    let rest = rest.trim_start();
    let mut declared =
        Declared { name: name.to_string(), r#type, default: None, default_text: None, description: None };
    let after = match rest.strip_prefix('=') {
        Some(default) => parse_default(&mut declared, default.trim_start(), offset(default.trim_start()))?,
        None => rest,
    };
    match after.trim() {
        "" => {}
        text => match text.strip_prefix("--") {
            Some(description) => declared.description = Some(description.trim().to_string()),
            None => {
                return Err(Error::usage(format!("cannot read \"{text}\" after parameter {name}"))
                    .with_hint("a default starts with =, a description with --")
                    .with_span(Span::new(offset(after.trim_start()), offset(after.trim_start()) + text.len())));
            }
        },
    }
    Ok(declared)
}

/// Reads the default at the front of `text` into `declared`; returns what follows it.
fn parse_default<'a>(declared: &mut Declared, text: &'a str, at: usize) -> Result<&'a str> {
    let (written, value, rest) = if text.starts_with('\'') {
        let Some(end) = closing_quote(text) else {
            return Err(Error::usage(format!("the default of parameter {} has no closing quote", declared.name))
                .with_span(Span::new(at, at + text.trim_end().len())));
        };
        let (written, rest) = text.split_at(end);
        let inside = written.strip_prefix('\'').and_then(|w| w.strip_suffix('\'')).unwrap_or(written);
        (written, inside.replace("''", "'"), rest)
    } else {
        let end = text.find(" --").unwrap_or(text.len());
        let (written, rest) = text.split_at(end);
        (written.trim(), written.trim().to_string(), rest)
    };
    declared.default = if written.eq_ignore_ascii_case("null") {
        Some(Value::Null)
    } else {
        let parsed = if written.is_empty() { None } else { declared.r#type.parse(&value) };
        Some(parsed.ok_or_else(|| {
            Error::usage(format!(
                "the default of parameter {} is not {}: {written}",
                declared.name,
                declared.r#type.name()
            ))
            .with_hint(declared.r#type.example())
            .with_span(Span::new(at, at + written.len()))
        })?)
    };
    declared.default_text = Some(written.to_string());
    Ok(rest)
}

/// One past the quote that closes the one at the start of `text`; `''` inside stands for a quote.
fn closing_quote(text: &str) -> Option<usize> {
    let mut quotes = text.match_indices('\'').map(|(i, _)| i).skip(1).peekable();
    while let Some(at) = quotes.next() {
        if quotes.peek() != Some(&(at + 1)) {
            return Some(at + 1);
        }
        quotes.next();
    }
    None
}

/// The folder of saved queries: `given`, else the first `queries` folder in `start` or above it.
///
/// # Errors
/// [`crate::error::Kind::Usage`] when there is none.
pub fn queries_dir(given: Option<&Path>, start: &Path) -> Result<PathBuf> {
    if let Some(dir) = given {
        if dir.is_dir() {
            return Ok(dir.to_path_buf());
        }
        return Err(Error::usage(format!("there is no folder {}", dir.display())));
    }
    start.ancestors().map(|dir| dir.join("queries")).find(|dir| dir.is_dir()).ok_or_else(|| {
        Error::usage("there is no folder \"queries\" here or above")
            .with_hint("make one with *.sql files in it, or name one with --queries DIR")
    })
}

/// Every `*.sql` file below `path` (or `path` itself when it is a file), sorted.
///
/// # Errors
/// [`crate::error::Kind::Usage`] when `path` is not there, [`crate::error::Kind::Io`] when a folder cannot be listed.
pub fn sql_files(path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_path_buf()]);
    }
    if !path.is_dir() {
        return Err(Error::usage(format!("there is no file or folder {}", path.display())));
    }
    let mut files = Vec::new();
    let mut folders = vec![path.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).map_err(|e| Error::io(format!("cannot list {}", folder.display()), e))?;
        for entry in entries {
            let entry = entry.map_err(|e| Error::io(format!("cannot list {}", folder.display()), e))?;
            let kind =
                entry.file_type().map_err(|e| Error::io(format!("cannot look at {}", entry.path().display()), e))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if entry.path().extension().is_some_and(|e| e == "sql") {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Reads and parses the query at `path`, called by its path below `dir`.
///
/// # Errors
/// The file cannot be read ([`crate::error::Kind::Usage`]), or see [`SavedQuery::parse`].
pub fn load(path: &Path, dir: Option<&Path>) -> Result<SavedQuery, Box<FileError>> {
    let fail = |error, text: &str| Box::new(FileError { error, text: text.to_string(), path: path.to_path_buf() });
    let text = read_text(path).map_err(|e| fail(e, ""))?;
    let below = dir.and_then(|d| path.strip_prefix(d).ok()).unwrap_or(path);
    let name = below.with_extension("").to_string_lossy().into_owned();
    SavedQuery::parse(&name, path, text.clone()).map_err(|e| fail(e, &text))
}

/// The text of a file of SQL.
///
/// # Errors
/// [`crate::error::Kind::Usage`]: it is not there, cannot be read, or is not UTF-8 (with the place of the first bad byte).
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path)
        .map_err(|e| Error::io(format!("cannot read {}", path.display()), e).with_kind(crate::error::Kind::Usage))?;
    text_of(bytes, &path.display().to_string())
}

/// `bytes` as text; `what` names them in the error.
///
/// # Errors
/// [`crate::error::Kind::Usage`]: not UTF-8, with line and column of the first bad byte.
pub fn text_of(bytes: Vec<u8>, what: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|e| {
        let good =
            String::from_utf8_lossy(e.as_bytes().get(..e.utf8_error().valid_up_to()).unwrap_or_default()).into_owned();
        let line = good.matches('\n').count() + 1;
        let column = good.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Error::usage(format!("{what}:{line}:{column}: the text is not UTF-8"))
    })
}

/// The query that `name` means: a path that ends in `.sql`, or a name in the folder of queries.
///
/// # Errors
/// [`crate::error::Kind::Usage`] when there is no such query, with the nearest name; or see [`load`].
pub fn find(name: &str, dir: Option<&Path>, start: &Path) -> Result<SavedQuery, Box<FileError>> {
    let as_path = Path::new(name);
    let fail = |error| Box::new(FileError { error, text: String::new(), path: as_path.to_path_buf() });
    if as_path.extension().is_some_and(|e| e == "sql") && as_path.is_file() {
        return load(as_path, None);
    }
    let dir = queries_dir(dir, start).map_err(fail)?;
    let files = sql_files(&dir).map_err(fail)?;
    let wanted = name.strip_suffix(".sql").unwrap_or(name);
    let name_of =
        |path: &Path| path.strip_prefix(&dir).unwrap_or(path).with_extension("").to_string_lossy().into_owned();
    if let Some(path) = files.iter().find(|path| name_of(path) == wanted) {
        return load(path, Some(&dir));
    }
    let names: Vec<String> = files.iter().map(|path| name_of(path)).collect();
    let error = Error::usage(format!("there is no query \"{name}\" in {}", dir.display()));
    Err(fail(match nearest(wanted, names.iter().map(String::as_str)) {
        Some(near) => error.with_hint(format!("did you mean \"{near}\"?")),
        None => error.with_hint("weir run --list shows them all"),
    }))
}

/// `NAME=VALUE` arguments, split.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for an argument without `=`.
pub fn split_arguments(arguments: &[String]) -> Result<Vec<(String, String)>> {
    arguments
        .iter()
        .map(|argument| match argument.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.trim().to_string(), value.to_string())),
            _ => Err(Error::usage(format!("\"{argument}\" is no parameter")).with_hint("write NAME=VALUE, as in n=5")),
        })
        .collect()
}

/// Parameters for text without a header: `NAME=VALUE` by [`Value::guess`], `NAME:TYPE=VALUE` by the type.
///
/// # Errors
/// [`crate::error::Kind::Usage`] for an unknown type, a value that is not of it, or a name given twice.
pub fn free_params(arguments: &[(String, String)]) -> Result<Params> {
    let mut params = Params::new();
    for (name, text) in arguments {
        let (name, value) = match name.split_once(':') {
            None => (name.as_str(), Value::guess(text)),
            Some((name, type_name)) => {
                let r#type = ParamType::by_name(type_name).ok_or_else(|| {
                    let names: Vec<&str> = ParamType::names().collect();
                    Error::usage(format!("parameter {name} has the unknown type {type_name}"))
                        .with_hint(format!("one of: {}", names.join(", ")))
                })?;
                let value = r#type.parse(text).ok_or_else(|| {
                    Error::usage(format!("parameter {name} expects {}, got '{text}'", r#type.name()))
                        .with_hint(r#type.example())
                })?;
                (name, value)
            }
        };
        if params.insert(name.to_string(), value).is_some() {
            return Err(Error::usage(format!("parameter {name} is given twice")));
        }
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOP: &str = "-- @desc  Biggest customers\n-- by paid amount is only a comment\n\n-- @param since INTERVAL = '1 hour' -- how far back\n-- @param n INT=10\n-- @param who VARCHAR = 'it''s -- me'\n-- @param must DATE\n-- @param quoted VARCHAR = '''q'''\nSELECT 1;\n-- @param late INT\n";

    fn parse(text: &str) -> Result<SavedQuery> {
        SavedQuery::parse("top", Path::new("top.sql"), text.to_string())
    }

    fn arguments(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(n, v)| ((*n).to_string(), (*v).to_string())).collect()
    }

    #[test]
    fn a_header_declares() {
        let query = parse(TOP).unwrap();
        assert_eq!(query.description.as_deref(), Some("Biggest customers"));
        let signatures: Vec<String> = query.params.iter().map(Declared::signature).collect();
        let expected = ["since INTERVAL = '1 hour'", "n INT = 10", "who VARCHAR = 'it''s -- me'", "must DATE"];
        assert_eq!(signatures[..4], expected);
        assert_eq!(query.params[0].description.as_deref(), Some("how far back"));
        assert_eq!(query.params[2].default, Some(Value::Text("it's -- me".into())));
        assert_eq!(query.params[4].default, Some(Value::Text("'q'".into())));
    }

    #[test]
    fn arguments_are_typed_and_defaults_fill_in() {
        let query = parse(TOP).unwrap();
        let params = query.bind(&arguments(&[("must", "1970-01-03"), ("n", "5")])).unwrap();
        assert_eq!(params["n"], Value::Integer(5));
        assert_eq!(params["must"], Value::Date(2));
        assert_eq!(params["since"], Value::Interval(0, 0, 3_600_000_000_000));
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let query = parse(TOP).unwrap();
        let message = |list: &[(&str, &str)]| {
            let error = query.bind(&arguments(list)).unwrap_err();
            (error.message().to_string(), error.hint().unwrap_or_default().to_string())
        };
        assert_eq!(message(&[("n", "ten")]).0, "parameter n expects INT, got 'ten'");
        let (said, hint) = message(&[("sinec", "1h")]);
        assert_eq!((said.as_str(), hint.as_str()), ("top has no parameter sinec", "did you mean since?"));
        assert_eq!(message(&[("n", "1"), ("n", "2")]).0, "parameter n is given twice");
        assert_eq!(message(&[("n", "1")]).0, "parameter must (DATE) of top has no default and was not given");
    }

    #[test]
    fn header_errors_point_at_the_place() {
        for (text, message, at) in [
            ("-- @param n INTT = 5\n", "parameter n has the unknown type INTT", "INTT"),
            ("-- @param n INT = five\n", "the default of parameter n is not INT: five", "five"),
            ("-- @param n INT 5\n", "cannot read \"5\" after parameter n", "5"),
            ("-- @param 9n INT\n", "@param needs a name of letters, digits and _, not \"9n\"", "9n"),
            ("--@parm n INT\n", "there is no header tag @parm", "@parm"),
            ("\n-- @param n INT\n-- @param  n INT\n", "parameter n is declared twice", "n"),
            ("-- @param s TEXT = 'open\n", "the default of parameter s has no closing quote", "'open"),
        ] {
            let error = parse(text).unwrap_err();
            let span = error.span().unwrap();
            assert_eq!((error.message(), &text[span.start..span.end]), (message, at));
        }
    }

    #[test]
    fn free_parameters_may_name_their_type() {
        let params = free_params(&arguments(&[("n", "5"), ("id:text", "5"), ("w:interval", "P1D")])).unwrap();
        assert_eq!(params["n"], Value::Integer(5));
        assert_eq!(params["id"], Value::Text("5".into()));
        assert_eq!(params["w"], Value::Interval(0, 1, 0));
        assert!(free_params(&arguments(&[("w:int", "x")])).is_err());
    }
}

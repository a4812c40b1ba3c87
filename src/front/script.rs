//! Statements from `-c`, files and standard input, one after the other. Knows sessions and files; writers are handed in.

use std::io::Read;
use std::path::Path;

use super::cli::{Item, OnError};
use super::saved::{self, SavedQuery};
use super::shell::command::{self, Command};
use super::show::{Outcome, Output, show};
use crate::error::{Error, Kind, Result, Span, nearest};
use crate::render::error::screen;
use crate::session::Session;
use crate::sql::params::Params;
use crate::sql::split::split;

/// A text to run, with its parameters.
#[derive(Debug, Clone)]
pub struct Source {
    /// What to call it in errors; `None` for the only `-c`.
    pub name: Option<String>,
    /// Its statements.
    pub text: String,
    /// Its parameters.
    pub params: Params,
}

/// An error with what it points into.
#[derive(Debug)]
pub struct SourceError {
    /// What is wrong.
    pub error: Error,
    /// The text its span lies in; empty when there is none.
    pub text: String,
    /// What to call the text.
    pub name: Option<String>,
}

impl SourceError {
    /// The whole screen.
    pub fn screen(&self, color: bool) -> String {
        screen(&self.error, &self.text, self.name.as_deref(), color)
    }
}

impl From<Error> for Box<SourceError> {
    fn from(error: Error) -> Self {
        Box::new(SourceError { error, text: String::new(), name: None })
    }
}

impl From<Box<saved::FileError>> for Box<SourceError> {
    fn from(file: Box<saved::FileError>) -> Self {
        // Without a span the message names what it speaks of.
        let name = file.error.span().map(|_| file.path.display().to_string());
        Box::new(SourceError { error: file.error, text: file.text, name })
    }
}

/// Reads every item and binds `params` (`NAME=VALUE`): by a file's header where it declares parameters, else by how the
/// value is written. Nothing runs before all of them are read and bound.
///
/// # Errors
/// [`Kind::Usage`]: a file that cannot be read, a header or value that is wrong, a parameter that no text takes.
pub fn sources(items: &[Item], params: &[String]) -> Result<Vec<Source>, Box<SourceError>> {
    let arguments = saved::split_arguments(params)?;
    let mut sources = Vec::new();
    let mut declared: Vec<String> = Vec::new();
    let mut takes_any = false;
    for item in items {
        let (name, text) = match item {
            Item::Text(text) if items.len() == 1 => (None, statement(text)?),
            Item::Text(text) => (Some("-c".to_string()), statement(text)?),
            Item::File(path) => (Some(label(path)), read(path)?),
        };
        let path = name.clone().unwrap_or_else(|| "-c".to_string());
        let query = SavedQuery::parse(&path, Path::new(&path), text.clone())
            .map_err(|error| Box::new(SourceError { error, text, name: name.clone() }))?;
        let bound = if query.params.is_empty() {
            takes_any = true;
            saved::free_params(&arguments)?
        } else {
            declared.extend(query.params.iter().map(|p| p.name.clone()));
            let own: Vec<_> =
                arguments.iter().filter(|(n, _)| query.params.iter().any(|p| p.name == *n)).cloned().collect();
            query.bind(&own)?
        };
        sources.push(Source { name, text: query.text, params: bound });
    }
    let stranger = arguments.iter().find(|(name, _)| !takes_any && !declared.contains(name));
    match stranger {
        Some((name, _)) => {
            let error = Error::usage(format!("no statement takes a parameter {name}"));
            let hint = match nearest(name, declared.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("declared are: {}", declared.join(", ")),
            };
            Err(error.with_hint(hint).into())
        }
        None => Ok(sources),
    }
}

/// What `-c` runs: the text, or what a shell command such as `\d orders` stands for.
fn statement(text: &str) -> Result<String> {
    let line = text.trim();
    if !line.starts_with('\\') {
        return Ok(text.to_string());
    }
    match command::parse(line).map_err(|e| e.with_kind(Kind::Usage))? {
        Command::Sql(sql) => Ok(sql),
        _ => {
            Err(Error::usage(format!("{line} is for the shell only"))
                .with_hint("-c takes statements, and \\d and its kin"))
        }
    }
}

fn label(path: &Path) -> String {
    if path == Path::new("-") { "stdin".into() } else { path.display().to_string() }
}

fn read(path: &Path) -> Result<String> {
    if path != Path::new("-") {
        return saved::read_text(path);
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .map_err(|e| Error::io("cannot read standard input", e).with_kind(Kind::Usage))?;
    saved::text_of(bytes, "stdin")
}

/// Runs the statements of `sources` in order and prints what comes; errors become screens on `output.talk`. A source that
/// cannot be split into statements is one error, and none of it runs. Returns the exit code: that of the first error, 130
/// when stopped, else 0, also when the reader of the rows went away.
pub async fn run(session: &Session, sources: &[Source], on_error: OnError, output: &mut Output<'_>) -> i32 {
    let mut code = 0;
    for source in sources {
        let statements: Vec<Result<Span>> = match split(&source.text) {
            Ok(pieces) => pieces.into_iter().map(|piece| Ok(piece.span)).collect(),
            Err(error) => vec![Err(error)],
        };
        for statement in statements {
            let ended = match statement {
                Ok(span) => show_one(session, source, span, output).await,
                Err(error) => Err(error),
            };
            let error = match ended {
                Ok(Outcome::Done) => continue,
                Ok(Outcome::Cancelled) => return Kind::Cancelled.exit_code(),
                Ok(Outcome::Closed) => return code,
                Err(error) => error,
            };
            let text = screen(&error, &source.text, source.name.as_deref(), output.talk_color);
            if code == 0 {
                code = error.kind().exit_code();
            }
            let said = output.talk.write_all(text.as_bytes()).and_then(|()| output.talk.flush());
            if said.is_err() || on_error == OnError::Stop {
                return code;
            }
        }
    }
    code
}

/// Runs the statement at `span` of a source; its error points into the whole source.
async fn show_one(session: &Session, source: &Source, span: Span, output: &mut Output<'_>) -> Result<Outcome> {
    let statement = source.text.get(span.start..span.end).unwrap_or("");
    show(session, statement, &source.params, output).await.map_err(|error| match error.span() {
        Some(at) => error.with_span(Span::new(at.start + span.start, at.end + span.start)),
        None => error,
    })
}

/// Parses and plans every file below `paths` and writes one screen per failing file and a closing line to `output.talk`.
/// Returns the exit code: 0, or that of the first failure.
///
/// # Errors
/// [`Kind::Usage`] for a path that is not there; [`Kind::Io`] when a sink cannot be written.
pub async fn check(session: &Session, paths: &[std::path::PathBuf], output: &mut Output<'_>) -> Result<i32> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(saved::sql_files(path)?);
    }
    let mut code = 0;
    let mut failures = 0_usize;
    for path in &files {
        let failure = match saved::load(path, None) {
            Ok(query) => {
                let params = query.sample_params();
                let checked = tokio::select! {
                    checked = session.check(&query.text, &params) => checked,
                    () = output.stop.cancelled() => return Ok(Kind::Cancelled.exit_code()),
                };
                let name = Some(path.display().to_string());
                checked.err().map(|error| Box::new(SourceError { error, text: query.text, name }))
            }
            Err(file) => Some(file.into()),
        };
        if let Some(failure) = failure {
            failures += 1;
            if code == 0 {
                code = failure.error.kind().exit_code();
            }
            let text = failure.screen(output.talk_color);
            output.talk.write_all(text.as_bytes()).map_err(|e| Error::io("cannot write to standard error", e))?;
        }
    }
    if !output.quiet {
        let count = crate::render::plural(u64::try_from(files.len()).unwrap_or(u64::MAX), "file");
        writeln!(output.talk, "checked {count}, {failures} failed")
            .map_err(|e| Error::io("cannot write to standard error", e))?;
    }
    Ok(code)
}

/// Writes the saved queries of `dir` with their parameters to `out`, and a screen for each that cannot be read to `talk`.
/// Returns the exit code.
///
/// # Errors
/// There is no folder of queries, or a sink cannot be written.
pub fn list(dir: &Path, output: &mut Output<'_>) -> Result<i32> {
    let mut code = 0;
    let mut text = String::new();
    for path in saved::sql_files(dir)? {
        match saved::load(&path, Some(dir)) {
            Ok(query) => {
                text.push_str(&query.name);
                if let Some(description) = &query.description {
                    text.push_str(&format!(": {description}"));
                }
                text.push('\n');
                for param in &query.params {
                    text.push_str(&format!("    {}", param.signature()));
                    if let Some(description) = &param.description {
                        text.push_str(&format!(" -- {description}"));
                    }
                    text.push('\n');
                }
            }
            Err(file) => {
                let failure: Box<SourceError> = file.into();
                code = failure.error.kind().exit_code();
                let screen = failure.screen(output.talk_color);
                output.talk.write_all(screen.as_bytes()).map_err(|e| Error::io("cannot write to standard error", e))?;
            }
        }
    }
    match output.data.write_all(text.as_bytes()).and_then(|()| output.data.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::io("cannot write the list", e)),
        _ => Ok(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::params::Value;

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_string()).collect()
    }

    #[test]
    fn parameters_reach_the_texts_that_take_them() {
        let headed = Item::Text("-- @param n INT\nSELECT :n".into());
        let found = sources(&[headed.clone(), Item::Text("SELECT :m".into())], &strings(&["n=5", "m=x"])).unwrap();
        assert_eq!(found[0].params, Params::from([("n".into(), Value::Integer(5))]));
        assert_eq!(found[1].params["m"], Value::Text("x".into()));
        let failed = sources(&[headed], &strings(&["n=5", "nn=1"])).unwrap_err();
        assert_eq!(failed.error.message(), "no statement takes a parameter nn");
    }

    #[test]
    fn a_header_fault_points_into_its_text() {
        let failed = sources(&[Item::Text("-- @param n INTT\nSELECT 1".into())], &[]).unwrap_err();
        assert_eq!(
            failed.screen(false),
            "error: parameter n has the unknown type INTT\n1 | -- @param n INTT\n  |             ^^^^\nhint: did you mean INT?\n"
        );
    }
}

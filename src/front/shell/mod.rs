//! The interactive shell: reads statements and commands from a terminal and shows what comes of them.

pub mod command;
pub mod completer;
pub mod editor;
pub mod highlight;
pub mod keyword;
pub mod lex;
pub mod pager;
pub mod path;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use futures::FutureExt;
use futures::future::BoxFuture;
use terminal_size::{Height, Width};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::show::{Outcome, Output, show};
use crate::error::{Error, Result, Span};
use crate::render::{Format, error};
use crate::session::Session;
use crate::sql::params::Params;
use command::Command;
use editor::{Line, LineEditor};
use lex::Part;
use pager::Pager;

/// Files that run files that run files: how deep at most.
const DEEPEST: usize = 16;

/// How a shell starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// What stands before the cursor; six columns line up with the continuation prompt.
    pub prompt: String,
    /// Said on stderr before the first prompt.
    pub banner: Option<String>,
    /// What `\conninfo` says.
    pub connection: String,
    /// Whether to use colour.
    pub color: bool,
    /// Where entries are kept; nowhere when `None`.
    pub history: Option<PathBuf>,
}

impl Options {
    /// The usual start: colour on a terminal unless `NO_COLOR` is set, the history in the person's state folder.
    pub fn new(connection: impl Into<String>) -> Self {
        Options {
            prompt: "weir> ".into(),
            banner: None,
            connection: connection.into(),
            color: io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            history: history_file(),
        }
    }
}

/// `$XDG_STATE_HOME/weir/history`, else `~/.local/state/weir/history`; `None` without a home.
pub fn history_file() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("weir").join("history"))
}

/// Runs the shell until the person leaves; returns the process's exit code. Nothing is asked of the network before the
/// first prompt is there. Must be called inside a multi-threaded runtime.
pub async fn run(session: Session, options: Options) -> i32 {
    // From here on Ctrl-C never ends the process.
    let interrupts = match signal(SignalKind::interrupt()) {
        Ok(interrupts) => interrupts,
        Err(e) => return failed(&Error::io("listening for Ctrl-C", e), options.color),
    };
    if let Some(banner) = &options.banner {
        say(&format!("{banner}\n"));
    }
    let editor = LineEditor::start(session.clone(), options.prompt.clone(), options.color, options.history.clone());
    let editor = match editor {
        Ok(editor) => editor,
        Err(e) => return failed(&e, options.color),
    };
    let mut shell = Shell { session, options, interrupts, output: None };
    // Names are fetched while the person types the first words.
    let _ = shell.session.names();
    loop {
        // A Ctrl-C that came as the last statement ended was not meant for the next one; one right behind Enter is.
        while shell.interrupts.recv().now_or_never().flatten().is_some() {}
        match editor.read().await {
            Ok(Line::Text(text)) => {
                if shell.run(&text, None, 0).await.is_break() {
                    return 0;
                }
                // What the statement made is there for completion when the person has typed the next one's first words.
                let _ = shell.session.names();
            }
            Ok(Line::Interrupted) => {}
            Ok(Line::End) => return 0,
            Err(e) => return failed(&e, shell.options.color),
        }
    }
}

/// Talk goes to stderr; when that is gone there is nobody left to tell.
fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

fn failed(error: &Error, color: bool) -> i32 {
    say(&error::screen(error, "", None, color));
    error.kind().exit_code()
}

/// What the rest of a text should do.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    /// Something failed or was stopped.
    Skip,
}

struct Shell {
    session: Session,
    options: Options,
    interrupts: Signal,
    /// Where `\o` sent the data.
    output: Option<(String, BufWriter<File>)>,
}

impl Shell {
    /// Runs statements and commands in turn, up to the first that fails. `source` names the file they are from. Breaks
    /// when the person wants to leave.
    fn run<'a>(
        &'a mut self,
        text: &'a str,
        source: Option<&'a str>,
        depth: usize,
    ) -> BoxFuture<'a, ControlFlow<(), Next>> {
        async move {
            let mut parts = lex::parts(text).into_iter().peekable();
            while let Some(part) = parts.next() {
                let next = match part {
                    // A command gets one out of a statement that was begun: the statement is left alone.
                    Part::Sql(range)
                        if parts.peek().is_some() && !lex::is_complete(text.get(range.clone()).unwrap_or("")) =>
                    {
                        say("note: the statement before the command has no ; and was not run\n");
                        Next::GoOn
                    }
                    Part::Sql(range) => self.sql(text, range, source).await,
                    Part::Command(range) => {
                        let line = text.get(range.clone()).unwrap_or("");
                        match command::parse(line) {
                            Ok(Command::Quit) => return ControlFlow::Break(()),
                            Ok(command) => match self.command(command, depth).await {
                                Ok(next) => next?,
                                Err(e) => self.complain(&e, "", None),
                            },
                            Err(e) => self.complain(&at(e, text, range, source), text, source),
                        }
                    }
                };
                if next == Next::Skip {
                    return ControlFlow::Continue(Next::Skip);
                }
            }
            ControlFlow::Continue(Next::GoOn)
        }
        .boxed()
    }

    fn complain(&self, error: &Error, text: &str, source: Option<&str>) -> Next {
        say(&error::screen(error, text, source, self.options.color));
        Next::Skip
    }

    async fn command(&mut self, command: Command, depth: usize) -> Result<ControlFlow<(), Next>> {
        match command {
            Command::Sql(sql) => return Ok(self.run(&sql, None, depth).await),
            Command::Include(file) => return self.include(&file, depth).await,
            Command::Timing(on) => {
                let on = on.unwrap_or(self.session.settings().get("timing") != "on");
                self.session.set("timing", if on { "on" } else { "off" })?;
                say(&format!("timing is {}\n", if on { "on" } else { "off" }));
            }
            Command::Expanded(on) => {
                let on = on.unwrap_or(self.session.settings().get("format") != "vertical");
                self.session.set("format", if on { "vertical" } else { "auto" })?;
                say(&format!("format is {}\n", self.session.settings().get("format")));
            }
            Command::Format(format) => {
                if let Some(format) = format {
                    self.session.set("format", &format)?;
                }
                say(&format!("format is {}\n", self.session.settings().get("format")));
            }
            Command::Output(file) => self.redirect(file)?,
            Command::Connection => say(&format!("{}\n", self.options.connection)),
            Command::Help(about) => say(&command::help(about.as_deref())?),
            Command::Quit => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(Next::GoOn))
    }

    async fn include(&mut self, file: &str, depth: usize) -> Result<ControlFlow<(), Next>> {
        if depth >= DEEPEST {
            return Err(Error::usage(format!("{file}: files run files {DEEPEST} deep; is there a circle?")));
        }
        let text = tokio::fs::read_to_string(file).await.map_err(|e| Error::io(format!("reading {file}"), e))?;
        Ok(self.run(&text, Some(file), depth + 1).await)
    }

    fn redirect(&mut self, file: Option<String>) -> Result<()> {
        if let Some((name, mut old)) = self.output.take() {
            old.flush().map_err(|e| Error::io(format!("writing {name}"), e))?;
            say(&format!("wrote {name}\n"));
        }
        if let Some(name) = file {
            let new = File::create(&name).map_err(|e| Error::io(format!("writing {name}"), e))?;
            say(&format!("results go to {name}\n"));
            self.output = Some((name, BufWriter::new(new)));
        }
        Ok(())
    }

    async fn sql(&mut self, text: &str, range: std::ops::Range<usize>, source: Option<&str>) -> Next {
        let sql = text.get(range.clone()).unwrap_or("");
        match self.show(sql).await {
            Ok(Outcome::Done | Outcome::Closed) => Next::GoOn,
            Ok(Outcome::Cancelled) => Next::Skip,
            Err(e) => {
                // Spans are of the part that ran; the screen shows lines of the whole.
                let e = match e.span() {
                    Some(span) => e.with_span(Span::new(span.start + range.start, span.end + range.start)),
                    None => e,
                };
                self.complain(&e, text, source)
            }
        }
    }

    async fn show(&mut self, sql: &str) -> Result<Outcome> {
        let size = terminal_size::terminal_size_of(io::stdout());
        let mut stderr = io::stderr();
        let settings = self.session.settings();
        let paged = settings.get("pager") == "auto" && !Format::of(&settings).streams();
        let auto = self.output.as_ref().and_then(|(name, _)| Format::of_file(Path::new(name))).unwrap_or_default();
        let mut screen;
        let mut bare;
        let (data, width): (&mut (dyn Write + Send), Option<usize>) = match (&mut self.output, size) {
            (Some((_, file)), _) => (file, None),
            (None, Some((Width(width), Height(height)))) if paged => {
                screen = Pager::new(io::stdout(), height.into(), width.into(), Pager::<io::Stdout>::from_environment());
                (&mut screen, Some(width.into()))
            }
            (None, size) => {
                bare = io::stdout();
                (&mut bare, size.map(|(Width(width), _)| width.into()))
            }
        };
        let stop = CancellationToken::new();
        let mut output = Output {
            data,
            talk: &mut stderr,
            auto,
            width,
            color: self.options.color && width.is_some(),
            talk_color: self.options.color,
            bar: terminal_size::terminal_size_of(io::stderr()).map(|(Width(width), _)| width.into()),
            quiet: false,
            stop: stop.clone(),
        };
        let interrupts = &mut self.interrupts;
        let params = Params::new();
        let shown = show(&self.session, sql, &params, &mut output);
        tokio::pin!(shown);
        tokio::select! {
            // Ctrl-C first: behind a statement that always has rows ready it would wait until there are none.
            biased;
            _ = interrupts.recv() => stop.cancel(),
            outcome = &mut shown => return outcome,
        }
        shown.await
    }
}

/// `error` pointing at `range` when it came from a file.
fn at(error: Error, text: &str, range: std::ops::Range<usize>, source: Option<&str>) -> Error {
    match source {
        Some(_) if range.end <= text.len() => error.with_span(Span::new(range.start, range.end)),
        _ => error,
    }
}

//! The edit line: rustyline on a thread of its own, so that the runtime goes on while somebody types.

use std::borrow::Cow;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::mpsc;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter, HistoryHinter};
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Behavior, Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Context, Event, EventContext,
    EventHandler, Helper, KeyCode, KeyEvent, Modifiers, Movement, RepeatCount,
};
use tokio::sync::oneshot;

use super::completer::complete;
use super::highlight::{INDENT, highlight};
use super::lex::{is_complete, lex};
use super::path::Typed;
use crate::error::{Error, Result};
use crate::session::Session;

/// Most entries kept in the history.
const HISTORY_ENTRIES: usize = 10_000;

/// Most entries of a folder looked at to complete a file's name.
const FOLDER_ENTRIES: usize = 10_000;

/// What came of reading.
#[derive(Debug)]
pub enum Line {
    /// One or more complete statements, or a command.
    Text(String),
    /// Ctrl-C: the line was cleared.
    Interrupted,
    /// Ctrl-D on an empty line, or the terminal is gone.
    End,
}

/// A line editor that waits on its own thread.
#[derive(Debug)]
pub struct LineEditor {
    requests: mpsc::Sender<oneshot::Sender<Result<Line>>>,
}

impl LineEditor {
    /// Starts the thread. Names for completion come from `session`; entries are kept in `history`, one per statement. Must be
    /// called inside a runtime.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(session: Session, prompt: String, color: bool, history: Option<PathBuf>) -> Result<LineEditor> {
        let (requests, waiting) = mpsc::channel::<oneshot::Sender<Result<Line>>>();
        let runtime = tokio::runtime::Handle::current();
        let work = move || {
            // Asking a session for names may start a refresh in the background.
            let _inside = runtime.enter();
            let mut editor = Editor::open(session, color, history);
            let prompt =
                if color { (prompt.clone(), format!("\x1b[1m{prompt}\x1b[0m")) } else { (prompt.clone(), prompt) };
            for reply in waiting {
                let line = match &mut editor {
                    Ok(editor) => editor.read(&prompt),
                    Err(error) => Err(Error::internal(format!("the terminal cannot be edited on: {error}"))),
                };
                if reply.send(line).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new()
            .name("line-editor".into())
            .spawn(work)
            .map_err(|error| Error::io("starting the line editor", error))?;
        Ok(LineEditor { requests })
    }

    /// Shows the prompt and reads until Enter finds something complete.
    ///
    /// # Errors
    /// The terminal refuses.
    pub async fn read(&self) -> Result<Line> {
        let (reply, line) = oneshot::channel();
        if self.requests.send(reply).is_err() {
            return Err(Error::internal("the line editor has ended"));
        }
        line.await.unwrap_or_else(|_| Err(Error::internal("the line editor has ended")))
    }
}

/// What runs on the thread.
struct Editor {
    rustyline: rustyline::Editor<Assistant, DefaultHistory>,
    history: Option<PathBuf>,
}

impl Editor {
    fn open(session: Session, color: bool, history: Option<PathBuf>) -> rustyline::Result<Editor> {
        // Standard output that goes elsewhere gets rows and nothing else: the line is edited on the terminal itself.
        let behavior = if io::stdout().is_terminal() { Behavior::Stdio } else { Behavior::PreferTerm };
        let config = Config::builder()
            .behavior(behavior)
            .max_history_size(HISTORY_ENTRIES)?
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            .bell_style(rustyline::config::BellStyle::None)
            // Always: the continuation prompt is painted, with or without colours.
            .color_mode(ColorMode::Forced)
            // As terminals do: else the cursor stands elsewhere than where the text goes.
            .tab_stop(8)
            .build();
        let mut rustyline = rustyline::Editor::with_config(config)?;
        rustyline.set_helper(Some(Assistant { session, color, history: HistoryHinter::new() }));
        for key in [KeyEvent(KeyCode::Enter, Modifiers::NONE), KeyEvent::ctrl('J')] {
            rustyline.bind_sequence(key, EventHandler::Conditional(Box::new(Enter)));
        }
        for key in [KeyEvent(KeyCode::Backspace, Modifiers::NONE), KeyEvent::ctrl('H')] {
            rustyline.bind_sequence(key, EventHandler::Conditional(Box::new(Backspace)));
        }
        if let Some(path) = &history {
            // A history that cannot be read is an empty one: not worth a word before the first prompt.
            let _ = rustyline.load_history(path);
        }
        Ok(Editor { rustyline, history })
    }

    fn read(&mut self, prompt: &(String, String)) -> Result<Line> {
        match self.rustyline.readline(prompt) {
            Ok(text) => {
                self.remember(text.trim_end());
                Ok(Line::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Line::Interrupted),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(ReadlineError::Io(error)) => Err(Error::io("reading from the terminal", error)),
            Err(error) => Err(Error::internal(format!("reading from the terminal: {error}"))),
        }
    }

    fn remember(&mut self, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let added = self.rustyline.add_history_entry(text).unwrap_or(false);
        if let (true, Some(path)) = (added, &self.history) {
            // Written at once, so that nothing is lost with a closed terminal; a full disk must not stop the shell.
            let _ = path.parent().map(std::fs::create_dir_all);
            let _ = self.rustyline.append_history(path);
        }
    }
}

/// Runs what is complete; else starts a further line.
struct Enter;

impl ConditionalEventHandler for Enter {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let text = context.line();
        if is_complete(text) {
            return Some(Cmd::AcceptLine);
        }
        // Inside a text literal the indentation would be data.
        let inside = text.get(..context.pos()).is_some_and(|before| lex(before).open);
        Some(Cmd::Insert(1, if inside { "\n".to_string() } else { format!("\n{INDENT}") }))
    }
}

/// Takes back the indentation of a further line at once.
struct Backspace;

impl ConditionalEventHandler for Backspace {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let before = context.line().get(..context.pos())?;
        // rustyline sets the number of a movement that has one to 1; this one has none.
        before.ends_with(&format!("\n{INDENT}")).then_some(Cmd::Kill(Movement::BeginningOfLine))
    }
}

/// Gives rustyline completion, hints, colours and completeness.
struct Assistant {
    session: Session,
    color: bool,
    history: HistoryHinter,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = Ghost;

    fn hint(&self, line: &str, cursor: usize, context: &Context<'_>) -> Option<Ghost> {
        // Without colour nobody could tell it from what was typed.
        if !self.color {
            return None;
        }
        self.history.hint(line, cursor, context).map(Ghost::new)
    }
}

/// The rest of the newest entry of the history that starts like the line; the right arrow takes it.
#[derive(Debug)]
struct Ghost {
    shown: String,
    rest: String,
}

impl Ghost {
    /// Shows the first line only, so that the screen does not jump while somebody types.
    fn new(rest: String) -> Ghost {
        let shown = match rest.split_once('\n') {
            Some((first, _)) => format!("{first} …"),
            None => rest.clone(),
        };
        Ghost { shown, rest }
    }
}

impl Hint for Ghost {
    fn display(&self) -> &str {
        &self.shown
    }

    fn completion(&self) -> Option<&str> {
        Some(&self.rest)
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, found) = match Typed::at(line, cursor) {
            Some(typed) => (typed.start, typed.candidates(entries(&typed.folder))),
            None => complete(line, cursor, &self.session.names(), &self.session.settings()),
        };
        let pairs = found.into_iter().map(|c| Pair { display: c.display, replacement: c.replacement });
        Ok((start, pairs.collect()))
    }
}

/// The names in a folder, and which are folders; none when it cannot be read.
fn entries(folder: &str) -> impl Iterator<Item = (String, bool)> {
    let folder = if folder.is_empty() { "." } else { folder };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(FOLDER_ENTRIES);
    entries.filter_map(|entry| {
        // Of a link, what it leads to counts.
        let is_folder = std::fs::metadata(entry.path()).is_ok_and(|to| to.is_dir());
        Some((entry.file_name().into_string().ok()?, is_folder))
    })
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[90m{hint}\x1b[0m"))
    }

    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(highlight(line, self.color))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        kind != CmdKind::MoveCursor
    }
}

impl Validator for Assistant {
    // For terminals without editing, where Enter cannot be bound.
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

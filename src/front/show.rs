//! Runs one text through a session and prints its responses: data to one sink, talk to another. Shared by the shell and by
//! scripts. Knows writers, never terminals: who calls says how wide and whether in colour.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::render::progress::Bar;
use crate::render::{Format, Look, Renderer, plural, receipt};
use crate::session::response::{Notice, Response};
use crate::session::{Responses, Session};
use crate::sql::params::Params;

/// How long a statement runs before its progress bar appears.
const BAR_AFTER: Duration = Duration::from_millis(400);
/// How often the bar is drawn again.
const BAR_EVERY: Duration = Duration::from_millis(100);

/// Where things go and how they look. The format is the session's setting `format`, asked for each result, so that a `SET`
/// in the middle of a text counts.
pub struct Output<'a> {
    /// Rows, and nothing else.
    pub data: &'a mut (dyn Write + Send),
    /// Receipts, notices, effects, the progress bar.
    pub talk: &'a mut (dyn Write + Send),
    /// Columns of the terminal that `data` ends in; `None` when it is no terminal: then nothing is ever cut.
    pub width: Option<usize>,
    /// Whether rows may carry colour.
    pub color: bool,
    /// Whether talk may carry colour.
    pub talk_color: bool,
    /// Columns for a progress bar on `talk`; `None` for no bar.
    pub bar: Option<usize>,
    /// Leaves out receipts and effects; notices and errors stay.
    pub quiet: bool,
    /// Cancelling it stops the statement: the rows so far are printed and the outcome is [`Outcome::Cancelled`].
    pub stop: CancellationToken,
}

impl<'a> Output<'a> {
    /// Plain output: no terminal, no colour, no bar.
    pub fn plain(data: &'a mut (dyn Write + Send), talk: &'a mut (dyn Write + Send)) -> Self {
        Output {
            data,
            talk,
            width: None,
            color: false,
            talk_color: false,
            bar: None,
            quiet: false,
            stop: CancellationToken::new(),
        }
    }
}

/// How a text ended when it did not end in an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every statement ran.
    Done,
    /// [`Output::stop`] was cancelled; the rows so far were printed.
    Cancelled,
    /// The reader of the data went away (a closed pipe): nothing is wrong and nothing more should be written.
    Closed,
}

/// Runs every statement in `text` and prints what comes, as it comes where the format allows. Both sinks are flushed when
/// it returns. Dropping the future cancels what runs.
///
/// # Errors
/// The first statement's error, not printed yet (see [`crate::render::error::screen`]); what came before it was. Or
/// [`crate::error::Kind::Io`] when a sink cannot be written.
pub async fn show(session: &Session, text: &str, params: &Params, output: &mut Output<'_>) -> Result<Outcome> {
    let responses = session.execute(text, params);
    let mut printer = Printer { session, output, renderer: None, rows: 0, drawn: false, started: Instant::now() };
    let ended = printer.print(responses).await;
    let flushed =
        printer.clear_bar().and_then(|()| printer.output.data.flush()).and_then(|()| printer.output.talk.flush());
    match (ended, flushed) {
        (Ok(outcome), Ok(())) => Ok(outcome),
        (Err(Failure::Statement(error)), _) => Err(error),
        (Err(Failure::Sink(error)), _) | (Ok(_), Err(error)) => match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(Outcome::Closed),
            _ => Err(Error::io("writing the result", error)),
        },
    }
}

/// Why printing stopped.
enum Failure {
    Statement(Error),
    Sink(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Sink(error)
    }
}

/// The state of one [`show`].
struct Printer<'a, 'b> {
    session: &'a Session,
    output: &'a mut Output<'b>,
    renderer: Option<Renderer>,
    rows: u64,
    drawn: bool,
    started: Instant,
}

impl Printer<'_, '_> {
    async fn print(&mut self, mut responses: Responses) -> std::result::Result<Outcome, Failure> {
        // The stream runs in a task of its own: a poll that takes long must not keep Ctrl-C or the bar waiting. The set
        // aborts the task when this future is dropped.
        let (sender, mut receiver) = mpsc::channel(4);
        let mut running = JoinSet::new();
        running.spawn(async move {
            while let Some(response) = responses.next().await {
                if sender.send(response).await.is_err() {
                    break;
                }
            }
        });
        let stop = self.output.stop.clone();
        let mut ticks = tokio::time::interval(BAR_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let response = tokio::select! {
                biased;
                () = stop.cancelled() => {
                    running.abort_all();
                    self.cancelled()?;
                    return Ok(Outcome::Cancelled);
                }
                response = receiver.recv() => response,
                _ = ticks.tick(), if self.output.bar.is_some() => {
                    self.draw_bar()?;
                    continue;
                }
            };
            match response {
                Some(Ok(response)) => self.response(response)?,
                Some(Err(error)) => {
                    self.finish_rows()?;
                    return Err(Failure::Statement(error));
                }
                None => break,
            }
        }
        self.finish_rows()?;
        match running.join_next().await {
            Some(Err(failed)) if failed.is_panic() => {
                Err(Failure::Statement(Error::internal("the statement ended in a panic").with_source(failed)))
            }
            _ => Ok(Outcome::Done),
        }
    }

    fn response(&mut self, response: Response) -> io::Result<()> {
        match response {
            Response::Begin { .. } => {
                self.finish_rows()?;
                self.started = Instant::now();
                Ok(())
            }
            Response::Schema(schema) => {
                self.finish_rows()?;
                let format = Format::of(&self.session.settings());
                let look = Look { format, width: self.output.width, color: self.output.color };
                self.renderer = Some(Renderer::new(schema, look));
                self.rows = 0;
                Ok(())
            }
            Response::Rows(batch) => {
                self.rows = self.rows.saturating_add(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
                self.clear_bar()?;
                match self.renderer.as_mut() {
                    Some(renderer) => renderer.rows(&batch, self.output.data),
                    None => Ok(()),
                }
            }
            Response::Receipt(receipt) => {
                self.finish_rows()?;
                let timing = self.session.settings().get("timing") == "on";
                // What says that a result is not whole is never left out.
                if (self.output.quiet || !timing) && receipt.incomplete.is_none() {
                    return Ok(());
                }
                self.clear_bar()?;
                self.output.talk.write_all(receipt::text(&receipt, self.output.talk_color).as_bytes())
            }
            Response::Notice(notice) => {
                self.clear_bar()?;
                self.notice(&notice)
            }
            Response::Done { message } => {
                self.finish_rows()?;
                if self.output.quiet { Ok(()) } else { writeln!(self.output.talk, "{message}") }
            }
        }
    }

    fn notice(&mut self, notice: &Notice) -> io::Result<()> {
        writeln!(self.output.talk, "note: {}", notice.message)?;
        match &notice.hint {
            Some(hint) => writeln!(self.output.talk, "hint: {hint}"),
            None => Ok(()),
        }
    }

    fn finish_rows(&mut self) -> io::Result<()> {
        self.clear_bar()?;
        match self.renderer.take() {
            Some(mut renderer) => {
                renderer.finish(self.output.data)?;
                self.output.data.flush()
            }
            None => Ok(()),
        }
    }

    fn cancelled(&mut self) -> io::Result<()> {
        let some = self.renderer.is_some() && self.rows > 0;
        self.finish_rows()?;
        if some {
            writeln!(self.output.talk, "cancelled; partial result: {}", plural(self.rows, "row"))
        } else {
            writeln!(self.output.talk, "cancelled")
        }
    }

    fn draw_bar(&mut self) -> io::Result<()> {
        let elapsed = self.started.elapsed();
        let progress = self.session.progress();
        let Some(width) = self.output.bar else { return Ok(()) };
        if elapsed < BAR_AFTER || progress.total == 0 {
            return Ok(());
        }
        self.drawn = true;
        let bar = Bar { progress, elapsed, width };
        write!(self.output.talk, "\r{bar}\x1b[K")?;
        self.output.talk.flush()
    }

    fn clear_bar(&mut self) -> io::Result<()> {
        if !std::mem::take(&mut self.drawn) {
            return Ok(());
        }
        self.output.talk.write_all(b"\r\x1b[K")?;
        self.output.talk.flush()
    }
}

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
    /// What the format `auto` means for `data`.
    pub auto: Format,
    /// Columns of the terminal that `data` ends in; `None` when it is no terminal: then nothing is ever cut.
    pub width: Option<usize>,
    /// Whether rows may carry colour.
    pub color: bool,
    /// Whether talk may carry colour.
    pub talk_color: bool,
    /// Columns for a progress bar on `talk`; `None` for no bar.
    pub bar: Option<usize>,
    /// Leaves out receipts, effects and how columns were inferred; other notices and errors stay.
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
            auto: Format::Auto,
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
    show_responses(session, session.execute(text, params), output).await
}

async fn show_responses(session: &Session, responses: Responses, output: &mut Output<'_>) -> Result<Outcome> {
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
                    self.finish_part()?;
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
                let format = match Format::of(&self.session.settings()) {
                    Format::Auto => self.output.auto,
                    chosen => chosen,
                };
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
        // What is said once is an account of the topic, as receipts are.
        if self.output.quiet && notice.about.is_some() {
            return Ok(());
        }
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

    /// Ends a result that is not whole: without any row it leaves nothing, as a frame around nothing looks like an answer.
    fn finish_part(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            self.renderer = None;
        }
        self.finish_rows()
    }

    fn cancelled(&mut self) -> io::Result<()> {
        let some = self.renderer.is_some() && self.rows > 0;
        self.finish_part()?;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use futures::stream;

    use super::*;
    use crate::config::{Cluster, Config};
    use crate::error::{Kind, Span};
    use crate::session::engine::Engine;
    use crate::session::response::Receipt;

    fn rows(values: std::ops::Range<i64>) -> RecordBatch {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
        RecordBatch::try_from_iter([("n", column)]).unwrap()
    }

    fn result(values: std::ops::Range<i64>) -> Vec<Result<Response>> {
        let batch = rows(values);
        let begin = Response::Begin { span: Span::new(0, 0) };
        vec![Ok(begin), Ok(Response::Schema(batch.schema())), Ok(Response::Rows(batch))]
    }

    fn receipt(rows: u64) -> Result<Response> {
        Ok(Response::Receipt(Receipt { rows, ..Receipt::default() }))
    }

    async fn session(settings: &[(&str, &str)]) -> Session {
        let session = Session::new(Engine::open(Config::new(Cluster::Memory)).await.unwrap());
        for (name, value) in settings {
            session.set(name, value).unwrap();
        }
        session
    }

    #[tokio::test]
    async fn data_and_talk_go_their_own_ways() {
        let session = session(&[("format", "csv")]).await;
        let mut responses = result(0..2);
        let notice =
            Notice { hint: Some("CREATE STREAM fixes them".into()), ..Notice::new("columns of t are inferred") };
        responses.push(Ok(Response::Notice(notice)));
        responses.push(receipt(2));
        responses.push(Ok(Response::Done { message: "created stream t".into() }));
        let (mut data, mut talk) = (Vec::new(), Vec::new());
        let mut output = Output::plain(&mut data, &mut talk);
        let outcome = show_responses(&session, Box::pin(stream::iter(responses)), &mut output).await.unwrap();
        assert_eq!(outcome, Outcome::Done);
        assert_eq!(String::from_utf8(data).unwrap(), "n\n0\n1\n");
        assert_eq!(
            String::from_utf8(talk).unwrap(),
            "note: columns of t are inferred\nhint: CREATE STREAM fixes them\n2 rows · <1 ms\ncreated stream t\n"
        );
    }

    #[tokio::test]
    async fn quiet_leaves_out_receipts_but_not_that_a_result_is_cut() {
        let session = session(&[("format", "ndjson")]).await;
        let mut responses = result(0..1);
        responses.push(receipt(1));
        responses.extend(result(0..1));
        let cut = Receipt { rows: 1, incomplete: Some("max_rows = 1 reached".into()), ..Receipt::default() };
        responses.push(Ok(Response::Receipt(cut)));
        let (mut data, mut talk) = (Vec::new(), Vec::new());
        let mut output = Output { quiet: true, ..Output::plain(&mut data, &mut talk) };
        show_responses(&session, Box::pin(stream::iter(responses)), &mut output).await.unwrap();
        assert_eq!(String::from_utf8(data).unwrap(), "{\"n\":0}\n{\"n\":0}\n");
        assert_eq!(String::from_utf8(talk).unwrap(), "INCOMPLETE: max_rows = 1 reached\n1 row · <1 ms\n");
    }

    #[tokio::test]
    async fn quiet_leaves_out_what_is_said_once_but_no_other_notice() {
        let session = session(&[]).await;
        let once = Notice { about: Some("t".into()), ..Notice::new("t: columns inferred from 3 records") };
        for (quiet, said) in [(true, "note: mind\n"), (false, "note: t: columns inferred from 3 records\nnote: mind\n")]
        {
            let notices = [once.clone(), Notice::new("mind")].map(|notice| Ok(Response::Notice(notice)));
            let (mut data, mut talk) = (Vec::new(), Vec::new());
            let mut output = Output { quiet, ..Output::plain(&mut data, &mut talk) };
            show_responses(&session, Box::pin(stream::iter(notices)), &mut output).await.unwrap();
            assert_eq!((data.as_slice(), String::from_utf8(talk).unwrap().as_str()), (&b""[..], said));
        }
    }

    #[tokio::test]
    async fn an_error_comes_after_the_rows_before_it() {
        let session = session(&[]).await;
        let mut responses = result(7..8);
        responses.push(Err(Error::data("record 3 of t cannot be decoded")));
        let (mut data, mut talk) = (Vec::new(), Vec::new());
        let mut output = Output::plain(&mut data, &mut talk);
        let error = show_responses(&session, Box::pin(stream::iter(responses)), &mut output).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Data);
        assert!(String::from_utf8(data).unwrap().contains("│      7 │"));
        assert_eq!(talk, b"");
    }

    #[tokio::test]
    async fn an_error_before_any_row_leaves_no_frame_that_looks_like_an_answer() {
        for format in ["table", "vertical", "csv", "tsv", "json", "ndjson", "markdown"] {
            let session = session(&[("format", format)]).await;
            let mut responses = result(7..8);
            responses.pop();
            responses.push(Err(Error::data("record 0 of t cannot be decoded")));
            let (mut data, mut talk) = (Vec::new(), Vec::new());
            let mut output = Output::plain(&mut data, &mut talk);
            show_responses(&session, Box::pin(stream::iter(responses)), &mut output).await.unwrap_err();
            assert_eq!((data, talk), (Vec::new(), Vec::new()), "{format}");
        }
    }

    /// Presses Ctrl-C as soon as it sees rows.
    struct Presses(CancellationToken, Vec<u8>);

    impl Write for Presses {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.cancel();
            self.1.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn stopping_keeps_the_rows_so_far_even_when_the_statement_never_answers() {
        let session = session(&[("format", "csv")]).await;
        // This poll never comes back by itself: only a task of its own keeps the printer free.
        let (release, held) = std::sync::mpsc::channel::<()>();
        let stuck = stream::once(async move {
            let _ = tokio::task::block_in_place(|| held.recv());
            receipt(0)
        });
        let responses = Box::pin(stream::iter(result(0..3)).chain(stuck));
        let stop = CancellationToken::new();
        let (mut data, mut talk) = (Presses(stop.clone(), Vec::new()), Vec::new());
        let mut output = Output { stop, ..Output::plain(&mut data, &mut talk) };
        let outcome = show_responses(&session, responses, &mut output).await.unwrap();
        drop(release);
        assert_eq!(outcome, Outcome::Cancelled);
        assert_eq!(String::from_utf8(data.1).unwrap(), "n\n0\n1\n2\n");
        assert_eq!(String::from_utf8(talk).unwrap(), "cancelled; partial result: 3 rows\n");
    }

    #[tokio::test]
    async fn a_result_that_ends_before_its_first_row_prints_no_empty_frame() {
        for format in ["auto", "csv", "json", "vertical"] {
            let session = session(&[("format", format)]).await;
            let schema = rows(0..0).schema();
            let begun =
                || vec![Ok(Response::Begin { span: Span::new(0, 0) }), Ok(Response::Schema(Arc::clone(&schema)))];
            let (mut data, mut talk) = (Vec::new(), Vec::new());
            let mut output = Output::plain(&mut data, &mut talk);
            let late = begun().into_iter().chain([Err(Error::new(Kind::Timeout, "too long"))]);
            let error = show_responses(&session, Box::pin(stream::iter(late)), &mut output).await.unwrap_err();
            assert_eq!(
                (error.kind(), data.as_slice(), talk.as_slice()),
                (Kind::Timeout, &b""[..], &b""[..]),
                "{format}"
            );

            // Ctrl-C comes when the schema is there and no row: at the notice behind it.
            let stop = CancellationToken::new();
            let (mut data, mut talk) = (Vec::new(), Presses(stop.clone(), Vec::new()));
            let mut output = Output { stop, ..Output::plain(&mut data, &mut talk) };
            let held = begun().into_iter().chain([Ok(Response::Notice(Notice::new("slow")))]);
            let responses = Box::pin(stream::iter(held).chain(stream::pending()));
            let outcome = show_responses(&session, responses, &mut output).await.unwrap();
            assert_eq!((outcome, data.as_slice()), (Outcome::Cancelled, &b""[..]), "{format}");
            assert_eq!(talk.1, b"note: slow\ncancelled\n", "{format}");
        }
    }

    #[tokio::test]
    async fn a_reader_that_went_away_is_no_error() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let session = session(&[("format", "tsv")]).await;
        let (mut data, mut talk) = (Gone, Vec::new());
        let mut output = Output::plain(&mut data, &mut talk);
        let endless = stream::iter(result(0..1)).chain(stream::repeat_with(|| Ok(Response::Rows(rows(0..1)))));
        let outcome = show_responses(&session, Box::pin(endless), &mut output).await.unwrap();
        assert_eq!(outcome, Outcome::Closed);
        assert_eq!(talk, b"");
    }
}

//! Responses to text: results in every format, receipts, error screens, progress bars. Knows Arrow and plain response data;
//! never sessions, terminals or files.

pub mod delimited;
pub mod error;
pub mod json;
pub mod markdown;
pub mod progress;
pub mod receipt;
pub mod table;
pub mod value;
pub mod vertical;

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::config::settings::Settings;
use delimited::Delimited;
use json::Json;
use value::{Cell, Cells};

/// Rows that table-like formats hold back to find out how wide their columns are.
const CHUNK_ROWS: usize = 10_000;
/// Bytes of text they hold back at most.
const CHUNK_BYTES: usize = 16 << 20;

/// The shapes a result can be shown in; the values of the setting `format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A table when it fits the terminal or there is none, else vertical.
    #[default]
    Auto,
    /// Boxed table.
    Table,
    /// One line per value.
    Vertical,
    /// Comma-separated, RFC 4180, with a header.
    Csv,
    /// Tab-separated with a header.
    Tsv,
    /// One JSON array of objects.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// A Markdown table.
    Markdown,
}

impl Format {
    /// The format in force. The settings' table admits no other word, so an unknown one is taken as auto.
    pub fn of(settings: &Settings) -> Format {
        match settings.get("format") {
            "table" => Format::Table,
            "vertical" => Format::Vertical,
            "csv" => Format::Csv,
            "tsv" => Format::Tsv,
            "json" => Format::Json,
            "ndjson" => Format::Ndjson,
            "markdown" => Format::Markdown,
            _ => Format::Auto,
        }
    }

    /// Whether rows are written as they arrive.
    pub fn streams(self) -> bool {
        matches!(self, Format::Csv | Format::Tsv | Format::Json | Format::Ndjson)
    }
}

/// How one result should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// The shape.
    pub format: Format,
    /// Columns of the terminal; `None` when there is none, and then nothing is cut.
    pub width: Option<usize>,
    /// Whether escape sequences for colour may be written.
    pub color: bool,
}

/// Prints one result: [`rows`](Renderer::rows) for each batch, then [`finish`](Renderer::finish).
///
/// Csv, tsv, json and ndjson write each batch at once. The others hold back up to 10 000 rows to fit their columns, then
/// print in chunks with the same widths.
#[derive(Debug)]
pub struct Renderer {
    schema: SchemaRef,
    look: Look,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Delimited(Delimited),
    Json(Json),
    Boxed(Boxed),
}

/// Rows held back, and how they will be printed once that is known.
#[derive(Debug, Default)]
struct Boxed {
    held: Vec<Vec<Cell>>,
    held_bytes: usize,
    printed: u64,
    frame: Option<Frame>,
}

#[derive(Debug)]
enum Frame {
    Table(table::Frame),
    Vertical(vertical::Frame),
    Markdown(markdown::Frame),
}

impl Renderer {
    /// A renderer for one result with `schema`.
    pub fn new(schema: SchemaRef, look: Look) -> Self {
        let shape = match look.format {
            Format::Csv => Shape::Delimited(Delimited::comma()),
            Format::Tsv => Shape::Delimited(Delimited::tab()),
            Format::Json => Shape::Json(Json::array()),
            Format::Ndjson => Shape::Json(Json::lines()),
            Format::Auto | Format::Table | Format::Vertical | Format::Markdown => Shape::Boxed(Boxed::default()),
        };
        Renderer { schema, look, shape }
    }

    /// Takes the next rows, which have the result's schema.
    ///
    /// # Errors
    /// `out` cannot be written ([`io::ErrorKind::BrokenPipe`] when its reader went away), or
    /// [`io::ErrorKind::InvalidData`] for a value that has no text (a timestamp out of range).
    pub fn rows(&mut self, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        match &mut self.shape {
            Shape::Delimited(delimited) => delimited.rows(&self.schema, batch, out),
            Shape::Json(json) => json.rows(&self.schema, batch, out),
            Shape::Boxed(boxed) => {
                let cells = Cells::try_new(&self.schema, batch)?;
                for row in 0..batch.num_rows() {
                    let row = cells.row(row)?;
                    boxed.held_bytes += row.iter().map(|cell| cell.text.len()).sum::<usize>();
                    boxed.held.push(row);
                    if boxed.held.len() >= CHUNK_ROWS || boxed.held_bytes >= CHUNK_BYTES {
                        boxed.print(&self.schema, self.look, out)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Writes what is left. To be called once, also when the result was cut short.
    ///
    /// # Errors
    /// As [`rows`](Renderer::rows).
    pub fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match &mut self.shape {
            Shape::Delimited(delimited) => delimited.finish(&self.schema, out),
            Shape::Json(json) => json.finish(out),
            Shape::Boxed(boxed) => {
                boxed.print(&self.schema, self.look, out)?;
                match &boxed.frame {
                    Some(Frame::Table(frame)) => frame.bottom(out),
                    Some(Frame::Vertical(_) | Frame::Markdown(_)) | None => Ok(()),
                }
            }
        }
    }
}

impl Boxed {
    fn print(&mut self, schema: &SchemaRef, look: Look, out: &mut dyn Write) -> io::Result<()> {
        let frame = match self.frame.take() {
            Some(frame) => frame,
            None => {
                let frame = Frame::fit(schema, &self.held, look);
                match &frame {
                    Frame::Table(frame) => frame.top(out)?,
                    Frame::Markdown(frame) => frame.top(out)?,
                    Frame::Vertical(_) => {}
                }
                frame
            }
        };
        for row in self.held.drain(..) {
            self.printed += 1;
            match &frame {
                Frame::Table(frame) => frame.row(&row, out)?,
                Frame::Markdown(frame) => frame.row(&row, out)?,
                Frame::Vertical(frame) => frame.row(self.printed, &row, out)?,
            }
        }
        self.held_bytes = 0;
        self.frame = Some(frame);
        Ok(())
    }
}

impl Frame {
    fn fit(schema: &SchemaRef, rows: &[Vec<Cell>], look: Look) -> Frame {
        match look.format {
            Format::Vertical => Frame::Vertical(vertical::Frame::new(schema, look.color)),
            Format::Markdown => Frame::Markdown(markdown::Frame::fit(schema, rows)),
            Format::Table => Frame::Table(table::Frame::fit(schema, rows, look.width, look.color)),
            _ => {
                let table = table::Frame::fit(schema, rows, None, look.color);
                match look.width {
                    Some(width) if table.width() > width => Frame::Vertical(vertical::Frame::new(schema, look.color)),
                    _ => Frame::Table(table),
                }
            }
        }
    }
}

/// `n` with thousands separated: `10,547`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub fn plural(n: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(n), if n == 1 { "" } else { "s" })
}

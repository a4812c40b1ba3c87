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
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::config::settings::Settings;
pub use crate::figure::{grouped, plural};
use crate::session::response::{LINES, LISTING};
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

    /// The format that a file's name ends in, when there is one.
    pub fn of_file(path: &Path) -> Option<Format> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Format::Csv),
            "tsv" => Some(Format::Tsv),
            "json" => Some(Format::Json),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "md" => Some(Format::Markdown),
            _ => None,
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
    Lines,
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
                let empty = boxed.frame.is_none() && boxed.held.is_empty();
                if empty && self.schema.metadata().contains_key(LISTING) {
                    return Ok(());
                }
                boxed.print(&self.schema, self.look, out)?;
                match &boxed.frame {
                    Some(Frame::Table(frame)) => frame.bottom(out),
                    Some(Frame::Vertical(_) | Frame::Markdown(_) | Frame::Lines) | None => Ok(()),
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
                    Frame::Vertical(_) | Frame::Lines => {}
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
                Frame::Lines => row.iter().try_for_each(|cell| writeln!(out, "{}", cell.text))?,
            }
        }
        self.held_bytes = 0;
        self.frame = Some(frame);
        Ok(())
    }
}

impl Frame {
    fn fit(schema: &SchemaRef, rows: &[Vec<Cell>], look: Look) -> Frame {
        let lines = schema.fields().iter().any(|f| f.metadata().contains_key(LINES));
        match look.format {
            Format::Auto | Format::Table | Format::Vertical if lines => Frame::Lines,
            Format::Vertical => Frame::Vertical(vertical::Frame::new(schema, look.color)),
            Format::Markdown => Frame::Markdown(markdown::Frame::fit(schema, rows)),
            Format::Auto if schema.metadata().contains_key(LISTING) => {
                Frame::Table(table::Frame::fit(schema, rows, look.width, look.color))
            }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int64Array, StringArray, StructArray, UnionArray};
    use arrow::buffer::ScalarBuffer;
    use arrow::datatypes::{DataType, Field, Schema, UnionFields};

    use super::*;

    fn batch() -> RecordBatch {
        let name: ArrayRef = Arc::new(StringArray::from(vec![Some("Ada, \"Countess\""), Some(""), None]));
        let n: ArrayRef = Arc::new(Int64Array::from(vec![Some(9_007_199_254_740_993), Some(-1), None]));
        let a: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
        let b: ArrayRef = Arc::new(StringArray::from(vec!["x|y", "tab\there", "z"]));
        let nested = vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Utf8, true)];
        let s: ArrayRef = Arc::new(StructArray::new(nested.into(), vec![a, b], None));
        RecordBatch::try_from_iter_with_nullable([("name", name, true), ("n", n, true), ("s", s, true)]).unwrap()
    }

    fn screen(format: Format, width: Option<usize>, color: bool, batches: &[RecordBatch]) -> String {
        let mut out = Vec::new();
        let mut renderer = Renderer::new(batches[0].schema(), Look { format, width, color });
        for batch in batches {
            renderer.rows(batch, &mut out).unwrap();
        }
        renderer.finish(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_is_as_wide_as_its_content() {
        assert_eq!(
            screen(Format::Auto, None, false, &[batch()]),
            "\
┌─────────────────┬──────────────────┬─────────────────────────┐
│ name            │                n │ s                       │
│ VARCHAR         │           BIGINT │ STRUCT                  │
├─────────────────┼──────────────────┼─────────────────────────┤
│ Ada, \"Countess\" │ 9007199254740993 │ {a: 1, b: x|y}          │
│ ''              │               -1 │ {a: NULL, b: tab\\there} │
│ NULL            │             NULL │ {a: 3, b: z}            │
└─────────────────┴──────────────────┴─────────────────────────┘
"
        );
    }

    #[test]
    fn a_table_wider_than_the_terminal_narrows_its_widest_columns_and_says_so() {
        assert_eq!(
            screen(Format::Table, Some(50), false, &[batch()]),
            "\
┌──────────────┬──────────────────┬──────────────┐
│ name         │                n │ s            │
│ VARCHAR      │           BIGINT │ STRUCT       │
├──────────────┼──────────────────┼──────────────┤
│ Ada, \"Count… │ 9007199254740993 │ {a: 1, b: x… │
│ ''           │               -1 │ {a: NULL, b… │
│ NULL         │             NULL │ {a: 3, b: z} │
└──────────────┴──────────────────┴──────────────┘
narrowed to fit the terminal: name, s (\\x shows whole values)
"
        );
    }

    #[test]
    fn a_table_of_too_many_columns_leaves_out_those_in_the_middle_and_says_which() {
        let columns: Vec<(String, ArrayRef)> = (0..7)
            .map(|i| {
                let text: ArrayRef = Arc::new(StringArray::from(vec![format!("the value of {i}")]));
                (format!("column_{i}"), text)
            })
            .collect();
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        assert_eq!(
            screen(Format::Table, Some(40), false, std::slice::from_ref(&batch)),
            "\
┌──────────┬───┬──────────┬────────────┐
│ column_0 │ … │ column_5 │ column_6   │
│ VARCHAR  │ … │ VARCHAR  │ VARCHAR    │
├──────────┼───┼──────────┼────────────┤
│ the val… │ … │ the val… │ the value… │
└──────────┴───┴──────────┴────────────┘
narrowed to fit the terminal: column_0, column_5, column_6 (\\x shows whole values)
left out to fit the terminal: 4 columns: column_1, column_2, column_3, column_4 (\\x shows all)
"
        );
        for width in 25..120 {
            let shown = screen(Format::Table, Some(width), false, std::slice::from_ref(&batch));
            let table = shown.lines().take(6);
            assert!(table.map(value::columns).all(|w| w <= width), "{width}:\n{shown}");
            assert_eq!(shown.contains("left out"), width < 64, "{width}:\n{shown}");
        }
    }

    #[test]
    fn auto_turns_vertical_when_the_table_does_not_fit() {
        assert_eq!(
            screen(Format::Auto, Some(50), false, &[batch().slice(0, 1)]),
            "\
── row 1 ────────
name │ Ada, \"Countess\"
n    │ 9007199254740993
s    │ {a: 1, b: x|y}
"
        );
        assert!(screen(Format::Auto, Some(64), false, &[batch()]).starts_with('┌'));
        assert!(screen(Format::Auto, Some(63), false, &[batch()]).starts_with("── row 1"));
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let plain = screen(Format::Table, None, false, &[batch()]);
        let mut colored = screen(Format::Table, None, true, &[batch()]);
        assert!(colored.contains("\x1b[2mNULL\x1b[0m"), "{colored}");
        for sequence in ["\x1b[0m", "\x1b[1m", "\x1b[2m"] {
            colored = colored.replace(sequence, "");
        }
        assert_eq!(colored, plain);
    }

    #[test]
    fn csv_tells_null_from_empty_and_quotes_what_must_be() {
        assert_eq!(
            screen(Format::Csv, Some(20), false, &[batch()]),
            "name,n,s\n\
             \"Ada, \"\"Countess\"\"\",9007199254740993,\"{\"\"a\"\":1,\"\"b\"\":\"\"x|y\"\"}\"\n\
             \"\",-1,\"{\"\"a\"\":null,\"\"b\"\":\"\"tab\\there\"\"}\"\n\
             ,,\"{\"\"a\"\":3,\"\"b\"\":\"\"z\"\"}\"\n"
        );
    }

    #[test]
    fn tsv_escapes_instead_of_quoting() {
        assert_eq!(
            screen(Format::Tsv, None, false, &[batch()]),
            "name\tn\ts\n\
             Ada, \"Countess\"\t9007199254740993\t{\"a\":1,\"b\":\"x|y\"}\n\
             \t-1\t{\"a\":null,\"b\":\"tab\\\\there\"}\n\
             \\N\t\\N\t{\"a\":3,\"b\":\"z\"}\n"
        );
    }

    #[test]
    fn json_comes_as_an_array_or_as_lines_whatever_the_batches() {
        let first = r#"{"name":"Ada, \"Countess\"","n":9007199254740993,"s":{"a":1,"b":"x|y"}}"#;
        let second = r#"{"name":"","n":-1,"s":{"a":null,"b":"tab\there"}}"#;
        let third = r#"{"name":null,"n":null,"s":{"a":3,"b":"z"}}"#;
        let parts = [batch().slice(0, 1), batch().slice(0, 0), batch().slice(1, 2)];
        assert_eq!(screen(Format::Json, None, false, &parts), format!("[\n{first},\n{second},\n{third}\n]\n"));
        assert_eq!(screen(Format::Ndjson, None, false, &parts), format!("{first}\n{second}\n{third}\n"));
        assert_eq!(screen(Format::Json, None, false, &parts[1..2]), "[]\n");
        assert_eq!(screen(Format::Ndjson, None, false, &parts[1..2]), "");
    }

    #[test]
    fn json_keeps_decimals_unions_and_columns_of_one_name() {
        let decimal: ArrayRef =
            Arc::new(Decimal128Array::from(vec![12_345_678_901_234_567_890]).with_precision_and_scale(20, 2).unwrap());
        let float: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN]));
        let strings: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![7]));
        let fields = UnionFields::try_new(
            vec![0, 1],
            vec![Field::new("s", DataType::Utf8, true), Field::new("n", DataType::Int64, true)],
        )
        .unwrap();
        let union: ArrayRef = Arc::new(
            UnionArray::try_new(fields, ScalarBuffer::from(vec![1_i8]), None, vec![strings, numbers]).unwrap(),
        );
        let fields =
            vec![Field::new("a", decimal.data_type().clone(), true), Field::new("a", DataType::Float64, true), {
                Field::new("u", union.data_type().clone(), true)
            }];
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![decimal, float, union]).unwrap();
        assert_eq!(
            screen(Format::Ndjson, None, false, &[batch]),
            "{\"a\":123456789012345678.90,\"a_2\":null,\"u\":7}\n"
        );
    }

    #[test]
    fn markdown_escapes_bars() {
        assert_eq!(
            screen(Format::Markdown, Some(10), false, &[batch()]),
            "\
| name            |                n | s                        |
| --------------- | ---------------: | ------------------------ |
| Ada, \"Countess\" | 9007199254740993 | {a: 1, b: x\\|y}          |
| ''              |               -1 | {a: NULL, b: tab\\\\there} |
| NULL            |             NULL | {a: 3, b: z}             |
"
        );
    }

    #[test]
    fn a_listing_is_narrowed_rather_than_turned_and_has_no_empty_frame() {
        let metadata = [(LISTING.to_string(), String::new())].into();
        let schema = Arc::new(batch().schema().as_ref().clone().with_metadata(metadata));
        let empty = RecordBatch::new_empty(schema);
        for format in [Format::Auto, Format::Table, Format::Markdown] {
            assert_eq!(screen(format, None, false, std::slice::from_ref(&empty)), "");
        }
        assert_eq!(screen(Format::Csv, None, false, std::slice::from_ref(&empty)), "name,n,s\n");
        assert!(screen(Format::Table, None, false, &[batch().slice(0, 0)]).contains("│ name"));
        // Its last column gives first.
        let listed = screen(Format::Auto, Some(60), false, &[batch().with_schema(empty.schema()).unwrap()]);
        assert!(listed.contains("│ Ada, \"Countess\" │ 9007199254740993 │ {a: 1, b: x|y}      │\n"), "{listed}");
        assert!(listed.contains("│ {a: NULL, b: tab\\t… │\n"), "{listed}");
        assert!(listed.ends_with("narrowed to fit the terminal: s (\\x shows whole values)\n"), "{listed}");
    }

    #[test]
    fn long_results_are_printed_in_chunks_of_one_width() {
        let many: ArrayRef = Arc::new(Int64Array::from_iter_values(0..25_000));
        let batch = RecordBatch::try_from_iter([("n", many)]).unwrap();
        let mut out = Vec::new();
        let mut renderer = Renderer::new(batch.schema(), Look::default());
        renderer.rows(&batch.slice(0, 9_999), &mut out).unwrap();
        assert_eq!(out.len(), 0);
        renderer.rows(&batch.slice(9_999, 15_001), &mut out).unwrap();
        assert!(!out.is_empty());
        renderer.finish(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 25_000 + 5);
        assert!(text.lines().all(|line| value::columns(line) == 10), "all lines as wide");
    }

    #[test]
    fn a_reader_that_went_away_is_a_broken_pipe() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for format in [Format::Csv, Format::Json, Format::Ndjson, Format::Table, Format::Vertical, Format::Markdown] {
            let mut renderer = Renderer::new(batch().schema(), Look { format, ..Look::default() });
            let written = renderer.rows(&batch(), &mut Gone).and_then(|()| renderer.finish(&mut Gone));
            assert_eq!(written.unwrap_err().kind(), io::ErrorKind::BrokenPipe, "{format:?}");
        }
    }
}

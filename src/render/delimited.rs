//! Comma- and tab-separated text. Knows Arrow; nothing of terminals.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};

use super::json;
use super::value::{Cells, Kind};

/// Writes one result, with a header.
///
/// - Comma: RFC 4180 with `\n` at the line's end; fields are quoted when they must be. NULL is nothing at all, an empty text
///   is `""`.
/// - Tab: no quotes; tab, line feed, carriage return and backslash become `\t`, `\n`, `\r`, `\\`. NULL is `\N`.
///
/// Structs, lists and maps are written as JSON.
#[derive(Debug)]
pub struct Delimited {
    comma: bool,
    headed: bool,
}

impl Delimited {
    /// Comma-separated.
    pub fn comma() -> Self {
        Delimited { comma: true, headed: false }
    }

    /// Tab-separated.
    pub fn tab() -> Self {
        Delimited { comma: false, headed: false }
    }

    fn separator(&self) -> char {
        if self.comma { ',' } else { '\t' }
    }

    fn head(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> io::Result<()> {
        if std::mem::replace(&mut self.headed, true) {
            return Ok(());
        }
        let mut text = String::new();
        for (i, field) in schema.fields().iter().enumerate() {
            if i > 0 {
                text.push(self.separator());
            }
            self.field(field.name(), &mut text);
        }
        text.push('\n');
        out.write_all(text.as_bytes())
    }

    /// Writes a batch.
    ///
    /// # Errors
    /// As [`super::Renderer::rows`].
    pub fn rows(&mut self, schema: &SchemaRef, batch: &RecordBatch, out: &mut dyn Write) -> io::Result<()> {
        self.head(schema, out)?;
        let cells = Cells::try_new(schema, batch)?;
        let nested: Vec<Option<Vec<String>>> = batch
            .columns()
            .iter()
            .zip(schema.fields())
            .map(|(array, field)| is_nested(array.data_type()).then(|| json::column(field, array)).transpose())
            .collect::<io::Result<_>>()?;
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            for (i, (cell, nested)) in cells.row(row)?.iter().zip(&nested).enumerate() {
                if i > 0 {
                    text.push(self.separator());
                }
                match (cell.kind, nested.as_ref().and_then(|texts| texts.get(row))) {
                    (Kind::Value, Some(json)) => self.field(json, &mut text),
                    (Kind::Value, None) => self.field(&cell.text, &mut text),
                    (Kind::Empty, _) if self.comma => text.push_str("\"\""),
                    (Kind::Empty, _) => {}
                    (Kind::Null | Kind::Absent | Kind::Tombstone, _) if self.comma => {}
                    (Kind::Null | Kind::Absent | Kind::Tombstone, _) => text.push_str("\\N"),
                }
            }
            text.push('\n');
        }
        out.write_all(text.as_bytes())
    }

    /// Writes the header when no row came.
    ///
    /// # Errors
    /// As [`super::Renderer::finish`].
    pub fn finish(&mut self, schema: &SchemaRef, out: &mut dyn Write) -> io::Result<()> {
        self.head(schema, out)
    }

    fn field(&self, value: &str, text: &mut String) {
        if !self.comma {
            for c in value.chars() {
                match c {
                    '\t' => text.push_str("\\t"),
                    '\n' => text.push_str("\\n"),
                    '\r' => text.push_str("\\r"),
                    '\\' => text.push_str("\\\\"),
                    other => text.push(other),
                }
            }
        } else if value.contains([',', '"', '\n', '\r']) {
            text.push('"');
            text.push_str(&value.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(value);
        }
    }
}

fn is_nested(data_type: &DataType) -> bool {
    data_type.is_nested()
}

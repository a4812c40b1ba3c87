//! The vertical format: a headline per row, a line per value, whole values always. Knows cells; nothing of batches.

use std::io::{self, Write};

use arrow::datatypes::SchemaRef;

use super::grouped;
use super::value::{Cell, columns, printable};

/// The names down the side.
#[derive(Debug)]
pub struct Frame {
    names: Vec<String>,
    width: usize,
    color: bool,
}

impl Frame {
    /// A frame for a result with `schema`.
    pub fn new(schema: &SchemaRef, color: bool) -> Frame {
        let names: Vec<String> = schema.fields().iter().map(|field| printable(field.name())).collect();
        let width = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        Frame { names, width, color }
    }

    /// Row number `number`, counted from 1.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn row(&self, number: u64, row: &[Cell], out: &mut dyn Write) -> io::Result<()> {
        let (bold, plain) = if self.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        let mut text = format!("── row {} {}\n", grouped(number), "─".repeat(self.width.max(8)));
        for (name, cell) in self.names.iter().zip(row) {
            let pad = " ".repeat(self.width.saturating_sub(columns(name)));
            let shown = cell.shown();
            text.push_str(&format!("{bold}{name}{plain}{pad} │ {}\n", cell.painted(&shown, self.color)));
        }
        out.write_all(text.as_bytes())
    }
}

//! Markdown tables. Knows cells; nothing of batches.

use std::io::{self, Write};

use arrow::datatypes::SchemaRef;

use super::value::{Cell, columns, is_number, printable};

/// The columns of one table, fitted to the first rows.
#[derive(Debug)]
pub struct Frame {
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: String,
    right: bool,
    width: usize,
}

impl Frame {
    /// Fits the columns to `rows`. Nothing is ever cut.
    pub fn fit(schema: &SchemaRef, rows: &[Vec<Cell>]) -> Frame {
        let mut fitted: Vec<Column> = schema
            .fields()
            .iter()
            .map(|field| {
                let name = escaped(&printable(field.name()));
                let width = columns(&name).max(3);
                Column { name, right: is_number(field.data_type()), width }
            })
            .collect();
        for row in rows {
            for (column, cell) in fitted.iter_mut().zip(row) {
                column.width = column.width.max(columns(&escaped(&cell.shown())));
            }
        }
        Frame { columns: fitted }
    }

    /// The header.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn top(&self, out: &mut dyn Write) -> io::Result<()> {
        let names = self.columns.iter().map(|column| column.name.clone());
        self.line(names, out)?;
        let rules = self.columns.iter().map(|column| match column.right {
            true => format!("{}:", "-".repeat(column.width - 1)),
            false => "-".repeat(column.width),
        });
        self.line(rules, out)
    }

    /// One row.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn row(&self, row: &[Cell], out: &mut dyn Write) -> io::Result<()> {
        self.line(row.iter().map(|cell| escaped(&cell.shown())), out)
    }

    fn line(&self, parts: impl Iterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
        let mut text = String::from("|");
        for (column, part) in self.columns.iter().zip(parts) {
            let pad = " ".repeat(column.width.saturating_sub(columns(&part)));
            let (left, right) = if column.right { (pad.as_str(), "") } else { ("", pad.as_str()) };
            text.push_str(&format!(" {left}{part}{right} |"));
        }
        text.push('\n');
        out.write_all(text.as_bytes())
    }
}

/// `text` with what Markdown would read as its own inside a table escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;")
}

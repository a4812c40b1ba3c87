//! The boxed table: as wide as its content, narrowed to the terminal when it must. Knows cells; nothing of batches.

use std::io::{self, Write};

use arrow::datatypes::SchemaRef;

use super::value::{Cell, columns, is_number, printable, shortened, type_name};

/// No column is narrowed below this.
const NARROWEST: usize = 6;

/// The columns of one table, fitted.
#[derive(Debug)]
pub struct Frame {
    columns: Vec<Column>,
    color: bool,
    cut: bool,
}

#[derive(Debug)]
struct Column {
    name: String,
    type_name: String,
    right: bool,
    width: usize,
    /// Its cells are cut at `width`.
    narrowed: bool,
}

impl Frame {
    /// Fits the columns to `rows`; when that is wider than `limit`, narrows the widest columns. Columns are not narrowed out
    /// of recognition, so that a table of very many may stay wider than `limit`.
    pub fn fit(schema: &SchemaRef, rows: &[Vec<Cell>], limit: Option<usize>, color: bool) -> Frame {
        let mut fitted: Vec<Column> = schema
            .fields()
            .iter()
            .map(|field| {
                let (name, type_name) = (printable(field.name()), type_name(field.data_type()));
                let width = columns(&name).max(columns(&type_name));
                Column { name, type_name, right: is_number(field.data_type()), width, narrowed: false }
            })
            .collect();
        for row in rows {
            for (column, cell) in fitted.iter_mut().zip(row) {
                column.width = column.width.max(columns(&cell.shown()));
            }
        }
        let mut frame = Frame { columns: fitted, color, cut: false };
        if let Some(limit) = limit {
            frame.narrow(limit);
        }
        frame
    }

    /// Columns of the terminal that the table takes.
    pub fn width(&self) -> usize {
        1 + self.columns.iter().map(|column| column.width + 3).sum::<usize>()
    }

    fn narrow(&mut self, limit: usize) {
        let mut over = self.width().saturating_sub(limit);
        while over > 0 {
            // The widest columns give first, down to the width of the next widest. Half a number would be a wrong one:
            // numbers never give.
            let widths = || self.columns.iter().filter(|c| !c.right).map(|c| c.width);
            let widest = widths().max().unwrap_or(0);
            if widest <= NARROWEST {
                return;
            }
            let next = widths().filter(|w| *w < widest).max().unwrap_or(0).max(NARROWEST);
            let givers = widths().filter(|w| *w == widest).count();
            let each = over.div_ceil(givers.max(1)).min(widest - next);
            for column in self.columns.iter_mut().filter(|c| !c.right && c.width == widest) {
                let give = each.min(over);
                column.width -= give;
                column.narrowed |= give > 0;
                over -= give;
            }
            self.cut = true;
        }
    }

    /// The box's top and the header.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn top(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut text = self.rule('┌', '┬', '┐');
        self.line(&mut text, |column| {
            let name = if self.color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
            (column.name.clone(), name)
        });
        self.line(&mut text, |column| {
            let type_name = if self.color { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
            (column.type_name.clone(), type_name)
        });
        text.push_str(&self.rule('├', '┼', '┤'));
        out.write_all(text.as_bytes())
    }

    fn line(&self, text: &mut String, part: impl Fn(&Column) -> (String, (&'static str, &'static str))) {
        for column in &self.columns {
            let (plain, (on, off)) = part(column);
            let plain = if column.narrowed { shortened(&plain, column.width) } else { plain };
            let pad = " ".repeat(column.width.saturating_sub(columns(&plain)));
            let (left, right) = if column.right { (pad.as_str(), "") } else { ("", pad.as_str()) };
            text.push_str(&format!("│ {left}{on}{plain}{off}{right} "));
        }
        text.push_str("│\n");
    }

    fn rule(&self, left: char, middle: char, right: char) -> String {
        let parts: Vec<String> = self.columns.iter().map(|column| "─".repeat(column.width + 2)).collect();
        format!("{left}{}{right}\n", parts.join(&middle.to_string()))
    }

    /// One row.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn row(&self, row: &[Cell], out: &mut dyn Write) -> io::Result<()> {
        let mut text = String::new();
        for (column, cell) in self.columns.iter().zip(row) {
            let shown = cell.shown();
            let shown = if column.narrowed { shortened(&shown, column.width) } else { shown };
            let pad = " ".repeat(column.width.saturating_sub(columns(&shown)));
            let painted = cell.painted(&shown, self.color);
            let (left, right) = if column.right { (pad.as_str(), "") } else { ("", pad.as_str()) };
            text.push_str("│ ");
            text.push_str(left);
            text.push_str(&painted);
            text.push_str(right);
            text.push(' ');
        }
        text.push_str("│\n");
        out.write_all(text.as_bytes())
    }

    /// The box's bottom, and what was cut.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn bottom(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut text = self.rule('└', '┴', '┘');
        if self.cut {
            let names: Vec<&str> = self.columns.iter().filter(|c| c.narrowed).map(|c| c.name.as_str()).collect();
            text.push_str(&format!("narrowed to fit the terminal: {} (\\x shows whole values)\n", names.join(", ")));
        }
        out.write_all(text.as_bytes())
    }
}

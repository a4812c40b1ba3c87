//! The boxed table: as wide as its content; to fit the terminal, long columns are narrowed, then middle columns left out.
//! Knows cells; nothing of batches.

use std::io::{self, Write};
use std::ops::Range;

use arrow::datatypes::SchemaRef;

use super::plural;
use super::value::{Cell, columns, is_number, printable, shortened, type_name};
use crate::session::response::LISTING;

/// No column is narrowed below this.
const NARROWEST: usize = 6;
/// Of words, so much must stay for them to say something.
const WORDS: usize = 20;
/// Stands for the columns that are left out.
const GAP: &str = "│ … ";
/// Names of columns listed under the table.
const NAMED: usize = 10;

/// The columns of one table, fitted.
#[derive(Debug)]
pub struct Frame {
    columns: Vec<Column>,
    /// Columns that are left out.
    hidden: Range<usize>,
    color: bool,
}

#[derive(Debug)]
struct Column {
    name: String,
    type_name: String,
    right: bool,
    width: usize,
    /// As wide as its content.
    whole: usize,
    /// Its cells are cut at `width`.
    narrowed: bool,
}

impl Frame {
    /// Fits the columns to `rows`; when that is wider than `limit`, narrows the widest columns, and when they would become
    /// unreadable leaves out columns in the middle. The first and the last column are always there.
    pub fn fit(schema: &SchemaRef, rows: &[Vec<Cell>], limit: Option<usize>, color: bool) -> Frame {
        let mut fitted: Vec<Column> = schema
            .fields()
            .iter()
            .map(|field| {
                let (name, type_name) = (printable(field.name()), type_name(field.data_type()));
                let width = columns(&name).max(columns(&type_name));
                Column { name, type_name, right: is_number(field.data_type()), width, whole: width, narrowed: false }
            })
            .collect();
        for row in rows {
            for (column, cell) in fitted.iter_mut().zip(row) {
                column.width = column.width.max(columns(&cell.shown()));
            }
        }
        fitted.iter_mut().for_each(|column| column.whole = column.width);
        let mut frame = Frame { columns: fitted, hidden: 0..0, color };
        if let Some(limit) = limit {
            frame.hide(limit);
            if schema.metadata().contains_key(LISTING) {
                frame.narrow_last(limit);
            }
            frame.narrow(limit);
        }
        frame
    }

    /// Columns of the terminal that the table takes.
    pub fn width(&self) -> usize {
        self.width_by(|column| column.width)
    }

    fn width_by(&self, width: impl Fn(&Column) -> usize) -> usize {
        let gap = if self.hidden.is_empty() { 0 } else { columns(GAP) };
        1 + gap + self.shown().map(|(_, column)| width(column) + 3).sum::<usize>()
    }

    fn shown(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns.iter().enumerate().filter(|(at, _)| !self.hidden.contains(at))
    }

    /// Leaves out columns from the middle until the rest fits when narrowed as far as may be.
    fn hide(&mut self, limit: usize) {
        let count = self.columns.len();
        let narrowest = |column: &Column| if column.right { column.whole } else { column.whole.min(NARROWEST) };
        self.hidden = count / 2..count / 2;
        while self.width_by(narrowest) > limit {
            let (left, right) = (self.hidden.start, count - self.hidden.end);
            match (left > 1, right > 1) {
                (true, _) if left >= right => self.hidden.start -= 1,
                (_, true) => self.hidden.end += 1,
                (true, _) => self.hidden.start -= 1,
                (false, false) => return,
            }
        }
    }

    /// The last column of a list says what each thing is, in words: it gives first.
    fn narrow_last(&mut self, limit: usize) {
        let over = self.width().saturating_sub(limit);
        if let Some(last) = self.columns.last_mut().filter(|c| !c.right) {
            let give = over.min(last.width.saturating_sub(WORDS));
            last.width -= give;
            last.narrowed |= give > 0;
        }
    }

    fn narrow(&mut self, limit: usize) {
        let mut over = self.width().saturating_sub(limit);
        while over > 0 {
            // The widest columns give first, down to the width of the next widest. Half a number would be a wrong one:
            // numbers never give.
            let widths = || self.shown().map(|(_, c)| c).filter(|c| !c.right).map(|c| c.width);
            let widest = widths().max().unwrap_or(0);
            if widest <= NARROWEST {
                return;
            }
            let next = widths().filter(|w| *w < widest).max().unwrap_or(0).max(NARROWEST);
            let givers = widths().filter(|w| *w == widest).count();
            let each = over.div_ceil(givers.max(1)).min(widest - next);
            for (at, column) in self.columns.iter_mut().enumerate() {
                if self.hidden.contains(&at) || column.right || column.width != widest {
                    continue;
                }
                let give = each.min(over);
                column.width -= give;
                column.narrowed |= give > 0;
                over -= give;
            }
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
        for (at, column) in self.shown() {
            self.gap(at, text);
            let (plain, (on, off)) = part(column);
            let plain = if column.narrowed { shortened(&plain, column.width) } else { plain };
            let pad = " ".repeat(column.width.saturating_sub(columns(&plain)));
            let (left, right) = if column.right { (pad.as_str(), "") } else { ("", pad.as_str()) };
            text.push_str(&format!("│ {left}{on}{plain}{off}{right} "));
        }
        text.push_str("│\n");
    }

    /// Marks the place of the columns left out, in front of the first one behind them.
    fn gap(&self, at: usize, text: &mut String) {
        if !self.hidden.is_empty() && at == self.hidden.end {
            text.push_str(GAP);
        }
    }

    fn rule(&self, left: char, middle: char, right: char) -> String {
        let mut parts: Vec<String> = self.shown().map(|(_, column)| "─".repeat(column.width + 2)).collect();
        if !self.hidden.is_empty() {
            parts.insert(self.hidden.start.min(parts.len()), "─".repeat(columns(GAP) - 1));
        }
        format!("{left}{}{right}\n", parts.join(&middle.to_string()))
    }

    /// One row.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn row(&self, row: &[Cell], out: &mut dyn Write) -> io::Result<()> {
        let mut text = String::new();
        for ((at, column), cell) in self.columns.iter().enumerate().zip(row) {
            if self.hidden.contains(&at) {
                continue;
            }
            self.gap(at, &mut text);
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
        let narrowed: Vec<&str> = self.columns.iter().filter(|c| c.narrowed).map(|c| c.name.as_str()).collect();
        if !narrowed.is_empty() {
            text.push_str(&format!("narrowed to fit the terminal: {} (\\x shows whole values)\n", narrowed.join(", ")));
        }
        let hidden = self.columns.get(self.hidden.clone()).unwrap_or_default();
        if !hidden.is_empty() {
            let mut names: Vec<&str> = hidden.iter().take(NAMED).map(|c| c.name.as_str()).collect();
            if hidden.len() > NAMED {
                names.push("…");
            }
            let count = u64::try_from(hidden.len()).unwrap_or(u64::MAX);
            let what = plural(count, "column");
            text.push_str(&format!("left out to fit the terminal: {what}: {} (\\x shows all)\n", names.join(", ")));
        }
        out.write_all(text.as_bytes())
    }
}

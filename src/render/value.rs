//! One value to text, and the SQL name of its type. Knows Arrow arrays; nothing of tables or files.

use std::io;

use arrow::array::{Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use unicode_width::UnicodeWidthChar;

/// Key in a field's metadata that says what a null in this column stands for: [`ABSENT`] or [`TOMBSTONE`]. Without it a
/// null is NULL.
pub const NULL_MEANS: &str = "weir.null_means";
/// [`NULL_MEANS`]: the record has no such part (a key, a header).
pub const ABSENT: &str = "absent";
/// [`NULL_MEANS`]: the record deletes its key.
pub const TOMBSTONE: &str = "tombstone";

/// How values are written everywhere but in JSON: nested ones as `{a: 1, b: x}` and `[1, 2]`, times as ISO 8601, bytes as hex.
const OPTIONS: FormatOptions<'static> = FormatOptions::new().with_null("NULL").with_display_error(false);

/// What a cell holds, for its look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value with text.
    Value,
    /// SQL's NULL.
    Null,
    /// A text or bytes of length zero.
    Empty,
    /// A part that the record does not have.
    Absent,
    /// A value that deletes its key.
    Tombstone,
}

impl Kind {
    /// What stands in the cell when it is not a value.
    pub fn look(self) -> &'static str {
        match self {
            Kind::Value => "",
            Kind::Null => "NULL",
            Kind::Empty => "''",
            Kind::Absent => "(absent)",
            Kind::Tombstone => "(tombstone)",
        }
    }
}

/// One cell: its text, with nothing escaped, and what kind of thing it is. The text of anything but a value is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The text.
    pub text: String,
    /// Its kind.
    pub kind: Kind,
}

impl Cell {
    /// What people see: the text with control characters escaped, or the look of its kind.
    pub fn shown(&self) -> String {
        match self.kind {
            Kind::Value => printable(&self.text),
            kind => kind.look().to_string(),
        }
    }

    /// `shown` wrapped in the escape sequences of the cell's kind, when `color`.
    pub fn painted(&self, shown: &str, color: bool) -> String {
        match self.kind {
            Kind::Value => shown.to_string(),
            Kind::Null | Kind::Absent | Kind::Empty if color => format!("\x1b[2m{shown}\x1b[0m"),
            Kind::Tombstone if color => format!("\x1b[31m{shown}\x1b[0m"),
            _ => shown.to_string(),
        }
    }
}

/// A batch's cells by row.
pub struct Cells<'a> {
    columns: Vec<Column<'a>>,
}

struct Column<'a> {
    formatter: ArrayFormatter<'a>,
    nulls: Option<NullBuffer>,
    null: Kind,
}

impl<'a> Cells<'a> {
    /// The cells of `batch`. Names and metadata come from `schema`, the result's.
    ///
    /// # Errors
    /// A type that cannot be shown.
    pub fn try_new(schema: &SchemaRef, batch: &'a RecordBatch) -> io::Result<Self> {
        let column = |(array, field): (&'a _, &std::sync::Arc<Field>)| Column::try_new(array, field);
        let columns = batch.columns().iter().map(AsRef::as_ref).zip(schema.fields()).map(column);
        Ok(Cells { columns: columns.collect::<io::Result<_>>()? })
    }

    /// Row number `row`.
    ///
    /// # Errors
    /// A value out of the range of its type's text (a date in the year 300 000).
    pub fn row(&self, row: usize) -> io::Result<Vec<Cell>> {
        self.columns.iter().map(|column| column.cell(row)).collect()
    }
}

impl<'a> Column<'a> {
    fn try_new(array: &'a dyn Array, field: &Field) -> io::Result<Self> {
        let null = match field.metadata().get(NULL_MEANS).map(String::as_str) {
            Some(ABSENT) => Kind::Absent,
            Some(TOMBSTONE) => Kind::Tombstone,
            _ => Kind::Null,
        };
        let formatter = ArrayFormatter::try_new(array, &OPTIONS).map_err(unshowable)?;
        Ok(Column { formatter, nulls: array.logical_nulls(), null })
    }

    fn cell(&self, row: usize) -> io::Result<Cell> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(Cell { text: String::new(), kind: self.null });
        }
        let text = self.formatter.value(row).try_to_string().map_err(unshowable)?;
        let kind = if text.is_empty() { Kind::Empty } else { Kind::Value };
        Ok(Cell { text, kind })
    }
}

/// An Arrow error on the way to text.
pub fn unshowable(error: ArrowError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Whether a column of this type is aligned to the right.
pub fn is_number(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, value) => is_number(value),
        other => other.is_numeric(),
    }
}

/// The type's name in SQL, short: what is inside a struct, list or map is left out.
pub fn type_name(data_type: &DataType) -> String {
    use DataType as D;
    match data_type {
        D::Null => "NULL".into(),
        D::Boolean => "BOOLEAN".into(),
        D::Int8 => "TINYINT".into(),
        D::Int16 => "SMALLINT".into(),
        D::Int32 => "INT".into(),
        D::Int64 => "BIGINT".into(),
        D::UInt8 => "TINYINT UNSIGNED".into(),
        D::UInt16 => "SMALLINT UNSIGNED".into(),
        D::UInt32 => "INT UNSIGNED".into(),
        D::UInt64 => "BIGINT UNSIGNED".into(),
        D::Float16 | D::Float32 => "REAL".into(),
        D::Float64 => "DOUBLE".into(),
        D::Utf8 | D::LargeUtf8 | D::Utf8View => "VARCHAR".into(),
        D::Binary | D::LargeBinary | D::BinaryView | D::FixedSizeBinary(_) => "BYTES".into(),
        D::Decimal32(p, s) | D::Decimal64(p, s) | D::Decimal128(p, s) | D::Decimal256(p, s) => {
            format!("DECIMAL({p},{s})")
        }
        D::Date32 | D::Date64 => "DATE".into(),
        D::Time32(_) | D::Time64(_) => "TIME".into(),
        D::Timestamp(unit, _) => match unit {
            TimeUnit::Second => "TIMESTAMP(0)".into(),
            TimeUnit::Millisecond => "TIMESTAMP".into(),
            TimeUnit::Microsecond => "TIMESTAMP(6)".into(),
            TimeUnit::Nanosecond => "TIMESTAMP(9)".into(),
        },
        D::Duration(_) | D::Interval(_) => "INTERVAL".into(),
        D::List(item) | D::LargeList(item) | D::ListView(item) | D::LargeListView(item) | D::FixedSizeList(item, _) => {
            format!("{}[]", type_name(item.data_type()))
        }
        D::Struct(_) => "STRUCT".into(),
        D::Map(_, _) => "MAP".into(),
        D::Union(_, _) => "UNION".into(),
        D::Dictionary(_, value) => type_name(value),
        D::RunEndEncoded(_, value) => type_name(value.data_type()),
    }
}

/// `text` with everything that would move the cursor or change the terminal's state escaped: `\n`, `\t`, `\u{1b}`.
pub fn printable(text: &str) -> String {
    if !text.chars().any(is_control) {
        return text.to_string();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_control(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// Control characters, and the marks that turn the direction of writing round.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Columns that `text`, which is printable, takes on a terminal.
pub fn columns(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// As much of `text` as fits `width` columns, with `…` in the place of what does not.
pub fn shortened(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_string();
    }
    let mut taken = 0;
    let mut short = String::new();
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken >= width {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BinaryArray, Int64Array, ListArray, StringArray, StructArray, TimestampMillisecondArray,
    };
    use arrow::datatypes::{Int64Type, Schema};

    use super::*;

    fn cells(field: Field, array: ArrayRef) -> Vec<String> {
        let schema = Arc::new(Schema::new(vec![field]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![array]).unwrap();
        let cells = Cells::try_new(&schema, &batch).unwrap();
        (0..batch.num_rows()).map(|row| cells.row(row).unwrap()[0].shown()).collect()
    }

    #[test]
    fn null_empty_absent_and_tombstone_look_different() {
        let array: ArrayRef = Arc::new(StringArray::from(vec![None, Some(""), Some("x")]));
        let field = Field::new("a", DataType::Utf8, true);
        let means = |what: &str| field.clone().with_metadata([(NULL_MEANS.to_string(), what.to_string())].into());
        assert_eq!(cells(field.clone(), Arc::clone(&array)), ["NULL", "''", "x"]);
        assert_eq!(cells(means(ABSENT), Arc::clone(&array)), ["(absent)", "''", "x"]);
        assert_eq!(cells(means(TOMBSTONE), array), ["(tombstone)", "''", "x"]);
    }

    #[test]
    fn nested_values_times_and_bytes_read_like_literals() {
        let a: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
        let b: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
        let fields = vec![Field::new("a", DataType::Int64, true), Field::new("b", DataType::Utf8, true)];
        let array: ArrayRef = Arc::new(StructArray::new(fields.into(), vec![a, b], None));
        let field = Field::new("s", array.data_type().clone(), true);
        assert_eq!(cells(field, array), ["{a: 1, b: x}", "{a: NULL, b: y}"]);

        let array: ArrayRef =
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1), None]), Some(vec![])]));
        let field = Field::new("l", array.data_type().clone(), true);
        assert_eq!(cells(field, array), ["[1, NULL]", "[]"]);

        let array: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1_700_000_000_123]).with_timezone("UTC"));
        let field = Field::new("t", array.data_type().clone(), true);
        assert_eq!(cells(field, array), ["2023-11-14T22:13:20.123Z"]);

        let array: ArrayRef = Arc::new(BinaryArray::from(vec![b"\x00\xff".as_slice()]));
        assert_eq!(cells(Field::new("b", DataType::Binary, true), array), ["00ff"]);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\tb\nc\x1b[31m"), "a\\tb\\nc\\u{1b}[31m");
        assert_eq!(printable("żółw"), "żółw");
    }

    #[test]
    fn shortening_counts_columns_not_characters() {
        assert_eq!(shortened("hello", 5), "hello");
        assert_eq!(shortened("hello!", 5), "hell…");
        assert_eq!(shortened("日本語", 5), "日本…");
        assert_eq!(shortened("日本語", 4), "日…");
    }

    #[test]
    fn types_have_their_sql_names() {
        let list = DataType::List(Arc::new(Field::new("item", DataType::Int64, true)));
        assert_eq!(type_name(&list), "BIGINT[]");
        assert_eq!(type_name(&DataType::Decimal128(10, 2)), "DECIMAL(10,2)");
        assert_eq!(type_name(&DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))), "VARCHAR");
    }
}

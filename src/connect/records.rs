//! Raw record columns: "records as they came", as Arrow columns over the bytes of the decompressed batches.
//!
//! ```text
//!   decompressed batch bytes      key views            value views
//!   ┌──────────────────────┐     ┌────────────┐       ┌────────────┐
//!   │ …k1 v1 | k2 v2 | …   │ ◄── │ len,pos,buf│  ◄──  │ len,pos,buf│     offsets   timestamps
//!   └──────────────────────┘     └────────────┘       └────────────┘     i64 …     i64 ms …
//! ```
//! The views point into the buffers; no record is copied and nothing is allocated per record.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryBuilder, BinaryViewArray, ListArray, StringBuilder, StructArray, make_view};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

use crate::error::{Error, Result};

/// Consecutive records of one partition. Every column that is present has `len` rows; what the request did not
/// want may be absent.
#[derive(Debug, Clone)]
pub struct RawRecords {
    /// The partition.
    pub partition: i32,
    /// How many records.
    pub len: usize,
    /// Offsets, strictly increasing.
    pub offsets: Option<ScalarBuffer<i64>>,
    /// Milliseconds since the epoch; -1 when the producer set none.
    pub timestamps: Option<ScalarBuffer<i64>>,
    /// Keys; null where the record has none.
    pub keys: Option<BinaryViewArray>,
    /// Values; null for a tombstone.
    pub values: Option<BinaryViewArray>,
    /// Headers: list of struct(key Utf8, value Binary nullable), see [`header_field`](crate::connect::records::header_type).
    pub headers: Option<ListArray>,
    /// Null values among the `len`, when tombstones or values were wanted; else 0.
    pub tombstones: usize,
    /// Bytes read from disk or network for these records, before decompression.
    pub bytes: u64,
}

impl RawRecords {
    /// `len` records of which nothing is known but their number.
    pub fn counted(partition: i32, len: usize, bytes: u64) -> Self {
        RawRecords {
            partition,
            len,
            offsets: None,
            timestamps: None,
            keys: None,
            values: None,
            headers: None,
            tombstones: 0,
            bytes,
        }
    }

    /// Rows `offset..offset + len`, without copying. `bytes` stays with the first slice taken (`offset == 0`).
    #[must_use]
    pub fn slice(&self, offset: usize, len: usize) -> Self {
        let values = self.values.as_ref().map(|v| v.slice(offset, len));
        RawRecords {
            partition: self.partition,
            len,
            offsets: self.offsets.as_ref().map(|o| o.slice(offset, len)),
            timestamps: self.timestamps.as_ref().map(|t| t.slice(offset, len)),
            keys: self.keys.as_ref().map(|k| k.slice(offset, len)),
            tombstones: values.as_ref().map_or(0, Array::null_count),
            values,
            headers: self.headers.as_ref().map(|h| h.slice(offset, len)),
            bytes: if offset == 0 { self.bytes } else { 0 },
        }
    }

    /// Bytes that the columns hold or share; what keys and values both point into counts once.
    pub fn memory(&self) -> usize {
        let views =
            |column: &Option<BinaryViewArray>| column.as_ref().map_or(0, |c| c.views().len() * size_of::<u128>());
        let shared = |column: &Option<BinaryViewArray>| {
            column.as_ref().map_or(0, |c| c.data_buffers().iter().map(Buffer::len).sum::<usize>())
        };
        let longs = |column: &Option<ScalarBuffer<i64>>| column.as_ref().map_or(0, |c| c.len() * size_of::<i64>());
        views(&self.keys)
            + views(&self.values)
            + shared(&self.keys).max(shared(&self.values))
            + longs(&self.offsets)
            + longs(&self.timestamps)
            + self.headers.as_ref().map_or(0, Array::get_array_memory_size)
    }

    /// Keys as an array reference, when they were wanted.
    pub fn keys_ref(&self) -> Option<ArrayRef> {
        self.keys.as_ref().map(|k| std::sync::Arc::new(k.clone()) as ArrayRef)
    }
}

/// The Arrow type of the headers column: `List<Struct<key: Utf8, value: Binary>>`.
pub fn header_type() -> arrow::datatypes::DataType {
    use arrow::datatypes::{DataType, Field, Fields};
    let entry =
        Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Binary, true)]);
    DataType::List(std::sync::Arc::new(Field::new("item", DataType::Struct(entry), true)))
}

/// Collects views over one or more buffers into a [`BinaryViewArray`].
#[derive(Debug, Default)]
pub struct ViewColumn {
    views: Vec<u128>,
    nulls: usize,
    valid: Vec<bool>,
}

impl ViewColumn {
    /// Room for `rows` views.
    pub fn with_capacity(rows: usize) -> Self {
        ViewColumn { views: Vec::with_capacity(rows), nulls: 0, valid: Vec::new() }
    }

    /// Appends the bytes `data`, which start at `position` of buffer number `buffer`.
    pub fn push(&mut self, data: &[u8], buffer: u32, position: u32) {
        self.views.push(make_view(data, buffer, position));
        if self.nulls > 0 {
            self.valid.push(true);
        }
    }

    /// Appends a null.
    pub fn push_null(&mut self) {
        if self.nulls == 0 {
            self.valid = vec![true; self.views.len()];
        }
        self.nulls += 1;
        self.views.push(0);
        self.valid.push(false);
    }

    /// Rows so far.
    pub fn len(&self) -> usize {
        self.views.len()
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.views.is_empty()
    }

    /// Nulls so far.
    pub fn nulls(&self) -> usize {
        self.nulls
    }

    /// The array over `buffers`, in the order their numbers were used.
    ///
    /// # Errors
    /// [`crate::error::Kind::Internal`] when a view does not lie inside its buffer.
    pub fn finish(self, buffers: Vec<Buffer>) -> Result<BinaryViewArray> {
        let nulls = (self.nulls > 0).then(|| NullBuffer::from(self.valid));
        BinaryViewArray::try_new(ScalarBuffer::from(self.views), buffers, nulls)
            .map_err(|e| Error::internal(format!("record views out of bounds: {e}")))
    }
}

/// Collects the headers of records into a list column of [`header_type`].
#[derive(Debug)]
pub struct HeaderColumn {
    names: StringBuilder,
    values: BinaryBuilder,
    entries: i32,
    ends: Vec<i32>,
}

impl Default for HeaderColumn {
    fn default() -> Self {
        // Nothing is reserved: most reads want no headers.
        let (names, values) = (StringBuilder::with_capacity(0, 0), BinaryBuilder::with_capacity(0, 0));
        HeaderColumn { names, values, entries: 0, ends: Vec::new() }
    }
}

impl HeaderColumn {
    /// Adds a header to the current row. A name that is not UTF-8 gets replacement characters.
    pub fn push(&mut self, name: &[u8], value: Option<&[u8]>) {
        self.names.append_value(String::from_utf8_lossy(name));
        self.values.append_option(value);
        self.entries = self.entries.saturating_add(1);
    }

    /// Ends the current row.
    pub fn end_row(&mut self) {
        self.ends.push(self.entries);
    }

    /// The column.
    ///
    /// # Errors
    /// [`crate::error::Kind::Internal`] when the parts do not fit, which would be a defect.
    pub fn finish(mut self) -> Result<ListArray> {
        let DataType::List(item) = header_type() else { return Err(Error::internal("headers are a list")) };
        let DataType::Struct(fields) = item.data_type().clone() else {
            return Err(Error::internal("headers are a list of structs"));
        };
        let offsets: Vec<i32> = std::iter::once(0).chain(self.ends).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(self.names.finish()), Arc::new(self.values.finish())];
        let broken = |e: arrow::error::ArrowError| Error::internal(format!("headers do not fit: {e}"));
        let entries = StructArray::try_new(fields, columns, None).map_err(broken)?;
        ListArray::try_new(item, OffsetBuffer::new(ScalarBuffer::from(offsets)), Arc::new(entries), None)
            .map_err(broken)
    }
}

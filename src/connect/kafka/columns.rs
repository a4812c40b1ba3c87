//! Copies consecutive records of one partition into [`RawRecords`]: one buffer of bytes per batch, views into it, and
//! only the columns that are wanted.

use arrow::array::{Array, BinaryBuilder, ListArray, StringBuilder, StructArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;

use crate::connect::Want;
use crate::connect::records::{RawRecords, ViewColumn, header_type};
use crate::error::{Error, Result};

use super::queue::Incoming;

/// A batch is handed on at this many records …
const ROWS: usize = 8192;
/// … or this many bytes.
const BYTES: usize = 1 << 20;
/// Up to this length bytes lie in the view itself.
const INLINE: usize = 12;

/// The batch being filled.
pub(super) struct Columns {
    partition: i32,
    want: Want,
    len: usize,
    bytes: u64,
    tombstones: usize,
    offsets: Vec<i64>,
    timestamps: Vec<i64>,
    data: Vec<u8>,
    keys: ViewColumn,
    values: ViewColumn,
    headers: Headers,
}

impl Columns {
    /// An empty batch of `partition`.
    pub(super) fn new(partition: i32, want: Want) -> Self {
        Columns {
            partition,
            want,
            len: 0,
            bytes: 0,
            tombstones: 0,
            offsets: Vec::new(),
            timestamps: Vec::new(),
            data: Vec::new(),
            keys: ViewColumn::default(),
            values: ViewColumn::default(),
            headers: Headers::default(),
        }
    }

    /// Whether it is time to [`take`](Self::take).
    pub(super) fn is_full(&self) -> bool {
        self.len >= ROWS || self.data.len() >= BYTES
    }

    /// Whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a record.
    ///
    /// # Errors
    /// [`crate::error::Kind::Internal`] when the buffer outgrows a view's 32-bit position.
    pub(super) fn push(&mut self, record: &Incoming<'_>) -> Result<()> {
        let (key, value) = (record.key(), record.value());
        self.len += 1;
        let size = key.map_or(0, <[u8]>::len) + value.map_or(0, <[u8]>::len);
        self.bytes += size as u64;
        self.tombstones += usize::from(value.is_none());
        if self.want.positions {
            self.offsets.push(record.offset());
            self.timestamps.push(record.timestamp());
        }
        if self.want.keys {
            copy(key, &mut self.keys, &mut self.data)?;
        }
        if self.want.values {
            copy(value, &mut self.values, &mut self.data)?;
        }
        if self.want.headers {
            self.headers.push(record);
        }
        Ok(())
    }

    /// The batch; what follows goes into a new one.
    ///
    /// # Errors
    /// [`crate::error::Kind::Internal`] when the columns do not fit together.
    pub(super) fn take(&mut self) -> Result<RawRecords> {
        let done = std::mem::replace(self, Columns::new(self.partition, self.want));
        self.reserve_like(&done);
        let mut data = done.data;
        if data.len() < data.capacity() / 2 {
            data.shrink_to_fit();
        }
        let buffer = Buffer::from_vec(data);
        let want = done.want;
        let counted = want.tombstones || want.values;
        Ok(RawRecords {
            offsets: want.positions.then(|| ScalarBuffer::from(done.offsets)),
            timestamps: want.positions.then(|| ScalarBuffer::from(done.timestamps)),
            keys: want.keys.then(|| done.keys.finish(vec![buffer.clone()])).transpose()?,
            values: want.values.then(|| done.values.finish(vec![buffer.clone()])).transpose()?,
            headers: want.headers.then(|| done.headers.finish()).transpose()?,
            tombstones: if counted { done.tombstones } else { 0 },
            ..RawRecords::counted(done.partition, done.len, done.bytes)
        })
    }

    /// Makes room for as much as the batch before held.
    fn reserve_like(&mut self, before: &Columns) {
        self.offsets.reserve(before.offsets.len());
        self.timestamps.reserve(before.timestamps.len());
        self.data.reserve(before.data.len() + before.data.len() / 16);
        self.keys = ViewColumn::with_capacity(before.keys.len());
        self.values = ViewColumn::with_capacity(before.values.len());
    }
}

fn copy(bytes: Option<&[u8]>, column: &mut ViewColumn, data: &mut Vec<u8>) -> Result<()> {
    match bytes {
        None => column.push_null(),
        Some(bytes) if bytes.len() <= INLINE => column.push(bytes, 0, 0),
        Some(bytes) => {
            let position = u32::try_from(data.len()).map_err(|_| Error::internal("a batch outgrew 4 GiB"))?;
            data.extend_from_slice(bytes);
            column.push(bytes, 0, position);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Headers {
    counts: Vec<usize>,
    names: StringBuilder,
    values: BinaryBuilder,
}

impl Headers {
    fn push(&mut self, record: &Incoming<'_>) {
        let mut count = 0;
        record.headers(|name, value| {
            self.names.append_value(name.to_string_lossy());
            self.values.append_option(value);
            count += 1;
        });
        self.counts.push(count);
    }

    fn finish(mut self) -> Result<ListArray> {
        let broken = |e: arrow::error::ArrowError| Error::internal(format!("header columns: {e}"));
        let DataType::List(item) = header_type() else {
            return Err(Error::internal("headers are a list"));
        };
        let DataType::Struct(fields) = item.data_type().clone() else {
            return Err(Error::internal("a header is a struct"));
        };
        let columns: Vec<std::sync::Arc<dyn Array>> =
            vec![std::sync::Arc::new(self.names.finish()), std::sync::Arc::new(self.values.finish())];
        let entries = StructArray::try_new(fields, columns, None).map_err(broken)?;
        let offsets = OffsetBuffer::from_lengths(self.counts);
        ListArray::try_new(item, offsets, std::sync::Arc::new(entries), None).map_err(broken)
    }
}

//! Generated batches and a way to show a value, for the tests of the formats.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    ListArray, MapArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use proptest::prelude::*;

/// The value as text, empty for null.
pub(crate) fn shown(array: &ArrayRef, row: usize) -> String {
    ArrayFormatter::try_new(array, &FormatOptions::default()).unwrap().value(row).to_string()
}

fn leaf(rows: usize) -> BoxedStrategy<ArrayRef> {
    fn some<T: std::fmt::Debug + Clone>(
        rows: usize,
        one: impl Strategy<Value = T>,
    ) -> impl Strategy<Value = Vec<Option<T>>> {
        prop::collection::vec(prop::option::of(one), rows)
    }
    let wide = -60_000_000_000_000_i64..60_000_000_000_000;
    prop_oneof![
        some(rows, any::<bool>()).prop_map(|v| Arc::new(BooleanArray::from(v)) as ArrayRef),
        some(rows, any::<i32>()).prop_map(|v| Arc::new(Int32Array::from(v)) as ArrayRef),
        some(rows, any::<i64>()).prop_map(|v| Arc::new(Int64Array::from(v)) as ArrayRef),
        some(rows, prop::num::f64::NORMAL | prop::num::f64::ZERO)
            .prop_map(|v| Arc::new(Float64Array::from(v)) as ArrayRef),
        some(rows, ".{0,8}").prop_map(|v| Arc::new(StringArray::from(v)) as ArrayRef),
        some(rows, prop::collection::vec(any::<u8>(), 0..6))
            .prop_map(|v| Arc::new(BinaryArray::from_iter(v)) as ArrayRef),
        some(rows, -100_000..100_000_i32).prop_map(|v| Arc::new(Date32Array::from(v)) as ArrayRef),
        some(rows, wide.clone())
            .prop_map(|v| Arc::new(TimestampMillisecondArray::from(v).with_timezone("+00:00")) as ArrayRef),
        some(rows, wide).prop_map(|v| Arc::new(TimestampMicrosecondArray::from(v)) as ArrayRef),
        some(rows, -99_999_999_i128..99_999_999)
            .prop_map(|v| { Arc::new(Decimal128Array::from(v).with_precision_and_scale(12, 3).unwrap()) as ArrayRef }),
    ]
    .boxed()
}

fn nulls(rows: usize) -> impl Strategy<Value = NullBuffer> {
    prop::collection::vec(prop::bool::weighted(0.8), rows).prop_map(NullBuffer::from)
}

/// Lengths of lists: nothing where the list is null.
fn lengths(rows: usize) -> impl Strategy<Value = (NullBuffer, Vec<usize>)> {
    (nulls(rows), prop::collection::vec(0usize..3, rows)).prop_map(|(nulls, mut lengths)| {
        lengths.iter_mut().enumerate().filter(|(row, _)| nulls.is_null(*row)).for_each(|(_, l)| *l = 0);
        (nulls, lengths)
    })
}

fn item(name: &str, array: &ArrayRef) -> FieldRef {
    Arc::new(Field::new(name, array.data_type().clone(), true))
}

/// A struct whose children are null where it is null, as decoders build them.
fn structure(children: Vec<ArrayRef>, nulls: NullBuffer) -> ArrayRef {
    let names = ["x", "y", "z"];
    let fields: Fields = children.iter().zip(names).map(|(c, n)| item(n, c)).collect();
    Arc::new(StructArray::new(fields, children, Some(nulls)))
}

fn column(rows: usize, depth: u32) -> BoxedStrategy<ArrayRef> {
    if depth == 0 {
        return leaf(rows);
    }
    let list = lengths(rows).prop_flat_map(move |(nulls, lengths)| {
        column(lengths.iter().sum(), depth - 1).prop_map(move |values| {
            let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
            Arc::new(ListArray::new(item("item", &values), offsets, values, Some(nulls.clone()))) as ArrayRef
        })
    });
    let map = lengths(rows).prop_flat_map(move |(nulls, lengths)| {
        column(lengths.iter().sum(), depth - 1).prop_map(move |values| {
            let keys: Vec<String> = lengths.iter().flat_map(|l| (0..*l).map(|k| format!("k{k}"))).collect();
            let key = Field::new("key", DataType::Utf8, false);
            let pair = Fields::from(vec![Arc::new(key), item("value", &values)]);
            let entries = StructArray::new(pair.clone(), vec![Arc::new(StringArray::from(keys)), values], None);
            let field = Arc::new(Field::new("entries", DataType::Struct(pair), false));
            let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
            Arc::new(MapArray::new(field, offsets, entries, Some(nulls.clone()), false)) as ArrayRef
        })
    });
    let nested = nulls(rows).prop_flat_map(move |nulls| {
        prop::collection::vec(column(rows, depth - 1), 1..3)
            .prop_map(move |children| structure(children, nulls.clone()))
    });
    prop_oneof![4 => leaf(rows), 1 => list, 1 => map, 2 => nested].boxed()
}

/// Batches of one to six columns named `c0`, `c1`, …
pub(crate) fn batches() -> BoxedStrategy<RecordBatch> {
    (0usize..12, 1usize..6)
        .prop_flat_map(|(rows, columns)| prop::collection::vec(column(rows, 2), columns))
        .prop_map(|columns| {
            let fields: Fields = columns
                .iter()
                .enumerate()
                .map(|(i, c)| Field::new(format!("c{i}"), c.data_type().clone(), true))
                .collect();
            RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), columns).unwrap()
        })
        .boxed()
}

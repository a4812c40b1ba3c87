//! Tests of the format as a whole: types, evolution, recovery, projection, and the way there and back.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, RecordBatch, StructArray};
use arrow::datatypes::{DataType, Fields, Int32Type, Int64Type};
use proptest::prelude::*;

use super::Avro;
use crate::format::testing::{self, batches};
use crate::format::{ColumnUse, DecodeSpec, Decoded, Decoder, EncodeSpec, Format};
use crate::registry::{RegisteredSchema, SchemaType};

fn registered(id: i32, text: &str) -> Arc<RegisteredSchema> {
    Arc::new(RegisteredSchema { id, schema_type: SchemaType::Avro, text: text.into(), references: Vec::new() })
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

/// A decoder of all columns of `reader` that knows `writers`.
fn decoder(reader: &Arc<RegisteredSchema>, writers: &[&Arc<RegisteredSchema>]) -> (Fields, Box<dyn Decoder>) {
    let fields = Avro.fields(reader).unwrap();
    let columns = (0..fields.len()).map(ColumnUse::whole).collect();
    let spec = DecodeSpec { fields: fields.clone(), reader: Some(Arc::clone(reader)), columns };
    let mut decoder = Avro.decoder(spec).unwrap();
    for writer in writers {
        decoder.learn(writer.id, Ok(Arc::clone(writer)));
    }
    (fields, decoder)
}

fn framed(id: i32, body: &[u8]) -> Vec<u8> {
    [&crate::registry::wire::header(id), body].concat()
}

fn values(records: &[Vec<u8>]) -> BinaryViewArray {
    records.iter().map(|r| Some(r.as_slice())).collect()
}

fn decode_one(schema: &str, body: &[u8]) -> Decoded {
    let schema = registered(7, schema);
    let (fields, mut decoder) = decoder(&schema, &[&schema]);
    let got = decoder.decode(&values(&[framed(7, body)])).unwrap();
    for (field, column) in fields.iter().zip(&got.columns) {
        assert_eq!(field.data_type(), column.data_type());
    }
    got
}

/// Types, the bytes of a value, and how it is shown.
const TYPES: &[(&str, &[u8], &str)] = &[
    (r#""boolean""#, &[1], "true"),
    (r#""int""#, &[3], "-2"),
    (r#""long""#, &[0xFE, 0xFF, 0xFF, 0xFF, 0x1F], "4294967295"),
    (r#""float""#, &[0, 0, 0x80, 0x3F], "1.0"),
    (r#""double""#, &[0, 0, 0, 0, 0, 0, 0xF0, 0x3F], "1.0"),
    (r#""string""#, b"\x04hi", "hi"),
    (r#""bytes""#, b"\x04hi", "6869"),
    (r#"{"type":"string","logicalType":"uuid"}"#, b"\x04hi", "hi"),
    (r#"{"type":"enum","name":"E","symbols":["A","B"]}"#, &[2], "B"),
    (r#"{"type":"fixed","name":"F","size":2}"#, b"hi", "6869"),
    (
        r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#,
        &[0x12; 16],
        "12121212-1212-1212-1212-121212121212",
    ),
    (r#"{"type":"int","logicalType":"date"}"#, &[2], "1970-01-02"),
    (r#"{"type":"int","logicalType":"time-millis"}"#, &[2], "00:00:00.001"),
    (r#"{"type":"long","logicalType":"time-micros"}"#, &[2], "00:00:00.000001"),
    (r#"{"type":"long","logicalType":"timestamp-millis"}"#, &[2], "1970-01-01T00:00:00.001Z"),
    (r#"{"type":"long","logicalType":"timestamp-micros"}"#, &[2], "1970-01-01T00:00:00.000001Z"),
    (r#"{"type":"long","logicalType":"local-timestamp-millis"}"#, &[2], "1970-01-01T00:00:00.001"),
    (r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#, &[4, 0x01, 0x02], "2.58"),
    (r#"{"type":"bytes","logicalType":"decimal","precision":50,"scale":2}"#, &[2, 0xFF], "-0.01"),
    (r#"{"type":"bytes","logicalType":"decimal","precision":99,"scale":2}"#, &[2, 0xFF], "ff"),
    (r#"{"type":"fixed","name":"D","size":2,"logicalType":"decimal","precision":4,"scale":1}"#, &[0, 11], "1.1"),
    (
        r#"{"type":"fixed","name":"D","size":12,"logicalType":"duration"}"#,
        &[1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
        "1 mons 2 days",
    ),
    (r#"{"type":"array","items":"int"}"#, &[4, 2, 4, 0], "[1, 2]"),
    (r#"{"type":"map","values":"int"}"#, b"\x02\x02k\x02\x00", "{k: 1}"),
    (r#"["null","int"]"#, &[2, 2], "1"),
    (r#"["null","int"]"#, &[0], ""),
    (r#"["int","null"]"#, &[0, 2], "1"),
    (r#"["int"]"#, &[0, 2], "1"),
    (r#""null""#, &[], ""),
    (r#"["null","int","string"]"#, b"\x04\x04hi", "{int: , string: hi}"),
    (r#"["null","int","string"]"#, &[0], ""),
    (r#"["int",{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]}]"#, &[2, 6], "{int: , P: {x: 3}}"),
    (r#"{"type":"record","name":"P","fields":[{"name":"x","type":["null","int"]}]}"#, &[2, 6], "{x: 3}"),
];

#[test]
fn every_type_is_read_as_the_table_says() {
    for (node, body, shown) in TYPES {
        let got = decode_one(&record(&format!(r#"{{"name":"f","type":{node}}}"#)), body);
        assert!(got.errors.is_empty(), "{node}: {:?}", got.errors);
        assert_eq!(testing::shown(&got.columns[0], 0), *shown, "{node}");
    }
}

#[test]
fn a_root_that_is_no_record_is_one_column() {
    let got = decode_one("\"long\"", &[4]);
    assert_eq!(got.columns[0].as_primitive::<Int64Type>().value(0), 2);
}

#[test]
fn unframed_and_contradicting_records_say_what_they_are() {
    let schema = registered(7, &record(r#"{"name":"a","type":"long"},{"name":"s","type":"string"}"#));
    let (_, mut decoder) = decoder(&schema, &[&schema]);
    decoder.learn(8, Err("the registry has no schema 8".into()));
    let good = framed(7, b"\x02\x02x");
    let records = vec![
        good.clone(),
        b"{\"a\":1}".to_vec(),
        framed(8, b"\x02\x02x"),
        framed(9, b"\x02\x02x"),
        framed(7, b"\x02\x08x"),
        [good.clone(), vec![1]].concat(),
        [good.clone(), good.clone()].concat(),
        [good.clone(), framed(7, b"")].concat(),
        framed(7, b""),
        framed(7, b"\x02\x02\xFF"),
        good,
    ];
    assert_eq!(decoder.unknown_ids(&values(&records)), [9]);
    let got = decoder.decode(&values(&records)).unwrap();
    assert_eq!(got.errors.iter().map(|e| e.row).collect::<Vec<_>>(), (1..10).collect::<Vec<_>>());
    assert_eq!(got.columns[0].as_primitive::<Int64Type>().iter().flatten().collect::<Vec<_>>(), [1, 1]);
    assert_eq!(got.columns[1].null_count(), 9);
    assert!(got.errors[0].reason.contains("looks like JSON text"));
    assert_eq!(got.errors[1].reason, "the registry has no schema 8");
    assert!(got.errors[5].reason.contains("left over"));
}

#[test]
fn an_evolved_topic_is_read_side_by_side() {
    let old = registered(
        1,
        &record(r#"{"name":"id","type":"int"},{"name":"gone","type":"string"},{"name":"n","type":"float"}"#),
    );
    let new = registered(
        2,
        r#"{"type":"record","name":"Other","fields":[
            {"name":"note","type":"string","default":"none"},
            {"name":"key","aliases":["id"],"type":"long"},
            {"name":"n","type":["null","double"],"default":null},
            {"name":"extra","type":["null","string"],"default":null},
            {"name":"required","type":"int"},
            {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]},"default":"B"},
            {"name":"p","type":{"type":"record","name":"P","fields":[{"name":"x","type":"int"}]},"default":{"x":5}}]}"#,
    );
    let (_, mut decoder) = decoder(&new, &[&old, &new]);
    let first = framed(1, b"\x02\x06old\x00\x00\x80\x3F");
    let second = framed(2, b"\x06new\x04\x00\x02\x02z\x08\x00\x0c");
    let got = decoder.decode(&values(&[first.clone(), second, first])).unwrap();
    assert!(got.errors.is_empty(), "{:?}", got.errors);
    let row = |r: usize| got.columns.iter().map(|c| testing::shown(c, r)).collect::<Vec<_>>();
    assert_eq!(row(0), ["none", "1", "1.0", "", "", "B", "{x: 5}"]);
    assert_eq!(row(1), ["new", "2", "", "z", "4", "A", "{x: 6}"]);
    assert_eq!(row(2), row(0));
}

#[test]
fn a_type_that_cannot_be_read_is_a_reason_for_its_records_alone() {
    let old = registered(1, &record(r#"{"name":"a","type":"string"}"#));
    let new = registered(2, &record(r#"{"name":"a","type":"long"}"#));
    let (_, mut decoder) = decoder(&new, &[&old, &new]);
    let got = decoder.decode(&values(&[framed(1, b"\x02x"), framed(2, b"\x02")])).unwrap();
    assert_eq!(got.errors.len(), 1);
    assert!(got.errors[0].reason.contains("string was written and long is expected in field a"), "{:?}", got.errors);
    assert_eq!(got.columns[0].as_primitive::<Int64Type>().value(1), 1);
}

#[test]
fn enum_symbols_the_reader_does_not_know_take_its_default_or_are_errors() {
    let writer = registered(1, &record(r#"{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B","C"]}}"#));
    for (default, shown) in [(r#","default":"A""#, "A"), ("", "")] {
        let node = format!(r#"{{"type":"enum","name":"E","symbols":["B","A"]{default}}}"#);
        let reader = registered(2, &record(&format!(r#"{{"name":"e","type":{node}}}"#)));
        let (_, mut decoder) = decoder(&reader, &[&writer]);
        let got = decoder.decode(&values(&[framed(1, &[0]), framed(1, &[2]), framed(1, &[4])])).unwrap();
        let all: Vec<String> = (0..3).map(|r| testing::shown(&got.columns[0], r)).collect();
        assert_eq!(all, ["A", "B", shown]);
        assert_eq!(got.errors.len(), usize::from(shown.is_empty()));
    }
}

#[test]
fn unions_that_grow_and_shrink_keep_their_values() {
    let narrow = registered(1, &record(r#"{"name":"u","type":"int"}"#));
    let wide = registered(2, &record(r#"{"name":"u","type":["null","string","long"]}"#));
    let (_, mut both) = decoder(&wide, &[&narrow, &wide]);
    let got = both.decode(&values(&[framed(1, &[2]), framed(2, b"\x02\x02x"), framed(2, &[0]), framed(2, &[4, 6])]));
    let got = got.unwrap();
    assert!(got.errors.is_empty(), "{:?}", got.errors);
    let shown: Vec<String> = (0..4).map(|r| testing::shown(&got.columns[0], r)).collect();
    assert_eq!(shown, ["{string: , long: 1}", "{string: x, long: }", "", "{string: , long: 3}"]);
    let plain = registered(3, &record(r#"{"name":"u","type":["null","double"]}"#));
    let (_, mut back) = decoder(&plain, &[&wide]);
    let got = back.decode(&values(&[framed(2, &[4, 6]), framed(2, b"\x02\x02x"), framed(2, &[0])])).unwrap();
    assert_eq!(testing::shown(&got.columns[0], 0), "3.0");
    assert_eq!(got.errors.iter().map(|e| e.row).collect::<Vec<_>>(), [1]);
}

#[test]
fn nested_parts_that_are_not_used_are_skipped() {
    let schema = registered(
        7,
        &record(
            r#"{"name":"p","type":["null",{"type":"record","name":"P","fields":[{"name":"x","type":"int"},{"name":"y","type":"string"}]}]},
               {"name":"q","type":"P"},{"name":"z","type":"int"}"#,
        ),
    );
    let fields = Avro.fields(&schema).unwrap();
    let part = |name: &str| Some(vec![vec![name.to_string()]]);
    let columns = vec![ColumnUse { index: 1, paths: part("y") }, ColumnUse { index: 0, paths: Some(Vec::new()) }];
    let spec = DecodeSpec { fields: fields.clone(), reader: Some(Arc::clone(&schema)), columns };
    let mut decoder = Avro.decoder(spec).unwrap();
    decoder.learn(7, Ok(schema));
    let got = decoder.decode(&values(&[framed(7, b"\x02\x02\x02a\x04\x02b\x06"), framed(7, b"\x00\x04\x02b\x06")]));
    let got = got.unwrap();
    assert!(got.errors.is_empty(), "{:?}", got.errors);
    assert_eq!(got.columns[0].data_type(), fields[1].data_type());
    assert_eq!(testing::shown(&got.columns[0], 0), "{x: , y: b}");
    let validity: Vec<bool> = (0..2).map(|r| got.columns[1].is_valid(r)).collect();
    assert_eq!(validity, [true, false]);
}

#[test]
fn declared_columns_match_in_any_case_and_take_their_own_type() {
    let schema = registered(7, &record(r#"{"name":"Amount","type":"int"}"#));
    let fields = Fields::from(vec![arrow::datatypes::Field::new("amount", DataType::Int64, true)]);
    let spec = DecodeSpec { fields, reader: None, columns: vec![ColumnUse::whole(0)] };
    let mut decoder = Avro.decoder(spec).unwrap();
    decoder.learn(7, Ok(schema));
    let got = decoder.decode(&values(&[framed(7, &[6])])).unwrap();
    assert_eq!(got.columns[0].as_primitive::<Int64Type>().value(0), 3);
}

#[test]
fn a_value_that_the_declared_type_cannot_hold_is_an_error() {
    let schema = registered(7, &record(r#"{"name":"a","type":"long"},{"name":"b","type":"long"}"#));
    let fields: Fields = [("a", DataType::Int32), ("b", DataType::Int64)]
        .map(|(name, data_type)| arrow::datatypes::Field::new(name, data_type, true))
        .into_iter()
        .collect();
    let columns = vec![ColumnUse::whole(0), ColumnUse::whole(1)];
    let mut decoder = Avro.decoder(DecodeSpec { fields, reader: None, columns }).unwrap();
    decoder.learn(7, Ok(schema));
    let wide = framed(7, &[0xFE, 0xFF, 0xFF, 0xFF, 0x1F, 2]);
    let got = decoder.decode(&values(&[framed(7, &[2, 2]), wide, framed(7, &[4, 4])])).unwrap();
    assert_eq!(got.errors.iter().map(|e| (e.row, e.path.as_deref())).collect::<Vec<_>>(), [(1, Some("a"))]);
    assert_eq!(got.columns[1].as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(1), None, Some(2)]);
}

#[test]
fn writing_honours_the_registered_schema() {
    let schema = registered(
        5,
        &record(
            r#"{"name":"b","type":"int"},{"name":"a","type":["string","null"]},
               {"name":"d","type":"long","default":7},{"name":"n","type":["null","long"]}"#,
        ),
    );
    let column = |values: Vec<Option<i64>>| Arc::new(arrow::array::Int64Array::from(values)) as ArrayRef;
    let text = Arc::new(arrow::array::StringArray::from(vec![Some("x"), None])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("a", text), ("B", column(vec![Some(1), Some(2)]))]).unwrap();
    let spec = EncodeSpec { fields: batch.schema().fields().clone(), writer: Some(Arc::clone(&schema)) };
    let mut encoder = Avro.encoder(spec.clone()).unwrap();
    let out = encoder.encode(&batch).unwrap();
    assert_eq!(out[0].as_ref(), framed(5, b"\x02\x00\x02x\x0e\x00"));
    assert_eq!(out[1].as_ref(), framed(5, b"\x04\x02\x0e\x00"));
    let fields: Vec<_> = batch.schema().fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    let nullable = Arc::new(arrow::datatypes::Schema::new(fields));
    let bad = RecordBatch::try_new(nullable, vec![Arc::clone(batch.column(0)), column(vec![Some(1), None])]);
    let error = encoder.encode(&bad.unwrap()).unwrap_err();
    assert_eq!(error.message(), "column b cannot be written: it is NULL and the registered schema requires a value");
    let wide =
        RecordBatch::try_new(batch.schema(), vec![Arc::clone(batch.column(0)), column(vec![Some(1 << 40), Some(1)])]);
    assert!(encoder.encode(&wide.unwrap()).unwrap_err().message().starts_with("column b does not fit"));
    let other = Fields::from(vec![arrow::datatypes::Field::new("zzz", DataType::Utf8, true)]);
    let error = Avro.encoder(EncodeSpec { fields: other, writer: Some(Arc::clone(&schema)) }).unwrap_err();
    assert!(error.message().contains("no field for column zzz"));
    let only_a = Fields::from(vec![Arc::clone(&spec.fields[0])]);
    let error = Avro.encoder(EncodeSpec { fields: only_a, writer: Some(schema) }).unwrap_err();
    assert!(error.message().contains("column b is required by schema 5"));
}

/// Encodes `batch` with the schema made for its columns.
fn encoded(batch: &RecordBatch) -> (Arc<RegisteredSchema>, Vec<Vec<u8>>) {
    let fields = batch.schema().fields().clone();
    let schema = registered(3, &Avro.schema_for("Made", &fields).unwrap().unwrap());
    let mut encoder = Avro.encoder(EncodeSpec { fields, writer: Some(Arc::clone(&schema)) }).unwrap();
    let out = encoder.encode(batch).unwrap().into_iter().map(Vec::from).collect();
    (schema, out)
}

fn same(got: &[ArrayRef], want: &[ArrayRef]) {
    for (got, want) in got.iter().zip(want) {
        assert_eq!(got, want);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_written_is_read_back(batch in batches()) {
        let (schema, records) = encoded(&batch);
        let (fields, mut decoder) = decoder(&schema, &[&schema]);
        prop_assert_eq!(&fields, &batch.schema().fields().clone());
        let got = decoder.decode(&values(&records)).unwrap();
        prop_assert!(got.errors.is_empty(), "{:?}", got.errors);
        same(&got.columns, batch.columns());
    }

    #[test]
    fn a_projection_is_a_part_of_the_whole(batch in batches(), pick in any::<u16>()) {
        let (schema, records) = encoded(&batch);
        let fields = Avro.fields(&schema).unwrap();
        let columns: Vec<ColumnUse> =
            (0..fields.len()).rev().filter(|i| pick >> i & 1 == 1).map(ColumnUse::whole).collect();
        let want: Vec<ArrayRef> = columns.iter().map(|c| Arc::clone(batch.column(c.index))).collect();
        let mut decoder = Avro.decoder(DecodeSpec { fields, reader: None, columns }).unwrap();
        decoder.learn(3, Ok(schema));
        let got = decoder.decode(&values(&records)).unwrap();
        prop_assert!(got.errors.is_empty(), "{:?}", got.errors);
        same(&got.columns, &want);
    }

    #[test]
    fn a_batch_is_what_its_records_are_one_by_one(
        batch in batches(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 0..6),
    ) {
        let (schema, mut records) = encoded(&batch);
        for (which, place, byte, how) in damage {
            if records.is_empty() { break; }
            let record = which.get_mut(&mut records);
            let at = place.index(record.len());
            match how {
                0 => record[at] = byte,
                1 => record.truncate(at),
                2 => record.push(byte),
                _ => record.extend_from_slice(&[0, 0, 0, 0, 3]),
            }
            if record.is_empty() { record.push(byte); }
        }
        let (_, mut all) = decoder(&schema, &[&schema]);
        let (_, mut single) = decoder(&schema, &[&schema]);
        let got = all.decode(&values(&records)).unwrap();
        for (row, record) in records.iter().enumerate() {
            let one = single.decode(&values(std::slice::from_ref(record))).unwrap();
            let (_, mut fresh) = decoder(&schema, &[&schema]);
            prop_assert_eq!(&fresh.decode(&values(std::slice::from_ref(record))).unwrap().errors, &one.errors);
            let failed = got.errors.iter().filter(|e| e.row == row).count();
            prop_assert_eq!(failed, one.errors.len());
            for (a, b) in got.columns.iter().zip(&one.columns) {
                prop_assert_eq!(testing::shown(a, row), testing::shown(b, 0));
            }
        }
    }

    #[test]
    fn no_bytes_of_any_type_panic(bodies in prop::collection::vec((0usize..TYPES.len(), prop::collection::vec(any::<u8>(), 0..24)), 1..20)) {
        for (which, body) in bodies {
            let schema = registered(3, &record(&format!(r#"{{"name":"f","type":{}}}"#, TYPES[which].0)));
            let (_, mut decoder) = decoder(&schema, &[&schema]);
            let good = framed(3, TYPES[which].1);
            let got = decoder.decode(&values(&[good.clone(), framed(3, &body), good])).unwrap();
            prop_assert!(got.errors.iter().all(|e| e.row == 1));
            prop_assert_eq!(testing::shown(&got.columns[0], 2), TYPES[which].2);
        }
    }

    #[test]
    fn no_bytes_panic(batch in batches(), bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
        let (schema, _) = encoded(&batch);
        let (_, mut decoder) = decoder(&schema, &[&schema]);
        let records: Vec<Vec<u8>> = bodies.iter().enumerate().map(|(i, b)| if i % 4 == 0 { b.clone() } else { framed(3, b) }).collect();
        let got = decoder.decode(&values(&records)).unwrap();
        prop_assert!(got.columns.iter().all(|c| c.len() == records.len()));
    }
}

#[test]
fn a_nullable_struct_keeps_its_nulls_apart_from_null_fields() {
    let schema = registered(
        7,
        &record(
            r#"{"name":"p","type":["null",{"type":"record","name":"P","fields":[{"name":"x","type":["null","int"]}]}]}"#,
        ),
    );
    let (_, mut decoder) = decoder(&schema, &[&schema]);
    let got = decoder.decode(&values(&[framed(7, &[0]), framed(7, &[2, 0]), framed(7, &[2, 2, 2])])).unwrap();
    let p: &StructArray = got.columns[0].as_struct();
    assert_eq!((p.is_valid(0), p.is_valid(1), p.is_valid(2)), (false, true, true));
    assert_eq!(p.column(0).as_primitive::<Int32Type>().iter().collect::<Vec<_>>(), [None, None, Some(1)]);
}

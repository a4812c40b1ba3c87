//! Tests of the format as a whole: what values become, recovery, projection, and the way there and back.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use proptest::prelude::*;

use super::Json;
use crate::format::testing::{batches, shown};
use crate::format::{ColumnUse, DecodeSpec, Decoded, Decoder, EncodeSpec, Format};

fn decoder(fields: &Fields) -> Box<dyn Decoder> {
    let columns = (0..fields.len()).map(ColumnUse::whole).collect();
    Json.decoder(DecodeSpec { fields: fields.clone(), reader: None, columns }).unwrap()
}

fn values<T: AsRef<[u8]>>(records: &[T]) -> BinaryViewArray {
    records.iter().map(|r| Some(r.as_ref())).collect()
}

fn fields(list: Vec<(&str, DataType)>) -> Fields {
    list.into_iter().map(|(name, data_type)| Field::new(name, data_type, true)).collect()
}

fn decode(list: Vec<(&str, DataType)>, records: &[&str]) -> Decoded {
    decoder(&fields(list)).decode(&values(records)).unwrap()
}

#[test]
fn values_become_what_the_table_says() {
    let timestamp = DataType::Timestamp(TimeUnit::Millisecond, None);
    let list = DataType::List(Arc::new(Field::new("item", DataType::Int32, true)));
    let cases: Vec<(DataType, &str, Result<&str, &str>)> = vec![
        (DataType::Utf8, r#""a\n\u00e9""#, Ok("a\né")),
        (DataType::Utf8, r#"{"a": [1, 2]}"#, Ok(r#"{"a": [1, 2]}"#)),
        (DataType::Utf8, "1.50", Ok("1.50")),
        (DataType::Utf8, "true", Ok("true")),
        (DataType::Utf8, "null", Ok("")),
        (DataType::Int64, "9223372036854775807", Ok("9223372036854775807")),
        (DataType::Int64, "9223372036854775808", Err("the number is out of range for BIGINT")),
        (DataType::Int64, "5.7", Err("the number has a fraction, which is not allowed for BIGINT")),
        (DataType::Int64, "5.0", Ok("5")),
        (DataType::Int64, "\"42\"", Ok("42")),
        (DataType::Int64, "true", Err("BIGINT is expected and a boolean was found")),
        (DataType::Int32, "2147483648", Err("the number is out of range for INT")),
        (DataType::Float64, "1e400", Err("the number is out of range for DOUBLE")),
        (DataType::Float64, "7", Ok("7.0")),
        (DataType::Boolean, "1", Err("BOOLEAN is expected and a number was found")),
        (timestamp.clone(), "1714564800000", Ok("2024-05-01T12:00:00")),
        (timestamp.clone(), "\"2024-05-01T14:00:00+02:00\"", Ok("2024-05-01T12:00:00")),
        (timestamp, "\"soon\"", Err("the text is no timestamp that the column can hold")),
        (DataType::Date32, "\"2024-05-01\"", Ok("2024-05-01")),
        (DataType::Time32(TimeUnit::Millisecond), "\"12:30:00.5\"", Ok("12:30:00.500")),
        (DataType::Decimal128(6, 2), "12.3", Ok("12.30")),
        (DataType::Decimal128(6, 2), "\"12.345\"", Err("the number does not fit DECIMAL(6, 2)")),
        (DataType::Binary, "\"aGk=\"", Ok("6869")),
        (DataType::Binary, "\"a\"", Err("the text is not base64")),
        (list.clone(), "[1, null, 3]", Ok("[1, , 3]")),
        (list, "{}", Err("an array is expected and an object was found")),
    ];
    for (data_type, json, want) in cases {
        let got = decode(vec![("f", data_type.clone())], &[&format!("{{\"f\": {json}}}")]);
        assert_eq!(got.columns[0].data_type(), &data_type);
        match want {
            Ok(text) => {
                assert!(got.errors.is_empty(), "{json}: {:?}", got.errors);
                assert_eq!(shown(&got.columns[0], 0), text);
            }
            Err(reason) => {
                assert_eq!(got.errors[0].reason, reason);
                assert_eq!(got.errors[0].path.as_deref(), Some("f"));
                assert!(got.columns[0].is_null(0));
            }
        }
    }
}

#[test]
fn names_match_exactly_first_and_then_in_any_case() {
    let records = [r#"{"Amount":1,"amount":2,"B":3}"#, r#"{"amount":2,"AMOUNT":1}"#, r#"{"AMOUNT":5,"b":4}"#];
    let got = decode(vec![("amount", DataType::Int64), ("b", DataType::Int64)], &records);
    let all: Vec<String> = (0..3).map(|r| shown(&got.columns[0], r)).collect();
    assert_eq!(all, ["2", "2", "5"]);
    assert_eq!(shown(&got.columns[1], 0), "3");
    let two = decode(vec![("a", DataType::Int64), ("A", DataType::Int64)], &[r#"{"a":1,"A":2}"#]);
    assert_eq!((shown(&two.columns[0], 0), shown(&two.columns[1], 0)), ("1".into(), "2".into()));
}

#[test]
fn bad_records_are_errors_with_a_path_and_leave_the_others_alone() {
    let point = DataType::Struct(fields(vec![("x", DataType::Int64), ("y", DataType::Int64)]));
    let list = DataType::List(Arc::new(Field::new("item", point.clone(), true)));
    let records = [
        r#"{"p":{"x":1},"l":[{"y":1}]}"#,
        r#"{"p":{"x":1,"y":"no"},"l":[]}"#,
        r#"{"l":[{"x":1},{"x":true}],"p":{"x":1}}"#,
        r#"{"p":{"x":1}"#,
        r#"{"p":null} trailing"#,
        r#"{"p":null}{"p":null}"#,
        "[1]",
        "",
        r#"{"p":{"y":7},"l":[null]}"#,
    ];
    let got = decode(vec![("p", point), ("l", list)], &records);
    assert_eq!(got.errors.iter().map(|e| e.row).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    let paths: Vec<Option<&str>> = got.errors.iter().take(3).map(|e| e.path.as_deref()).collect();
    assert_eq!(paths, [Some("p.y"), Some("l.x"), None]);
    assert_eq!(got.errors[5].reason, "the record is an array, not an object");
    assert_eq!((shown(&got.columns[0], 0), shown(&got.columns[1], 0)), ("{x: 1, y: }".into(), "[{x: , y: 1}]".into()));
    assert_eq!((shown(&got.columns[0], 8), shown(&got.columns[1], 8)), ("{x: , y: 7}".into(), "[]".into()));
}

#[test]
fn frames_are_skipped_and_scalars_are_the_value_column() {
    let list = fields(vec![("value", DataType::Int64)]);
    let framed = [&crate::registry::wire::header(5)[..], b"{\"value\":3}"].concat();
    let got = decoder(&list).decode(&values(&[b"17".to_vec(), framed, b"\"x\"".to_vec()])).unwrap();
    assert_eq!((shown(&got.columns[0], 0), shown(&got.columns[0], 1)), ("17".into(), "3".into()));
    assert_eq!(got.errors.len(), 1);
}

#[test]
fn tombstones_are_null_and_no_error() {
    let list = fields(vec![("a", DataType::Int64)]);
    let records: BinaryViewArray = vec![None, Some(b"{\"a\":1}".as_slice()), None].into();
    let mut decoder = decoder(&list);
    for _ in 0..2 {
        let got = decoder.decode(&records).unwrap();
        assert!(got.errors.is_empty());
        assert_eq!((got.columns[0].len(), got.columns[0].null_count()), (3, 2));
    }
}

#[test]
fn nested_parts_that_are_not_used_stay_null() {
    let point = DataType::Struct(fields(vec![("x", DataType::Int64), ("y", DataType::Int64)]));
    let list = fields(vec![("p", point.clone())]);
    let columns = vec![ColumnUse { index: 0, paths: Some(vec![vec!["y".into()]]) }];
    let mut decoder = Json.decoder(DecodeSpec { fields: list, reader: None, columns }).unwrap();
    let got = decoder.decode(&values(&[r#"{"p":{"x":"not read","y":2}}"#])).unwrap();
    assert!(got.errors.is_empty());
    assert_eq!(got.columns[0].data_type(), &point);
    assert_eq!(shown(&got.columns[0], 0), "{x: , y: 2}");
}

fn encoded(batch: &RecordBatch) -> Vec<Vec<u8>> {
    let spec = EncodeSpec { fields: batch.schema().fields().clone(), writer: None };
    Json.encoder(spec).unwrap().encode(batch).unwrap().into_iter().map(Vec::from).collect()
}

#[test]
fn rows_are_objects_with_their_nulls() {
    let one = Arc::new(arrow::array::Int64Array::from(vec![Some(1), None])) as ArrayRef;
    let bytes = Arc::new(arrow::array::BinaryArray::from(vec![Some(b"hi".as_slice()), None])) as ArrayRef;
    let nan = Arc::new(arrow::array::Float64Array::from(vec![f64::NAN, 0.5])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("a", one), ("b", bytes), ("c", nan)]).unwrap();
    let text: Vec<String> = encoded(&batch).into_iter().map(|r| String::from_utf8(r).unwrap()).collect();
    assert_eq!(text, [r#"{"a":1,"b":"aGk=","c":null}"#, r#"{"a":null,"b":null,"c":0.5}"#]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_written_is_read_back(batch in batches()) {
        let records = encoded(&batch);
        let got = decoder(batch.schema().fields()).decode(&values(&records)).unwrap();
        prop_assert!(got.errors.is_empty(), "{:?}", got.errors);
        for (got, want) in got.columns.iter().zip(batch.columns()) {
            prop_assert_eq!(got, want);
        }
    }

    #[test]
    fn a_projection_is_a_part_of_the_whole(batch in batches(), pick in any::<u16>()) {
        let records = encoded(&batch);
        let fields = batch.schema().fields().clone();
        let columns: Vec<ColumnUse> =
            (0..fields.len()).rev().filter(|i| pick >> i & 1 == 1).map(ColumnUse::whole).collect();
        let want: Vec<ArrayRef> = columns.iter().map(|c| Arc::clone(batch.column(c.index))).collect();
        let got = Json.decoder(DecodeSpec { fields, reader: None, columns }).unwrap().decode(&values(&records)).unwrap();
        prop_assert!(got.errors.is_empty(), "{:?}", got.errors);
        for (got, want) in got.columns.iter().zip(&want) {
            prop_assert_eq!(got, want);
        }
    }

    #[test]
    fn a_batch_is_what_its_records_are_one_by_one(
        batch in batches(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 0..6),
    ) {
        let mut records = encoded(&batch);
        for (which, place, byte, how) in damage {
            if records.is_empty() { break; }
            let record = which.get_mut(&mut records);
            if record.is_empty() { continue; }
            let at = place.index(record.len());
            match how {
                0 => record[at] = byte,
                1 => record.truncate(at),
                2 => record.push(byte),
                _ => record[at] = b"{}[]\",:0-"[usize::from(byte) % 9],
            }
        }
        let schema = batch.schema();
        let got = decoder(schema.fields()).decode(&values(&records)).unwrap();
        for (row, record) in records.iter().enumerate() {
            let one = decoder(schema.fields()).decode(&values(std::slice::from_ref(record))).unwrap();
            let mine: Vec<_> = got.errors.iter().filter(|e| e.row == row).map(|e| (&e.reason, &e.path)).collect();
            let alone: Vec<_> = one.errors.iter().map(|e| (&e.reason, &e.path)).collect();
            prop_assert_eq!(mine, alone);
            for (a, b) in got.columns.iter().zip(&one.columns) {
                prop_assert_eq!(shown(a, row), shown(b, 0));
            }
        }
    }

    #[test]
    fn no_bytes_panic(records in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
        let list = fields(vec![("a", DataType::Int64), ("value", DataType::Utf8)]);
        let got = decoder(&list).decode(&values(&records)).unwrap();
        prop_assert!(got.columns.iter().all(|c| c.len() == records.len()));
    }
}

//! The law of the short cuts: whatever the records are and whichever columns are read, a decoder that guesses gives the
//! rows and the errors of one that looks at each byte.

use std::sync::Arc;

use arrow::array::BinaryViewArray;
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use proptest::prelude::*;
use proptest::sample::Index;

use super::Json;
use crate::format::{ColumnUse, DecodeSpec, Format, RecordError};

fn fields() -> Fields {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let inner = DataType::Struct(vec![field("x", DataType::Float64), field("größe", DataType::Utf8)].into());
    let outer = vec![field("x", DataType::Int64), field("y", DataType::Utf8), field("z", inner.clone())];
    let pair = vec![Field::new("key", DataType::Utf8, false), field("value", DataType::Float64)];
    vec![
        field("id", DataType::Int64),
        field("n", DataType::Int32),
        field("amount", DataType::Float64),
        field("ratio", DataType::Float32),
        field("region", DataType::Utf8),
        field("Region", DataType::Utf8),
        field("paid", DataType::Boolean),
        field("created_at", DataType::Timestamp(TimeUnit::Millisecond, None)),
        field("price", DataType::Decimal128(12, 3)),
        field("day", DataType::Date32),
        field("at", DataType::Time32(TimeUnit::Millisecond)),
        field("raw", DataType::Binary),
        field("größe", DataType::Int64),
        field("part", DataType::Struct(outer.into())),
        field("list", DataType::List(Arc::new(field("item", inner)))),
        field("map", DataType::Map(Arc::new(Field::new("entries", DataType::Struct(pair.into()), false)), false)),
    ]
    .into()
}

/// A key as it stands between the quotes.
fn key() -> impl Strategy<Value = String> {
    let names: Vec<String> = fields().iter().map(|f| f.name().clone()).collect();
    prop_oneof![
        8 => prop::sample::select(names),
        2 => prop::sample::select(vec!["x", "y", "z", "X", "ID", "REGION", "other", "note", "", "id ", "idx"]).prop_map(Into::into),
        1 => prop::sample::select(vec![r"\u0069d", r"gr\u00f6\u00dfe", r"reg\u0069on", r"a\n", r#"id\":1,\"n"#, r"\q", r"\ud800", "a\u{1}"])
            .prop_map(Into::into),
        1 => (0usize..300).prop_map(|n| "k".repeat(n)),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9 .,:{}-]{0,40}",
        2 => "-?[0-9]{1,20}(\\.[0-9]{1,3})?",
        1 => "20[0-9]{2}-[01][0-9]-[0-3][0-9]([T ][012][0-9]:[0-5][0-9](:[0-6][0-9](\\.[0-9]{1,9})?)?(Z|\\+0[0-9]:00)?)?",
        1 => "[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.5)?",
        2 => "[a-zäß\u{1F600}]{0,20}",
        2 => r#"([a-z]{0,9}|\\n|\\\\|\\"|\\/|\\u00e9|\\ud83d\\ude00|\\ud83d|\\x){0,4}"#,
        1 => "[a-z\u{0}-\u{20}\"\\\\]{0,12}",
    ]
    .prop_map(|inside| format!("\"{inside}\""))
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "-?(0|[1-9][0-9]{0,12})",
        6 => "-?(0|[1-9][0-9]{0,12})\\.[0-9]{1,6}",
        2 => "-?[1-9][0-9]{6,8}\\.[0-9]{7,9}",
        3 => "-?[0-9]{0,22}(\\.[0-9]{0,22})?([eE][+-]?[0-9]{0,3})?",
        1 => prop::sample::select(vec![
            "9223372036854775807", "-9223372036854775808", "9223372036854775808", "9007199254740993", "-0", "-0.0",
            "0.1", "999999999.999999999", "9007199.254740993", "2147483648", "1e400", "1e-400", "01", "1.", "-", "+1", ".5",
        ]).prop_map(Into::into),
    ]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => number(),
        5 => text(),
        2 => prop::sample::select(vec!["true", "false", "null", "null", "tru", "nulll", "", "NaN"]).prop_map(Into::into),
    ]
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![12 => Just(String::new()), 3 => Just(" ".to_string()), 1 => "[ \n\r\t]{0,3}", 1 => "[\u{b}\u{a0}x]"]
}

/// Any value, most of them JSON.
fn value() -> BoxedStrategy<String> {
    scalar()
        .boxed()
        .prop_recursive(3, 12, 3, |inner| {
            let object = (prop::collection::vec((key(), inner.clone()), 0..4), space()).prop_map(|(pairs, space)| {
                let pairs: Vec<String> = pairs.into_iter().map(|(k, v)| format!("\"{k}\":{space}{v}")).collect();
                format!("{{{}}}", pairs.join(&format!(",{space}")))
            });
            let array = (prop::collection::vec(inner, 0..4), space())
                .prop_map(|(items, space)| format!("[{}]", items.join(&format!("{space},"))));
            prop_oneof![1 => scalar(), 2 => object, 1 => array]
        })
        .boxed()
}

/// What makes a record differ from those before it.
#[derive(Debug, Clone)]
enum Change {
    Nothing,
    Swap(Index, Index),
    Drop(Index),
    Again(Index, String),
    Extra(Index, String, String),
    Reverse,
    Byte(Index, u8),
    Mark(Index, u8),
    Cut(Index),
    Append(String),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<Index>;
    prop_oneof![
        6 => Just(Change::Nothing),
        2 => (index(), index()).prop_map(|(a, b)| Change::Swap(a, b)),
        1 => index().prop_map(Change::Drop),
        1 => (index(), value()).prop_map(|(a, v)| Change::Again(a, v)),
        2 => (index(), key(), value()).prop_map(|(a, k, v)| Change::Extra(a, k, v)),
        1 => Just(Change::Reverse),
        1 => (index(), any::<u8>()).prop_map(|(a, b)| Change::Byte(a, b)),
        1 => (index(), prop::sample::select(b"{}[]\",:0-.e\\ \n".to_vec())).prop_map(|(a, b)| Change::Mark(a, b)),
        1 => index().prop_map(Change::Cut),
        1 => "[ x}{\\]]{0,3}".prop_map(Change::Append),
    ]
}

/// A record of these pairs: the white space after braces, before and after colons, and after commas.
fn record(mut pairs: Vec<(String, String)>, style: &[String; 4], change: &Change) -> Vec<u8> {
    match change {
        Change::Swap(a, b) if !pairs.is_empty() => {
            let (a, b) = (a.index(pairs.len()), b.index(pairs.len()));
            pairs.swap(a, b);
        }
        Change::Drop(at) if !pairs.is_empty() => drop(pairs.remove(at.index(pairs.len()))),
        Change::Again(at, value) if !pairs.is_empty() => {
            let key = at.get(&pairs).0.clone();
            pairs.push((key, value.clone()));
        }
        Change::Extra(at, key, value) => pairs.insert(at.index(pairs.len() + 1), (key.clone(), value.clone())),
        Change::Reverse => pairs.reverse(),
        _ => {}
    }
    let [brace, before, after, comma] = style;
    let pairs: Vec<String> = pairs.iter().map(|(k, v)| format!("\"{k}\"{before}:{after}{v}")).collect();
    let mut bytes = format!("{{{brace}{}}}", pairs.join(&format!(",{comma}"))).into_bytes();
    match change {
        Change::Byte(at, byte) | Change::Mark(at, byte) => *at.get_mut(&mut bytes) = *byte,
        Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Change::Append(text) => bytes.extend_from_slice(text.as_bytes()),
        _ => {}
    }
    bytes
}

/// Records that mostly have the same keys in the same order.
fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
    (prop::collection::vec(key(), 1..8), [space(), space(), space(), space()]).prop_flat_map(|(keys, style)| {
        let one = (prop::collection::vec(value(), keys.len()), change());
        prop::collection::vec(one, 1..8).prop_map(move |all| {
            all.into_iter()
                .map(|(values, change)| record(keys.iter().cloned().zip(values).collect(), &style, &change))
                .collect()
        })
    })
}

fn spec(pick: u32, part: bool) -> DecodeSpec {
    let fields = fields();
    let below = vec![vec!["z".to_string(), "x".to_string()], vec!["y".to_string()]];
    let columns = (0..fields.len())
        .filter(|i| pick >> i & 1 == 1)
        .map(|index| ColumnUse { index, paths: (part && fields[index].name() == "part").then(|| below.clone()) })
        .collect();
    DecodeSpec { fields, reader: None, columns }
}

/// Both decoders over all batches, one after another.
fn same(spec: DecodeSpec, batches: &[Vec<Vec<u8>>]) -> Result<Vec<RecordError>, TestCaseError> {
    let mut guessing = Json.decoder(spec.clone()).unwrap();
    let mut errors = Vec::new();
    for batch in batches {
        let values: BinaryViewArray = batch.iter().map(|r| Some(r.as_slice())).collect();
        let got = guessing.decode(&values).unwrap();
        let want = Json::checked(spec.clone()).unwrap().decode(&values).unwrap();
        prop_assert_eq!(&got.errors, &want.errors);
        prop_assert_eq!(&got.columns, &want.columns);
        errors.extend(got.errors);
    }
    Ok(errors)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn guessing_gives_what_checking_gives(batches in prop::collection::vec(records(), 1..3), pick in any::<u32>(), part in any::<bool>()) {
        same(spec(pick, part), &batches)?;
    }

    #[test]
    fn a_value_is_read_as_its_column_takes_it(values in prop::collection::vec(scalar(), 1..12), column in 0usize..13) {
        let name = fields()[column].name().clone();
        let batch = values.iter().map(|v| format!("{{\"{name}\":{v}}}").into_bytes()).collect();
        same(spec(1 << column, false), &[batch])?;
    }

    #[test]
    fn any_text_of_marks_is_judged_alike(batch in prop::collection::vec("[{]?[\\[\\]{}:,\"\\\\ 0-3idn.eE+-]{0,24}", 1..8)) {
        same(spec(1, false), &[batch.into_iter().map(String::into_bytes).collect()])?;
    }
}

#[test]
fn more_keys_than_are_remembered() {
    let record = |first: usize| {
        let keys: Vec<String> = (first..first + 50).map(|k| format!("\"k{k}\":{k}")).collect();
        format!("{{{},\"id\":{first},\"region\":\"r{first}\"}}", keys.join(",")).into_bytes()
    };
    let batch: Vec<Vec<u8>> = (0..400).step_by(7).chain(0..20).map(record).collect();
    assert!(same(spec(0b1_0001, false), &[batch.clone(), batch]).unwrap().is_empty());
}

#[test]
fn an_escaped_key_is_not_mistaken_for_several() {
    let batch =
        [r#"{"id\":1,\"n":5}"#, r#"{"id":1,"n":5}"#, r#"{"id\":1,\"n":5}"#, r#"{"\u0069d":7}"#, r#"{"\u0069d":8}"#];
    let batch = batch.map(|r| r.as_bytes().to_vec()).to_vec();
    assert!(same(spec(0b11, false), std::slice::from_ref(&batch)).unwrap().is_empty());
    let values: BinaryViewArray = batch.iter().map(|r| Some(r.as_slice())).collect();
    let got = Json.decoder(spec(1, false)).unwrap().decode(&values).unwrap();
    let want: arrow::array::ArrayRef =
        Arc::new(arrow::array::Int64Array::from(vec![None, Some(1), None, Some(7), Some(8)]));
    assert_eq!(&got.columns[0], &want);
}

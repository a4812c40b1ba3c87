//! What is fuzzed: everything that parses bytes from outside. A target panics when weir does, or when what weir returns
//! cannot be true; an error is as good as an answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, BinaryViewArray};
use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use weir::config::properties;
use weir::config::translate::{Strictness, Translation};
use weir::connect::batch::{Aborted, HEADER_BYTES, Header, MAX_BATCH_BYTES, PREFIX_BYTES, Place, Walker, first_at};
use weir::connect::compress::{Codec, compress, decompress};
use weir::connect::local::Local;
use weir::connect::{Connector, Event, Isolation, NewTopic, Range, RawRecords, ReadRequest, Want};
use weir::error::Error;
use weir::format::infer::{Inference, infer};
use weir::format::{ColumnUse, DecodeSpec, Format, by_name};
use weir::front::saved::SavedQuery;
use weir::registry::{RegisteredSchema, SchemaType, wire};
use weir::sql::params::{ParamType, Value, parse_interval};
use weir::sql::relation::Relation;
use weir::sql::split::{Places, split};
use weir::sql::{bind, parser, relation};

/// A target takes any bytes.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("batches", batches),
    ("compress", compressed),
    ("segments", segments),
    ("avro", avro),
    ("avro_schema", avro_schema),
    ("json", json),
    ("json_schema", json_schema),
    ("primitive", primitive),
    ("sql", sql),
    ("properties", property_files),
    ("params", params),
];

/// Makes bytes a chain of batches as far as magic, lengths and checksums go, which chance would not get right.
fn mend(log: &mut [u8]) {
    let mut at = 0;
    while let Some(rest) = log.get_mut(at..).filter(|rest| rest.len() >= HEADER_BYTES) {
        rest[16] = 2;
        let claimed = u32::from_be_bytes([rest[8], rest[9], rest[10], rest[11]]) as usize;
        let total = match claimed.checked_add(PREFIX_BYTES) {
            Some(total) if total >= HEADER_BYTES && total <= rest.len() => total,
            _ => rest.len(),
        };
        let length = u32::try_from(total - PREFIX_BYTES).unwrap();
        rest[8..12].copy_from_slice(&length.to_be_bytes());
        let crc = crc32c::crc32c(&rest[21..total]);
        rest[17..21].copy_from_slice(&crc.to_be_bytes());
        at += total;
    }
}

/// Fails when columns of records are not of one length or point outside their buffers.
fn check(raw: &RawRecords, want: Want) {
    assert!(raw.len > 0);
    assert!(raw.tombstones <= raw.len);
    for (column, wanted) in [(&raw.keys, want.keys), (&raw.values, want.values)] {
        assert_eq!(column.is_some(), wanted);
        let Some(column) = column else { continue };
        assert_eq!(column.len(), raw.len);
        column.to_data().validate_full().unwrap();
    }
    if let Some(headers) = &raw.headers {
        assert_eq!(headers.len(), raw.len);
        headers.to_data().validate_full().unwrap();
    }
    if let Some(offsets) = &raw.offsets {
        assert_eq!(offsets.len(), raw.len);
        assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]), "offsets do not grow");
    }
}

fn batches(data: &[u8]) {
    let Some((&[options, from], log)) = data.split_first_chunk::<2>() else { return };
    let mut log = log.to_vec();
    mend(&mut log);
    let on = |bit: u8| options >> bit & 1 == 1;
    let want = Want { positions: on(0), keys: on(1), values: on(2), headers: on(3), tombstones: on(4) };
    let isolation = if on(5) { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    let slice = Range { partition: 0, start: i64::from(from), end: if on(6) { i64::MAX } else { 1000 } };
    let place = Place { topic: "t".into(), partition: 0, file: None };
    let mut walker = Walker::new(place.clone(), slice, want, isolation);
    if on(7) {
        walker = walker.contiguous_from(0);
    }
    walker.add_aborted([Aborted { first_offset: 0, producer_id: 7 }]);
    let mut at = 0;
    while let Ok(fed) = walker.feed(&log[at..]) {
        at += fed;
        let Ok(taken) = walker.take() else { panic!("records that were walked cannot be taken") };
        if let Some(raw) = &taken {
            check(raw, want);
        }
        if walker.is_done() || (fed == 0 && taken.is_none()) {
            break;
        }
    }
    if let Ok(Some(header)) = Header::parse(&log)
        && let Some(batch) = log.get(..header.total)
    {
        let _found = first_at(&place, &header, batch, 1_000);
    }
}

fn compressed(data: &[u8]) {
    let Some((&id, input)) = data.split_first() else { return };
    let Ok(codec) = Codec::from_id(i16::from(id % 5)) else { return };
    let mut out = b"before".to_vec();
    if decompress(codec, input, &mut out).is_ok() {
        assert!(out.len() <= MAX_BATCH_BYTES + 6 && out.starts_with(b"before"));
    }
    let (mut packed, mut back) = (Vec::new(), Vec::new());
    compress(codec, input, &mut packed).unwrap();
    decompress(codec, &packed, &mut back).unwrap();
    assert_eq!(back, input);
}

/// A folder that is gone when dropped; in memory where the system has such a place.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Folder(parent.join(format!("weir-fuzz-{}-{number}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

/// The first byte says where the segment begins and whether it is mended, the second how much of the rest are its two
/// indexes.
fn segments(data: &[u8]) {
    let Some((&[options, indexes], rest)) = data.split_first_chunk::<2>() else { return };
    let (indexes, log) = rest.split_at(rest.len().min(usize::from(indexes)));
    let mut log = log.to_vec();
    if options & 1 == 0 {
        mend(&mut log);
    }
    let base = [0, 5, i64::MAX - 1, i64::MAX][usize::from(options >> 1 & 3)];
    let folder = Folder::new();
    let topic = NewTopic { name: "t".into(), partitions: 1, ..NewTopic::default() };
    runtime().block_on(Local::open(&folder.0).unwrap().create_topic(topic)).unwrap();
    let partition = folder.0.join("topics/t/0");
    for old in std::fs::read_dir(&partition).unwrap() {
        std::fs::remove_file(old.unwrap().path()).unwrap();
    }
    let file = |extension: &str| partition.join(format!("{base:020}.{extension}"));
    let (places, times) = indexes.split_at(indexes.len() * 2 / 5);
    std::fs::write(file("index"), places).unwrap();
    std::fs::write(file("timeindex"), times).unwrap();
    std::fs::write(file("log"), log).unwrap();
    let isolation = if options & 8 == 0 { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    let _answer = runtime().block_on(read_everything(&folder.0, isolation, options));
}

async fn read_everything(folder: &Path, isolation: Isolation, options: u8) -> Result<(), Error> {
    let local = Local::open(folder)?;
    let slices = local.ranges("t", isolation).await?;
    assert!(slices.iter().all(|s| s.partition == 0 && s.start <= s.end), "{slices:?}");
    let _found = local.offsets_at("t", 1_000).await?;
    let want = Want { positions: true, keys: true, values: true, headers: true, tombstones: true };
    let request = ReadRequest { topic: "t".into(), slices, want, isolation, in_order: options & 16 == 0, threads: 1 };
    let stream = local.read(request)?;
    while let Some(event) = stream.next().await {
        if let Event::Records(raw) = event? {
            check(&raw, want);
        }
    }
    if options & 32 != 0 {
        let mut writer = local.writer("t").await?;
        writer.append(vec![weir::connect::NewRecord::default()]).await?;
        writer.commit().await?;
    }
    Ok(())
}

fn registered(id: i32, schema_type: SchemaType, text: &str) -> Arc<RegisteredSchema> {
    Arc::new(RegisteredSchema { id, schema_type, text: text.into(), references: Vec::new() })
}

/// Decodes `records` with all columns of `fields`, and fails when what comes back is not one array per column.
fn decode(format: &dyn Format, fields: &Fields, writers: &[Arc<RegisteredSchema>], records: &[Option<&[u8]>]) {
    let columns = (0..fields.len()).map(ColumnUse::whole).collect();
    let spec = DecodeSpec { fields: fields.clone(), reader: writers.first().cloned(), columns };
    let Ok(mut decoder) = format.decoder(spec) else { return };
    let values: BinaryViewArray = records.iter().copied().collect();
    for id in decoder.unknown_ids(&values) {
        let known = writers.iter().find(|writer| writer.id == id);
        decoder.learn(id, known.cloned().ok_or_else(|| "unknown".to_string()));
    }
    let decoded = decoder.decode(&values).unwrap();
    assert_eq!(decoded.columns.len(), fields.len());
    for (field, column) in fields.iter().zip(&decoded.columns) {
        assert_eq!(field.data_type(), column.data_type());
        assert_eq!(column.len(), records.len());
        column.to_data().validate_full().unwrap();
    }
    assert!(decoded.errors.windows(2).all(|pair| pair[0].row < pair[1].row));
    assert!(decoded.errors.iter().all(|error| error.row < records.len()));
}

/// Schemas that records are written and read with; the first is the reader's choice by the first byte.
pub const AVRO_SCHEMAS: &[&str] = &[
    r#""long""#,
    r#"{"type":"record","name":"R","fields":[{"name":"id","type":"long"},{"name":"name","type":["null","string"],"default":null},{"name":"tags","type":{"type":"array","items":"string"}},{"name":"attributes","type":{"type":"map","values":["null","double"]}}]}"#,
    r#"{"type":"record","name":"R","fields":[{"name":"id","type":"double"},{"name":"extra","type":"int","default":7},{"name":"name","type":["null","string","long"],"default":null}]}"#,
    r#"{"type":"record","name":"L","fields":[{"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":12,"scale":3}},{"name":"fixed","type":{"type":"fixed","name":"F","size":5}},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},{"name":"day","type":{"type":"int","logicalType":"date"}},{"name":"uuid","type":{"type":"string","logicalType":"uuid"}},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}}]}"#,
    r#"{"type":"record","name":"N","fields":[{"name":"inner","type":["null",{"type":"record","name":"I","fields":[{"name":"list","type":{"type":"array","items":{"type":"array","items":"int"}}},{"name":"b","type":"boolean"}]}],"default":null}]}"#,
    r#"{"type":"array","items":["null",{"type":"record","name":"Empty","fields":[]}]}"#,
];

fn avro(data: &[u8]) {
    let Some((&[reader, writer], body)) = data.split_first_chunk::<2>() else { return };
    let schema = |n: u8, id| registered(id, SchemaType::Avro, AVRO_SCHEMAS[usize::from(n) % AVRO_SCHEMAS.len()]);
    let writers = [schema(reader, 1), schema(writer, 2)];
    let format = by_name("avro").unwrap();
    let fields = format.fields(&writers[0]).unwrap();
    let framed = |id, body: &[u8]| [&wire::header(id)[..], body].concat();
    let (half, other) = body.split_at(body.len() / 2);
    let records = [framed(1, body), framed(2, body), framed(2, half), framed(3, other), other.to_vec()];
    let mut records: Vec<Option<&[u8]>> = records.iter().map(|r| Some(r.as_slice())).collect();
    records.insert(1, None);
    decode(format, &fields, &writers, &records);
}

fn avro_schema(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let schema = registered(1, SchemaType::Avro, text);
    let format = by_name("avro").unwrap();
    let Ok(fields) = format.fields(&schema) else { return };
    let record = [&wire::header(1)[..], &[2, 4, 6, 0, 0, 2, b'x', 0, 0, 0, 0, 0]].concat();
    decode(format, &fields, &[schema], &[Some(&record)]);
    let _text = format.schema_for("r", &fields);
}

/// Every type that a JSON column can have.
fn json_fields() -> Fields {
    let item = |t: DataType| Arc::new(Field::new("item", t, true));
    let entries = DataType::Struct(
        vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Int64, true)].into(),
    );
    vec![
        Field::new("b", DataType::Boolean, true),
        Field::new("i", DataType::Int32, true),
        Field::new("l", DataType::Int64, true),
        Field::new("d", DataType::Float64, true),
        Field::new("s", DataType::Utf8, true),
        Field::new("x", DataType::Binary, true),
        Field::new("n", DataType::Decimal128(12, 3), true),
        Field::new("day", DataType::Date32, true),
        Field::new("at", DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into())), true),
        Field::new("list", DataType::List(item(DataType::List(item(DataType::Int64)))), true),
        Field::new("o", DataType::Struct(vec![Field::new("a", DataType::Int64, true)].into()), true),
        Field::new("m", DataType::Map(Arc::new(Field::new("entries", entries, false)), false), true),
    ]
    .into()
}

fn json(data: &[u8]) {
    let format = by_name("json").unwrap();
    let lines: Vec<&[u8]> = data.split(|b| *b == b'\n').take(64).collect();
    let mut records: Vec<Option<&[u8]>> = lines.iter().map(|line| Some(*line)).collect();
    records.push(None);
    decode(format, &json_fields(), &[], &records);
    if let Inference::Json { fields, .. } = infer(&lines) {
        decode(format, &fields, &[], &records);
    }
}

fn json_schema(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let format = by_name("json").unwrap();
    let Ok(fields) = format.fields(&registered(1, SchemaType::Json, text)) else { return };
    decode(format, &fields, &[], &[Some(b"{\"a\":1,\"value\":[{\"b\":{}}]}"), None]);
}

fn primitive(data: &[u8]) {
    let records = [Some(data), None, Some(&data[..data.len().min(8)]), Some(&data[..data.len().min(4)])];
    let types = [
        DataType::Utf8,
        DataType::Binary,
        DataType::Int32,
        DataType::Int64,
        DataType::Float32,
        DataType::Float64,
        DataType::Boolean,
    ];
    for data_type in types {
        decode(by_name("kafka").unwrap(), &vec![Field::new("v", data_type, true)].into(), &[], &records);
    }
    decode(by_name("raw").unwrap(), &weir::format::raw::columns(), &[], &records);
    let _split = (wire::split(data), wire::looks_like(data), infer(&[data]));
}

fn sql(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(pieces) = split(text) else { return };
    let places = Places::new(text);
    for piece in pieces {
        assert!(text.get(piece.span.start..piece.span.end).is_some(), "a span outside the text");
        if let Err(error) = parser::parse(&piece, &places)
            && let Some(span) = error.span()
        {
            assert!(text.get(span.start..span.end).is_some(), "an error outside the text: {span:?}");
        }
        let Ok(tokens) = relation::rewrite(bind::mark(piece.tokens), &places) else { continue };
        if let Ok(mut statement) = parser::parse_query(&tokens, &places) {
            let params = [("a".to_string(), Value::Text("'; DROP".into()))].into();
            let _bound = bind::bind(&mut statement, &params, &places);
        }
    }
    let _relation = Relation::parse(text);
}

fn property_files(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _jaas = properties::parse_jaas(text);
    let Ok(entries) = properties::parse(text, "f") else { return };
    assert!(entries.iter().all(|entry| entry.line > 0 && entry.line <= text.lines().count()));
    // This one names a library to load.
    let harmless = entries.into_iter().filter(|entry| !entry.name.contains("plugin"));
    let entries: Vec<_> = harmless.map(|entry| (entry.name, entry.value, "f:1".to_string())).collect();
    let mut translation = Translation::default();
    if translation.apply(&entries, Strictness::Note).is_ok() {
        let _registry = translation.registry_config();
    }
}

fn params(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for name in ParamType::names() {
        let _value = ParamType::by_name(name).unwrap().parse(text);
    }
    let _interval = parse_interval(text);
    let _guess = Value::guess(text);
    match SavedQuery::parse("q", Path::new("q.sql"), text.to_string()) {
        Ok(query) => {
            let _bound = query.bind(&[("n".into(), text.into())]);
            let _sample = query.sample_params();
        }
        Err(error) => {
            if let Some(span) = error.span() {
                assert!(text.get(span.start..span.end).is_some(), "an error outside the text: {span:?}");
            }
        }
    }
}

//! What every run begins with: inputs that each target understands, and those that once broke it. Built with weir's own
//! writers where it has some.

use std::path::{Path, PathBuf};

use weir::connect::batch::write::{marker, set_base_offset};
use weir::connect::batch::{BatchBuilder, Header, Stamp};
use weir::connect::compress::{Codec, compress};

use super::targets::AVRO_SCHEMAS;

const CODECS: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

/// The seeds of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    match target {
        "batches" => batches(),
        "compress" => compressed(),
        "segments" => segments(),
        "avro" => avro(),
        "avro_schema" => texts(AVRO_SCHEMAS).chain(texts(ODD_AVRO_SCHEMAS)).collect(),
        "json" => texts(JSON).collect(),
        "json_schema" => texts(JSON_SCHEMAS).collect(),
        "primitive" => {
            [&b"text"[..], b"\0\0\0\x07\x02", b"\xff\xff\xff\xff", &[0; 8], b"\x01", b""].map(Vec::from).into()
        }
        "sql" => files("tests/sql").into_iter().chain(files("queries")).chain(texts(SQL)).chain(chains()).collect(),
        "properties" => texts(PROPERTIES).collect(),
        "params" => files("queries").into_iter().chain(texts(PARAMS)).collect(),
        other => panic!("{other} has no seeds"),
    }
}

fn texts(list: &'static [&'static str]) -> impl Iterator<Item = Vec<u8>> {
    list.iter().map(|text| text.as_bytes().to_vec())
}

/// The SQL files below a folder of the repository.
fn files(folder: &str) -> Vec<Vec<u8>> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "sql") {
                found.push(path);
            }
        }
    }
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = if package.ends_with("fuzz") { package.parent().unwrap() } else { package };
    let mut found = Vec::new();
    walk(&root.join(folder), &mut found);
    found.sort();
    found.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// A log of four batches, the second of a transaction that the third takes back.
fn log(codec: Codec) -> Vec<u8> {
    let headers = [("trace", Some(&b"1"[..])), ("none", None)];
    let batch = |stamp: Stamp, from: i64| {
        let mut builder = BatchBuilder::default();
        for n in 0..3 {
            let key = n.to_string();
            let value = (n != 1).then_some(&b"a value that is longer than a view"[..]);
            builder.push(from + n, Some(key.as_bytes()), value, headers.iter().copied()).unwrap();
        }
        builder.push(from, None, Some(b""), [].into_iter()).unwrap();
        builder.finish(stamp).unwrap()
    };
    let mut log = Vec::new();
    let mut next = 0;
    let batches = [
        batch(Stamp::plain(0, codec), 1_000),
        batch(Stamp::transactional(7, 0, codec), 2_000),
        marker(7, false, 3_000).unwrap(),
        batch(Stamp { last_offset_delta: Some(9), ..Stamp::plain(0, codec) }, 900),
    ];
    for mut batch in batches {
        set_base_offset(&mut batch, next);
        next = Header::parse(&batch).unwrap().unwrap().next_offset();
        log.extend_from_slice(&batch);
    }
    log
}

fn batches() -> Vec<Vec<u8>> {
    let logs = CODECS.into_iter().map(log);
    let options = [[0b0111_1111, 0], [0b1001_0110, 0], [0, 0], [0b0110_0001, 5]];
    let mut seeds: Vec<Vec<u8>> = logs.flat_map(|log| options.map(|o| [&o, &log[..]].concat())).collect();
    // The same offsets again.
    let log = log(Codec::None);
    seeds.push([&[0b0111_1111, 0], &log[..], &log[..]].concat());
    seeds
}

fn compressed() -> Vec<Vec<u8>> {
    let text = b"again and again and again and something else".repeat(20);
    (0u8..)
        .zip(CODECS)
        .map(|(number, codec)| {
            let mut packed = vec![number];
            compress(codec, &text, &mut packed).unwrap();
            packed
        })
        .collect()
}

fn segments() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = CODECS.into_iter().map(|codec| [&[0, 0], &log(codec)[..]].concat()).collect();
    let mut index = vec![0; 8];
    index.extend_from_slice(&[0xff; 12]);
    // An index that points past the last offset there is, in a segment that begins at it.
    let mut far = log(Codec::None);
    set_base_offset(&mut far, i64::MAX - 1);
    for options in [0b100, 0b110, 0b11_1000, 0b11_1110] {
        seeds.push([&[options, 20], &index[..], &far[..]].concat());
        seeds.push([&[options, 0], &far[..]].concat());
    }
    // The last transaction id there is, its transaction still open when the log is next written to.
    let mut builder = BatchBuilder::default();
    builder.push(1, None, None, [].into_iter()).unwrap();
    let open = builder.finish(Stamp::transactional(i64::MAX, 0, Codec::None)).unwrap();
    seeds.push([&[0b11_0000, 0], &open[..]].concat());
    seeds
}

fn avro() -> Vec<Vec<u8>> {
    let records: [&[u8]; 6] = [
        b"\x02",
        b"\x02\x02\x04ab\x02\x02x\x00\x02\x02k\x02\0\0\0\0\0\0\xf0?\x00",
        b"\0\0\0\0\0\0\xf0?\x0e\x04\x02",
        b"\x04\x03\xe8abcde\x80\xa0\xb0\x02\x14H00000000-0000-0000-0000-000000000000\x02",
        b"\x02\x02\x04\x02\x04\x00\x00\x01",
        b"\x04\x00\x02\x00",
    ];
    let mut seeds: Vec<Vec<u8>> = (0u8..).zip(records).map(|(n, body)| [&[n, n], body].concat()).collect();
    seeds.push([&[2, 1], records[1]].concat());
    // An array that claims a great many items.
    seeds.push(b"\x05\x05\xfe\xff\xff\xff\x0f\x00".to_vec());
    seeds.push(b"\x04\x04\x02\xfe\xff\xff\xff\x0f\x00".to_vec());
    seeds
}

const ODD_AVRO_SCHEMAS: &[&str] = &[
    r#"{"type":"array","items":"null"}"#,
    r#"{"type":"array","items":{"type":"record","name":"Empty","fields":[]}}"#,
    r#"{"type":"record","name":"T","fields":[{"name":"next","type":["null","T"]},{"name":"v","type":"int"}]}"#,
    r#"{"type":"fixed","name":"F","size":2147483647}"#,
    r#"{"type":"record","name":"A","fields":[{"name":"a","type":{"type":"record","name":"B","fields":[]}},{"name":"b","type":"B"}]}"#,
    r#"["null","int","string",{"type":"map","values":"bytes"}]"#,
    r#"{"type":"bytes","logicalType":"decimal","precision":80,"scale":-3}"#,
    r#"{"type":"record","name":"D","fields":[{"name":"d","type":"int","default":"x"},{"name":"d","type":"int"}]}"#,
    r#"{"type":"enum","name":"E","symbols":["A","A"],"default":"B"}"#,
];

const JSON: &[&str] = &[
    r#"{"b":true,"i":1,"l":-9223372036854775808,"d":1e308,"s":"\ud83d\ude00","x":"AQI=","n":"123456789.123","day":"2026-11-01","at":"2026-11-01T14:00:00.123Z","list":[[1,null],[]],"o":{"a":5},"m":{"k":1}}"#,
    "{\"b\":1,\"i\":1e400,\"l\":9223372036854775808,\"at\":1700000000000}\n{}\nnull\n[1]\n{\"a\":{\"b\":[{\"c\":1},{\"c\":\"x\"}]}}",
    "{\"s\":\"\\ud800\",\"s\":2,\"n\":-0.0000001,\"day\":20000,\"o\":[],\"m\":[],\"list\":{}}",
    "\0\0\0\0\x05{\"value\":3}\n{\"a\":1}",
    "{\"n\":1E-999999999,\"d\":-1e-400,\"at\":\"0000-00-00\",\"day\":\"+999999-01-01\"}",
];

const JSON_SCHEMAS: &[&str] = &[
    r#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":["null","string"]},"c":{"type":"array","items":{"type":"number"}},"d":{"oneOf":[{"type":"null"},{"type":"object","properties":{"e":{"type":"boolean"}}}]}}}"#,
    r##"{"$ref":"#/definitions/node","definitions":{"node":{"type":"object","properties":{"next":{"$ref":"#/definitions/node"}}}}}"##,
    r#"{"type":"string"}"#,
    r#"{"properties":{"m":{"type":"object","additionalProperties":{"type":"string","format":"date-time"}}}}"#,
];

const SQL: &[&str] = &[
    "SELECT * FROM orders LAST 10; SELECT count(*) FROM errors('t') WHERE _key = $a AND x > :n",
    "CREATE OR REPLACE STREAM s (id BIGINT KEY, v STRUCT<a INT, b ARRAY<TEXT>>) WITH (topic = 't', value_format = 'json')",
    "COPY (SELECT 1) TO 'x.csv'; PRINT t FROM BEGINNING LIMIT 3; SET a = 'b'; UNSET a; SHOW TOPICS; DROP STREAM IF EXISTS s",
    "INSERT INTO t SELECT a.b.c, \"q\"\"uoted\", 'it''s' -- comment\n FROM \"dash-ed\" /* block */ JOIN 'file.parquet' f USING (k)",
    "WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 2) SELECT ((((((1)))))) FROM r LAST '1 hour'; EXPLAIN ANALYZE SELECT 'ü' LIKE '%😀'",
    "SELECT 'open",
    "SELECT last 5 from last last 10 last",
];

/// Statements whose trees would be as deep as they are long.
fn chains() -> impl Iterator<Item = Vec<u8>> {
    let links = ["+1", " AND a", "::int", "[1]", " IS NULL", " UNION ALL SELECT 1", "->'a'", " AT TIME ZONE 'z'", ".b"];
    links.into_iter().map(|link| format!("SELECT a{}", link.repeat(16_000 / link.len())).into_bytes())
}

const PROPERTIES: &[&str] = &[
    "# comment\nbootstrap.servers=a:9092,b:9093\nsecurity.protocol = SASL_SSL\nsasl.mechanism: SCRAM-SHA-512\nsasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n  username=\"u\" password=\"p\\\"q;\";\n",
    "metadata.broker.list=[::1]:9092\nssl.ca.location=C:\\ca.pem\ndebug=all\nsasl.username=u\n",
    "key\\ with\\=escapes\\u0041 value\\\r\n\tcontinued\n!also a comment\nschema.registry.url=http://u:p@h:8081, https://i\nbasic.auth.credentials.source=USER_INFO\nschema.registry.basic.auth.user.info=a:b\n",
    "ssl.truststore.location=t.jks\nssl.keystore.location=k.p12\nssl.keystore.type=PKCS12\nssl.endpoint.identification.algorithm=\n",
    "x.PlainLoginModule required username='u' password='p';",
    "a\\u12",
];

const PARAMS: &[&str] = &[
    "1 year 2 months 3 days 4 hours 5.5 seconds",
    "P1Y2M3DT4H5M6.789S",
    "-9223372036854775808",
    "99999999999999999999 days",
    "2026-11-01T14:00:00.123456+14:00",
    "+262142-12-31 23:59:59",
    "-- @desc d\n-- @param since INTERVAL = '1 hour' -- how far back\n-- @param n INT = 10\nSELECT 1;\n",
    "--@param ü ü=ü\n",
    "1e308",
    "0x1p3",
];

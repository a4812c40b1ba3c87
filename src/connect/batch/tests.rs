//! Batches against an independent implementation, and damaged ones.

use super::*;
use crate::connect::{Isolation, Range, RawRecords, Want};
use arrow::array::Array;
use bytes::{Bytes, BytesMut};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records as oracle;
use proptest::prelude::*;

type Headers = Vec<(String, Option<Vec<u8>>)>;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    offset: i64,
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Headers,
}

const ALL: Want = Want { positions: true, keys: true, values: true, headers: true, tombstones: true };

fn place() -> Place {
    Place { topic: "orders".into(), partition: 3, file: None }
}

fn slice(start: i64, end: i64) -> Range {
    Range { partition: 3, start, end }
}

fn rows(raw: &RawRecords) -> Vec<Row> {
    use arrow::array::AsArray;
    (0..raw.len)
        .map(|i| {
            let bytes = |a: &arrow::array::BinaryViewArray| a.is_valid(i).then(|| a.value(i).to_vec());
            let list = raw.headers.as_ref().unwrap().value(i);
            let list = list.as_struct();
            let (names, values) = (list.column(0).as_string::<i32>(), list.column(1).as_binary::<i32>());
            Row {
                offset: raw.offsets.as_ref().unwrap()[i],
                timestamp: raw.timestamps.as_ref().unwrap()[i],
                key: bytes(raw.keys.as_ref().unwrap()),
                value: bytes(raw.values.as_ref().unwrap()),
                headers: (0..list.len())
                    .map(|h| (names.value(h).to_owned(), values.is_valid(h).then(|| values.value(h).to_vec())))
                    .collect(),
            }
        })
        .collect()
}

fn walk(bytes: &[u8], slice: Range, want: Want) -> crate::error::Result<Vec<RawRecords>> {
    let mut walker = Walker::new(place(), slice, want, Isolation::ReadCommitted);
    let (mut at, mut out) = (0, Vec::new());
    loop {
        let fed = walker.feed(&bytes[at..])?;
        at += fed;
        out.extend(walker.take()?);
        if fed == 0 {
            return Ok(out);
        }
    }
}

/// The same, taken without being opened first.
fn open_packed(bytes: &[u8], slice: Range, want: Want) -> crate::error::Result<Vec<RawRecords>> {
    let mut sieve = Sieve::new(place(), slice, want, Isolation::ReadCommitted);
    let mut taken = Vec::new();
    Packed::take_all(&mut sieve, Bytes::copy_from_slice(bytes), |packed| {
        taken.push(packed);
        true
    })?;
    taken.into_iter().map(Packed::open).collect()
}

fn walk_rows(bytes: &[u8], slice: Range) -> crate::error::Result<Vec<Row>> {
    Ok(walk(bytes, slice, ALL)?.iter().flat_map(rows).collect())
}

fn write(rows: &[Row], codec: Codec) -> Vec<u8> {
    let mut builder = BatchBuilder::default();
    for row in rows {
        let headers = row.headers.iter().map(|(n, v)| (n.as_str(), v.as_deref()));
        builder.push(row.timestamp, row.key.as_deref(), row.value.as_deref(), headers).unwrap();
    }
    builder.finish(Stamp::plain(rows[0].offset, codec)).unwrap()
}

fn some_rows(names: impl Fn(usize) -> String + Clone + 'static) -> impl Strategy<Value = Vec<Row>> {
    let bytes = || prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
    let headers = prop::collection::vec(bytes(), 0..4);
    let row = (0i64..2_000_000_000_000, bytes(), bytes(), headers);
    (0i64..1 << 40, prop::collection::vec(row, 1..60)).prop_map(move |(base, rows)| {
        rows.into_iter()
            .enumerate()
            .map(|(i, (timestamp, key, value, headers))| Row {
                offset: base + i as i64,
                timestamp,
                key,
                value,
                headers: headers.into_iter().enumerate().map(|(h, v)| (names(h), v)).collect(),
            })
            .collect()
    })
}

fn any_codec() -> impl Strategy<Value = Codec> {
    prop::sample::select(vec![Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd])
}

proptest! {
    #[test]
    fn what_is_written_is_walked(rows in some_rows(|_| "same".into()), codec in any_codec(), cut in (0usize..60, 0usize..60)) {
        let batch = write(&rows, codec);
        let (base, end) = (rows[0].offset, rows[0].offset + rows.len() as i64);
        prop_assert_eq!(&walk_rows(&batch, slice(base, end)).unwrap(), &rows);
        let (from, to) = (cut.0.min(cut.1).min(rows.len()), cut.0.max(cut.1).min(rows.len()));
        let part = slice(base + from as i64, base + to as i64);
        prop_assert_eq!(&walk_rows(&batch, part).unwrap()[..], &rows[from..to]);
        let counted = walk(&batch, part, Want::default()).unwrap();
        prop_assert_eq!(counted.iter().map(|r| r.len).sum::<usize>(), to - from);
        let opened: Vec<Row> = open_packed(&batch, part, ALL).unwrap().iter().flat_map(super::tests::rows).collect();
        prop_assert_eq!(&opened[..], &rows[from..to]);
        let counted = open_packed(&batch, part, Want::default()).unwrap();
        prop_assert_eq!(counted.iter().map(|r| r.len).sum::<usize>(), to - from);
    }

    #[test]
    fn the_oracle_reads_what_we_write(rows in some_rows(|h| format!("h{h}"))) {
        let mut bytes = Bytes::from(write(&rows, Codec::None));
        let set = oracle::RecordBatchDecoder::decode(&mut bytes).unwrap();
        let read: Vec<Row> = set.records.into_iter().map(|r| Row {
            offset: r.offset,
            timestamp: r.timestamp,
            key: r.key.map(|k| k.to_vec()),
            value: r.value.map(|v| v.to_vec()),
            headers: r.headers.into_iter().map(|(n, v)| (n.to_string(), v.map(|v| v.to_vec()))).collect(),
        }).collect();
        prop_assert_eq!(read, rows);
    }

    #[test]
    fn we_read_what_the_oracle_writes(rows in some_rows(|h| format!("h{h}")), codec in any_codec()) {
        let records: Vec<oracle::Record> = rows.iter().enumerate().map(|(i, r)| oracle::Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 7,
            producer_id: -1,
            producer_epoch: -1,
            timestamp_type: oracle::TimestampType::Creation,
            offset: r.offset,
            sequence: i32::try_from(i).unwrap(),
            timestamp: r.timestamp,
            key: r.key.clone().map(Bytes::from),
            value: r.value.clone().map(Bytes::from),
            headers: r.headers.iter().map(|(n, v)| (StrBytes::from_string(n.clone()), v.clone().map(Bytes::from))).collect(),
        }).collect();
        let named = match codec {
            Codec::None => oracle::Compression::None,
            Codec::Gzip => oracle::Compression::Gzip,
            Codec::Snappy => oracle::Compression::Snappy,
            Codec::Lz4 => oracle::Compression::Lz4,
            Codec::Zstd => oracle::Compression::Zstd,
        };
        let options = oracle::RecordEncodeOptions { version: 2, compression: named };
        let mut bytes = BytesMut::new();
        let pack = |raw: &mut BytesMut, out: &mut BytesMut, _| {
            let mut packed = Vec::new();
            crate::connect::compress::compress(codec, raw, &mut packed).unwrap();
            out.extend_from_slice(&packed);
            Ok(())
        };
        oracle::RecordBatchEncoder::encode_with_custom_compression(&mut bytes, &records, &options, Some(pack)).unwrap();
        let (base, end) = (rows[0].offset, rows[0].offset + rows.len() as i64);
        prop_assert_eq!(walk_rows(&bytes, slice(base, end)).unwrap(), rows);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = walk_rows(&bytes, slice(0, i64::MAX));
        let _ = open_packed(&bytes, slice(0, i64::MAX), ALL);
        let mut forged = bytes;
        if forged.len() > HEADER_BYTES {
            forged[16] = 2;
            forged[0] = 0;
            let length = (forged.len() - PREFIX_BYTES) as u32;
            forged[8..12].copy_from_slice(&length.to_be_bytes());
            let crc = crc32c::crc32c(&forged[21..]);
            forged[17..21].copy_from_slice(&crc.to_be_bytes());
            let _ = walk_rows(&forged, slice(0, i64::MAX));
            let _ = open_packed(&forged, slice(0, i64::MAX), ALL);
        }
    }

    #[test]
    fn a_flipped_bit_gives_an_error_or_the_same_rows(
        rows in some_rows(|_| "h".into()), codec in any_codec(), at in any::<prop::sample::Index>(), bit in 0u8..8
    ) {
        let good = write(&rows, codec);
        let mut bad = good.clone();
        let at = at.index(bad.len());
        bad[at] ^= 1 << bit;
        let (base, end) = (rows[0].offset, rows[0].offset + rows.len() as i64);
        let mut walker = Walker::new(place(), slice(base, end), ALL, Isolation::ReadCommitted).contiguous_from(base);
        match walker.feed(&bad) {
            // A length that grew asks for more bytes than there are.
            Ok(0) => prop_assert!((8..12).contains(&at) && !walker.is_done()),
            Ok(_) => {
                let read: Vec<Row> = walker.take().unwrap().iter().flat_map(super::tests::rows).collect();
                prop_assert_eq!(read, rows);
            }
            Err(error) => {
                let expected = format!("topic orders, partition 3, offset {base}: ");
                prop_assert!(error.message().starts_with(&expected), "{}", error);
            }
        }
    }

    #[test]
    fn a_forged_checksum_never_panics(
        rows in some_rows(|_| "h".into()), codec in any_codec(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        let mut bad = write(&rows, codec);
        for (at, bits) in flips {
            let at = 21 + at.index(bad.len() - 21);
            bad[at] ^= bits;
        }
        let crc = crc32c::crc32c(&bad[21..]);
        bad[17..21].copy_from_slice(&crc.to_be_bytes());
        let _ = walk_rows(&bad, slice(0, i64::MAX));
    }
}

#[test]
fn old_and_unknown_formats_are_named() {
    let row = Row { offset: 5, timestamp: 1, key: None, value: None, headers: vec![] };
    let mut batch = write(&[row], Codec::None);
    batch[16] = 1;
    let error = walk_rows(&batch, slice(5, 6)).unwrap_err();
    assert_eq!(
        error.message(),
        "topic orders, partition 3, offset 5: record batch cannot be read: \
         message format 1 (before Kafka 0.11) is not supported, only format 2"
    );
}

#[test]
fn aborted_and_control_batches_are_not_delivered() {
    let batch = |base: i64, producer: Option<i64>| {
        let mut builder = BatchBuilder::default();
        builder.push(1, None, Some(b"x"), std::iter::empty()).unwrap();
        builder.push(1, None, Some(b"y"), std::iter::empty()).unwrap();
        let stamp =
            producer.map_or(Stamp::plain(0, Codec::Lz4), |producer| Stamp::transactional(producer, 0, Codec::Lz4));
        let mut batch = builder.finish(stamp).unwrap();
        write::set_base_offset(&mut batch, base);
        batch
    };
    let end = |base: i64, producer: i64, commit: bool| {
        let mut marker = write::marker(producer, commit, 9).unwrap();
        write::set_base_offset(&mut marker, base);
        marker
    };
    let log = [
        batch(0, None),
        batch(2, Some(7)),
        batch(4, Some(8)),
        end(6, 7, false),
        batch(7, Some(7)),
        end(9, 8, true),
        end(10, 7, true),
    ]
    .concat();
    let read = |isolation, start, want| {
        let mut walker = Walker::new(place(), slice(start, 11), want, isolation).contiguous_from(0);
        walker.add_aborted([Aborted { first_offset: 2, producer_id: 7 }]);
        let (mut at, mut offsets, mut count) = (0, vec![], 0);
        while !walker.is_done() {
            at += walker.feed(&log[at..]).unwrap();
            if let Some(raw) = walker.take().unwrap() {
                count += raw.len;
                offsets.extend(raw.offsets.iter().flatten().copied().collect::<Vec<i64>>());
            }
        }
        (count, offsets)
    };
    assert_eq!(read(Isolation::ReadCommitted, 0, ALL), (6, vec![0, 1, 4, 5, 7, 8]));
    assert_eq!(read(Isolation::ReadCommitted, 3, ALL), (4, vec![4, 5, 7, 8]));
    assert_eq!(read(Isolation::ReadCommitted, 0, Want::default()), (6, vec![]));
    assert_eq!(read(Isolation::ReadUncommitted, 0, ALL), (8, vec![0, 1, 2, 3, 4, 5, 7, 8]));
}

#[test]
fn offsets_that_go_back_are_damage() {
    let batch = |base| {
        let mut builder = BatchBuilder::default();
        for _ in 0..3 {
            builder.push(1, None, Some(b"v"), std::iter::empty()).unwrap();
        }
        builder.finish(Stamp::plain(base, Codec::None)).unwrap()
    };
    // A read may begin in the middle of a batch, and compaction leaves holes.
    let fine = [batch(2), batch(5), batch(20)].concat();
    let got: Vec<i64> = walk(&fine, slice(4, 100), ALL).unwrap().iter().flat_map(rows).map(|r| r.offset).collect();
    assert_eq!(got, [4, 5, 6, 7, 20, 21, 22]);
    let error = walk(&[batch(2), batch(4)].concat(), slice(0, 100), ALL).unwrap_err();
    assert!(error.message().ends_with("it says it begins at offset 4, before the one before it ends"), "{error}");
}

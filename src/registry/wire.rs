//! The magic byte and schema id in front of a record. Knows no schema.
//!
//! Version 0 of Confluent's wire format: `00`, the id as four bytes big-endian, the payload.

use super::SchemaId;

/// Bytes in front of the payload.
pub const HEADER_LEN: usize = 5;

/// The id and the payload of a framed record; `None` when the bytes do not start with a frame. An id is never negative.
pub fn split(record: &[u8]) -> Option<(SchemaId, &[u8])> {
    match record {
        [0, a, b, c, d, payload @ ..] => {
            let id = SchemaId::from_be_bytes([*a, *b, *c, *d]);
            (id >= 0).then_some((id, payload))
        }
        _ => None,
    }
}

/// The five bytes in front of a payload written with schema `id`.
pub fn header(id: SchemaId) -> [u8; HEADER_LEN] {
    let [a, b, c, d] = id.to_be_bytes();
    [0, a, b, c, d]
}

/// What bytes that should be framed look like instead: the end of the sentence "the record is not framed with a schema
/// id: it …".
pub fn looks_like(record: &[u8]) -> &'static str {
    match record {
        [] => "is empty",
        [0, _, _, _, _, ..] => "carries a negative schema id",
        [0, ..] => "ends inside the frame",
        [b'O', b'b', b'j', 1, ..] => "looks like an Avro container file",
        [0xC3, 0x01, ..] => "looks like Avro single-object encoding",
        [1, rest @ ..] if rest.len() > 16 => "looks framed with a schema GUID (version 1)",
        _ => match std::str::from_utf8(record) {
            Ok(text) if text.trim_start().starts_with(['{', '[']) => "looks like JSON text",
            Ok(text) if !text.chars().any(|c| c.is_control() && !c.is_whitespace()) => "looks like plain text",
            _ => "does not start with a zero byte",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_splits_again() {
        for id in [0, 1, 7, 65_536, i32::MAX] {
            let mut record = header(id).to_vec();
            record.extend_from_slice(b"xy");
            assert_eq!(split(&record), Some((id, b"xy".as_slice())));
        }
        assert_eq!(split(&[0, 0, 0, 7]), None);
        assert_eq!(split(&[1, 0, 0, 0, 7, 2]), None);
        assert_eq!(split(&[0, 255, 255, 255, 255, 2]), None);
    }

    #[test]
    fn unframed_bytes_say_what_they_look_like() {
        assert_eq!(looks_like(b""), "is empty");
        assert_eq!(looks_like(b" {\"a\":1}"), "looks like JSON text");
        assert_eq!(looks_like(b"hello"), "looks like plain text");
        assert_eq!(looks_like(b"\x00\x01"), "ends inside the frame");
        assert_eq!(looks_like(b"Obj\x01.."), "looks like an Avro container file");
        assert_eq!(looks_like(b"\x02\x06abc"), "does not start with a zero byte");
    }
}

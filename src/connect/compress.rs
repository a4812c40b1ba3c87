//! The codecs of record batches, over byte slices. Decompression appends to a buffer and never grows it past a limit.

use std::io::{Read, Write};

use super::batch::{Fault, MAX_BATCH_BYTES};
use crate::error::{Error, Result};

/// How the records of a batch are compressed; numbers as in the batch attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Codec {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// snappy, in the framing of the Java client or raw.
    Snappy,
    /// LZ4 frames.
    #[default]
    Lz4,
    /// zstd.
    Zstd,
}

impl Codec {
    /// The codec numbered `id` in batch attributes.
    ///
    /// # Errors
    /// There is none.
    pub fn from_id(id: i16) -> Result<Codec, Fault> {
        match id {
            0 => Ok(Codec::None),
            1 => Ok(Codec::Gzip),
            2 => Ok(Codec::Snappy),
            3 => Ok(Codec::Lz4),
            4 => Ok(Codec::Zstd),
            other => Err(Fault(format!("unknown compression codec {other}").into())),
        }
    }

    /// Its number in batch attributes.
    pub fn id(self) -> i16 {
        match self {
            Codec::None => 0,
            Codec::Gzip => 1,
            Codec::Snappy => 2,
            Codec::Lz4 => 3,
            Codec::Zstd => 4,
        }
    }

    /// The codec called `name` in a topic's `compression.type`; `producer` is the default.
    pub fn from_name(name: &str) -> Option<Codec> {
        Some(match name {
            "none" | "uncompressed" => Codec::None,
            "gzip" => Codec::Gzip,
            "snappy" => Codec::Snappy,
            "lz4" | "producer" => Codec::Lz4,
            "zstd" => Codec::Zstd,
            _ => return None,
        })
    }
}

const XERIAL: &[u8] = &[0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const XERIAL_HEADER: usize = 16;
const XERIAL_BLOCK: usize = 32 << 10;

/// Appends the decompressed form of `input` to `out`, which is best given room for it before.
///
/// # Errors
/// `input` is not what the codec writes, or larger than [`MAX_BATCH_BYTES`] when decompressed.
pub fn decompress(codec: Codec, input: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    match codec {
        Codec::None => {
            out.extend_from_slice(input);
            Ok(())
        }
        Codec::Gzip => stream("gzip", flate2::bufread::MultiGzDecoder::new(input), out),
        Codec::Zstd => {
            let decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(|e| broken("zstd", &e))?;
            stream("zstd", decoder, out)
        }
        Codec::Snappy => match input.strip_prefix(XERIAL) {
            Some(_) => xerial(input.get(XERIAL_HEADER..).unwrap_or(&[]), out),
            None => snappy(input, out),
        },
        Codec::Lz4 => lz4(input, out),
    }
}

/// Appends the compressed form of `input` to `out`.
///
/// # Errors
/// The codec refuses, which no input makes it do.
pub fn compress(codec: Codec, input: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let failed = |e: std::io::Error| Error::internal(format!("compression failed: {e}")).with_source(e);
    match codec {
        Codec::None => out.extend_from_slice(input),
        Codec::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::default());
            encoder.write_all(input).and_then(|()| encoder.finish().map(|_| ())).map_err(failed)?;
        }
        Codec::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(out, 0).map_err(failed)?;
            encoder.write_all(input).and_then(|()| encoder.finish().map(|_| ())).map_err(failed)?;
        }
        Codec::Lz4 => {
            use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
            let info = FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Independent);
            let mut encoder = FrameEncoder::with_frame_info(info, out);
            encoder.write_all(input).map_err(failed)?;
            encoder.finish().map_err(|e| failed(e.into()))?;
        }
        Codec::Snappy => {
            out.extend_from_slice(XERIAL);
            out.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1]);
            let mut encoder = snap::raw::Encoder::new();
            for block in input.chunks(XERIAL_BLOCK) {
                let block = encoder.compress_vec(block).map_err(|e| failed(e.into()))?;
                let length = u32::try_from(block.len()).map_err(|e| Error::internal(e.to_string()))?;
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(&block);
            }
        }
    }
    Ok(())
}

fn broken(codec: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault(format!("its {codec} data is broken: {why}").into())
}

fn too_large() -> Fault {
    Fault(format!("it is larger than {} MiB when decompressed", MAX_BATCH_BYTES >> 20).into())
}

fn stream(codec: &str, decoder: impl Read, out: &mut Vec<u8>) -> Result<(), Fault> {
    let before = out.len();
    let limit = MAX_BATCH_BYTES as u64 + 1;
    decoder.take(limit).read_to_end(out).map_err(|e| broken(codec, &e))?;
    if out.len() - before > MAX_BATCH_BYTES {
        return Err(too_large());
    }
    Ok(())
}

fn snappy(input: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let length = snap::raw::decompress_len(input).map_err(|e| broken("snappy", &e))?;
    // No element of the format expands more than 64 bytes from three, so a greater claim is a lie.
    if length > input.len().saturating_mul(32) {
        return Err(broken("snappy", &"impossible length"));
    }
    if length > MAX_BATCH_BYTES {
        return Err(too_large());
    }
    let before = out.len();
    out.resize(before.saturating_add(length), 0);
    let target = out.get_mut(before..).unwrap_or(&mut []);
    let written = snap::raw::Decoder::new().decompress(input, target).map_err(|e| broken("snappy", &e))?;
    out.truncate(before.saturating_add(written));
    Ok(())
}

fn xerial(mut rest: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let before = out.len();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let block = tail.get(..length).ok_or_else(|| broken("snappy", &"a block is cut short"))?;
        snappy(block, out)?;
        if out.len() - before > MAX_BATCH_BYTES {
            return Err(too_large());
        }
        rest = tail.get(length..).unwrap_or(&[]);
    }
    if rest.is_empty() { Ok(()) } else { Err(broken("snappy", &"a block is cut short")) }
}

const LZ4_MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const LZ4_WINDOW: usize = 64 << 10;

/// LZ4 frames, decoded straight into `out`. Frame checksums are not compared: CRC32C of the batch covers them.
fn lz4(mut rest: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let cut = || broken("lz4", &"it is cut short");
    let start = out.len();
    while !rest.is_empty() {
        let (magic, tail) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
        let (&[flags, descriptor], tail) = tail.split_first_chunk::<2>().ok_or_else(cut)?;
        if *magic != LZ4_MAGIC || flags >> 6 != 1 {
            return Err(broken("lz4", &"it is not an LZ4 frame"));
        }
        if flags & 1 != 0 {
            return Err(broken("lz4", &"it needs a dictionary"));
        }
        let block_size = match (descriptor >> 4) & 7 {
            size @ 4..=7 => 1usize << (8 + 2 * size),
            _ => return Err(broken("lz4", &"impossible block size")),
        };
        let header_tail = if flags & 8 != 0 { 9 } else { 1 };
        let frame = out.len();
        rest = tail.get(header_tail..).ok_or_else(cut)?;
        loop {
            let (size, tail) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            let size = u32::from_le_bytes(*size);
            rest = tail;
            if size == 0 {
                break;
            }
            let length = (size & 0x7fff_ffff) as usize;
            let block = rest.get(..length).ok_or_else(cut)?;
            let checksum = if flags & 16 != 0 { 4 } else { 0 };
            rest = rest.get(length + checksum..).ok_or_else(cut)?;
            let history = if flags & 32 != 0 { out.len() } else { frame };
            lz4_block(block, size >> 31 != 0, block_size, history, out)?;
            if out.len() - start > MAX_BATCH_BYTES {
                return Err(too_large());
            }
        }
        if flags & 4 != 0 {
            rest = rest.get(4..).ok_or_else(cut)?;
        }
    }
    Ok(())
}

/// One block; bytes of `out` from `history` on may be referred to by it.
fn lz4_block(block: &[u8], stored: bool, size: usize, history: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    if stored {
        if block.len() > size {
            return Err(broken("lz4", &"a block is too large"));
        }
        out.extend_from_slice(block);
        return Ok(());
    }
    let before = out.len();
    // A block cannot expand more than 255 times.
    let room = size.min(block.len().saturating_mul(256));
    out.resize(before.saturating_add(room), 0);
    let (done, target) = out.split_at_mut(before);
    let from = history.max(before.saturating_sub(LZ4_WINDOW)).min(before);
    let dictionary = done.get(from..).unwrap_or(&[]);
    let written = if dictionary.is_empty() {
        lz4_flex::block::decompress_into(block, target)
    } else {
        lz4_flex::block::decompress_into_with_dict(block, target, dictionary)
    }
    .map_err(|e| broken("lz4", &e))?;
    out.truncate(before.saturating_add(written));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Codec; 5] = [Codec::None, Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

    #[test]
    fn linked_blocks_and_checksums_of_other_lz4_writers_are_read() {
        use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
        let input: Vec<u8> = (0..300_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        for mode in [BlockMode::Linked, BlockMode::Independent] {
            let info = FrameInfo::new()
                .block_mode(mode)
                .block_size(BlockSize::Max64KB)
                .block_checksums(true)
                .content_checksum(true)
                .content_size(Some(input.len() as u64));
            let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
            encoder.write_all(&input).unwrap();
            let mut out = b"before".to_vec();
            decompress(Codec::Lz4, &encoder.finish().unwrap(), &mut out).unwrap();
            assert_eq!(&out[6..], &input[..]);
        }
    }

    #[test]
    fn raw_snappy_is_read() {
        let input = b"snappy without the framing, framing, framing".repeat(9);
        let raw = snap::raw::Encoder::new().compress_vec(&input).unwrap();
        let mut out = Vec::new();
        decompress(Codec::Snappy, &raw, &mut out).unwrap();
        assert_eq!(out, input);
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(
            codec in prop::sample::select(&ALL[..]), input in prop::collection::vec(0u8..4, 0..90_000)
        ) {
            let (mut packed, mut out) = (Vec::new(), vec![7]);
            compress(codec, &input, &mut packed).unwrap();
            decompress(codec, &packed, &mut out).unwrap();
            prop_assert_eq!(&out[1..], &input[..]);
        }

        #[test]
        fn damage_never_panics(
            codec in prop::sample::select(&ALL[..]),
            input in prop::collection::vec(any::<u8>(), 0..2000),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        ) {
            let mut packed = Vec::new();
            compress(codec, &input, &mut packed).unwrap();
            for (at, bits) in flips {
                if !packed.is_empty() {
                    let at = at.index(packed.len());
                    packed[at] ^= bits;
                }
            }
            let mut out = Vec::new();
            let _ = decompress(codec, &packed, &mut out);
            let _ = decompress(codec, &input, &mut out);
        }
    }
}

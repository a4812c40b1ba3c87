//! Which partition a record goes to: the rules of the Java client's default partitioner.

use super::NewRecord;
use crate::error::{Error, Result};

/// Java's murmur2, as Kafka uses it on keys.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    // Only the low 32 bits of the length matter, as in Java.
    let mut h = 0x9747_b28c ^ (data.len() as u32);
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut k = chunk.first_chunk::<4>().map_or(0, |c| u32::from_le_bytes(*c));
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        for (i, byte) in rest.iter().enumerate() {
            h ^= u32::from(*byte) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

/// The partition of `key` among `partitions`.
pub fn partition_of(key: &[u8], partitions: i32) -> i32 {
    (murmur2(key) & 0x7fff_ffff).cast_signed() % partitions.max(1)
}

/// Chooses partitions for the records of one writer. Records without a key stay on one partition until
/// [`Partitioner::turn`] is called, so that they make few batches.
#[derive(Debug)]
pub struct Partitioner {
    partitions: i32,
    sticky: i32,
}

impl Partitioner {
    /// Among `partitions`; records without a key begin at partition `seed` modulo that.
    pub fn new(partitions: i32, seed: i64) -> Self {
        let sticky = seed.rem_euclid(i64::from(partitions.max(1)));
        Partitioner { partitions, sticky: i32::try_from(sticky).unwrap_or(0) }
    }

    /// Where `record` goes.
    ///
    /// # Errors
    /// It names a partition that is not there.
    pub fn choose(&self, topic: &str, record: &NewRecord) -> Result<i32> {
        match (record.partition, &record.key) {
            (Some(p), _) if (0..self.partitions).contains(&p) => Ok(p),
            (Some(p), _) => Err(Error::sql(format!(
                "topic {topic} has no partition {p}; it has {}, numbered from 0",
                self.partitions
            ))),
            (None, Some(key)) => Ok(partition_of(key, self.partitions)),
            (None, None) => Ok(self.sticky),
        }
    }

    /// Sends the following records without a key to the next partition.
    pub fn turn(&mut self) {
        self.sticky = (self.sticky + 1) % self.partitions.max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_where_the_java_client_sends_them() {
        // From Kafka's own UtilsTest.testMurmur2.
        let vectors: [(&[u8], i32); 6] = [
            (b"21", -973932308),
            (b"foobar", -790332482),
            (b"a-little-bit-long-string", -985981536),
            (b"a-little-bit-longer-string", -1486304829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
            (b"abc", 479470107),
        ];
        for (key, hash) in vectors {
            assert_eq!(murmur2(key).cast_signed(), hash);
        }
        assert_eq!(partition_of(b"100:48069", 12), 9);
    }

    #[test]
    fn records_without_a_key_stick_until_turned() {
        let mut p = Partitioner::new(3, 5);
        let none = NewRecord::default();
        assert_eq!(p.choose("t", &none).unwrap(), 2);
        p.turn();
        assert_eq!(p.choose("t", &none).unwrap(), 0);
        let beyond = NewRecord { partition: Some(3), ..Default::default() };
        assert_eq!(
            p.choose("t", &beyond).unwrap_err().message(),
            "topic t has no partition 3; it has 3, numbered from 0"
        );
    }
}

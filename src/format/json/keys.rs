//! How the objects of one place have spelled and ordered their keys so far. Knows text and places; never values.
//!
//! ```text
//!   records  {"id":1,"region":"EU"}  {"id":2,"note":"","region":"US"}
//!
//!   known    first ─► "id": ─► "region":          the next key is expected to be the one that followed the last time,
//!            first ─► "id": ─► "note": ─► "region":    and one comparison of bytes tells; any other is looked up
//! ```

/// How many keys are remembered; with one more, all are forgotten.
const MAX_KEYS: usize = 256;
/// The longest key that is remembered, in bytes.
const MAX_LENGTH: usize = 256;
/// Slots of the table, a power of two.
const SLOTS: usize = 4 * MAX_KEYS;

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// No column that is used.
    Nothing,
    Child {
        index: usize,
        exact: bool,
    },
}

#[derive(Debug)]
struct Known {
    /// The key as records write it, escapes as they are, with its quotes and the colon.
    lead: Box<[u8]>,
    meaning: Meaning,
    /// The key that came after it the last time.
    next: usize,
}

impl Known {
    fn is(&self, key: &str) -> bool {
        self.lead.get(1..).and_then(|l| l.strip_suffix(b"\":")) == Some(key.as_bytes())
    }
}

/// The keys that were seen.
#[derive(Debug, Default)]
pub(super) struct Keys {
    known: Vec<Known>,
    /// Places in `known` by hash, plus one.
    slots: Vec<u16>,
    first: usize,
}

/// A place in an object: after a key, or before the first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct After(Option<usize>);

impl Keys {
    /// The bytes of the key that probably comes next, its meaning, and the place after it.
    #[inline]
    pub(super) fn expected(&self, after: After) -> Option<(&[u8], Meaning, After)> {
        let next = match after.0 {
            Some(last) => self.known.get(last)?.next,
            None => self.first,
        };
        let known = self.known.get(next)?;
        Some((&known.lead, known.meaning, After(Some(next))))
    }

    /// The meaning of a key, as records write it between the quotes, and the place after it, if it was seen before.
    #[inline]
    pub(super) fn find(&mut self, key: &str, after: After) -> Option<(Meaning, After)> {
        let mut slot = hash(key.as_bytes());
        loop {
            let place = usize::from(*self.slots.get(slot)?).checked_sub(1)?;
            let known = self.known.get(place)?;
            if known.is(key) {
                let meaning = known.meaning;
                self.follows(after, place);
                return Some((meaning, After(Some(place))));
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// Remembers a key that [`Keys::find`] did not find.
    #[cold]
    pub(super) fn learn(&mut self, key: &str, meaning: Meaning, after: After) -> After {
        if key.len() > MAX_LENGTH {
            return after;
        }
        if self.known.len() == MAX_KEYS || self.slots.is_empty() {
            self.known.clear();
            self.slots = vec![0; SLOTS];
        }
        let place = self.known.len();
        let mut slot = hash(key.as_bytes());
        while self.slots.get(slot).is_some_and(|s| *s != 0) {
            slot = (slot + 1) % SLOTS;
        }
        if let (Some(free), Ok(number)) = (self.slots.get_mut(slot), u16::try_from(place + 1)) {
            *free = number;
            let lead = ["\"", key, "\":"].concat().into_bytes().into_boxed_slice();
            self.known.push(Known { lead, meaning, next: place + 1 });
            self.follows(after, place);
        }
        After(Some(place))
    }

    #[inline]
    fn follows(&mut self, after: After, place: usize) {
        match after.0 {
            Some(last) => {
                if let Some(known) = self.known.get_mut(last) {
                    known.next = place;
                }
            }
            None => self.first = place,
        }
    }
}

/// A slot for the key: of its length, its first bytes and its last.
#[inline]
fn hash(key: &[u8]) -> usize {
    let (first, last) = match (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
        _ => match (key.first_chunk::<4>(), key.last_chunk::<4>()) {
            (Some(first), Some(last)) => (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()),
            _ => (key.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)), 0),
        },
    };
    let mixed = (first ^ last.rotate_left(23) ^ key.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 32) as usize % SLOTS
}

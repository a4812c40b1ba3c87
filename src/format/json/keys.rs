//! How the objects of one place have spelled and ordered their keys so far. Knows text and places; never values.
//!
//! ```text
//!   records  {"id":1,"region":"EU"}  {"id":2,"note":"","region":"US"}
//!
//!   known    first ─► "id": ─► "region":          the next key is expected to be the one that followed the last time,
//!            first ─► "id": ─► "note": ─► "region":    and one comparison of bytes tells; any other is looked up
//! ```

use super::guess::{Lead, ShortKey};
use super::parse::Parser;

/// How many keys are remembered; with one more, all are forgotten.
const MAX_KEYS: usize = 256;
/// The longest key that is remembered, in bytes from its quote to its colon.
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
    /// The key as records write it between the quotes, escapes as they are.
    key: Box<str>,
    short: ShortKey,
    /// The same with its quotes, the colon, and the white space in front of that.
    lead: Lead,
    meaning: Meaning,
    /// The key that came after it the last time.
    next: usize,
}

/// The keys that were seen.
#[derive(Debug, Default)]
pub(super) struct Keys {
    known: Vec<Known>,
    /// Places in `known` by hash, plus one.
    slots: Vec<u16>,
    first: usize,
    /// Rises with wrong guesses and falls with right ones; nothing is guessed while it is high.
    wrong: u8,
}

/// From here on keys are looked up at once.
const TOO_WRONG: u8 = 8;

/// A place in an object: after a key, or before the first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct After(Option<usize>);

impl Keys {
    fn next(&self, after: After) -> usize {
        match after.0 {
            Some(last) => self.known.get(last).map_or(usize::MAX, |k| k.next),
            None => self.first,
        }
    }

    /// Consumes the next key and its colon when it was seen before and is written as usual: its meaning, and the place
    /// after it.
    #[inline]
    pub(super) fn usual(&mut self, parser: &mut Parser<'_>, after: After) -> Option<(Meaning, After)> {
        let next = self.next(after);
        if self.wrong < TOO_WRONG
            && let Some(known) = self.known.get(next)
            && parser.expected(&known.lead)
        {
            self.wrong = self.wrong.saturating_sub(1);
            return Some((known.meaning, After(Some(next))));
        }
        let (key, end) = parser.short_key()?;
        let (place, meaning) = self.search(slot(key), |known| known.short == key)?;
        parser.jump(end);
        self.follows(after, place);
        Some((meaning, After(Some(place))))
    }

    /// The meaning of a key, as records write it between the quotes, and the place after it, if it was seen before.
    pub(super) fn find(&mut self, key: &str, after: After) -> Option<(Meaning, After)> {
        let (place, meaning) = self.search(hash(key), |known| *known.key == *key)?;
        self.follows(after, place);
        Some((meaning, After(Some(place))))
    }

    #[inline]
    fn search(&self, mut slot: usize, is: impl Fn(&Known) -> bool) -> Option<(usize, Meaning)> {
        loop {
            let place = usize::from(*self.slots.get(slot)?).checked_sub(1)?;
            let known = self.known.get(place)?;
            if is(known) {
                return Some((place, known.meaning));
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// Remembers a key that [`Keys::find`] did not find, and how it was written from its quote to its colon.
    #[cold]
    pub(super) fn learn(&mut self, key: &str, lead: &str, meaning: Meaning, after: After) -> After {
        if lead.len() > MAX_LENGTH {
            return after;
        }
        if self.known.len() == MAX_KEYS || self.slots.is_empty() {
            self.known.clear();
            self.slots = vec![0; SLOTS];
        }
        let place = self.known.len();
        let mut slot = hash(key);
        while self.slots.get(slot).is_some_and(|s| *s != 0) {
            slot = (slot + 1) % SLOTS;
        }
        if let (Some(free), Ok(number)) = (self.slots.get_mut(slot), u16::try_from(place + 1)) {
            *free = number;
            let lead = Lead::new(lead.as_bytes());
            let short = ShortKey::of(key.as_bytes()).unwrap_or(ShortKey::NONE);
            self.known.push(Known { key: key.into(), short, lead, meaning, next: place + 1 });
            self.follows(after, place);
        }
        After(Some(place))
    }

    #[inline]
    fn follows(&mut self, after: After, place: usize) {
        let next = match after.0 {
            Some(last) => match self.known.get_mut(last) {
                Some(known) => &mut known.next,
                None => return,
            },
            None => &mut self.first,
        };
        self.wrong = if *next == place { self.wrong.saturating_sub(1) } else { (self.wrong + 1).min(2 * TOO_WRONG) };
        *next = place;
    }
}

/// A slot for a key of any length.
fn hash(key: &str) -> usize {
    let bytes = key.as_bytes();
    match (ShortKey::of(bytes), bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (None, Some(first), Some(last)) => {
            mix(u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(23) ^ key.len() as u64)
        }
        (short, _, _) => slot(short.unwrap_or(ShortKey::NONE)),
    }
}

#[inline]
fn slot(key: ShortKey) -> usize {
    let (low, high) = key.halves();
    mix(low ^ high.rotate_left(23))
}

#[inline]
fn mix(word: u64) -> usize {
    (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % SLOTS
}

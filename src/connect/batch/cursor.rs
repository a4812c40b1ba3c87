//! Reading numbers and byte strings from a slice, never past its end.

/// A position in a slice.
#[derive(Debug, Clone)]
pub(in crate::connect) struct Cursor<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(in crate::connect) fn new(data: &'a [u8]) -> Self {
        Cursor { data, at: 0 }
    }

    /// Bytes before the position.
    pub(in crate::connect) fn position(&self) -> usize {
        self.at
    }

    /// Moves to `at`, which must not lie behind the position or past the end.
    pub(in crate::connect) fn jump(&mut self, at: usize) -> Option<()> {
        (at >= self.at && at <= self.data.len()).then(|| self.at = at)
    }

    #[inline]
    pub(in crate::connect) fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }

    #[inline]
    pub(in crate::connect) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.data.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    pub(in crate::connect) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// A zigzag varint of up to ten bytes.
    #[inline]
    pub(in crate::connect) fn varint(&mut self) -> Option<i64> {
        let mut value = 0u64;
        let mut shift = 0u32;
        loop {
            let byte = *self.data.get(self.at)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
            shift += 7;
        }
    }

    /// A varint that counts something; `None` when it is negative.
    #[inline]
    pub(in crate::connect) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok()
    }

    /// A length-prefixed byte string; the inner `None` is null.
    #[inline]
    pub(in crate::connect) fn bytes(&mut self) -> Option<Option<&'a [u8]>> {
        let length = self.varint()?;
        if length < 0 {
            return (length == -1).then_some(None);
        }
        self.take(usize::try_from(length).ok()?).map(Some)
    }
}

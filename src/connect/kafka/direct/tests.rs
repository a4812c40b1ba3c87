//! Responses that lie, and settings that lead elsewhere.

use bytes::Bytes;
use proptest::prelude::*;

use super::answer::{self, Answer};

proptest! {
    #[test]
    fn random_responses_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), flexible: bool, version in 0_i16..14) {
        let answer = || Answer::new(Bytes::from(bytes.clone()), flexible);
        let _ = answer::api_versions(answer(), version);
        let _ = answer::handshake(answer());
        let _ = answer::authenticate(answer());
        let _ = answer::metadata(answer(), version);
        let _ = answer::list_offsets(answer(), version);
        let _ = answer::fetch(answer(), version);
    }
}

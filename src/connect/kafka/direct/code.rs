//! Error codes of the Kafka protocol, as far as reading meets them.

use rdkafka::bindings::rd_kafka_resp_err_t;
use rdkafka::error::RDKafkaErrorCode;

use crate::connect::kafka::error;
use crate::error::Error;

/// The offset asked for is not in the log.
pub(super) const OFFSET_OUT_OF_RANGE: i16 = 1;
/// A batch does not match its checksum, on the broker.
pub(super) const CORRUPT: i16 = 2;
const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const INVALID_TOPIC: i16 = 17;
const UNKNOWN_TOPIC_ID: i16 = 100;
/// The topic under this name is another one by now.
pub(super) const INCONSISTENT_TOPIC_ID: i16 = 103;

/// Leader not available, not leader, timed out, replica not available, network, storage error, fenced or unknown
/// leader epoch, offset not available.
const PASSING: &[i16] = &[5, 6, 7, 9, 13, 56, 74, 75, 78];

/// Whether the same question may be answered a moment later, perhaps by another broker.
pub(super) fn is_passing(code: i16) -> bool {
    PASSING.contains(&code)
}

/// Whether it says that the topic is not there.
pub(super) fn is_missing(code: i16) -> bool {
    matches!(code, UNKNOWN_TOPIC_OR_PARTITION | INVALID_TOPIC | UNKNOWN_TOPIC_ID)
}

/// The error for a code that a question about `what` was answered with.
pub(super) fn error(code: i16, what: &str) -> Error {
    match rd_kafka_resp_err_t::try_from(i32::from(code)) {
        Ok(code) => error::of_code(RDKafkaErrorCode::from(code), what),
        Err(_) => Error::connect(format!("{what}: the broker answered with error code {code}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_names() {
        assert_eq!(error(29, "topic \"t\"").message(), "we are not allowed to use topic \"t\" (authorisation)");
        assert_eq!(error(3, "topic \"t\"").message(), "topic \"t\" is not there, or was deleted meanwhile");
        assert!(error(9999, "topic \"t\"").message().ends_with("error code 9999"));
        assert!(is_passing(6) && !is_passing(3) && is_missing(100));
    }
}

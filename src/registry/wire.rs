//! The magic byte and schema id in front of a record.

//! The local log: the suite, crashes, damage, retention.

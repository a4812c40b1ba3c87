//! A registry kept in a topic.

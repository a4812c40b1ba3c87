//! Responses to text.

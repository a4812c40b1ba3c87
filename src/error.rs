//! The one error type: what happened, why, and what would do. Knows nothing of any layer above the standard library.

use std::error::Error as StdError;
use std::fmt;

/// The result of everything fallible in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the person who sees the error should do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Fix the statement: syntax, names, types, or a run-time failure that its text caused.
    Sql,
    /// Fix the flags, the configuration, a parameter or a query file; nothing was connected.
    Usage,
    /// The cluster or the registry could not be reached or refused us; trying again may help.
    Connect,
    /// Records or files hold something that cannot be read, and the query asked to fail on it.
    Data,
    /// The operating system refused a file operation.
    Io,
    /// A limit on time was reached.
    Timeout,
    /// A limit on rows, memory or concurrency was reached.
    Limit,
    /// The person stopped it.
    Cancelled,
    /// A defect in weir: please report it.
    Internal,
}

impl Kind {
    /// The process exit code for an error of this kind (`README.md` lists them).
    pub fn exit_code(self) -> i32 {
        match self {
            Kind::Sql | Kind::Data | Kind::Io | Kind::Limit | Kind::Internal => 1,
            Kind::Usage => 2,
            Kind::Connect => 3,
            Kind::Timeout => 124,
            Kind::Cancelled => 130,
        }
    }

    /// The stable lower-case name used in structured output.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Sql => "sql",
            Kind::Usage => "usage",
            Kind::Connect => "connect",
            Kind::Data => "data",
            Kind::Io => "io",
            Kind::Timeout => "timeout",
            Kind::Limit => "limit",
            Kind::Cancelled => "cancelled",
            Kind::Internal => "internal",
        }
    }
}

/// A half-open range of bytes in the text that was executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// A span over `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Span { start, end }
    }
}

/// An error with everything a good screen needs. Cheap to move: one pointer.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    span: Option<Span>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with its one-sentence message: which thing, and what is wrong with it.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner { kind, message: message.into(), detail: None, hint: None, span: None, source: None }))
    }

    /// [`Kind::Sql`] with a message.
    pub fn sql(message: impl Into<String>) -> Self {
        Self::new(Kind::Sql, message)
    }

    /// [`Kind::Usage`] with a message.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// [`Kind::Connect`] with a message.
    pub fn connect(message: impl Into<String>) -> Self {
        Self::new(Kind::Connect, message)
    }

    /// [`Kind::Data`] with a message.
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(Kind::Data, message)
    }

    /// [`Kind::Internal`] with a message.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// [`Kind::Io`]: `what` was being done, `source` says why it failed.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        let what = what.into();
        Self::new(Kind::Io, format!("{what}: {source}")).with_source(source)
    }

    /// Adds the longer explanation, shown under the message.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds the one thing to try next.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Points at the text that caused the error.
    #[must_use]
    pub fn with_span(mut self, span: Span) -> Self {
        self.0.span = Some(span);
        self
    }

    /// Keeps the typed cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Changes the kind, keeping the rest.
    #[must_use]
    pub fn with_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// What to do next.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The one-sentence message.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The longer explanation, if any.
    pub fn detail(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    /// The one thing to try next, if there is one.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Where in the executed text, if known.
    pub fn span(&self) -> Option<Span> {
        self.0.span
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("detail", &self.0.detail)
            .field("hint", &self.0.hint)
            .field("span", &self.0.span)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|s| s.as_ref() as &(dyn StdError + 'static))
    }
}

/// The candidate nearest to `wanted`, when it is near enough to be a slip: at most a third of its length away.
///
/// Comparison ignores case; a single letter is never a slip of another. Ties go to the first candidate.
pub fn nearest<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wanted.to_lowercase();
    let length = wanted.chars().count();
    let limit = (length / 3).max(1).min(length.saturating_sub(1));
    candidates
        .into_iter()
        .map(|c| (strsim::osa_distance(&lower, &c.to_lowercase()), c))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_suggests_slips_and_keeps_quiet_otherwise() {
        assert_eq!(nearest("amout", ["region", "amount"]), Some("amount"));
        assert_eq!(nearest("AMOUNT", ["amount"]), Some("amount"));
        assert_eq!(nearest("d", ["a"]), None);
        assert_eq!(nearest("A", ["a"]), Some("a"));
        assert_eq!(nearest("zebra", ["region", "amount"]), None);
    }

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}

//! The names a person can type, cached for completion and suggestions.

/// A snapshot of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Topics and declared streams.
    pub tables: Vec<TableNames>,
    /// Function names, lower case.
    pub functions: Vec<String>,
}

/// A table and its columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableNames {
    /// Name of the topic or stream.
    pub name: String,
    /// Column paths (`customer`, `customer.name`), visible columns first, then metadata columns. Empty when not loaded yet.
    pub columns: Vec<String>,
}

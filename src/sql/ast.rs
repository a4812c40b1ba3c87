//! Statements, as plain data.

use sqlparser::ast as sql;
use sqlparser::tokenizer::TokenWithSpan;

use crate::error::Span;

/// One parsed statement.
#[derive(Debug, Clone)]
pub enum Statement {
    /// Anything DataFusion plans: SELECT, WITH, VALUES, EXPLAIN, INSERT.
    Query(Query),
    /// `CREATE STREAM name (columns) WITH (…)`.
    CreateStream(CreateStream),
    /// `DROP STREAM [IF EXISTS] name [DELETE TOPIC]`.
    DropStream {
        /// The stream.
        name: Name,
        /// No error when it is not there.
        if_exists: bool,
        /// Delete its topic too.
        delete_topic: bool,
    },
    /// `COPY (query) TO 'path'`.
    Copy {
        /// What to write.
        query: Query,
        /// Where to.
        path: String,
        /// Where the path stands in the text.
        path_span: Span,
    },
    /// `SHOW TOPICS`, `SHOW STREAMS`, `SHOW TABLES`, `SHOW FUNCTIONS`, `SHOW SETTINGS`, with or without a name or pattern.
    Show(Show),
    /// `DESCRIBE name`.
    Describe(Name),
    /// `PRINT topic [FROM BEGINNING] [LIMIT n]`.
    Print {
        /// The topic.
        topic: Name,
        /// Oldest records first instead of the newest.
        from_beginning: bool,
        /// At most this many.
        limit: Option<u64>,
    },
    /// `SET name = value`.
    Set {
        /// The setting.
        name: Name,
        /// Its new value as text.
        value: String,
        /// Where the value stands.
        value_span: Span,
    },
    /// `UNSET name`.
    Unset(Name),
}

/// What `SHOW` lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Show {
    /// Topics of the cluster; `ALL` includes internal ones.
    Topics {
        /// `SHOW ALL TOPICS`.
        all: bool,
    },
    /// Declared streams.
    Streams,
    /// What FROM can name: topics and declared streams together.
    Tables,
    /// Functions, those whose names hold the given text.
    Functions(Option<String>),
    /// Settings.
    Settings,
    /// One setting.
    Setting(Name),
}

/// A name as written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Without quotes.
    pub value: String,
    /// Whether it was quoted, and so must match to the letter.
    pub quoted: bool,
    /// Its place in the text.
    pub span: Span,
}

/// A query that is parsed only after its names are known; until then it is tokens.
#[derive(Debug, Clone)]
pub struct Query {
    /// Tokens with relations rewritten (see [`crate::sql::relation`]).
    pub tokens: Vec<TokenWithSpan>,
    /// The relations named in it that are not plain SQL names.
    pub kind: QueryKind,
}

/// What a query does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueryKind {
    /// Returns rows.
    Select,
    /// Describes a plan.
    Explain,
    /// Appends to a topic.
    Insert,
}

/// A declared column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDeclaration {
    /// Its name.
    pub name: String,
    /// Its type, as SQL.
    pub data_type: sql::DataType,
    /// Where its type stands.
    pub type_span: Span,
    /// Whether it belongs to the record's key.
    pub key: bool,
    /// Where its name stands.
    pub span: Span,
}

/// `CREATE [OR REPLACE] STREAM [IF NOT EXISTS] name [(columns)] WITH (…)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateStream {
    /// The stream.
    pub name: Name,
    /// Replace a stream of that name.
    pub or_replace: bool,
    /// Keep quiet when it is there already.
    pub if_not_exists: bool,
    /// Declared columns; empty when the registry or a sample shall say.
    pub columns: Vec<ColumnDeclaration>,
    /// The `WITH` properties.
    pub with: Vec<Property>,
}

impl CreateStream {
    /// Where the value of the property that has one of `names` stands, else the stream's name: what an error about it
    /// points at.
    pub fn place_of(&self, names: &[&str]) -> Span {
        self.with.iter().find(|p| names.contains(&p.name.as_str())).map_or(self.name.span, |p| p.value_span)
    }
}

/// `name = value` of a `WITH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name in lower case.
    pub name: String,
    /// Where the name stands.
    pub name_span: Span,
    /// Its value as text.
    pub value: String,
    /// Where the value stands.
    pub value_span: Span,
}

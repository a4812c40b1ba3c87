//! weir: a SQL engine over Kafka topics.
//!
//! # The life of a statement
//!
//! 1. [`front::start::run`] reads the command line ([`front::cli::parse`]), settles flags, environment and property files into
//!    one [`config::Config`] ([`config::resolve`]), and opens the [`session::engine::Engine`]. Nothing has been contacted yet.
//! 2. A front (shell, script, saved query, server) hands a text and its parameters to [`session::Session::execute`] and gets
//!    a stream of [`session::response::Response`]s. Behind it `session::run::script` works in a task of its own.
//! 3. [`sql::split::split`] cuts the text into statements by its tokens, and remembers where each stands.
//! 4. [`sql::parser::parse`] makes a [`sql::ast::Statement`] of a piece. What stands after FROM and is no plain name has been
//!    rewritten to one ([`sql::relation::rewrite`]); a query stays tokens, all else is complete here.
//! 5. `session::run::one` sends each kind of statement to its file. A query goes on to `session::prepare::prepare`.
//! 6. For each relation `session::resolve::Resolver::table` finds the stream, topic or file; for a topic
//!    [`catalog::shape`] asks the [`registry::Registry`], or looks at a sample ([`format::infer`]), which columns it has.
//! 7. [`sql::case::resolve`] gives the words the spelling of those names, [`sql::bind::bind`] puts parameters in place as
//!    literals, and DataFusion makes a logical plan over [`bounded::table::TopicTable`]s.
//! 8. `session::run::execute` optimises the plan and reads from it what of each column is used, and whether the order of
//!    rows shows ([`bounded::usage::Usage::of`]).
//! 9. `TopicTable::scan` takes the topic's end offsets, once for the whole statement
//!    ([`bounded::statement::Statement::snapshot`]), narrows them by the predicates ([`bounded::prune::Bounds`]), or to the
//!    newest n ([`bounded::tail::newest`]), and plans a [`bounded::scan::TopicScan`].
//! 10. The scan starts [`connect::Connector::read`]: threads that deliver [`connect::RawRecords`], columns of records as they
//!     came, through a bounded channel.
//! 11. [`bounded::rows::Rows::make`] drops what key and metadata already rule out and has the rest decoded by its
//!     [`format::Format`] into just the columns in use; a record that cannot be decoded becomes a row with its error.
//! 12. DataFusion's operators do the rest. `session::run::run_query` sends schema, rows and at last the receipt, and the front
//!     shows them ([`front::show`], [`render`]) or streams them ([`front::http`]).
//!
//! INSERT takes steps 1 to 8 and ends in [`bounded::sink::TopicSink`], which encodes rows and commits them as one.
//!
//! The modules below stand in reading order: each uses only those above it (`tests/tidy.rs`). `ARCHITECTURE.md` has the map.

#![warn(missing_docs)]
// The documentation is read by those who work on weir: it is built with private items, and may link to them.
#![allow(rustdoc::private_intra_doc_links)]
#![warn(clippy::unwrap_used, clippy::indexing_slicing, clippy::clone_on_ref_ptr)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing))]

pub mod error;

pub mod figure;

pub mod types;

pub mod sql;

pub mod config;

pub mod connect;

pub mod function;

pub mod registry;

pub mod format;

pub mod catalog;

pub mod bounded;

pub mod session;

pub mod render;

pub mod front;

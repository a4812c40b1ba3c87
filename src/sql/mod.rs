//! Text to statements. Pure: no I/O, no clock, no async; knows nothing of topics beyond their names' spelling.
//!
//! [`split`] cuts a text into pieces at its `;` tokens, [`parser`] turns a piece into a [`ast::Statement`], [`relation`]
//! rewrites what SQL has no word for (`orders LAST 10`, `errors('orders')`, `'file.csv'`), [`case`] gives unquoted names the
//! spelling of the columns they mean, and [`bind`] puts parameter values in place.

pub mod ast;
pub mod bind;
pub mod case;
pub mod column_type;
mod depth;
pub mod params;
pub mod parser;
pub mod relation;
pub mod split;

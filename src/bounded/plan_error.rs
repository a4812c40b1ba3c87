//! DataFusion's errors as ours: our own taken out again, names that were not found with what was meant, places kept.

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;

use crate::error::{Error, Kind, Span, nearest};
use crate::figure::plural;
use crate::sql::split::Places;

/// Translates an error; places are lost (see [`located`]).
pub fn plan_error(error: DataFusionError) -> Error {
    translate(error, None)
}

/// Translates an error of planning `places`' text.
pub fn located(error: DataFusionError, places: &Places<'_>) -> Error {
    translate(error, Some(places))
}

fn translate(error: DataFusionError, places: Option<&Places<'_>>) -> Error {
    let span = places.and_then(|p| error.diagnostic().and_then(|d| d.span).map(|s| span_of(s, p)));
    let out = bare(error);
    let out = unknown_function(out.message())
        .or_else(|| wrong_arguments(out.message()))
        .or_else(|| column_count(out.message()))
        .or_else(|| same_name(out.message()))
        .or_else(|| values_length(out.message()))
        .or_else(|| not_grouped(out.message()))
        .or_else(|| not_computed(out.message()))
        .unwrap_or(out);
    match (out.span(), span) {
        (None, Some(span)) => out.with_span(span),
        _ => out,
    }
}

fn span_of(span: datafusion::common::Span, places: &Places<'_>) -> Span {
    let at = |l: datafusion::common::Location| sqlparser::tokenizer::Location { line: l.line, column: l.column };
    Span::new(places.byte(at(span.start)), places.byte(at(span.end)))
}

fn bare(error: DataFusionError) -> Error {
    match error {
        DataFusionError::External(inner) => match inner.downcast::<Error>() {
            Ok(ours) => *ours,
            Err(other) => match other.downcast::<DataFusionError>() {
                Ok(nested) => bare(*nested),
                Err(other) => Error::new(Kind::Internal, other.to_string()).with_source(other),
            },
        },
        DataFusionError::ArrowError(inner, context) => match *inner {
            arrow::error::ArrowError::ExternalError(inner) => bare(DataFusionError::External(inner)),
            other => {
                let message = arrow_message(&other);
                let out = Error::sql(message).with_source(other);
                match context {
                    Some(context) if !context.trim().is_empty() => out.with_detail(first_line(&context)),
                    _ => out,
                }
            }
        },
        DataFusionError::Shared(inner) => shared(&inner),
        DataFusionError::Context(_, inner) | DataFusionError::Diagnostic(_, inner) => bare(*inner),
        DataFusionError::Collection(errors) => match errors.into_iter().next() {
            Some(first) => bare(first),
            None => Error::internal("an empty collection of errors"),
        },
        DataFusionError::SchemaError(inner, _) => schema_error(&inner),
        DataFusionError::ResourcesExhausted(message) => {
            Error::new(Kind::Limit, "the query needs more memory than it may use")
                .with_detail(first_line(&message))
                .with_hint("raise --memory, or filter or aggregate earlier")
        }
        DataFusionError::Plan(message)
        | DataFusionError::Execution(message)
        | DataFusionError::Configuration(message) => Error::sql(tidy(&message)),
        DataFusionError::NotImplemented(message) => Error::sql(format!("not supported: {}", tidy(&message))),
        DataFusionError::SQL(inner, _) => Error::sql(inner.to_string()),
        DataFusionError::IoError(inner) => Error::io("reading or writing failed", inner),
        DataFusionError::ObjectStore(inner) => Error::new(Kind::Io, inner.to_string()).with_source(inner),
        other => {
            let message = first_line(&other.strip_backtrace());
            Error::internal(message).with_hint("this looks like a defect in weir; please report it with the statement")
        }
    }
}

/// An error that several streams share: it can only be looked at.
fn shared(error: &DataFusionError) -> Error {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(e) = next {
        if let Some(ours) = e.downcast_ref::<Error>() {
            let mut copy = Error::new(ours.kind(), ours.message());
            if let Some(detail) = ours.detail() {
                copy = copy.with_detail(detail);
            }
            if let Some(hint) = ours.hint() {
                copy = copy.with_hint(hint);
            }
            return copy;
        }
        next = match e.downcast_ref::<DataFusionError>() {
            Some(DataFusionError::External(inner)) => Some(inner.as_ref()),
            _ => e.source(),
        };
    }
    match error {
        DataFusionError::ResourcesExhausted(m) => bare(DataFusionError::ResourcesExhausted(m.clone())),
        DataFusionError::Internal(_) => Error::internal(first_line(&error.strip_backtrace())),
        other => Error::sql(tidy(&other.strip_backtrace())),
    }
}

fn schema_error(error: &SchemaError) -> Error {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            if let Some(error) = unknown_qualifier(field, valid_fields) {
                return error;
            }
            let wanted = &field.name;
            let out = Error::sql(match &field.relation {
                Some(relation) => format!("there is no column \"{wanted}\" in {}", relation.table()),
                None => format!("there is no column \"{wanted}\""),
            });
            let mut names: Vec<&str> = valid_fields.iter().map(|c| c.name.as_str()).collect();
            names.dedup();
            match nearest(wanted, names.iter().copied()) {
                Some(near) => out.with_hint(format!("did you mean \"{near}\"?")),
                None if names.is_empty() => out,
                None => {
                    let shown: Vec<&str> = names.iter().copied().take(12).collect();
                    let more = if names.len() > shown.len() { ", …" } else { "" };
                    out.with_hint(format!("columns are: {}{more}", shown.join(", ")))
                }
            }
        }
        SchemaError::AmbiguousReference { field } => {
            Error::sql(format!("column \"{}\" is in more than one table", field.name))
                .with_hint("put the table's name or alias in front of it")
        }
        other => Error::sql(tidy(&other.to_string())),
    }
}

/// The start of the message about a qualifier that nothing has; the qualifier follows in quotes.
pub const NO_SUCH_QUALIFIER: &str = "there is no table, alias or column \"";

/// `x.id` where `x` is nothing that the statement reads from.
fn unknown_qualifier(field: &Column, valid: &[Column]) -> Option<Error> {
    let wanted = field.relation.as_ref()?.table();
    let mut tables: Vec<&str> = valid.iter().filter_map(|c| c.relation.as_ref()).map(|r| r.table()).collect();
    tables.dedup();
    if tables.is_empty() || tables.contains(&wanted) {
        return None;
    }
    let error = Error::sql(format!("{NO_SUCH_QUALIFIER}{wanted}\""));
    let near = nearest(wanted, tables.iter().copied().chain(valid.iter().map(|c| c.name.as_str())));
    Some(match (near, tables.as_slice()) {
        (Some(near), _) => error.with_hint(format!("did you mean \"{near}\"?")),
        (None, [only]) => error.with_hint(format!("did you mean \"{only}\"?")),
        (None, several) => error.with_hint(format!("the statement reads from: {}", several.join(", "))),
    })
}

/// DataFusion's words for an INSERT whose query gives too few or too many columns.
fn column_count(message: &str) -> Option<Error> {
    message.starts_with("Column count doesn't match insert query").then(|| {
        Error::sql("the query does not give as many columns as it inserts into")
            .with_hint("name the columns: INSERT INTO topic (a, b) …; DESCRIBE topic lists them")
    })
}

/// "Inconsistent data length across values list: got 1 values in row 0 but expected 4".
fn values_length(message: &str) -> Option<Error> {
    let rest = message.strip_prefix("Inconsistent data length across values list: got ")?;
    let (got, rest) = rest.split_once(" values in row ")?;
    let (row, wanted) = rest.split_once(" but expected ")?;
    let (got, row, wanted): (u64, u64, u64) = (got.parse().ok()?, row.parse().ok()?, wanted.parse().ok()?);
    let error = Error::sql(format!("row {} of VALUES has {}, not {wanted}", row + 1, plural(got, "value")));
    Some(error.with_hint("for some of the columns, name them: INSERT INTO topic (a, b) VALUES …"))
}

/// "Column in SELECT must be in GROUP BY …: While expanding wildcard, column "orders.id" must appear in …".
fn not_grouped(message: &str) -> Option<Error> {
    let rest = message.strip_prefix("Column in ")?;
    let (_, rest) = rest.split_once(" must be in GROUP BY or an aggregate function")?;
    let (_, rest) = rest.split_once("column \"")?;
    let (column, _) = rest.split_once("\" must appear")?;
    let name = column.rsplit_once('.').map_or(column, |(_, name)| name);
    let error = Error::sql(format!("column \"{name}\" is neither grouped nor inside an aggregate function"));
    Some(error.with_hint(format!("add GROUP BY {name}, or take max({name}), say")))
}

/// "Cannot coerce arithmetic expression TIMESTAMP(ns) - VARCHAR to valid types".
fn not_computed(message: &str) -> Option<Error> {
    let rest = message.strip_prefix("Cannot coerce arithmetic expression ")?;
    let expression = rest.strip_suffix(" to valid types")?;
    let error = Error::sql(format!("{expression} cannot be computed"));
    Some(if expression.starts_with("TIMESTAMP") && expression.ends_with("VARCHAR") {
        error.with_hint("a length of time is INTERVAL '1 hour'")
    } else {
        error.with_hint("CAST(x AS DOUBLE) makes another type of x")
    })
}

/// DataFusion's words for two columns of one name.
fn same_name(message: &str) -> Option<Error> {
    message.starts_with("Projections require unique expression names").then(|| {
        Error::sql("two columns of the result have the same name")
            .with_hint("give one of them another: … AS other_name")
    })
}

/// "Invalid function 'foo'.\nDid you mean 'log'?", with the suggestion only when it is a near one.
fn unknown_function(message: &str) -> Option<Error> {
    let rest = message.strip_prefix("Invalid function '")?;
    let (name, rest) = rest.split_once('\'')?;
    let error = Error::sql(format!("there is no function \"{name}\""));
    let offered = rest.split('\'').nth(1).and_then(|offered| nearest(name, [offered]));
    Some(match offered {
        Some(near) => error.with_hint(format!("did you mean \"{near}\"?")),
        None => error.with_hint("SHOW FUNCTIONS lists them; SHOW FUNCTIONS LIKE 'text' searches"),
    })
}

/// "… No function matches the given name and argument types 'sum(Int32, Float64)'. … Candidate functions:\n\tsum(Int64)…".
fn wrong_arguments(message: &str) -> Option<Error> {
    let (_, rest) = message.split_once("No function matches the given name and argument types '")?;
    let (call, rest) = rest.split_once('\'')?;
    let error = Error::sql(format!("there is no function {}", sql_types(call)));
    let forms = rest.split_once("Candidate functions:").map_or("", |(_, forms)| forms);
    let forms: Vec<&str> = forms.lines().map(str::trim).filter(|line| !line.is_empty()).take(8).collect();
    Some(if forms.is_empty() {
        error
    } else {
        error.with_hint(format!("it can be called as {}", sql_types(&forms.join(", "))))
    })
}

fn arrow_message(error: &arrow::error::ArrowError) -> String {
    use arrow::error::ArrowError as E;
    match error {
        E::DivideByZero => "division by zero".to_string(),
        E::ArithmeticOverflow(m) => format!("a number became too large: {m}"),
        E::CastError(m)
        | E::ComputeError(m)
        | E::InvalidArgumentError(m)
        | E::ParseError(m)
        | E::CsvError(m)
        | E::JsonError(m) => tidy(m),
        other => other.to_string(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or(text).to_string()
}

/// Arrow's names of types, and SQL's.
const TYPE_NAMES: &[(&str, &str)] = &[
    ("Binary", "BYTES"),
    ("BinaryView", "BYTES"),
    ("Boolean", "BOOLEAN"),
    ("Date32", "DATE"),
    ("Decimal128", "DECIMAL"),
    ("Decimal256", "DECIMAL"),
    ("Float32", "REAL"),
    ("Float64", "DOUBLE"),
    ("Int32", "INT"),
    ("Int64", "BIGINT"),
    ("Timestamp", "TIMESTAMP"),
    ("UInt64", "UBIGINT"),
    ("Utf8", "VARCHAR"),
    ("Utf8View", "VARCHAR"),
];

/// `text` with Arrow's names of types as SQL's, but for what stands in quotes.
fn sql_types(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split('\'').enumerate() {
        if i > 0 {
            out.push('\'');
        }
        if i % 2 == 1 {
            out.push_str(part);
            continue;
        }
        let mut rest = part;
        while let Some(start) = rest.find(|c: char| c.is_alphanumeric()) {
            let (before, word) = rest.split_at(start);
            let (word, after) = word.split_at(word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len()));
            out.push_str(before);
            out.push_str(TYPE_NAMES.iter().find(|(arrow, _)| *arrow == word).map_or(word, |(_, sql)| sql));
            rest = after;
        }
        out.push_str(rest);
    }
    out
}

/// DataFusion's wording without its prefixes and back traces.
fn tidy(message: &str) -> String {
    let mut text = message.split("\n\nbacktrace:").next().unwrap_or(message).trim();
    for prefix in [
        "Error during planning: ",
        "Execution error: ",
        "Schema error: ",
        "Arrow error: ",
        "type_coercion\ncaused by\n",
    ] {
        text = text.strip_prefix(prefix).unwrap_or(text);
    }
    sql_types(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_their_sql_names_except_in_quotes() {
        assert_eq!(
            sql_types("Cannot cast string 'Int64' to value of Decimal128(38, 10) type"),
            "Cannot cast string 'Int64' to value of DECIMAL(38, 10) type"
        );
        assert_eq!(sql_types("Utf8 + Int64, MyInt64"), "VARCHAR + BIGINT, MyInt64");
    }
}

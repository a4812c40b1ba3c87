//! Puts parameter values in place: as literals of the syntax tree, never as text, so a value can never become syntax.

use std::ops::ControlFlow;

use sqlparser::ast::{self, Expr, VisitMut, VisitorMut};
use sqlparser::tokenizer::{Span as SqlSpan, Token, TokenWithSpan};

use crate::error::{Error, Result, nearest};
use crate::sql::params::{Params, Value};
use crate::sql::split::Places;

/// Turns `:name` into the placeholder `$name`, where a colon cannot be a cast or part of a slice.
#[must_use]
pub fn mark(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut brackets = 0_usize;
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        match &token.token {
            Token::LBracket | Token::LBrace => brackets += 1,
            Token::RBracket | Token::RBrace => brackets = brackets.saturating_sub(1),
            Token::Colon if brackets == 0 => {
                if let Some(TokenWithSpan { token: Token::Word(word), span }) = rest.peek()
                    && word.quote_style.is_none()
                    && span.start == token.span.end
                {
                    let span = SqlSpan { start: token.span.start, end: span.end };
                    out.push(TokenWithSpan { token: Token::Placeholder(format!("${}", word.value)), span });
                    rest.next();
                    continue;
                }
            }
            _ => {}
        }
        out.push(token);
    }
    out
}

/// Replaces every placeholder of `statement` by its value.
///
/// # Errors
/// A placeholder that no parameter names.
pub fn bind(statement: &mut ast::Statement, params: &Params, places: &Places<'_>) -> Result<()> {
    match statement.visit(&mut Binder { params, places }) {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

struct Binder<'a> {
    params: &'a Params,
    places: &'a Places<'a>,
}

impl VisitorMut for Binder<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Expr::Value(value) = expr else { return ControlFlow::Continue(()) };
        let ast::Value::Placeholder(name) = &value.value else { return ControlFlow::Continue(()) };
        let name = name.trim_start_matches(['$', ':', '?']).to_string();
        match self.params.get(&name) {
            Some(bound) => {
                *expr = literal(bound, value.span);
                ControlFlow::Continue(())
            }
            None => {
                let error =
                    Error::sql(format!("parameter {name} has no value")).with_span(self.places.span(value.span));
                ControlFlow::Break(match nearest(&name, self.params.keys().map(String::as_str)) {
                    Some(near) => error.with_hint(format!("did you mean :{near}?")),
                    None => error.with_hint(format!("give it one, for example --param {name}=…")),
                })
            }
        }
    }
}

fn literal(value: &Value, span: SqlSpan) -> Expr {
    let plain = |value| Expr::Value(ast::ValueWithSpan { value, span });
    let text = |s: String| ast::Value::SingleQuotedString(s);
    let cast = |s: String, data_type| Expr::Cast {
        kind: ast::CastKind::Cast,
        expr: Box::new(Expr::Value(ast::ValueWithSpan { value: text(s), span })),
        data_type,
        array: false,
        format: None,
    };
    match value {
        Value::Null => plain(ast::Value::Null),
        Value::Boolean(b) => plain(ast::Value::Boolean(*b)),
        Value::Integer(n) => cast(n.to_string(), ast::DataType::BigInt(None)),
        Value::Double(d) => cast(d.to_string(), ast::DataType::Double(ast::ExactNumberInfo::None)),
        Value::Text(s) => plain(text(s.clone())),
        Value::Timestamp(ms) => {
            let at = chrono::DateTime::from_timestamp_millis(*ms).map_or_else(String::new, |t| t.to_rfc3339());
            cast(at, ast::DataType::Timestamp(None, ast::TimezoneInfo::WithTimeZone))
        }
        Value::Date(days) => {
            let epoch = chrono::NaiveDate::default();
            let at = epoch.checked_add_signed(chrono::TimeDelta::days(i64::from(*days)));
            cast(at.map_or_else(String::new, |d| d.to_string()), ast::DataType::Date)
        }
        Value::Interval(months, days, nanos) => Expr::Interval(ast::Interval {
            value: Box::new(Expr::Value(ast::ValueWithSpan {
                value: text(format!("{months} months {days} days {} seconds", seconds(*nanos))),
                span,
            })),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        }),
    }
}

fn seconds(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    format!("{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parser::parse_query;
    use crate::sql::split::split;

    fn check(sql: &str, params: &Params) -> Result<String> {
        let places = Places::new(sql);
        let mut statement = parse_query(&mark(split(sql).unwrap()[0].tokens.clone()), &places)?;
        bind(&mut statement, params, &places)?;
        Ok(statement.to_string())
    }

    #[test]
    fn values_become_literals_and_never_syntax() {
        let params = Params::from([
            ("n".to_string(), Value::Integer(5)),
            ("who".to_string(), Value::Text("x'; DROP STREAM s; --".to_string())),
        ]);
        assert_eq!(
            check("SELECT a::int FROM t WHERE b = :who LIMIT :n", &params).unwrap(),
            "SELECT a::INT FROM t WHERE b = 'x''; DROP STREAM s; --' LIMIT CAST('5' AS BIGINT)"
        );
    }

    #[test]
    fn a_missing_value_is_named() {
        let params = Params::from([("since".to_string(), Value::Integer(5))]);
        let error = check("SELECT :sinse", &params).unwrap_err();
        assert_eq!((error.message(), error.hint()), ("parameter sinse has no value", Some("did you mean :since?")));
    }
}

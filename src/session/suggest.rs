//! What was probably meant, added to errors of planning: the nearest function or field, and the place.

use datafusion::execution::SessionState;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::bounded::column::METAS;
use crate::bounded::plan_error::NO_SUCH_QUALIFIER;
use crate::error::{Error, nearest};
use crate::sql::case::Spellings;
use crate::sql::split::Places;

/// Adds to an error of planning what was probably meant: the nearest function, the nearest field and its place.
pub fn suggest(
    error: Error,
    state: &SessionState,
    spellings: &Spellings,
    tokens: &[TokenWithSpan],
    places: &Places<'_>,
) -> Error {
    let between = |start: &str, end: &str| {
        error.message().strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).map(ToString::to_string)
    };
    // The token that the error's place starts with.
    let start = error.span().map(|s| s.start);
    let first = tokens.iter().find(|t| Some(places.span(t.span).start) == start);
    if let Some(name) = between("there is no function \"", "\"") {
        let scalar = state.scalar_functions().keys();
        let functions = scalar.chain(state.aggregate_functions().keys()).chain(state.window_functions().keys());
        return match nearest(&name, functions.map(String::as_str)) {
            Some(near) => error.with_hint(format!("did you mean \"{near}\"?")),
            None => error,
        };
    }
    if error.message().starts_with(NO_SUCH_QUALIFIER) {
        // The planner points at all of `x.id`; what is wrong is `x`.
        return match first {
            Some(token) => error.with_span(places.span(token.span)),
            None => error,
        };
    }
    if let Some(name) = between("Invalid qualifier ", "") {
        let found = at_name(Error::sql(format!("there is no table or alias \"{name}\"")), tokens, &name, places);
        return match nearest(&name, spellings.iter()) {
            Some(near) if near != name => found.with_hint(format!("did you mean \"{near}\"?")),
            _ => found.with_hint("in front of .* stands a table that the statement reads from, or its alias"),
        };
    }
    if let Some(field) = between("Field ", " not found in struct") {
        let found = Error::sql(format!("there is no field \"{field}\" in the struct"));
        let found = at_name(found, tokens, &field, places);
        return match nearest(&field, spellings.iter()) {
            Some(near) => found.with_hint(format!("did you mean \"{near}\"?")),
            None => found.with_hint("DESCRIBE topic shows the fields of its columns"),
        };
    }
    if let (None, Some(name)) = (error.span(), between("there is no column \"", "\"")) {
        return at_name(error, tokens, &name, places);
    }
    let near = error.hint().is_some_and(|hint| hint.starts_with("did you mean"));
    let meta = between("there is no column \"", "\"").filter(|name| name.starts_with('_') && !near);
    if let Some(meta) = meta.and_then(|name| nearest(&name, METAS.iter().map(|(_, name, _)| *name))) {
        return error.with_hint(format!("did you mean \"{meta}\"?"));
    }
    match (between("there is no column \"", "\""), first.map(|t| &t.token)) {
        // Elsewhere text may stand in double quotes.
        (Some(name), Some(Token::Word(word))) if word.quote_style == Some('"') && !near => {
            error.with_hint(format!("text stands in single quotes: '{}'", name.replace('\'', "''")))
        }
        _ => error,
    }
}

/// `error` pointing at the first token called `name`, when it points nowhere yet.
pub fn at_name(error: Error, tokens: &[TokenWithSpan], name: &str, places: &Places<'_>) -> Error {
    let at = tokens.iter().find(|t| matches!(&t.token, Token::Word(w) if w.value == name));
    match (error.span(), at) {
        (None, Some(token)) => error.with_span(places.span(token.span)),
        _ => error,
    }
}

//! A piece of text to a [`Statement`]. Queries stay tokens until their names are known; everything else is parsed here.

use sqlparser::dialect::GenericDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Error, Result, Span, nearest};
use crate::sql::ast::{ColumnDeclaration, CreateStream, Name, Property, Query, QueryKind, Show, Statement};
use crate::sql::split::{Piece, Places};
use crate::sql::{column_type, depth, relation};

/// The words a statement can start with.
pub const STATEMENT_WORDS: &[&str] = &[
    "SELECT", "WITH", "VALUES", "EXPLAIN", "INSERT", "CREATE", "DROP", "COPY", "SHOW", "LIST", "DESCRIBE", "PRINT",
    "SET", "UNSET",
];

/// Parses one piece of `text`.
///
/// # Errors
/// Not a statement, one that is nested too deeply, or one with something missing; the span points at the first token
/// that does not fit.
pub fn parse(piece: &Piece, places: &Places<'_>) -> Result<Statement> {
    depth::check(&piece.tokens, places)?;
    let mut cursor = Cursor { tokens: &piece.tokens, at: 0, places, end: piece.span.end };
    let first = cursor.word().unwrap_or_default();
    match first.as_str() {
        "SELECT" | "WITH" | "VALUES" | "FROM" => query(&piece.tokens, QueryKind::Select, places),
        "EXPLAIN" => query(&piece.tokens, QueryKind::Explain, places),
        "INSERT" => query(&piece.tokens, QueryKind::Insert, places),
        "CREATE" => create(&mut cursor),
        "DROP" => drop_stream(&mut cursor),
        "COPY" => copy(&mut cursor),
        "SHOW" | "LIST" => show(&mut cursor),
        "DESCRIBE" | "DESC" => {
            cursor.skip();
            cursor.accept("STREAM");
            let name = cursor.name("a stream or topic")?;
            cursor.finish(Statement::Describe(name))
        }
        "PRINT" => print(&mut cursor),
        "SET" => set(&mut cursor),
        "UNSET" => {
            cursor.skip();
            let name = cursor.string_or_name("a setting")?;
            cursor.finish(Statement::Unset(name))
        }
        _ if matches!(piece.tokens.first().map(|t| &t.token), Some(Token::LParen)) => {
            query(&piece.tokens, QueryKind::Select, places)
        }
        _ => {
            let error = Error::sql("this is not a statement weir knows").with_span(cursor.here());
            Err(match nearest(&first, STATEMENT_WORDS.iter().copied()) {
                Some(near) => error.with_hint(format!("did you mean {near}?")),
                None => error.with_hint(format!("statements start with one of: {}", STATEMENT_WORDS.join(", "))),
            })
        }
    }
}

/// Where `EMIT CHANGES` or `EMIT FINAL` is.
fn emit(tokens: &[TokenWithSpan], places: &Places<'_>) -> Option<Span> {
    let words: Vec<&TokenWithSpan> = tokens.iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).collect();
    let is = |token: &TokenWithSpan, word: &str| matches!(&token.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word));
    words.windows(2).find_map(|pair| match pair {
        [first, second] if is(first, "emit") && (is(second, "changes") || is(second, "final")) => {
            Some(Span::new(places.span(first.span).start, places.span(second.span).end))
        }
        _ => None,
    })
}

/// Parses a query's tokens with sqlparser, with the error's place in the text.
///
/// # Errors
/// The tokens are not one statement of SQL.
pub fn parse_query(tokens: &[TokenWithSpan], places: &Places<'_>) -> Result<sqlparser::ast::Statement> {
    let dialect = GenericDialect {};
    let mut parser = Parser::new(&dialect).with_recursion_limit(64).with_tokens_with_locations(tokens.to_vec());
    let fail = |e: ParserError, parser: &Parser<'_>| {
        let at = parser.peek_token();
        let span = match at.token {
            Token::EOF => tokens.last().map(|t| places.span(t.span)),
            _ => Some(places.span(at.span)),
        };
        syntax_error(e, span)
    };
    if let Some(span) = emit(tokens, places) {
        return Err(Error::sql("queries end here: EMIT is not supported yet")
            .with_span(span)
            .with_hint("leave it out to ask for what the topics hold now"));
    }
    let statement = parser.parse_statement().map_err(|e| fail(e, &parser))?;
    match parser.peek_token().token {
        Token::EOF => Ok(statement),
        other => {
            let at = parser.peek_token().span;
            if let Some((wrong, near)) = misspelt_near(tokens, at) {
                return Err(Error::sql(format!("unexpected {} here", wrong.token))
                    .with_span(places.span(wrong.span))
                    .with_hint(format!("did you mean {near}?")));
            }
            Err(Error::sql(format!("unexpected {other} after the statement's end"))
                .with_span(places.span(at))
                .with_hint("put a ; between statements"))
        }
    }
}

/// A word that is probably meant to be one of these when a statement goes on where it could end.
const GOES_ON: &[&str] = &["FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "JOIN", "UNION", "LEFT", "INNER"];

/// The misspelt keyword at `at` or right before it: what was taken for an alias there.
fn misspelt_near(tokens: &[TokenWithSpan], at: sqlparser::tokenizer::Span) -> Option<(&TokenWithSpan, &'static str)> {
    let here = tokens.iter().position(|t| t.span == at)?;
    [Some(here), here.checked_sub(1)].into_iter().flatten().find_map(|i| {
        let token = tokens.get(i)?;
        let Token::Word(word) = &token.token else { return None };
        let known = word.quote_style.is_some() || GOES_ON.iter().any(|k| k.eq_ignore_ascii_case(&word.value));
        let near = nearest(&word.value, GOES_ON.iter().copied()).filter(|_| !known)?;
        Some((token, near))
    })
}

fn syntax_error(e: ParserError, span: Option<Span>) -> Error {
    let message = match e {
        ParserError::TokenizerError(m) | ParserError::ParserError(m) => m,
        ParserError::RecursionLimitExceeded => "the statement is nested too deeply".to_string(),
    };
    // sqlparser ends its messages with "at Line: 1, Column: 8"; the span says it better.
    let message = message.split(" at Line: ").next().unwrap_or(&message);
    let message = message.strip_prefix("Expected: ").map_or_else(
        || message.to_string(),
        |rest| match rest.split_once(", found: ") {
            Some((expected, found)) => {
                let expected = if expected == "," { "a comma" } else { expected };
                let found = if found == "EOF" { "the end of the statement" } else { found };
                format!("expected {expected}, found {found}")
            }
            None => format!("expected {rest}"),
        },
    );
    let error = Error::sql(message);
    match span {
        Some(span) => error.with_span(span),
        None => error,
    }
}

fn query(tokens: &[TokenWithSpan], kind: QueryKind, places: &Places<'_>) -> Result<Statement> {
    Ok(Statement::Query(Query { tokens: relation::rewrite(tokens.to_vec(), places)?, kind }))
}

/// Walks a statement's tokens.
struct Cursor<'a> {
    tokens: &'a [TokenWithSpan],
    at: usize,
    places: &'a Places<'a>,
    end: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|t| &t.token)
    }

    /// The unquoted word here in upper case.
    fn word(&self) -> Option<String> {
        match self.peek() {
            Some(Token::Word(w)) if w.quote_style.is_none() => Some(w.value.to_uppercase()),
            _ => None,
        }
    }

    fn skip(&mut self) {
        self.at += 1;
    }

    /// The place of the token here, or the statement's end.
    fn here(&self) -> Span {
        self.tokens.get(self.at).map_or(Span::new(self.end, self.end), |t| self.places.span(t.span))
    }

    fn accept(&mut self, word: &str) -> bool {
        let found = self.word().as_deref() == Some(word);
        if found {
            self.skip();
        }
        found
    }

    fn accept_token(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        if found {
            self.skip();
        }
        found
    }

    fn expected(&self, what: &str) -> Error {
        let found = self.peek().map_or_else(|| "the end of the statement".to_string(), ToString::to_string);
        Error::sql(format!("expected {what}, found {found}")).with_span(self.here())
    }

    fn expect(&mut self, word: &str) -> Result<()> {
        if self.accept(word) { Ok(()) } else { Err(self.expected(word)) }
    }

    fn expect_token(&mut self, token: &Token, what: &str) -> Result<()> {
        if self.accept_token(token) { Ok(()) } else { Err(self.expected(what)) }
    }

    /// A name: one word, or words joined by `.` and `-` without spaces.
    fn name(&mut self, what: &str) -> Result<Name> {
        let Some(Token::Word(first)) = self.peek() else { return Err(self.expected(what)) };
        let quoted = first.quote_style.is_some();
        let mut value = first.value.clone();
        let start = self.here();
        let mut end = start.end;
        self.skip();
        while let Some(next) = self.tokens.get(self.at) {
            let span = self.places.span(next.span);
            let part = match &next.token {
                Token::Word(w) => w.value.clone(),
                Token::Minus | Token::Period | Token::Number(..) => next.token.to_string(),
                _ => break,
            };
            if span.start != end {
                break;
            }
            value.push_str(&part);
            end = span.end;
            self.skip();
        }
        Ok(Name { value, quoted, span: Span::new(start.start, end) })
    }

    /// A name or a single-quoted string.
    fn string_or_name(&mut self, what: &str) -> Result<Name> {
        if let Some(Token::SingleQuotedString(value)) = self.peek() {
            let name = Name { value: value.clone(), quoted: true, span: self.here() };
            self.skip();
            return Ok(name);
        }
        self.name(what)
    }

    /// A literal as text: string, number, word, with a sign.
    fn literal(&mut self, what: &str) -> Result<String> {
        let sign = if self.accept_token(&Token::Minus) { "-" } else { "" };
        let text = match self.peek() {
            Some(Token::SingleQuotedString(s)) => s.clone(),
            Some(Token::Number(n, _)) => format!("{sign}{n}"),
            Some(Token::Word(w)) => w.value.clone(),
            _ => return Err(self.expected(what)),
        };
        self.skip();
        Ok(text)
    }

    /// A column's type that cannot be read: `at` counts from here to the token that does not fit.
    fn wrong_type(&self, error: ParserError, at: usize) -> Error {
        let found = self.tokens.get(self.at + at);
        let span = found.map_or(Span::new(self.end, self.end), |t| self.places.span(t.span));
        let mut error = syntax_error(error, Some(span));
        if error.message().starts_with("unmatched >") {
            error = Error::sql("this > closes nothing").with_span(span);
        }
        error.with_hint("types in types are ARRAY<INT>, MAP<VARCHAR, INT> and STRUCT<a INT, b VARCHAR>")
    }

    fn finish(&self, statement: Statement) -> Result<Statement> {
        if self.at >= self.tokens.len() { Ok(statement) } else { Err(self.expected("the end of the statement")) }
    }
}

fn create(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.skip();
    let or_replace = cursor.accept("OR");
    if or_replace {
        cursor.expect("REPLACE")?;
    }
    if !cursor.accept("STREAM") {
        return Err(cursor
            .expected("STREAM")
            .with_hint("weir creates streams: CREATE STREAM name (…) WITH (kafka_topic = …)"));
    }
    let if_not_exists = cursor.accept("IF");
    if if_not_exists {
        cursor.expect("NOT")?;
        cursor.expect("EXISTS")?;
    }
    let name = cursor.name("the stream's name")?;
    let columns = if cursor.peek() == Some(&Token::LParen) { columns(cursor)? } else { Vec::new() };
    let with = if cursor.accept("WITH") { properties(cursor)? } else { Vec::new() };
    cursor.finish(Statement::CreateStream(CreateStream { name, or_replace, if_not_exists, columns, with }))
}

fn columns(cursor: &mut Cursor<'_>) -> Result<Vec<ColumnDeclaration>> {
    cursor.skip();
    let mut columns = Vec::new();
    loop {
        let name = cursor.name("a column's name")?;
        let rest = cursor.tokens.get(cursor.at..).unwrap_or_default();
        let type_start = cursor.here().start;
        let (data_type, taken) = column_type::parse(rest).map_err(|(e, at)| cursor.wrong_type(e, at))?;
        cursor.at += taken;
        let type_end =
            cursor.tokens.get(cursor.at.saturating_sub(1)).map_or(type_start, |t| cursor.places.span(t.span).end);
        let type_span = Span::new(type_start, type_end);
        cursor.accept("PRIMARY");
        let key = cursor.accept("KEY");
        columns.push(ColumnDeclaration { name: name.value, data_type, type_span, key, span: name.span });
        if cursor.accept_token(&Token::RParen) {
            return Ok(columns);
        }
        cursor.expect_token(&Token::Comma, ", or )")?;
    }
}

fn properties(cursor: &mut Cursor<'_>) -> Result<Vec<Property>> {
    cursor.expect_token(&Token::LParen, "(")?;
    let mut properties = Vec::new();
    loop {
        let name = cursor.string_or_name("a property")?;
        cursor.expect_token(&Token::Eq, "=")?;
        let value_span = cursor.here();
        let value = cursor.literal("the property's value")?;
        properties.push(Property { name: name.value.to_lowercase(), name_span: name.span, value, value_span });
        if cursor.accept_token(&Token::RParen) {
            return Ok(properties);
        }
        cursor.expect_token(&Token::Comma, ", or )")?;
    }
}

fn drop_stream(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.skip();
    cursor.expect("STREAM")?;
    let if_exists = cursor.accept("IF");
    if if_exists {
        cursor.expect("EXISTS")?;
    }
    let name = cursor.name("the stream's name")?;
    let delete_topic = cursor.accept("DELETE");
    if delete_topic {
        cursor.expect("TOPIC")?;
    }
    cursor.finish(Statement::DropStream { name, if_exists, delete_topic })
}

fn copy(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.skip();
    if cursor.peek() != Some(&Token::LParen) {
        return Err(cursor.expected("( query )").with_hint("write COPY (SELECT …) TO 'file.parquet'"));
    }
    let start = cursor.at + 1;
    let mut depth = 0_usize;
    while let Some(token) = cursor.peek() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        cursor.skip();
        if depth == 0 {
            break;
        }
    }
    let tokens = cursor.tokens.get(start..cursor.at.saturating_sub(1)).unwrap_or_default().to_vec();
    cursor.expect("TO")?;
    let path_span = cursor.here();
    let Some(Token::SingleQuotedString(path)) = cursor.peek().cloned() else {
        return Err(cursor.expected("a file name in quotes"));
    };
    cursor.skip();
    let query = Query { tokens: relation::rewrite(tokens, cursor.places)?, kind: QueryKind::Select };
    cursor.finish(Statement::Copy { query, path, path_span })
}

fn show(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.skip();
    let all = cursor.accept("ALL");
    let show = match cursor.word().as_deref() {
        Some("TOPICS") => Show::Topics { all },
        Some("STREAMS") => Show::Streams,
        Some("TABLES") => Show::Tables,
        Some("FUNCTIONS") => {
            cursor.skip();
            let pattern = cursor.accept("LIKE").then(|| cursor.literal("a pattern")).transpose()?;
            return cursor.finish(Statement::Show(Show::Functions(pattern)));
        }
        Some("SETTINGS" | "PROPERTIES" | "VARIABLES") => Show::Settings,
        Some(_) => {
            let name = cursor.name("TOPICS, STREAMS, TABLES, FUNCTIONS, SETTINGS or a setting")?;
            return cursor.finish(Statement::Show(Show::Setting(name)));
        }
        None => return Err(cursor.expected("TOPICS, STREAMS, TABLES, FUNCTIONS, SETTINGS or a setting")),
    };
    cursor.skip();
    cursor.finish(Statement::Show(show))
}

fn print(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.skip();
    let topic = cursor.string_or_name("a topic")?;
    let from_beginning = cursor.accept("FROM");
    if from_beginning {
        cursor.expect("BEGINNING")?;
    }
    let mut limit = None;
    if cursor.accept("LIMIT") {
        let here = cursor.here();
        let n = cursor.literal("a number")?;
        limit =
            Some(n.parse().map_err(|_| Error::sql(format!("LIMIT takes a whole number, not {n}")).with_span(here))?);
    }
    cursor.finish(Statement::Print { topic, from_beginning, limit })
}

fn set(cursor: &mut Cursor<'_>) -> Result<Statement> {
    cursor.skip();
    let name = cursor.string_or_name("a setting")?;
    if !cursor.accept_token(&Token::Eq) {
        cursor.expect("TO").map_err(|_| cursor.expected("="))?;
    }
    let value_span = cursor.here();
    let value = cursor.literal("a value")?;
    cursor.finish(Statement::Set { name, value, value_span })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::split::split;
    use proptest::prelude::*;

    fn one(sql: &str) -> Result<Statement> {
        parse(&split(sql)?[0], &Places::new(sql))
    }

    #[test]
    fn create_stream_with_everything() {
        let sql = "create or replace stream s (id BIGINT KEY, a VARCHAR, b STRUCT<x INT, y ARRAY<INT>>, c DECIMAL(10,2)) \
                   with (kafka_topic='t-1', value_format='JSON', PARTITIONS=4)";
        let Statement::CreateStream(c) = one(sql).unwrap() else { panic!("not a stream") };
        assert!(c.or_replace && c.columns[0].key && !c.columns[1].key);
        assert_eq!(c.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["id", "a", "b", "c"]);
        let with: Vec<_> = c.with.iter().map(|p| (p.name.as_str(), p.value.as_str())).collect();
        assert_eq!(with, [("kafka_topic", "t-1"), ("value_format", "JSON"), ("partitions", "4")]);
    }

    #[test]
    fn errors_point_at_the_token() {
        let sql = "show";
        assert_eq!(
            one(sql).unwrap_err().message(),
            "expected TOPICS, STREAMS, TABLES, FUNCTIONS, SETTINGS or a setting, found the end of the statement"
        );
        let error = one("selct 1").unwrap_err();
        assert_eq!((error.hint(), error.span().unwrap().start), (Some("did you mean SELECT?"), 0));
        let error = one("print t limit x").unwrap_err();
        assert_eq!(error.span().unwrap(), Span::new(14, 15));
    }

    #[test]
    fn copy_takes_a_query_and_a_path() {
        let Statement::Copy { query, path, .. } = one("COPY (select (1) from t) TO 'x.csv'").unwrap() else { panic!() };
        assert_eq!((query.tokens.len(), path.as_str()), (6, "x.csv"));
    }

    proptest! {
        #[test]
        fn words_in_any_order_never_panic(words in proptest::collection::vec(
            prop_oneof!["create", "stream", "select", "from", "last", "10", "\\(", "\\)", "with", "=", "'x'", "copy", "to", "print",
                "limit", "show", "errors", ",", "t", "-", "\\.", "set", "drop", "topic", "delete"], 0..14)) {
            let sql = words.join(" ");
            for piece in split(&sql).unwrap_or_default() {
                if let Ok(Statement::Query(q)) = parse(&piece, &Places::new(&sql)) {
                    let _ = parse_query(&q.tokens, &Places::new(&sql));
                }
            }
        }
    }
}

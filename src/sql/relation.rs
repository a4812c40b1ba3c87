//! What stands after FROM and JOIN that SQL has no word for, rewritten to plain quoted names before parsing:
//!
//! ```text
//! FROM orders LAST 10          FROM "orders LAST 10" AS orders
//! FROM errors('orders')        FROM "errors('orders')" AS errors
//! FROM 'file.csv'              FROM "file.csv"
//! FROM orders-eu, a.b.c        FROM "orders-eu", "a.b.c"
//! ```
//! [`Relation::parse`] reads the rewritten names back. Topic names cannot hold spaces or parentheses, so the forms cannot
//! collide with a topic.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use crate::error::{Error, Result};
use crate::sql::split::Places;

/// What a relation name in a rewritten query means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation<'a> {
    /// A stream, a topic or a file.
    Named(&'a str),
    /// The newest `n` records of a topic.
    Last(&'a str, u64),
    /// The records of a topic that cannot be decoded.
    Errors(&'a str),
}

impl<'a> Relation<'a> {
    /// Reads a name made by [`rewrite`].
    pub fn parse(name: &'a str) -> Self {
        if let Some(inner) = name.strip_prefix("errors('").and_then(|n| n.strip_suffix("')")) {
            return Relation::Errors(inner);
        }
        if let Some((topic, n)) = name.rsplit_once(" LAST ")
            && let Ok(n) = n.parse()
        {
            return Relation::Last(topic, n);
        }
        Relation::Named(name)
    }
}

/// Rewrites the relations of one statement's tokens.
///
/// # Errors
/// `LAST n` after something that is not a topic's name.
pub fn rewrite(tokens: Vec<TokenWithSpan>, places: &Places<'_>) -> Result<Vec<TokenWithSpan>> {
    let mut out: Vec<TokenWithSpan> = Vec::with_capacity(tokens.len());
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let relation_starts = matches!(out.last().map(|t| &t.token), Some(Token::Word(w))
            if matches!(w.keyword, Keyword::FROM | Keyword::JOIN | Keyword::INTO));
        if relation_starts && let Token::SingleQuotedString(path) = &token.token {
            let path = path.clone();
            out.push(quoted(path, &token));
            continue;
        }
        let name_starts = relation_starts || matches!(out.last().map(|t| &t.token), Some(Token::Comma));
        if let Token::Word(word) = &token.token
            && word.quote_style.is_none()
            && word.value.eq_ignore_ascii_case("errors")
            && name_starts
            && matches!(rest.peek().map(|t| &t.token), Some(Token::LParen))
        {
            let call: Vec<TokenWithSpan> = rest.by_ref().take(3).collect();
            match call.get(1).map(|t| &t.token) {
                Some(Token::SingleQuotedString(topic))
                    if matches!(call.get(2).map(|t| &t.token), Some(Token::RParen)) =>
                {
                    out.push(quoted(format!("errors('{topic}')"), &token));
                    if !alias_follows(rest.peek()) {
                        alias(&mut out, "errors", &token);
                    }
                }
                _ => {
                    return Err(Error::sql("errors takes one topic name")
                        .with_span(places.span(token.span))
                        .with_hint("write errors('topic')"));
                }
            }
            continue;
        }
        if relation_starts && is_name(&token) {
            let mut name = vec![token];
            while let (Some(next), Some(last)) = (rest.peek(), name.last()) {
                let joined = last.span.end == next.span.start
                    && (is_name(next) || matches!(next.token, Token::Minus | Token::Period | Token::Number(..)));
                match joined.then(|| rest.next()).flatten() {
                    Some(next) => name.push(next),
                    None => break,
                }
            }
            push_name(&mut out, name);
            continue;
        }
        if let Token::Word(word) = &token.token
            && word.quote_style.is_none()
            && word.value.eq_ignore_ascii_case("last")
            && let Some(Token::Number(n, _)) = rest.peek().map(|t| &t.token)
            && let Ok(n) = n.parse::<u64>()
            && apply_last(&mut out, n, &token, places)?
        {
            rest.next();
            // `orders LAST 10 AS o`: the alias that follows stands in place of ours.
            if alias_follows(rest.peek()) {
                out.truncate(out.len().saturating_sub(2));
            }
            continue;
        }
        if let Some(topic) = number_missing(&out, &token, rest.peek()) {
            return Err(Error::sql("LAST needs a number of records")
                .with_span(places.span(token.span))
                .with_hint(format!("write {topic} LAST 10; an alias of that name needs AS")));
        }
        out.push(token);
    }
    Ok(out)
}

/// The topic in front of `token`, when that is a LAST without its number rather than an alias.
fn number_missing(out: &[TokenWithSpan], token: &TokenWithSpan, next: Option<&TokenWithSpan>) -> Option<String> {
    let Token::Word(last) = &token.token else { return None };
    let is_last = last.quote_style.is_none() && last.value.eq_ignore_ascii_case("last");
    if !is_last || matches!(next.map(|t| &t.token), Some(Token::Number(..))) {
        return None;
    }
    match out {
        [.., TokenWithSpan { token: Token::Word(from), .. }, TokenWithSpan { token: Token::Word(topic), .. }]
            if matches!(from.keyword, Keyword::FROM | Keyword::JOIN) =>
        {
            Some(topic.value.clone())
        }
        _ => None,
    }
}

fn is_name(token: &TokenWithSpan) -> bool {
    matches!(&token.token, Token::Word(w) if w.quote_style != Some('\''))
}

/// `a-b` and `a.b.c` become one quoted name; `information_schema.x` and single words stay as they are.
fn push_name(out: &mut Vec<TokenWithSpan>, name: Vec<TokenWithSpan>) {
    let schema = match name.first().map(|t| &t.token) {
        Some(Token::Word(w)) => w.value.to_lowercase(),
        _ => String::new(),
    };
    if name.len() == 1 || schema == "information_schema" || schema == "public" {
        out.extend(name);
        return;
    }
    let text: String = name
        .iter()
        .map(|t| match &t.token {
            Token::Word(w) => w.value.clone(),
            other => other.to_string(),
        })
        .collect();
    if let (Some(first), Some(last)) = (name.first(), name.last()) {
        let mut whole = quoted(text, first);
        whole.span.end = last.span.end;
        out.push(whole);
    }
}

/// Rewrites the relation that `LAST n` follows; false when the words are not ours (no relation in front).
fn apply_last(out: &mut Vec<TokenWithSpan>, n: u64, last: &TokenWithSpan, places: &Places<'_>) -> Result<bool> {
    let start = out.iter().rposition(|t| {
        matches!(&t.token, Token::Comma | Token::RParen | Token::LParen)
            || matches!(&t.token, Token::Word(w) if matches!(w.keyword, Keyword::FROM | Keyword::JOIN))
    });
    let Some(start) = start else { return Ok(false) };
    let not_a_topic = || {
        Error::sql("LAST n follows a topic's name")
            .with_span(places.span(last.span))
            .with_hint("write FROM topic LAST n, and filter or sort around it")
    };
    let after: Vec<&Token> = out.iter().skip(start + 1).map(|t| &t.token).collect();
    let (topic, alias_word) = match after.as_slice() {
        [Token::Word(topic)] => (topic.clone(), None),
        [Token::Word(topic), Token::Word(alias)]
            if alias.keyword == Keyword::NoKeyword || alias.quote_style.is_some() =>
        {
            (topic.clone(), Some(alias.clone()))
        }
        [Token::Word(topic), Token::Word(r#as), Token::Word(alias)] if r#as.keyword == Keyword::AS => {
            (topic.clone(), Some(alias.clone()))
        }
        _ => return Err(not_a_topic()),
    };
    let Some(template) = out.get(start + 1).cloned() else { return Ok(false) };
    out.truncate(start + 1);
    out.push(quoted(format!("{} LAST {n}", topic.value), &template));
    let alias_word = alias_word.unwrap_or(Word { keyword: Keyword::NoKeyword, ..topic });
    alias(out, &alias_word.value, &template);
    Ok(true)
}

fn alias_follows(next: Option<&TokenWithSpan>) -> bool {
    matches!(next.map(|t| &t.token), Some(Token::Word(w)) if w.keyword == Keyword::AS || w.keyword == Keyword::NoKeyword)
}

fn quoted(value: String, at: &TokenWithSpan) -> TokenWithSpan {
    TokenWithSpan { token: Token::make_word(&value, Some('"')), span: at.span }
}

fn alias(out: &mut Vec<TokenWithSpan>, name: &str, at: &TokenWithSpan) {
    out.push(TokenWithSpan { token: Token::make_keyword("AS"), span: at.span });
    out.push(quoted(name.to_string(), at));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::split::split;

    fn check(sql: &str, expect: &str) {
        let pieces = split(sql).unwrap();
        let out = rewrite(pieces[0].tokens.clone(), &Places::new(sql)).unwrap();
        let text: Vec<String> = out.iter().map(|t| t.token.to_string()).collect();
        assert_eq!(text.join(" "), expect);
    }

    #[test]
    fn relations_become_plain_names() {
        check("select * from orders last 10", "select * from \"orders LAST 10\" AS \"orders\"");
        check("select * from orders as o LAST 3 where o.x", "select * from \"orders LAST 3\" AS \"o\" where o . x");
        check("select * from orders LAST 3 AS o where o.x", "select * from \"orders LAST 3\" AS o where o . x");
        check("select * from orders LAST 3 o join p on 1", "select * from \"orders LAST 3\" o join p on 1");
        check("select * from errors('orders') e", "select * from \"errors('orders')\" e");
        check("select * from errors('orders')", "select * from \"errors('orders')\" AS \"errors\"");
        check("select * from 'a b.csv' x", "select * from \"a b.csv\" x");
        check("select a-b from orders-eu join a.b.c on 1", "select a - b from \"orders-eu\" join \"a.b.c\" on 1");
        check("select * from information_schema.tables", "select * from information_schema . tables");
        check("select x from t order by x nulls last limit 5", "select x from t order by x nulls last limit 5");
    }

    #[test]
    fn last_after_a_subquery_is_refused() {
        let sql = "select * from (select 1) last 10";
        let error = rewrite(split(sql).unwrap()[0].tokens.clone(), &Places::new(sql)).unwrap_err();
        assert_eq!(error.message(), "LAST n follows a topic's name");
    }

    #[test]
    fn names_read_back() {
        assert_eq!(Relation::parse("orders LAST 10"), Relation::Last("orders", 10));
        assert_eq!(Relation::parse("errors('a')"), Relation::Errors("a"));
        assert_eq!(Relation::parse("orders"), Relation::Named("orders"));
    }
}

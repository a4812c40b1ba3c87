//! How deep the tree of a statement may get, told from its tokens.
//!
//! The parser bounds what nests in brackets. A chain such as `a + b + c …` or `SELECT … UNION SELECT … UNION …` becomes a
//! tree as deep as it is long, and whatever walks that tree, much of it not ours, takes stack for every level: without a
//! bound, one long statement ends the process.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::split::Places;
use crate::error::{Error, Result};

/// Links of chains that may be open at one place, those around it included.
const MAX_LINKS: usize = 500;

/// The chains inside one pair of brackets.
#[derive(Default)]
struct Level {
    /// Operators since the expression began.
    operators: usize,
    /// Joins and set operations, which go on over commas.
    relations: usize,
}

/// Refuses tokens of one statement that would make too deep a tree.
///
/// # Errors
/// [`crate::error::Kind::Sql`], at the token that goes too far.
pub(super) fn check(tokens: &[TokenWithSpan], places: &Places<'_>) -> Result<()> {
    let mut levels = vec![Level::default()];
    let mut links = 0;
    let mut before = Keyword::NoKeyword;
    for token in tokens {
        let Some(level) = levels.last_mut() else { break };
        let word = if let Token::Word(word) = &token.token { word.keyword } else { Keyword::NoKeyword };
        match what(&token.token, word, before) {
            Link::None => {}
            Link::Operator => (level.operators, links) = (level.operators + 1, links + 1),
            Link::Relation => (level.relations, links) = (level.relations + 1, links + 1),
            Link::NewExpression => {
                links -= level.operators;
                level.operators = 0;
            }
            Link::Open(operators) => {
                level.operators += operators;
                links += operators;
                levels.push(Level::default());
            }
            Link::Close if levels.len() > 1 => {
                if let Some(level) = levels.pop() {
                    links -= level.operators + level.relations;
                }
            }
            Link::Close => {}
        }
        if links > MAX_LINKS {
            return Err(Error::sql("the statement is nested too deeply")
                .with_detail(format!("More than {MAX_LINKS} operators, joins or set operations are chained."))
                .with_span(places.span(token.span))
                .with_hint("write many alternatives as x IN (…), or put them into a topic or VALUES and join"));
        }
        before = word;
    }
    Ok(())
}

/// What a token does to the chain it is in.
enum Link {
    None,
    Operator,
    Relation,
    NewExpression,
    /// A bracket, and whether it is an operator itself: `a[1][2]` is a chain.
    Open(usize),
    Close,
}

fn what(token: &Token, word: Keyword, before: Keyword) -> Link {
    match token {
        Token::Word(_) => match word {
            Keyword::AND
            | Keyword::OR
            | Keyword::XOR
            | Keyword::IS
            | Keyword::NOT
            | Keyword::LIKE
            | Keyword::ILIKE
            | Keyword::SIMILAR
            | Keyword::RLIKE
            | Keyword::REGEXP
            | Keyword::BETWEEN
            | Keyword::IN
            | Keyword::AT
            | Keyword::COLLATE
            | Keyword::DIV
            | Keyword::OVERLAPS
            | Keyword::NOTNULL => Link::Operator,
            Keyword::JOIN | Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS => Link::Relation,
            // `IS DISTINCT FROM` goes on with its expression.
            Keyword::FROM if before == Keyword::DISTINCT => Link::None,
            Keyword::SELECT | Keyword::FROM | Keyword::WHERE | Keyword::HAVING | Keyword::ON | Keyword::BY => {
                Link::NewExpression
            }
            _ => Link::None,
        },
        Token::Comma | Token::SemiColon => Link::NewExpression,
        Token::LParen | Token::LBrace => Link::Open(0),
        Token::LBracket => Link::Open(1),
        Token::RParen | Token::RBracket | Token::RBrace => Link::Close,
        Token::Period | Token::Number(..) | Token::Placeholder(_) | Token::Whitespace(_) | Token::EOF => Link::None,
        token if is_literal(token) => Link::None,
        _ => Link::Operator,
    }
}

fn is_literal(token: &Token) -> bool {
    matches!(
        token,
        Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::DollarQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::EscapedStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::HexStringLiteral(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::split::split;

    fn fits(text: &str) -> bool {
        let pieces = split(text).unwrap();
        pieces.iter().all(|piece| check(&piece.tokens, &Places::new(text)).is_ok())
    }

    #[test]
    fn chains_of_every_kind_are_bounded() {
        for (first, link) in [
            ("SELECT 1", "+1"),
            ("SELECT true", " AND true"),
            ("SELECT 'a'", "||'a'"),
            ("SELECT 1", "::int"),
            ("SELECT a", "[1]"),
            ("SELECT a", " IS NULL"),
            ("SELECT a", " IS DISTINCT FROM b"),
            ("SELECT 1, 2", " UNION ALL SELECT 1, 2"),
            ("SELECT 1 FROM t", " JOIN t USING (a, b)"),
            ("CREATE STREAM s (a ", "ARRAY<"),
            ("SELECT 1", " + CASE WHEN true THEN 1 END"),
            ("SELECT 1", " + f(1, 2)"),
        ] {
            assert!(fits(&format!("{first}{}", link.repeat(MAX_LINKS / 2))), "{link}");
            assert!(!fits(&format!("{first}{}", link.repeat(MAX_LINKS + 1))), "{link}");
        }
        // What is around a bracket counts inside it.
        let half = "1+".repeat(MAX_LINKS / 2 + 1);
        assert!(!fits(&format!("SELECT {half}({half}1)")));
        assert!(fits(&format!("SELECT {half}(1), ({half}1)")));
    }

    #[test]
    fn what_is_long_and_not_deep_fits() {
        let many = |one: &str| vec![one; 5000].join(", ");
        assert!(fits(&format!("SELECT 1 WHERE a IN ({})", many("-1"))));
        assert!(fits(&format!("INSERT INTO t VALUES {}", many("(1, -2, 'a' || 'b')"))));
        assert!(fits(&format!("SELECT {} FROM t", many("a + b * c"))));
        assert!(fits(&"SELECT 1 + 1;".repeat(5000)));
        assert!(fits("SELECT 1))))))) + 1"));
    }

    #[test]
    fn the_place_is_told() {
        let text = format!("SELECT 1{}", "+1".repeat(MAX_LINKS + 1));
        let pieces = split(&text).unwrap();
        let error = check(&pieces[0].tokens, &Places::new(&text)).unwrap_err();
        let at = "SELECT 1".len() + 2 * MAX_LINKS;
        assert_eq!(error.span().map(|span| (span.start, span.end)), Some((at, at + 1)));
    }
}

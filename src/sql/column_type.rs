//! The type in a column's declaration: sqlparser's types, with maps in both spellings, `MAP<K, V>` and `MAP(K, V)`. Pure.

use std::any::TypeId;

use sqlparser::ast::DataType;
use sqlparser::dialect::{Dialect, GenericDialect};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan};

/// Reads the type that `tokens` begin with; also gives how many of them it took.
///
/// # Errors
/// They do not begin with a type, or with one that is nested too deeply; and which token does not fit.
pub fn parse(tokens: &[TokenWithSpan]) -> Result<(DataType, usize), (ParserError, usize)> {
    let mut tokens = tokens.to_vec();
    angle_maps(&mut tokens);
    let count = tokens.len();
    let dialect = TypeDialect(GenericDialect {});
    let mut parser = Parser::new(&dialect).with_recursion_limit(32).with_tokens_with_locations(tokens);
    let parsed = parser.parse_data_type();
    let left = std::iter::from_fn(|| (parser.next_token().token != Token::EOF).then_some(())).count();
    let taken = count.saturating_sub(left);
    parsed.map(|data_type| (data_type, taken)).map_err(|e| (e, taken))
}

/// Gives every `MAP(K, V)` before the end of the column list angle brackets, token for token.
fn angle_maps(tokens: &mut [TokenWithSpan]) {
    // One entry per open parenthesis: whether it is a map's.
    let mut open: Vec<bool> = Vec::new();
    let mut behind_map = false;
    for token in tokens {
        match &token.token {
            Token::LParen => {
                open.push(behind_map);
                if behind_map {
                    token.token = Token::Lt;
                }
            }
            Token::RParen => match open.pop() {
                Some(true) => token.token = Token::Gt,
                Some(false) => {}
                None => return,
            },
            _ => {}
        }
        behind_map = matches!(&token.token, Token::Word(word)
            if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("map"));
    }
}

/// The generic dialect with `MAP<K, V>`. Only what types need is passed on.
#[derive(Debug)]
struct TypeDialect(GenericDialect);

impl Dialect for TypeDialect {
    fn dialect(&self) -> TypeId {
        self.0.dialect()
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        self.0.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        self.0.is_identifier_part(ch)
    }

    fn supports_struct_literal(&self) -> bool {
        self.0.supports_struct_literal()
    }

    fn supports_array_typedef_with_brackets(&self) -> bool {
        self.0.supports_array_typedef_with_brackets()
    }

    fn supports_data_type_signed_suffix(&self) -> bool {
        self.0.supports_data_type_signed_suffix()
    }

    fn supports_map_literal_with_angle_brackets(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::split::split;

    /// The type that `sql` begins with, as the parser writes it, and how many tokens are left.
    fn read(sql: &str) -> (String, usize) {
        let tokens = split(sql).unwrap()[0].tokens.clone();
        let (data_type, taken) = parse(&tokens).unwrap_or_else(|(e, _)| panic!("{sql}: {e}"));
        (data_type.to_string(), tokens.len() - taken)
    }

    #[test]
    fn maps_come_in_both_spellings_and_at_any_depth() {
        for (written, meant) in [
            ("MAP<VARCHAR, INT>", "Map(VARCHAR, INT)"),
            ("map(VARCHAR, INT)", "Map(VARCHAR, INT)"),
            ("ARRAY<STRUCT<a INT, b MAP<VARCHAR, DOUBLE>>>", "ARRAY<STRUCT<a INT, b Map(VARCHAR, DOUBLE)>>"),
            ("ARRAY<STRUCT<a INT, b MAP(VARCHAR, DOUBLE)>>", "ARRAY<STRUCT<a INT, b Map(VARCHAR, DOUBLE)>>"),
            ("MAP<VARCHAR, MAP<VARCHAR, ARRAY<INT>>>", "Map(VARCHAR, Map(VARCHAR, ARRAY<INT>))"),
            ("MAP(VARCHAR, ARRAY<DECIMAL(10, 2)>)", "Map(VARCHAR, ARRAY<DECIMAL(10,2)>)"),
            ("STRUCT<m MAP<VARCHAR, STRUCT<a INT>>, n INT>", "STRUCT<m Map(VARCHAR, STRUCT<a INT>), n INT>"),
            ("INT[]", "INT[]"),
        ] {
            assert_eq!(read(written), (meant.to_string(), 0), "{written}");
            assert_eq!(read(&format!("{written}, map MAP(VARCHAR, INT))")).0, meant, "{written}");
        }
    }

    #[test]
    fn what_follows_a_type_is_left() {
        assert_eq!(read("VARCHAR, b INT)"), ("VARCHAR".to_string(), 4));
        assert_eq!(read("MAP<VARCHAR, INT> KEY)"), ("Map(VARCHAR, INT)".to_string(), 2));
        let tokens = split("MAP, b INT").unwrap()[0].tokens.clone();
        assert_eq!(parse(&tokens).unwrap_err().1, 1);
    }
}

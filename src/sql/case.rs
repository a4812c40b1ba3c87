//! Names keep their case and match case-insensitively when unique: unquoted words of a query are given the spelling of the
//! column, table or alias they mean. Only the case of a word ever changes, so a keyword stays a keyword; but for the few in
//! [`CALLS`], which would be calls without parentheses.

use std::collections::{BTreeMap, BTreeSet};

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::{Error, Result};
use crate::sql::split::Places;

/// Words that the parser takes for calls even without parentheses; many topics have a field `user`.
const CALLS: &[Keyword] =
    &[Keyword::USER, Keyword::CURRENT_USER, Keyword::SESSION_USER, Keyword::CURRENT_CATALOG, Keyword::LOCALTIME];

/// The spellings that a statement's names can have.
#[derive(Debug, Clone, Default)]
pub struct Spellings {
    by_lower: BTreeMap<String, BTreeSet<String>>,
}

impl Spellings {
    /// Adds a column, table or alias.
    pub fn add(&mut self, name: &str) {
        self.by_lower.entry(name.to_lowercase()).or_default().insert(name.to_string());
    }

    /// Adds the aliases that the tokens themselves define: every word after AS.
    pub fn add_aliases(&mut self, tokens: &[TokenWithSpan]) {
        for pair in tokens.windows(2) {
            if let [TokenWithSpan { token: Token::Word(r#as), .. }, TokenWithSpan { token: Token::Word(name), .. }] =
                pair
                && r#as.keyword == Keyword::AS
                && r#as.quote_style.is_none()
            {
                self.add(&name.value);
            }
        }
    }

    /// All spellings.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.by_lower.values().flatten().map(String::as_str)
    }
}

/// Gives every unquoted word the one spelling it can mean; whether any word changed.
///
/// # Errors
/// A word that differs from two or more names by case alone and equals none of them.
pub fn resolve(tokens: &mut [TokenWithSpan], spellings: &Spellings, places: &Places<'_>) -> Result<bool> {
    let mut changed = false;
    for i in 0..tokens.len() {
        let followed_by_call = matches!(tokens.get(i + 1).map(|t| &t.token), Some(Token::LParen));
        let Some(token) = tokens.get_mut(i) else { break };
        let span = token.span;
        let Token::Word(word) = &mut token.token else { continue };
        if word.quote_style.is_some() || followed_by_call {
            continue;
        }
        let Some(found) = spellings.by_lower.get(&word.value.to_lowercase()) else { continue };
        if CALLS.contains(&word.keyword) {
            // The parser looks at the keyword alone.
            word.quote_style = Some('"');
            word.keyword = Keyword::NoKeyword;
            changed = true;
        }
        if found.contains(&word.value) {
            continue;
        }
        let mut names = found.iter();
        match (names.next(), names.next()) {
            (Some(only), None) => {
                word.value.clone_from(only);
                changed = true;
            }
            (Some(first), Some(second)) if word.keyword == Keyword::NoKeyword => {
                return Err(Error::sql(format!(
                    "\"{}\" is ambiguous: it could be \"{first}\" or \"{second}\"",
                    word.value
                ))
                .with_span(places.span(span))
                .with_hint(format!("write it in its exact case, in double quotes: \"{first}\"")));
            }
            _ => {}
        }
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::split::split;

    fn check(sql: &str, names: &[&str]) -> Result<String> {
        let mut tokens = split(sql).unwrap()[0].tokens.clone();
        let mut spellings = Spellings::default();
        names.iter().for_each(|n| spellings.add(n));
        spellings.add_aliases(&tokens);
        resolve(&mut tokens, &spellings, &Places::new(sql))?;
        Ok(tokens.iter().map(|t| t.token.to_string()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn words_take_the_only_spelling() {
        assert_eq!(
            check(
                "SELECT ORDERID, Region AS Land, \"region\" FROM ORDERS GROUP BY land",
                &["orderId", "region", "orders"]
            )
            .unwrap(),
            "SELECT orderId , region AS Land , \"region\" FROM orders GROUP BY Land"
        );
    }

    #[test]
    fn two_spellings_are_ambiguous_unless_exact() {
        assert!(check("select UID from t", &["uid", "Uid"]).is_err());
        assert_eq!(check("select Uid from t", &["uid", "Uid"]).unwrap(), "select Uid from t");
    }

    #[test]
    fn a_column_called_user_is_no_call() {
        assert_eq!(
            check("select User.name, user from t", &["user"]).unwrap(),
            "select \"user\" . name , \"user\" from t"
        );
        assert_eq!(check("select user from t", &["x"]).unwrap(), "select user from t");
    }

    #[test]
    fn words_that_have_their_spelling_are_no_change() {
        let changed = |sql: &str| {
            let mut tokens = split(sql).unwrap()[0].tokens.clone();
            let mut spellings = Spellings::default();
            ["id", "user"].iter().for_each(|n| spellings.add(n));
            resolve(&mut tokens, &spellings, &Places::new(sql)).unwrap()
        };
        assert!(!changed("select id, other from t"));
        assert!(changed("select ID from t"));
        assert!(changed("select user from t"));
    }

    #[test]
    fn functions_keep_their_name() {
        assert_eq!(check("select COUNT(*), count from t", &["Count"]).unwrap(), "select COUNT ( * ) , Count from t");
    }
}

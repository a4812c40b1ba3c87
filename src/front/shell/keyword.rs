//! The words of SQL that the shell completes and colours: one table. Pure.

/// Whether a keyword can be a name without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Free,
    Reserved,
}
use Use::{Free, Reserved};

/// Upper case, sorted.
const KEYWORDS: &[(&str, Use)] = &[
    ("ALL", Reserved),
    ("ANALYZE", Free),
    ("AND", Reserved),
    ("ANY", Free),
    ("ARRAY", Free),
    ("AS", Reserved),
    ("ASC", Free),
    ("BEGINNING", Free),
    ("BETWEEN", Reserved),
    ("BIGINT", Free),
    ("BOOLEAN", Free),
    ("BY", Reserved),
    ("BYTES", Free),
    ("CASE", Reserved),
    ("CAST", Free),
    ("COPY", Free),
    ("CREATE", Free),
    ("CROSS", Reserved),
    ("CURRENT", Free),
    ("DATE", Free),
    ("DECIMAL", Free),
    ("DELETE", Free),
    ("DESC", Free),
    ("DESCRIBE", Free),
    ("DISTINCT", Reserved),
    ("DOUBLE", Free),
    ("DROP", Free),
    ("ELSE", Reserved),
    ("EMIT", Free),
    ("END", Reserved),
    ("ESCAPE", Free),
    ("EXCEPT", Reserved),
    ("EXISTS", Reserved),
    ("EXPLAIN", Free),
    ("EXTRACT", Free),
    ("FALSE", Reserved),
    ("FILTER", Free),
    ("FIRST", Free),
    ("FOLLOWING", Free),
    ("FROM", Reserved),
    ("FULL", Reserved),
    ("FUNCTIONS", Free),
    ("GROUP", Reserved),
    ("HAVING", Reserved),
    ("IF", Free),
    ("ILIKE", Free),
    ("IN", Reserved),
    ("INNER", Reserved),
    ("INSERT", Free),
    ("INT", Free),
    ("INTERSECT", Reserved),
    ("INTERVAL", Free),
    ("INTO", Reserved),
    ("IS", Reserved),
    ("JOIN", Reserved),
    ("LAST", Reserved),
    ("LEFT", Reserved),
    ("LIKE", Reserved),
    ("LIMIT", Reserved),
    ("NATURAL", Reserved),
    ("NOT", Reserved),
    ("NULL", Reserved),
    ("NULLS", Free),
    ("OFFSET", Reserved),
    ("ON", Reserved),
    ("OR", Reserved),
    ("ORDER", Reserved),
    ("OUTER", Reserved),
    ("OVER", Free),
    ("PARTITION", Free),
    ("PRECEDING", Free),
    ("PRINT", Free),
    ("QUALIFY", Free),
    ("RANGE", Free),
    ("RECURSIVE", Free),
    ("REPLACE", Free),
    ("RIGHT", Reserved),
    ("ROW", Free),
    ("ROWS", Free),
    ("SELECT", Reserved),
    ("SEMI", Free),
    ("SET", Reserved),
    ("SETTINGS", Free),
    ("SHOW", Free),
    ("STREAM", Free),
    ("STREAMS", Free),
    ("STRUCT", Free),
    ("TABLE", Reserved),
    ("THEN", Reserved),
    ("TIMESTAMP", Free),
    ("TO", Free),
    ("TOPIC", Free),
    ("TOPICS", Free),
    ("TRUE", Reserved),
    ("UNBOUNDED", Free),
    ("UNION", Reserved),
    ("UNNEST", Free),
    ("UNSET", Free),
    ("USING", Reserved),
    ("VALUES", Reserved),
    ("VARCHAR", Free),
    ("WHEN", Reserved),
    ("WHERE", Reserved),
    ("WINDOW", Reserved),
    ("WITH", Reserved),
    ("WITHIN", Free),
];

/// All keywords, upper case.
pub fn all() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().map(|(word, _)| *word)
}

/// Whether `word` is a keyword, in any case.
pub fn is_keyword(word: &str) -> bool {
    find(word).is_some()
}

/// Whether `word` is a keyword that cannot be a name without quotes, in any case.
pub fn is_reserved(word: &str) -> bool {
    find(word) == Some(Reserved)
}

fn find(word: &str) -> Option<Use> {
    let word = word.to_ascii_uppercase();
    let at = KEYWORDS.binary_search_by(|(known, _)| (*known).cmp(word.as_str())).ok()?;
    KEYWORDS.get(at).map(|(_, r#use)| *r#use)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(KEYWORDS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn some_keywords_can_be_names() {
        assert!(is_keyword("topic") && !is_reserved("topic"));
        assert!(is_keyword("From") && is_reserved("From"));
        assert!(!is_keyword("orders") && !is_reserved("orders"));
    }
}

//! What could come next at the cursor. Pure: text, names and settings in, candidates out.

use std::collections::HashSet;

use super::command::COMMANDS;
use super::keyword::{self, is_keyword, is_reserved};
use super::lex::{Kind, Lexed, Piece, lex};
use crate::config::settings::{SETTINGS, Settings, Type};
use crate::session::names::{Names, TableNames};
use crate::sql::parser::STATEMENT_WORDS;

/// One thing that could be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What the list shows.
    pub display: String,
    /// What replaces the word under the cursor.
    pub replacement: String,
}

impl Candidate {
    fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Candidate { display: text.clone(), replacement: text }
    }
}

/// Whether `name` can stand in a statement without quotes.
pub fn is_plain(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !is_reserved(name)
}

/// `name` in double quotes.
pub fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What could stand at `cursor`, a byte position in `text`: the byte where the word under the cursor starts, and what could
/// replace everything from there to the cursor. Case is ignored; columns come before tables, functions and keywords.
pub fn complete(text: &str, cursor: usize, names: &Names, settings: &Settings) -> (usize, Vec<Candidate>) {
    let Some(before) = text.get(..cursor) else { return (cursor, Vec::new()) };
    let line = before.trim_start();
    if line.starts_with('\\') && !line.contains('\n') {
        return command(before, names);
    }
    let Some(place) = Place::find(text, before) else { return (cursor, Vec::new()) };
    let mut found = Found { prefix: place.prefix.to_lowercase(), quoted: place.quoted, list: Vec::new() };
    place.fill(&mut found, names, settings);
    let mut seen = HashSet::new();
    found.list.retain(|candidate| seen.insert(candidate.replacement.clone()));
    (place.start, found.list)
}

fn command(before: &str, names: &Names) -> (usize, Vec<Candidate>) {
    let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word = before.get(start..).unwrap_or("");
    let mut found = Found { prefix: word.to_lowercase(), quoted: false, list: Vec::new() };
    match before.split_whitespace().next() {
        _ if word.starts_with('\\') => found.add_all(COMMANDS.iter().map(|entry| entry.name)),
        Some("\\d") => found.add_all(names.tables.iter().map(|table| table.name.as_str())),
        Some("\\f") => found.add_all(choices("format").iter().copied()),
        Some("\\x" | "\\timing") => found.add_all(["on", "off"]),
        _ => {}
    }
    (start, found.list)
}

/// Keywords a statement can start with, sorted.
fn starts() -> Vec<&'static str> {
    let mut words = STATEMENT_WORDS.to_vec();
    words.sort_unstable();
    words
}

fn choices(setting: &str) -> &'static [&'static str] {
    match Settings::find(setting).map(|setting| setting.r#type) {
        Ok(Type::Choice(words)) => words,
        _ => &[],
    }
}

/// The candidates so far, all starting with the prefix.
struct Found {
    /// Lower case.
    prefix: String,
    /// The word starts with a double quote: only names fit, in quotes.
    quoted: bool,
    list: Vec<Candidate>,
}

impl Found {
    fn fits(&self, text: &str) -> bool {
        text.to_lowercase().starts_with(&self.prefix)
    }

    fn add_all<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) {
        for word in words {
            if !self.quoted && self.fits(word) {
                self.list.push(Candidate::plain(word));
            }
        }
    }

    fn add_name(&mut self, name: &str) {
        if self.fits(name) {
            let replacement = if self.quoted || !is_plain(name) { quote(name) } else { name.to_string() };
            self.list.push(Candidate { display: name.to_string(), replacement });
        }
    }

    fn add_keywords<'a>(&mut self, words: impl IntoIterator<Item = &'a str>, lower: bool) {
        let words: Vec<String> =
            words.into_iter().map(|word| if lower { word.to_lowercase() } else { word.to_string() }).collect();
        self.add_all(words.iter().map(String::as_str));
    }

    fn add_functions(&mut self, names: &Names) {
        for function in names.functions.iter().filter(|_| !self.quoted) {
            if self.fits(function) {
                let candidate = Candidate { display: format!("{function}()"), replacement: format!("{function}(") };
                self.list.push(candidate);
            }
        }
    }
}

/// A table named in the statement.
#[derive(Debug, PartialEq, Eq)]
struct TableUse {
    name: String,
    alias: Option<String>,
}

/// Where the cursor is.
struct Place<'a> {
    /// Byte where the word starts.
    start: usize,
    /// The word so far, without a quote.
    prefix: String,
    quoted: bool,
    /// The word is inside a string literal.
    in_text: bool,
    /// Names before the word that a dot ties to it.
    qualifier: Vec<String>,
    /// Words and signs of the statement before the word.
    before: Vec<Token<'a>>,
    /// Those of the whole statement.
    whole: Vec<Token<'a>>,
}

/// A word or sign that is neither space nor comment.
#[derive(Debug, Clone, Copy)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
}

impl Token<'_> {
    fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    fn is_any(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|keyword| self.is(keyword))
    }

    fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_string()),
            Kind::Quoted => {
                let mut inner = self.text.chars();
                let quote = inner.next()?;
                let inner = inner.as_str();
                let inner = inner.strip_suffix(quote).unwrap_or(inner);
                Some(inner.replace(&format!("{quote}{quote}"), &quote.to_string()))
            }
            _ => None,
        }
    }
}

impl<'a> Place<'a> {
    /// `None` inside a comment.
    fn find(text: &'a str, before: &'a str) -> Option<Place<'a>> {
        let Lexed { pieces, .. } = lex(before);
        let from = pieces.iter().rposition(|piece| piece.kind == Kind::Semicolon).map_or(0, |at| at + 1);
        let mut tokens: Vec<(usize, Token<'a>)> = Vec::new();
        for piece in pieces.get(from..).unwrap_or(&[]) {
            let token = token(before, piece);
            if piece.kind == Kind::Comment {
                let closed = token.text.ends_with("*/") || token.text.ends_with('\n');
                if piece.range.end == before.len() && !closed {
                    return None;
                }
            } else if piece.kind != Kind::Space {
                tokens.push((piece.range.start, token));
            }
        }
        let ends_at_cursor =
            pieces.last().is_some_and(|piece| piece.kind != Kind::Space && piece.kind != Kind::Comment);
        let word = match tokens.last() {
            Some((start, last)) if ends_at_cursor && is_word(last) => {
                let word = (*start, *last);
                tokens.pop();
                Some(word)
            }
            _ => None,
        };
        let (start, prefix, quoted, in_text) = match word {
            Some((start, token)) if token.kind == Kind::Text => {
                (start, token.text.trim_start_matches('\'').to_string(), false, true)
            }
            Some((start, token)) => (start, token.name()?, token.kind == Kind::Quoted, false),
            None => (before.len(), String::new(), false, false),
        };
        let qualifier = if ends_at_cursor { qualifier(&mut tokens) } else { Vec::new() };
        let statement = pieces.get(from).map_or(before.len(), |piece| piece.range.start);
        let whole = lex(text.get(statement..).unwrap_or(""));
        let whole_text = text.get(statement..).unwrap_or("");
        let whole = whole.pieces.iter().take_while(|piece| piece.kind != Kind::Semicolon);
        let whole = whole.filter(|piece| !matches!(piece.kind, Kind::Space | Kind::Comment));
        Some(Place {
            start,
            prefix,
            quoted,
            in_text,
            qualifier,
            before: tokens.into_iter().map(|(_, token)| token).collect(),
            whole: whole.map(|piece| token(whole_text, piece)).collect(),
        })
    }

    fn fill(&self, found: &mut Found, names: &Names, settings: &Settings) {
        let first = self.before.first();
        if let Some(first) = first.filter(|first| first.is_any(&["SET", "UNSET", "SHOW"])) {
            return self.fill_setting(found, first, settings);
        }
        if self.in_text {
            return;
        }
        if !self.qualifier.is_empty() {
            return self.fill_qualified(found, names);
        }
        let Some(last) = self.before.last() else {
            return found.add_keywords(starts(), self.lower());
        };
        match self.clause() {
            _ if last.is_any(&["FROM", "JOIN", "INTO", "DESCRIBE", "PRINT", "STREAM"])
                || last.is("TABLE") && self.before.iter().any(|token| token.is("DROP")) =>
            {
                self.fill_tables(found, names);
            }
            Some("FROM") if last.kind == Kind::Comma => self.fill_tables(found, names),
            Some("FROM" | "DESCRIBE" | "PRINT" | "INTO") => found.add_keywords(keyword::all(), self.lower()),
            Some(_) => self.fill_expression(found, names),
            None => {
                found.add_keywords(keyword::all(), self.lower());
            }
        }
    }

    fn fill_setting(&self, found: &mut Found, first: &Token, settings: &Settings) {
        if first.is("SHOW") {
            return found.add_keywords(["FUNCTIONS", "SETTINGS", "STREAMS", "TABLES", "TOPICS"], self.lower());
        }
        let name = self.before.get(1).and_then(Token::name);
        let follows = self.before.get(2).is_some_and(|token| token.kind == Kind::Equals || token.is("TO"));
        match name {
            None if self.before.len() == 1 => found.add_all(SETTINGS.iter().map(|setting| setting.name)),
            Some(name) if first.is("SET") && follows && self.before.len() == 3 => {
                let current = settings.get(&name);
                let words = choices(&name).iter().copied().filter(|word| *word != current || self.in_text);
                for word in words.filter(|word| found.fits(word)).collect::<Vec<_>>() {
                    found.list.push(Candidate { display: word.to_string(), replacement: format!("'{word}'") });
                }
            }
            _ => {}
        }
    }

    fn fill_tables(&self, found: &mut Found, names: &Names) {
        for name in self.common_tables() {
            found.add_name(&name);
        }
        for table in &names.tables {
            found.add_name(&table.name);
        }
        found.add_keywords(["SELECT"], self.lower());
    }

    fn fill_expression(&self, found: &mut Found, names: &Names) {
        let uses = self.tables();
        for used in &uses {
            for column in columns(names, &used.name) {
                found.add_name(column.split('.').next().unwrap_or(column));
            }
        }
        // Everything at once would bury the columns.
        if found.prefix.is_empty() && !found.list.is_empty() {
            return;
        }
        for used in &uses {
            found.add_name(used.alias.as_deref().unwrap_or(&used.name));
        }
        found.add_functions(names);
        found.add_keywords(keyword::all(), self.lower());
    }

    /// After a dot: the columns of a table or alias, or the fields of a struct.
    fn fill_qualified(&self, found: &mut Found, names: &Names) {
        let Some((first, rest)) = self.qualifier.split_first() else { return };
        let uses = self.tables();
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let table = uses.iter().find(|used| match &used.alias {
            Some(alias) => same(alias, first),
            None => same(&used.name, first),
        });
        let (tables, path): (Vec<&str>, &[String]) = match table {
            Some(used) => (vec![used.name.as_str()], rest),
            None => (uses.iter().map(|used| used.name.as_str()).collect(), self.qualifier.as_slice()),
        };
        for column in tables.into_iter().flat_map(|table| columns(names, table)) {
            let mut parts = column.split('.');
            if path.iter().all(|wanted| parts.next().is_some_and(|part| same(part, wanted)))
                && let Some(next) = parts.next()
            {
                found.add_name(next);
            }
        }
    }

    /// The keyword that says what may stand here, looking back over what is closed in parentheses.
    fn clause(&self) -> Option<&'static str> {
        const EXPRESSIONS: &[&str] =
            &["SELECT", "WHERE", "ON", "BY", "HAVING", "SET", "QUALIFY", "USING", "WHEN", "THEN", "ELSE", "VALUES"];
        const TABLES: &[&str] = &["FROM", "JOIN"];
        let mut closed = 0_usize;
        for token in self.before.iter().rev() {
            match token.kind {
                Kind::Close => closed += 1,
                Kind::Open => closed = closed.saturating_sub(1),
                _ if closed > 0 => {}
                _ if token.is_any(EXPRESSIONS) => return Some("SELECT"),
                _ if token.is_any(TABLES) => return Some("FROM"),
                _ if token.is("DESCRIBE") => return Some("DESCRIBE"),
                _ if token.is("PRINT") => return Some("PRINT"),
                _ if token.is("INTO") => return Some("INTO"),
                _ => {}
            }
        }
        None
    }

    /// The tables that the whole statement names, with their aliases.
    fn tables(&self) -> Vec<TableUse> {
        let mut uses = Vec::new();
        let mut tokens = self.whole.iter().peekable();
        let mut in_from = false;
        while let Some(token) = tokens.next() {
            match token.kind {
                Kind::Word if token.is_any(&["FROM", "JOIN", "INTO"]) => in_from = true,
                Kind::Comma if in_from => {}
                Kind::Word if is_keyword(token.text) && !token.is("AS") => {
                    in_from = false;
                    continue;
                }
                _ => continue,
            }
            let Some(name) = tokens.next_if(|next| names_something(next)).and_then(Token::name) else {
                in_from = false;
                continue;
            };
            tokens.next_if(|next| next.is("AS"));
            let alias = tokens.next_if(|next| names_something(next)).and_then(Token::name);
            uses.push(TableUse { name, alias });
        }
        uses
    }

    /// Names that WITH gives.
    fn common_tables(&self) -> Vec<String> {
        let named = self.whole.windows(3).filter(|three| match three {
            [name, with, open] => names_something(name) && with.is("AS") && open.kind == Kind::Open,
            _ => false,
        });
        named.filter_map(|three| three.first().and_then(Token::name)).collect()
    }

    /// Whether keywords should come in lower case: as the word is written, else as the statement began.
    fn lower(&self) -> bool {
        let written = self.prefix.chars().find(|c| c.is_alphabetic());
        let begun =
            || self.before.iter().find(|token| is_keyword(token.text)).and_then(|token| token.text.chars().next());
        written.or_else(begun).is_some_and(char::is_lowercase)
    }
}

fn token<'a>(text: &'a str, piece: &Piece) -> Token<'a> {
    Token { kind: piece.kind, text: text.get(piece.range.clone()).unwrap_or("") }
}

/// Whether the cursor right behind `token` is still inside it.
fn is_word(token: &Token) -> bool {
    let unclosed = |quote: char| token.text.len() == 1 || !token.text.ends_with(quote);
    match token.kind {
        Kind::Word => true,
        Kind::Quoted => token.text.starts_with('"') && unclosed('"'),
        Kind::Text => token.text.starts_with('\'') && unclosed('\''),
        _ => false,
    }
}

fn names_something(token: &Token) -> bool {
    match token.kind {
        Kind::Quoted => true,
        Kind::Word => !is_reserved(token.text),
        _ => false,
    }
}

/// Takes `a . b .` from the end of `tokens`.
fn qualifier(tokens: &mut Vec<(usize, Token)>) -> Vec<String> {
    let mut names = Vec::new();
    while let [.., (_, name), (_, dot)] = tokens.as_slice() {
        let Some(name) = name.name().filter(|_| dot.kind == Kind::Dot) else { break };
        names.push(name);
        tokens.truncate(tokens.len() - 2);
    }
    names.reverse();
    names
}

fn columns<'a>(names: &'a Names, table: &str) -> &'a [String] {
    let exact = names.tables.iter().find(|known: &&TableNames| known.name == table);
    let any = || names.tables.iter().find(|known| known.name.eq_ignore_ascii_case(table));
    exact.or_else(any).map_or(&[], |known| known.columns.as_slice())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> Names {
        let table = |name: &str, columns: &[&str]| TableNames {
            name: name.into(),
            columns: columns.iter().map(ToString::to_string).collect(),
        };
        Names {
            tables: vec![
                table(
                    "orders",
                    &[
                        "id",
                        "amount",
                        "customer",
                        "customer.id",
                        "customer.name",
                        "customer.address",
                        "customer.address.city",
                        "_key",
                    ],
                ),
                table("order-items.v1", &["sku", "order"]),
                table("Payments", &["amount", "paid_at"]),
                table("empty", &[]),
            ],
            functions: vec!["count".into(), "concat".into(), "sum".into()],
        }
    }

    /// Completes at the `|` and gives back what the text would become with each candidate.
    fn at(marked: &str) -> Vec<String> {
        let cursor = marked.find('|').unwrap();
        let text = marked.replacen('|', "", 1);
        let (start, candidates) = complete(&text, cursor, &names(), &Settings::default());
        assert!(start <= cursor);
        candidates.into_iter().map(|c| format!("{}{}", &text[..start], c.replacement)).collect()
    }

    /// The replacements alone.
    fn words(marked: &str) -> Vec<String> {
        let cursor = marked.find('|').unwrap();
        let text = marked.replacen('|', "", 1);
        complete(&text, cursor, &names(), &Settings::default()).1.into_iter().map(|c| c.replacement).collect()
    }

    #[test]
    fn a_statement_starts_with_a_keyword_in_the_case_it_is_typed() {
        assert_eq!(at("sel|"), ["select"]);
        assert_eq!(at("SEL|"), ["SELECT"]);
        assert_eq!(at("select 1; s|"), ["select 1; select", "select 1; set", "select 1; show"]);
        assert_eq!(words("|").len(), STATEMENT_WORDS.len());
    }

    #[test]
    fn after_from_and_join_come_tables_quoted_when_they_must_be() {
        assert_eq!(words("SELECT * FROM o|"), ["orders", "\"order-items.v1\""]);
        assert_eq!(words("select * from ORD|"), ["orders", "\"order-items.v1\""]);
        assert_eq!(words("select * from orders o join pay|"), ["Payments"]);
        assert_eq!(words("select * from orders, e|"), ["empty"]);
        assert_eq!(at("select * from \"order-|"), ["select * from \"order-items.v1\""]);
        assert_eq!(words("DESCRIBE or|"), ["orders", "\"order-items.v1\""]);
        assert_eq!(words("INSERT INTO p|"), ["Payments"]);
        assert_eq!(words("WITH paid AS (SELECT 1) SELECT * FROM pa|"), ["paid", "Payments"]);
    }

    #[test]
    fn after_a_table_come_keywords() {
        assert_eq!(words("select * from orders wh|"), ["when", "where"]);
        assert_eq!(words("SELECT * FROM orders GR|"), ["GROUP"]);
    }

    #[test]
    fn expressions_offer_the_columns_of_the_tables_named_even_behind_the_cursor() {
        assert_eq!(words("select am| from orders"), ["amount"]);
        assert_eq!(words("select | from orders"), ["id", "amount", "customer", "_key"]);
        assert_eq!(words("select id from orders where cust|"), ["customer"]);
        assert_eq!(words("select 1 from orders join Payments on pa|"), ["paid_at", "Payments", "partition"]);
        assert_eq!(words("select 1 from orders group by id, a|").first().map(String::as_str), Some("amount"));
        assert_eq!(words("select or| from \"order-items.v1\" x").first().map(String::as_str), Some("\"order\""));
        assert_eq!(words("select (select max(pai| from payments) from orders"), ["paid_at"]);
    }

    #[test]
    fn functions_come_with_their_parenthesis() {
        assert_eq!(words("select cou|"), ["count("]);
        assert_eq!(words("select SU| from orders"), ["sum("]);
    }

    #[test]
    fn aliases_and_structs_lead_to_their_fields() {
        assert_eq!(words("select o.| from orders o"), ["id", "amount", "customer", "_key"]);
        assert_eq!(at("select o.am| from orders as o"), ["select o.amount"]);
        assert_eq!(words("select customer.| from orders"), ["id", "name", "address"]);
        assert_eq!(words("select o.customer.n| from orders o"), ["name"]);
        assert_eq!(words("select o.customer.address.| from orders o"), ["city"]);
        assert_eq!(words("select orders.customer.address.c| from orders"), ["city"]);
        assert_eq!(words("select p.| from orders o join payments p on true"), ["amount", "paid_at"]);
        assert_eq!(words("select o.| from orders x"), Vec::<String>::new());
        assert_eq!(words("select \"o\".am| from orders \"o\""), ["amount"]);
    }

    #[test]
    fn settings_and_their_values() {
        assert_eq!(words("SET on|"), ["on_error"]);
        assert_eq!(words("set on_error = |"), ["'skip'", "'fail'"]);
        assert_eq!(at("SET on_error = 'fa|"), ["SET on_error = 'fail'"]);
        assert_eq!(at("SET on_error TO s|"), ["SET on_error TO 'skip'"]);
        assert_eq!(words("unset fo|"), ["format"]);
        assert_eq!(words("SHOW to|"), ["topics"]);
        assert_eq!(words("SET sample_records = |"), Vec::<String>::new());
    }

    #[test]
    fn commands_and_their_arguments() {
        assert_eq!(words("\\ti|"), ["\\timing"]);
        assert_eq!(words("\\d pa|"), ["Payments"]);
        assert_eq!(words("\\f nd|"), ["ndjson"]);
    }

    #[test]
    fn nothing_in_comments_and_texts() {
        assert_eq!(words("select 1 -- fr|"), Vec::<String>::new());
        assert_eq!(words("select /* fr|"), Vec::<String>::new());
        assert_eq!(words("select 'fr|"), Vec::<String>::new());
        assert_eq!(words("select 1 -- c\nfr|"), ["from"]);
    }

    #[test]
    fn without_names_keywords_still_complete() {
        let (start, found) = complete("select * fr", 11, &Names::default(), &Settings::default());
        assert_eq!((start, found), (9, vec![Candidate::plain("from")]));
    }

    proptest! {
        #[test]
        fn any_text_and_cursor_is_fine(text in "(select|from|orders|o|\\.|,|'|\"|\\(|\\)|;| |\n|--|/\\*|\\\\d|set|=|ż){0,12}", at in 0usize..40) {
            let cursor = at.min(text.len());
            let (start, found) = complete(&text, cursor, &names(), &Settings::default());
            prop_assert!(start <= cursor);
            prop_assert!(found.is_empty() || text.is_char_boundary(start));
        }
    }
}

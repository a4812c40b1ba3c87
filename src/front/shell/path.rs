//! File names under the cursor: after `FROM '`, after `COPY (…) TO '`, after `\i` and `\o`. Pure: who calls reads the folder.

use super::completer::Candidate;
use super::lex::{Kind, Part, lex, parts};
use crate::session::FILE_KINDS;

/// A file name that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Typed {
    /// Byte where it starts, behind the quote.
    pub start: usize,
    /// The folder so far, with its `/`; empty for the current one.
    pub folder: String,
    /// What its last part starts with.
    pub prefix: String,
    /// Inside single quotes, which a whole file name closes.
    quoted: bool,
    /// Only files that can be read as tables fit.
    table: bool,
}

impl Typed {
    /// The file name at `cursor`, a byte position in `text`; `None` where no file can stand.
    pub fn at(text: &str, cursor: usize) -> Option<Typed> {
        let before = text.get(..cursor)?;
        let (start, quoted, table) = match parts(before).last() {
            Some(Part::Command(range)) => {
                let line = before.get(range.start..).filter(|line| !line.contains('\n'))?;
                let (name, argument) = line.split_once(char::is_whitespace)?;
                if !matches!(name.to_ascii_lowercase().as_str(), "\\i" | "\\o") {
                    return None;
                }
                let argument = argument.trim_start();
                let quoted = argument.starts_with('\'');
                (before.len() - argument.len() + usize::from(quoted), quoted, false)
            }
            _ => {
                let (start, table) = in_statement(before)?;
                (start, true, table)
            }
        };
        let mut path = before.get(start..)?.to_string();
        if quoted {
            path = path.replace("''", "'");
        }
        let cut = path.rfind('/').map_or(0, |at| at + 1);
        let prefix = path.split_off(cut);
        Some(Typed { start, folder: path, prefix, quoted, table })
    }

    /// What could stand there, of the folder's entries: their names, and whether they are folders. In order of names; hidden
    /// ones only when asked for by their dot.
    pub fn candidates(&self, entries: impl IntoIterator<Item = (String, bool)>) -> Vec<Candidate> {
        let mut found: Vec<(String, bool)> = entries
            .into_iter()
            .filter(|(name, _)| name.starts_with(&self.prefix))
            .filter(|(name, _)| self.prefix.starts_with('.') || !name.starts_with('.'))
            .filter(|(name, folder)| *folder || !self.table || is_table(name))
            .collect();
        found.sort();
        found.into_iter().map(|(name, folder)| self.candidate(&name, folder)).collect()
    }

    fn candidate(&self, name: &str, folder: bool) -> Candidate {
        let display = if folder { format!("{name}/") } else { name.to_string() };
        let path = format!("{}{display}", self.folder);
        let replacement = match (self.quoted, folder) {
            (false, _) => path,
            (true, true) => path.replace('\'', "''"),
            (true, false) => format!("{}'", path.replace('\'', "''")),
        };
        Candidate { display, replacement }
    }
}

/// Where the open text literal at the end of `before` starts, when a file belongs there, and whether it is read as a table.
fn in_statement(before: &str) -> Option<(usize, bool)> {
    let lexed = lex(before);
    let (last, rest) = lexed.pieces.split_last()?;
    if !lexed.open || last.kind != Kind::Text || !before.get(last.range.clone())?.starts_with('\'') {
        return None;
    }
    let statement = rest.iter().rposition(|piece| piece.kind == Kind::Semicolon).map_or(0, |at| at + 1);
    let words: Vec<&str> = rest
        .get(statement..)?
        .iter()
        .filter(|piece| !matches!(piece.kind, Kind::Space | Kind::Comment))
        .filter_map(|piece| before.get(piece.range.clone()))
        .collect();
    let is = |word: Option<&&str>, wanted: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(wanted));
    let start = last.range.start + 1;
    if is(words.last(), "FROM") || is(words.last(), "JOIN") {
        return Some((start, true));
    }
    (is(words.last(), "TO") && is(words.first(), "COPY")).then_some((start, false))
}

fn is_table(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    FILE_KINDS.iter().any(|kind| kind.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the text becomes with each candidate, in a folder with a bit of everything.
    fn at(marked: &str) -> Option<Vec<String>> {
        let cursor = marked.find('|').unwrap();
        let text = marked.replacen('|', "", 1);
        let typed = Typed::at(&text, cursor)?;
        let entries =
            [("orders.csv", false), ("notes.txt", false), ("it's.csv", false), ("old", true), (".hidden", true)];
        let entries = entries.map(|(name, folder)| (name.to_string(), folder));
        let found = typed.candidates(entries).into_iter();
        Some(found.map(|c| format!("{}{}", &text[..typed.start], c.replacement)).collect())
    }

    #[test]
    fn tables_are_offered_after_from_and_join() {
        assert_eq!(at("select * from 'o|").unwrap(), ["select * from 'old/", "select * from 'orders.csv'"]);
        assert_eq!(at("select * from a join '|").unwrap().len(), 3);
        assert_eq!(at("select * from 'data/or|").unwrap(), ["select * from 'data/orders.csv'"]);
        assert_eq!(at("select * from 'it|").unwrap(), ["select * from 'it''s.csv'"]);
        assert_eq!(at("select * from './.|").unwrap(), ["select * from './.hidden/"]);
        assert_eq!(at("select 1; select * from 'n|").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn any_file_is_offered_where_one_is_written_or_run() {
        assert_eq!(at("copy (select 1) to 'n|").unwrap(), ["copy (select 1) to 'notes.txt'"]);
        assert_eq!(at("\\i n|").unwrap(), ["\\i notes.txt"]);
        assert_eq!(at("\\o 'it|").unwrap(), ["\\o 'it''s.csv'"]);
        assert_eq!(at("\\i |").unwrap().len(), 4);
        assert_eq!(at("select 1;\n\\i old/n|").unwrap(), ["select 1;\n\\i old/notes.txt"]);
    }

    #[test]
    fn nothing_elsewhere() {
        for text in
            ["select 'o|", "select * from o|", "set format to 'o|", "\\i|", "\\d o|", "select * from 'x' where a = 'o|"]
        {
            assert_eq!(at(text), None, "{text}");
        }
        assert_eq!(at("select * from 'a' -- 'o|"), None);
    }

    proptest! {
        #[test]
        fn any_text_and_cursor_is_fine(text in "(from|join|copy|to|'|o|/| |;|\n|\\\\i|ż){0,12}", at in 0usize..40) {
            if let Some(typed) = Typed::at(&text, at.min(text.len())) {
                prop_assert!(text.is_char_boundary(typed.start));
            }
        }
    }
}

//! The shell's own commands: one table feeds parsing, suggestions, completion and help. Pure.

use crate::error::{Error, Result, nearest};

/// A command, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Run these statements.
    Sql(String),
    /// Show the receipt or not; the other way round when `None`.
    Timing(Option<bool>),
    /// Vertical results or not; the other way round when `None`.
    Expanded(Option<bool>),
    /// Data goes to this file; back to the screen when `None`.
    Output(Option<String>),
    /// Run a file.
    Include(String),
    /// Set the format; say it when `None`.
    Format(Option<String>),
    /// Say what weir is connected to.
    Connection,
    /// Say what can be typed; about one thing when `Some`.
    Help(Option<String>),
    /// Leave.
    Quit,
}

/// One row of the table.
#[derive(Debug)]
pub struct Entry {
    /// What is typed, with its backslash.
    pub name: &'static str,
    /// Its argument in capitals, in brackets when optional, or "".
    pub argument: &'static str,
    /// What it does, one sentence without a full stop.
    pub doc: &'static str,
}

/// Every command, in the order help lists them.
pub const COMMANDS: &[Entry] = &[
    Entry { name: "\\d", argument: "[NAME]", doc: "topics and streams, or the columns of one of them" },
    Entry { name: "\\dt", argument: "", doc: "topics" },
    Entry { name: "\\df", argument: "", doc: "functions" },
    Entry { name: "\\x", argument: "[on|off]", doc: "results one value per line, or back" },
    Entry {
        name: "\\f",
        argument: "[FORMAT]",
        doc: "format of results: auto, table, vertical, csv, tsv, json, ndjson, markdown",
    },
    Entry { name: "\\o", argument: "[FILE]", doc: "results to a file, or back to the screen" },
    Entry { name: "\\i", argument: "FILE", doc: "run the statements in a file" },
    Entry { name: "\\timing", argument: "[on|off]", doc: "show the receipt under a result or not" },
    Entry { name: "\\conninfo", argument: "", doc: "what weir is connected to" },
    Entry { name: "\\h", argument: "[TOPIC]", doc: "this help, or more about one thing" },
    Entry { name: "\\?", argument: "", doc: "this help" },
    Entry { name: "\\q", argument: "", doc: "leave (Ctrl-D does too)" },
];

/// Understands one line.
///
/// # Errors
/// A command that is not there (with the nearest one as the hint), or a wrong argument.
pub fn parse(line: &str) -> Result<Command> {
    let line = line.trim();
    let (name, argument) = match line.split_once(char::is_whitespace) {
        Some((name, argument)) => (name, argument.trim().trim_end_matches(';').trim_end()),
        None => (line.trim_end_matches(';'), ""),
    };
    let some = (!argument.is_empty()).then(|| argument.to_string());
    let none = |command: Command| match &some {
        None => Ok(command),
        Some(extra) => Err(Error::usage(format!("{name} takes no argument, got \"{extra}\""))),
    };
    match name.to_ascii_lowercase().as_str() {
        // \d+ is psql's longer \d; ours is long already.
        "\\d" | "\\d+" => Ok(Command::Sql(match &some {
            Some(table) => format!("DESCRIBE {}", quoted(table)),
            None => "SHOW TABLES".to_string(),
        })),
        "\\dt" => none(Command::Sql("SHOW TOPICS".into())),
        "\\df" => none(Command::Sql("SHOW FUNCTIONS".into())),
        "\\timing" => Ok(Command::Timing(on_off(name, argument)?)),
        // \x auto is psql's word for what `off` is here.
        "\\x" if argument.eq_ignore_ascii_case("auto") => Ok(Command::Expanded(Some(false))),
        "\\x" => Ok(Command::Expanded(on_off(name, argument)?)),
        "\\o" => Ok(Command::Output(some.map(|file| unquoted(&file)))),
        "\\i" => match some {
            Some(file) => Ok(Command::Include(unquoted(&file))),
            None => Err(Error::usage("\\i needs a file").with_hint("for example: \\i queries/top_customers.sql")),
        },
        "\\f" => Ok(Command::Format(some)),
        "\\conninfo" => none(Command::Connection),
        "\\h" | "\\?" | "help" | "\\help" => Ok(Command::Help(some)),
        "\\q" | "quit" | "exit" | "\\quit" => none(Command::Quit),
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Error {
    let error = Error::usage(format!("there is no command {name}"));
    match nearest(name, COMMANDS.iter().map(|entry| entry.name)) {
        Some(near) if near != "\\?" => error.with_hint(format!("did you mean {near}? \\h lists them all")),
        _ => error.with_hint("\\h lists them all"),
    }
}

fn on_off(name: &str, argument: &str) -> Result<Option<bool>> {
    match argument.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "on" => Ok(Some(true)),
        "off" => Ok(Some(false)),
        _ => Err(Error::usage(format!("{name} takes on or off, got \"{argument}\""))),
    }
}

/// A name as SQL: as it is when it is a plain or quoted name, else in quotes.
fn quoted(name: &str) -> String {
    let already = name.len() > 1 && name.starts_with('"') && name.ends_with('"');
    if already || super::completer::is_plain(name) { name.to_string() } else { super::completer::quote(name) }
}

fn unquoted(file: &str) -> String {
    let inner = file.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    inner.unwrap_or(file).to_string()
}

/// Help on everything, or on one thing.
///
/// # Errors
/// There is no help on that; the hint lists what there is.
pub fn help(about: Option<&str>) -> Result<String> {
    let Some(about) = about else { return Ok(overview()) };
    let wanted = about.to_ascii_lowercase();
    if let Some(entry) =
        COMMANDS.iter().find(|entry| entry.name == wanted || entry.name.trim_start_matches('\\') == wanted)
    {
        return Ok(format!("{} {}\n  {}\n", entry.name, entry.argument, entry.doc));
    }
    match TOPICS.iter().find(|(name, _)| *name == wanted) {
        Some((_, text)) => Ok((*text).to_string()),
        None => {
            let names: Vec<&str> = TOPICS.iter().map(|(name, _)| *name).collect();
            Err(Error::usage(format!("there is no help on \"{about}\""))
                .with_hint(format!("one of: {}", names.join(", "))))
        }
    }
}

fn overview() -> String {
    let mut text = String::from("Statements end with ; and may span lines. Every topic is a table.\n\n");
    for entry in COMMANDS {
        let left = format!("{} {}", entry.name, entry.argument);
        text.push_str(&format!("  {left:<18} {}\n", entry.doc));
    }
    let names: Vec<&str> = TOPICS.iter().map(|(name, _)| *name).collect();
    text.push_str(
        "\nTab completes; Ctrl-R searches the history; Ctrl-C clears the line or stops the query.\n\
         Try:\n  \
         SHOW TOPICS;\n  \
         DESCRIBE orders;\n  \
         SELECT * FROM orders LAST 5;\n  \
         SELECT region, count(*), sum(amount) FROM orders GROUP BY region;\n  \
         PRINT orders FROM BEGINNING LIMIT 3;\n",
    );
    text.push_str(&format!("More: \\h TOPIC, with TOPIC one of {}\n", names.join(", ")));
    text
}

/// Longer help, by name.
const TOPICS: &[(&str, &str)] = &[
    (
        "select",
        "SELECT reads a topic from its first record to where it ends when the statement starts.\n\
         \x20 SELECT region, count(*) FROM orders GROUP BY region;\n\
         \x20 SELECT * FROM orders LAST 10;                              the newest ten records\n\
         \x20 SELECT *, _partition, _offset FROM orders LIMIT 5;         with where each record is\n\
         \x20 SELECT * FROM orders WHERE _timestamp > now() - INTERVAL '1 hour';\n\
         \x20 SELECT * FROM 'orders.csv';                                a file is a table too\n",
    ),
    (
        "insert",
        "INSERT writes records; all of a statement's rows become visible together.\n\
         \x20 INSERT INTO orders (id, amount) VALUES (1, 9.5);\n\
         \x20 INSERT INTO orders SELECT * FROM 'orders.csv';\n",
    ),
    (
        "create",
        "CREATE STREAM gives a topic declared columns, and makes the topic when it is missing.\n\
         \x20 CREATE STREAM orders (id BIGINT, amount DOUBLE)\n\
         \x20   WITH (kafka_topic='orders', value_format='json', partitions=4);\n\
         \x20 DROP STREAM orders;                DROP STREAM orders DELETE TOPIC;\n",
    ),
    (
        "copy",
        "COPY writes a result to a file; the name's ending says the format.\n\
         \x20 COPY (SELECT * FROM orders) TO 'orders.parquet';           also .csv .json .ndjson\n",
    ),
    (
        "print",
        "PRINT shows records as they are: keys, values, headers and the format they seem to have.\n\
         \x20 PRINT orders FROM BEGINNING LIMIT 3;\n",
    ),
    (
        "errors",
        "A record that cannot be decoded keeps its row, with NULL columns and _error set, unless on_error says otherwise.\n\
         \x20 SELECT * FROM errors('orders');\n\
         \x20 SET on_error = 'skip';             SET on_error = 'fail';\n",
    ),
    (
        "settings",
        "SET changes a setting for this session.\n\
         \x20 SHOW SETTINGS;     SET format = 'csv';     UNSET format;\n",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn sql(line: &str) -> String {
        match parse(line) {
            Ok(Command::Sql(sql)) => sql,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn describing_quotes_names_that_need_it() {
        assert_eq!(sql("\\d"), "SHOW TABLES");
        assert_eq!(sql("\\d+ orders"), "DESCRIBE orders");
        assert_eq!(sql("\\d orders"), "DESCRIBE orders");
        assert_eq!(sql("\\d orders;"), "DESCRIBE orders");
        assert_eq!(sql("\\d order-items.v1"), "DESCRIBE \"order-items.v1\"");
        assert_eq!(sql("\\d \"a b\""), "DESCRIBE \"a b\"");
        assert_eq!(sql("\\d a\"b"), "DESCRIBE \"a\"\"b\"");
    }

    #[test]
    fn every_command_in_the_table_is_understood() {
        for entry in COMMANDS {
            let argument = if entry.argument.is_empty() || entry.argument.starts_with('[') { "" } else { " x" };
            parse(&format!("{}{argument}", entry.name)).expect(entry.name);
        }
        assert_eq!(parse("help").unwrap(), Command::Help(None));
        assert_eq!(parse("exit").unwrap(), Command::Quit);
        assert_eq!(parse("\\i 'a b.sql'").unwrap(), Command::Include("a b.sql".into()));
    }

    #[test]
    fn a_wrong_command_says_what_would_do() {
        let error = parse("\\timin").unwrap_err();
        assert_eq!(error.message(), "there is no command \\timin");
        assert_eq!(error.hint(), Some("did you mean \\timing? \\h lists them all"));
        assert_eq!(parse("\\zzzzzz").unwrap_err().hint(), Some("\\h lists them all"));
        assert_eq!(parse("\\x maybe").unwrap_err().message(), "\\x takes on or off, got \"maybe\"");
        assert_eq!(parse("\\dt orders").unwrap_err().message(), "\\dt takes no argument, got \"orders\"");
    }

    #[test]
    fn help_lists_every_command_and_topic() {
        let text = help(None).unwrap();
        for entry in COMMANDS {
            assert!(text.contains(entry.doc), "{}", entry.name);
        }
        for (name, _) in TOPICS {
            assert!(help(Some(name)).unwrap().contains("  "), "{name}");
        }
        assert!(help(Some("nothing")).unwrap_err().hint().is_some_and(|hint| hint.contains("select")));
    }
}

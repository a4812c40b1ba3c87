//! The shell, driven through a pseudo-terminal as a person would: keys in, screen out.

mod set_up;

use std::time::{Duration, Instant};

use portable_pty::CommandBuilder;
use set_up::WEIR;
use set_up::terminal::{BACKSPACE, CTRL_C, ENTER, RIGHT, TAB, Terminal, UP, size};

/// A topic of a thousand records, read one by one.
const THOUSAND: &str = "CREATE STREAM thousand (n BIGINT) WITH (value_format = 'json', partitions = 1); \
    INSERT INTO thousand SELECT value AS n FROM generate_series(1, 1000); SET batch_rows = 1;";
/// Reads it, with so much to do for each record that it goes on for long.
const SLOW: &str = "SELECT count(*) AS c FROM (SELECT n, unnest(range(1000000)) AS u FROM thousand)";

#[test]
fn the_prompt_comes_and_ctrl_d_leaves_with_0() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn words_and_commands_leave_too() {
    for word in ["quit", "exit;", "\\q"] {
        let home = tempfile::tempdir().expect("a folder");
        let mut terminal = Terminal::start(home.path());
        terminal.wait_at("weir> ");
        terminal.send(word);
        terminal.send(ENTER);
        assert_eq!(terminal.exit_code(), 0, "{word}");
    }
}

#[test]
fn a_command_gets_one_out_of_a_statement_that_was_begun() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("clear");
    terminal.send(ENTER);
    terminal.wait("the next line", |terminal| terminal.cursor_line().trim() == "->");
    terminal.run_to("\\timing off", "note: the statement before the command has no ; and was not run\ntiming is off");
    terminal.send("SELECT 1,");
    terminal.send(ENTER);
    terminal.wait("the next line", |terminal| terminal.cursor_line().trim() == "->");
    terminal.send("\\q");
    terminal.send(ENTER);
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn tab_completes_keywords_settings_and_their_values() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("desc");
    terminal.send(TAB);
    terminal.wait_at("weir> describe");
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    terminal.send("SET form");
    terminal.send(TAB);
    terminal.wait_at("weir> SET format");
    terminal.send(" = nd");
    terminal.send(TAB);
    terminal.wait_at("weir> SET format = 'ndjson'");
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    // Several candidates are listed, and the line stays.
    terminal.send("s");
    terminal.send(TAB);
    terminal.wait("the list", |terminal| terminal.text().contains("select") && terminal.text().contains("show"));
    terminal.send("\x15");
    terminal.send("\\t");
    terminal.send(TAB);
    terminal.wait_at("weir> \\timing");
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn a_statement_may_span_lines_under_the_continuation_prompt() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("SELECT 1,");
    terminal.send(ENTER);
    terminal.wait_at("   -> ");
    terminal.send("  2");
    terminal.send(ENTER);
    terminal.wait_at("   -> ");
    // One key takes the indentation back, a second one the line.
    terminal.send(BACKSPACE);
    terminal.send(BACKSPACE);
    terminal.wait_at("   ->   2");
    terminal.send(ENTER);
    terminal.wait_at("   -> ");
    terminal.send(";");
    terminal.send(ENTER);
    terminal.wait_for_prompt_after("   -> ;");
    // The whole statement is one entry of the history.
    terminal.send(UP);
    terminal.wait("the statement again", |terminal| terminal.text().matches("SELECT 1,").count() == 2);
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    assert_eq!(terminal.leave(), 0);
    let history = std::fs::read_to_string(home.path().join("state/weir/history")).expect("a history");
    assert_eq!(history.lines().filter(|line| line.contains("SELECT 1,")).count(), 1, "{history}");
}

#[test]
fn a_paste_with_tabs_and_lines_runs_nothing_until_enter() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    assert!(terminal.raw.windows(8).any(|bytes| bytes == b"\x1b[?2004h"), "bracketed paste is on");
    terminal.send("\x1b[200~\\timing off\r\n\\zz\r\n\\timing on\x1b[201~");
    terminal.wait_at("\\timing on");
    assert!(!terminal.text().contains("timing is"), "{}", terminal.text());
    terminal.send(ENTER);
    terminal.wait_for("timing is off");
    // The first that fails ends the rest.
    terminal.wait_for_prompt_after("there is no command \\zz");
    assert!(!terminal.text().contains("timing is on"), "{}", terminal.text());
    terminal.send("\x1b[200~SELECT\t'a\r\n;\tb'\r\nFROM\x1b[201~");
    terminal.wait_at("FROM");
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn ctrl_c_clears_the_line_and_stays() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("SELECT nonsense");
    terminal.wait_at("weir> SELECT nonsense");
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    terminal.send("\\timing off");
    terminal.send(ENTER);
    terminal.wait_for_prompt_after("timing is off");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn an_unknown_command_suggests_and_help_lists() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("\\zz");
    terminal.send(ENTER);
    terminal.wait_for("there is no command \\zz");
    terminal.wait_for_prompt_after("\\h lists them all");
    terminal.send("\\timin");
    terminal.send(ENTER);
    terminal.wait_for_prompt_after("did you mean \\timing?");
    terminal.send("\\h");
    terminal.send(ENTER);
    terminal.wait_for("Every topic is a table");
    terminal.wait_for_prompt_after("More: \\h TOPIC");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn a_smaller_terminal_wraps_the_line_that_is_being_typed() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send(&"x".repeat(60));
    terminal.wait("the line", |terminal| terminal.text().contains(&"x".repeat(60)));
    terminal.master.resize(size(20, 40)).expect("a smaller terminal");
    terminal.screen.screen_mut().set_size(20, 40);
    terminal.send("y");
    terminal.wait("the end of the line", |terminal| terminal.cursor_line().trim_end().ends_with('y'));
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn no_color_means_no_colour_but_the_continuation_prompt_stays() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start_with(home.path(), &[("NO_COLOR", "1")]);
    terminal.wait_at("weir> ");
    terminal.send("SELECT 'x', 1 -- y");
    terminal.send(ENTER);
    terminal.wait_at("   -> ");
    let written = String::from_utf8_lossy(&terminal.raw).into_owned();
    for sequence in ["\x1b[1m", "\x1b[2m", "\x1b[1;34m", "\x1b[32m", "\x1b[36m"] {
        assert!(!written.contains(sequence), "{written:?}");
    }
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn a_result_its_receipt_and_its_shapes() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("SELECT 1 AS one, 'two' AS word;\r");
    terminal.wait_for_prompt_after("1 row");
    let text = terminal.text();
    for line in ["│    one │ word    │", "│ BIGINT │ VARCHAR │", "│      1 │ two     │"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    terminal.send("\\x\r");
    terminal.wait_for_prompt_after("format is vertical");
    terminal.send("SELECT 3 AS three;\r");
    terminal.wait_for_prompt_after("three │ 3\n1 row");
    terminal.send("\\f ndjson\r");
    terminal.wait_for_prompt_after("format is ndjson");
    terminal.send("\\timing off\r");
    terminal.wait_for_prompt_after("timing is off");
    terminal.send("SELECT 4 AS four;\r");
    terminal.wait_for_prompt_after("{\"four\":4}");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn an_error_points_at_its_place_and_the_shell_lives_on() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("SELECT nosuchcolumn;\r");
    terminal.wait_for_prompt_after("error: ");
    let text = terminal.text();
    assert!(text.contains("1 | SELECT nosuchcolumn;") && text.contains("^^^^"), "{text}");
    terminal.send("SELECT 5 AS five;\r");
    terminal.wait_for_prompt_after("1 row");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn results_go_to_a_file_and_statements_come_from_one() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    std::fs::write(home.path().join("two.sql"), "\\f csv\nSELECT 1 AS n;\nSELECT 2 AS n;\nSELECT nonsense;\n\\q\n")
        .expect("a file");
    terminal.wait_at("weir> ");
    terminal.send("\\o out.csv\r");
    terminal.wait_for_prompt_after("\\o out.csv");
    terminal.send("\\i two.sql\r");
    // Line 4 of the file is at fault, and what follows it does not run.
    terminal.wait_for("two.sql:4:");
    terminal.wait_for_prompt_after("4 | SELECT nonsense;");
    terminal.send("\\o\r");
    terminal.wait_for_prompt_after("wrote out.csv");
    assert_eq!(std::fs::read_to_string(home.path().join("out.csv")).expect("the file"), "n\n1\nn\n2\n");
    terminal.send("\\i missing.sql\r");
    terminal.wait_for_prompt_after("error: reading missing.sql: ");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn a_file_for_results_gets_the_format_its_name_ends_in() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.run_to("\\o out.csv", "results go to out.csv");
    terminal.run_to("SELECT 1 AS n, 'a,b' AS s;", "1 row");
    terminal.run_to("\\o 'out.json'", "wrote out.csv\nresults go to out.json");
    terminal.run_to("SELECT 2 AS n;", "SELECT 2 AS n;\n1 row");
    // A format that was asked for counts.
    terminal.run_to("\\f tsv", "format is tsv");
    terminal.run_to("SELECT 3 AS n;", "SELECT 3 AS n;\n1 row");
    terminal.run_to("\\o", "wrote out.json");
    let read = |name: &str| std::fs::read_to_string(home.path().join(name)).expect("the file");
    assert_eq!(read("out.csv"), "n,s\n1,\"a,b\"\n");
    assert_eq!(read("out.json"), "[\n{\"n\":2}\n]\nn\n3\n");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn ctrl_c_stops_a_query_at_once_and_never_the_shell() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("SELECT count(*) FROM generate_series(1, 1000000000000);\r");
    terminal.wait("the end of the line", |terminal| terminal.cursor_line().is_empty());
    let pressed = Instant::now();
    terminal.send(CTRL_C);
    terminal.wait_for_prompt_after("cancelled");
    let took = pressed.elapsed();
    assert!(took < Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 200 }), "{took:?}");
    // Rows that came are kept, and said to be a part.
    terminal.send("SET format = 'csv';\r");
    terminal.wait_for_prompt_after("SET format = 'csv';");
    terminal.send("SELECT value FROM generate_series(1, 1000000000000);\r");
    terminal.wait("some rows", |terminal| terminal.text().contains("\n2"));
    terminal.send(CTRL_C);
    terminal.wait_for_prompt_after("cancelled; partial result: ");
    terminal.send("SELECT 6 AS six;\r");
    terminal.wait_for_prompt_after("six\n6\n");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn a_result_taller_than_the_screen_goes_through_the_pager() {
    let home = tempfile::tempdir().expect("a folder");
    let pager = format!("cat > '{}'", home.path().join("paged").display());
    let mut terminal = Terminal::start_with(home.path(), &[("PAGER", "false"), ("WEIR_PAGER", pager.as_str())]);
    terminal.wait_at("weir> ");
    terminal.send("SELECT value FROM generate_series(1, 50);\r");
    terminal.wait_for_prompt_after("50 rows");
    assert!(!terminal.text().contains('│'), "{}", terminal.text());
    let paged = std::fs::read_to_string(home.path().join("paged")).expect("what the pager saw");
    assert_eq!(paged.lines().count(), 50 + 5, "{paged}");
    // What fits stays on the screen; with the pager off everything does.
    terminal.send("SELECT value FROM generate_series(1, 5);\r");
    terminal.wait_for_prompt_after("5 rows");
    assert!(terminal.text().contains("│      5 │"), "{}", terminal.text());
    terminal.send("SET pager = 'off';\r");
    terminal.wait_for_prompt_after("SET pager = 'off';");
    terminal.send("SELECT value FROM generate_series(1, 60);\r");
    terminal.wait_for_prompt_after("60 rows");
    assert!(terminal.text().contains("│     60 │"), "{}", terminal.text());
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn keys_typed_ahead_are_not_lost() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("\\timing off\r\\x on\r\\f csv\r");
    terminal.wait_for("timing is off");
    terminal.wait_for("format is vertical");
    terminal.wait_for_prompt_after("format is csv");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn tab_completes_topics_columns_and_fields_behind_an_alias() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.run_to(
        "CREATE STREAM purchases (id BIGINT, buyer STRUCT<name VARCHAR, city VARCHAR>) WITH (value_format = 'json', partitions = 1);",
        "created stream purchases",
    );
    terminal.send("SELECT * FROM pur");
    terminal.tab_to("weir> SELECT * FROM purchases");
    terminal.send(" p WHERE p.bu");
    terminal.tab_to("weir> SELECT * FROM purchases p WHERE p.buyer");
    terminal.send(".ci");
    terminal.tab_to("weir> SELECT * FROM purchases p WHERE p.buyer.city");
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn tab_completes_file_names() {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(home.path().join("files")).expect("a folder");
    std::fs::write(home.path().join("files/numbers.csv"), "n\n7\n").expect("a file");
    std::fs::write(home.path().join("files/numbers.sql"), "SELECT 8 AS eight;\n").expect("a file");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("SELECT * FROM 'fi");
    terminal.tab_to("weir> SELECT * FROM 'files/");
    terminal.send(TAB);
    terminal.wait_at("weir> SELECT * FROM 'files/numbers.csv'");
    terminal.run_to(";", "1 row");
    assert!(terminal.text().contains("│      7 │"), "{}", terminal.text());
    terminal.send("\\i files/numbers.s");
    terminal.tab_to("weir> \\i files/numbers.sql");
    terminal.run_to("", "\\i files/numbers.sql");
    assert!(terminal.text().contains("│      8 │"), "{}", terminal.text());
    terminal.send("COPY (SELECT 1 AS one) TO 'files/num");
    terminal.tab_to("weir> COPY (SELECT 1 AS one) TO 'files/numbers.");
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn the_history_offers_the_rest_and_the_right_arrow_takes_it() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.run_to("SELECT 1 AS first;", "SELECT 1 AS first;");
    terminal.run_to("SELECT 2 AS second;", "SELECT 2 AS second;");
    terminal.send("SELECT 1");
    // Grey, behind the cursor.
    terminal.wait("the hint", |terminal| terminal.text().trim_end().ends_with("weir> SELECT 1 AS first;"));
    assert_eq!(terminal.cursor_line(), "weir> SELECT 1");
    assert!(String::from_utf8_lossy(&terminal.raw).contains("\x1b[90m AS first;"));
    terminal.send(RIGHT);
    terminal.wait_at("weir> SELECT 1 AS first;");
    terminal.run_to("", "SELECT 1 AS first;");
    // Enter takes only what was typed.
    terminal.run_to("\\q 1", "\\q takes no argument");
    terminal.send("\\q");
    terminal.send(ENTER);
    assert_eq!(terminal.exit_code(), 0);
}

#[test]
fn a_paste_of_several_statements_runs_them_in_turn() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("\x1b[200~SELECT 1 AS one;\r\n-- between ; them\r\nSELECT 'a;b' AS word,\r\n\t2 AS two;\x1b[201~");
    terminal.wait("the paste", |terminal| terminal.cursor_line().ends_with("2 AS two;"));
    terminal.send(ENTER);
    terminal.wait("two results", |terminal| terminal.text().matches("1 row").count() == 2);
    terminal.wait_for_prompt_after("1 row");
    let text = terminal.text();
    for line in ["│    one │", "│      1 │", "│ word    │    two │", "│ a;b     │      2 │"] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    // The whole paste is one entry of the history.
    terminal.send(UP);
    terminal.wait("the paste again", |terminal| terminal.text().matches("-- between ; them").count() == 2);
    terminal.send(CTRL_C);
    terminal.wait_at("weir> ");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn a_terminal_that_changes_in_mid_query_is_noticed_by_the_next() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.send("SELECT count(*) FROM generate_series(1, 1000000000000);\r");
    terminal.wait("the end of the line", |terminal| terminal.cursor_line().is_empty());
    terminal.master.resize(size(30, 50)).expect("a smaller terminal");
    terminal.screen.screen_mut().set_size(30, 50);
    terminal.send(CTRL_C);
    terminal.wait_for_prompt_after("cancelled");
    terminal.run_to("SELECT 'a word that is long' AS a, 'and another that is longer' AS b;", "1 row");
    let vertical = "a │ a word that is long\nb │ and another that is longer";
    assert!(terminal.text().contains(vertical), "{}", terminal.text());
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn ctrl_c_in_mid_scan_keeps_the_rows_so_far() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    terminal.run_to(THOUSAND, "batch_rows = 1\n");
    terminal.run_to("\\f csv", "format is csv");
    terminal.send("SELECT n, array_length(range(2000000 + n)) AS u FROM thousand;\r");
    terminal.wait("some rows", |terminal| terminal.text().contains("\n2,2000002"));
    let pressed = Instant::now();
    terminal.send(CTRL_C);
    terminal.wait_for_prompt_after("cancelled; partial result: ");
    let took = pressed.elapsed();
    assert!(took < Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 200 }), "{took:?}");
    // Without a row there is no frame either.
    terminal.run_to("\\f table", "format is table");
    terminal.send(SLOW);
    terminal.send(";\r");
    terminal.wait("the bar", |terminal| terminal.text().contains(" of 1.0 k"));
    terminal.send(CTRL_C);
    terminal.wait_for_prompt_after("thousand);\ncancelled");
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn the_progress_bar_is_on_stderr_and_goes_when_the_query_ends() {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "exec \"$WEIR\" --data data --csv -c \"$TEXT\" > out.csv"]);
    let mut terminal = Terminal::spawn(
        home.path(),
        command,
        &[("WEIR", WEIR), ("TEXT", &format!("{THOUSAND} SELECT 1 AS one; {SLOW};"))],
    );
    terminal.wait("the bar", |terminal| terminal.text().contains(" of 1.0 k") && terminal.text().contains('░'));
    terminal.send(CTRL_C);
    assert_eq!(terminal.exit_code(), 130);
    let text = terminal.text();
    assert!(!text.contains(" of 1.0 k") && !text.contains('░'), "{text}");
    assert!(text.trim_end().ends_with("cancelled"), "{text}");
    assert_eq!(std::fs::read_to_string(home.path().join("out.csv")).expect("the rows"), "one\n1\n");
}

#[test]
fn commands_in_an_empty_folder_and_with_wrong_arguments_say_what_would_do() {
    let home = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(home.path());
    terminal.wait_at("weir> ");
    let data = home.path().join("data");
    for (command, said) in [
        ("\\d", format!("note: the local log {} has no topics or streams yet", data.display())),
        ("\\dt", format!("note: the local log {} has no topics yet", data.display())),
        ("\\d nothing", "error: there is no topic or stream \"nothing\"".to_string()),
        ("\\dt nothing", "error: \\dt takes no argument, got \"nothing\"".to_string()),
        ("\\timing maybe", "error: \\timing takes on or off, got \"maybe\"".to_string()),
        ("\\x auto", "format is auto".to_string()),
        ("\\f xml", "error: format cannot be 'xml'".to_string()),
        ("\\o no/such/folder.csv", "error: writing no/such/folder.csv: ".to_string()),
        ("\\i", "error: \\i needs a file".to_string()),
        ("\\i no.sql", "error: reading no.sql: ".to_string()),
        ("\\h nothing", "error: there is no help on \"nothing\"".to_string()),
        ("\\q now", "error: \\q takes no argument, got \"now\"".to_string()),
    ] {
        terminal.run_to(command, &format!("weir> {command}\n"));
        let text = terminal.text().replace('\n', "");
        assert!(text.contains(&said.replace('\n', "")), "{command}: {said}\n{}", terminal.text());
        assert!(!text.contains('│'), "{command}\n{}", terminal.text());
    }
    assert_eq!(terminal.leave(), 0);
}

#[test]
fn rows_alone_go_to_a_standard_output_that_is_no_terminal() {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "exec \"$WEIR\" --data data > out.csv"]);
    let mut terminal = Terminal::spawn(home.path(), command, &[("WEIR", WEIR)]);
    terminal.wait_at("weir> ");
    terminal.run_to("\\f csv", "format is csv");
    // The editor is all there.
    terminal.send("SELECT 7 AS sevenn");
    terminal.send(BACKSPACE);
    terminal.run_to(";", "1 row");
    terminal.send("\\q");
    terminal.send(ENTER);
    assert_eq!(terminal.exit_code(), 0);
    assert_eq!(std::fs::read_to_string(home.path().join("out.csv")).expect("the rows"), "seven\n7\n");
}

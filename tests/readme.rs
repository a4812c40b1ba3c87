//! Everything the README shows is run: its commands, its SQL, and the answers it prints, on the demo's topics.
//!
//! `<!-- output: SQL -->` stands before a block that begins with what that statement prints. Commands that need a cluster, or
//! that do not end, are not run here.

#![allow(clippy::unwrap_used)]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The insides of the fenced blocks of one language, in order.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let open = format!("\n```{language}\n");
    text.split(&open).skip(1).map(|rest| rest.split("\n```").next().unwrap().to_string()).collect()
}

/// A folder with the demo's topics in `data`, and the saved queries beside it.
fn demo() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("queries"), dir.path().join("queries"))
        .unwrap();
    std::fs::write(dir.path().join("report.sql"), "SELECT 2;\n").unwrap();
    fine(&weir(dir.path(), &["demo", "--dir", "data", "-q"], ""));
    fine(&weir(dir.path(), &["-c", "COPY (SELECT id, amount FROM orders LAST 3) TO 'orders.csv'"], ""));
    dir
}

fn surroundings<'a>(command: &'a mut Command, dir: &Path) -> &'a mut Command {
    let bin = Path::new(env!("CARGO_BIN_EXE_weir")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    command.current_dir(dir).env_clear().env("PATH", path).env("HOME", dir).env("WEIR_DATA", dir.join("data"))
}

fn weir(dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    surroundings(command.args(arguments), dir);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn fine(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn answers_are_as_shown() {
    let dir = demo();
    let readme = readme();
    let mut shown = 0;
    for rest in readme.split("<!-- output: ").skip(1) {
        let (sql, rest) = rest.split_once(" -->\n").unwrap();
        if sql == "benches/run" {
            continue;
        }
        let block = rest.strip_prefix("```text\n").expect(sql).split("\n```").next().unwrap();
        let output = weir(dir.path(), &["--format", "table", "-q", "-c", sql], "");
        let said = if output.status.success() { output.stdout } else { output.stderr };
        let said = String::from_utf8(said).unwrap();
        assert!(!said.is_empty() && block.starts_with(said.trim_end()), "{sql} gives\n{said}\nREADME has\n{block}");
        shown += 1;
    }
    assert!(shown >= 3, "only {shown} answers were found");
}

#[test]
fn statements_run() {
    let dir = demo();
    let blocks: Vec<String> = blocks(&readme(), "sql").into_iter().filter(|b| !b.contains('…')).collect();
    assert!(blocks.len() >= 3, "only {} blocks were found", blocks.len());
    for block in blocks {
        fine(&weir(dir.path(), &["-f", "-"], &block));
    }
}

#[test]
fn commands_run() {
    let dir = demo();
    let elsewhere = ["kafka:", "client.properties", "weir serve"];
    let mut ran = 0;
    for block in blocks(&readme(), "sh") {
        for line in block.replace("\\\n", " ").lines() {
            if !line.starts_with("weir ") || elsewhere.iter().any(|word| line.contains(word)) {
                continue;
            }
            let mut command = Command::new("sh");
            let line = line.replace("DIR", "data");
            fine(&surroundings(command.args(["-c", &line]), dir.path()).stdin(Stdio::null()).output().unwrap());
            ran += 1;
        }
    }
    assert!(ran >= 5, "only {ran} commands were run");
}

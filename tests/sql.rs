//! Runs every file below `tests/sql` through every front and compares what comes with the answers written in it.
//!
//! Answers are `--> ` comments under each statement. `UPDATE=1 cargo test --test sql` writes them anew, as they come in
//! process. Tags, under the statement they belong to:
//!
//! ```sql
//! --@ param n INT = 5              the statement's parameter
//! --@ receipt                      the answer ends with what was read
//! --@ produce t 0 key value        afterwards a record is put into partition 0 of t; \xNN is a byte, NULL no key or value
//! ```
//! `{dir}` in a statement is a temporary folder.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod fronts;
mod set_up;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use fronts::{Place, Reference, difference};
use futures::StreamExt as _;
use weir::config::{Cluster, Config};
use weir::front::demo;
use weir::front::saved::SavedQuery;
use weir::front::show::{Outcome, Output};
use weir::render::error::screen;
use weir::session::Session;
use weir::session::engine::Engine;
use weir::sql::params::Params;

/// All files, in every folder of `tests/sql`.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql");
    let mut files = Vec::new();
    for folder in std::fs::read_dir(root).unwrap() {
        let entries = std::fs::read_dir(folder.unwrap().path()).unwrap();
        files.extend(entries.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "sql")));
    }
    files.sort();
    files
}

/// What went through each front, over all files.
#[derive(Debug, Default)]
struct Tally {
    statements: usize,
    script: usize,
    server: usize,
    shell: fronts::shell::Counts,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.statements += other.statements;
        self.script += other.script;
        self.server += other.server;
        self.shell.ran += other.shell.ran;
        self.shell.with_parameters += other.shell.with_parameters;
    }
}

/// Runs one file through all fronts; returns what went through, and what is wrong.
async fn run_file(path: PathBuf) -> (Tally, String) {
    let expected = std::fs::read_to_string(&path).unwrap();
    let root = tempfile::tempdir().unwrap();
    let (answers, reference, failed) = Reference::run(&expected, Place::new(root.path(), 'p')).await;
    let mut tally = Tally { statements: reference.len(), ..Tally::default() };
    let mut failures = failed.unwrap_or_default();
    if let Some(found) = difference("in process, line", &expected, &answers) {
        match std::env::var_os("UPDATE") {
            Some(_) => std::fs::write(&path, answers).unwrap(),
            None => failures.push_str(&found),
        }
    }
    let place = |letter| Place::new(root.path(), letter);
    let (script, shell, server) = (place('s'), place('t'), place('h'));
    let mut note = |failed: String| failures.push_str(&failed);
    fronts::script::run(&script, &reference).await.map_or_else(&mut note, |count| tally.script = count);
    fronts::shell::run(&shell, &reference).await.map_or_else(&mut note, |counts| tally.shell = counts);
    fronts::server::run(&server, &reference).await.map_or_else(&mut note, |count| tally.server = count);
    (tally, failures)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_file_gives_its_answers_through_every_front() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut failures = String::new();
    let mut tally = Tally::default();
    let files = files();
    // A few at a time; a file that panics must not hide the others.
    let mut running = futures::stream::iter(files)
        .map(|path| async { (path.clone(), tokio::spawn(run_file(path)).await) })
        .buffered(3);
    while let Some((path, ended)) = running.next().await {
        let (counted, failed) = ended.unwrap_or_else(|e| (Tally::default(), format!("{e}\n")));
        tally.add(&counted);
        if !failed.is_empty() {
            writeln!(failures, "{}:\n{failed}", path.strip_prefix(root).unwrap().display()).unwrap();
        }
    }
    assert!(failures.is_empty(), "\n{failures}UPDATE=1 rewrites the answers; then read the difference\n");
    assert!(tally.statements > 200, "{tally:?}");
    // Nothing is left out, but for the shell's lack of parameters.
    let shell = &tally.shell;
    assert_eq!((tally.script, tally.server), (tally.statements, tally.statements), "{tally:?}");
    assert_eq!(shell.ran + shell.with_parameters, tally.statements, "{tally:?}");
    println!("{} statements; in the shell all but {} with parameters", tally.statements, shell.with_parameters);
}

/// A folder with the sample topics of `size` orders.
async fn demo_session(size: u64) -> (tempfile::TempDir, Session) {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::open(Config::new(Cluster::Local { dir: dir.path().into() })).await.unwrap();
    demo::fill(&engine, dir.path(), size).await.unwrap();
    (dir, Session::new(engine))
}

/// The rows of a statement as CSV lines, without the header.
async fn csv(session: &Session, sql: &str) -> Vec<String> {
    session.set("format", "csv").unwrap();
    let (mut data, mut talk) = (Vec::new(), Vec::new());
    let mut output = Output::plain(&mut data, &mut talk);
    weir::front::show::show(session, sql, &Params::new(), &mut output).await.unwrap();
    session.unset("format").unwrap();
    String::from_utf8(data).unwrap().lines().skip(1).map(str::to_string).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_is_the_folder_of_queries_and_every_query_answers() {
    let (_dir, session) = demo_session(2000).await;
    let (mut data, mut talk) = (Vec::new(), Vec::new());
    let outcome = demo::tour(&session, &mut Output::plain(&mut data, &mut talk)).await;
    let outcome = outcome.unwrap_or_else(|e| panic!("{}", e.screen(false)));
    assert_eq!(outcome, Outcome::Done);
    let text = String::from_utf8(data).unwrap();
    let talk = String::from_utf8(talk).unwrap();
    assert!(!talk.contains("INCOMPLETE"), "{talk}");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path().file_stem().unwrap().to_str().unwrap().to_string())
        .collect();
    let mut toured: Vec<String> = demo::TOUR.iter().map(|s| s.name.to_string()).collect();
    names.sort();
    toured.sort();
    assert_eq!(names, toured);
    // Every answer has rows: a line of a query's text is indented, a table's is not, and its header has two.
    for stop in demo::TOUR {
        let at = text.find(&format!("\n{}: ", stop.name)).unwrap();
        let section = &text[at + 1..];
        let section = demo::TOUR
            .iter()
            .filter_map(|other| section.find(&format!("\n{}: ", other.name)))
            .min()
            .map_or(section, |end| &section[..end]);
        let lines = section.lines().filter(|l| l.starts_with('│')).count();
        assert!(lines > 2, "{} has no rows:\n{section}", stop.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_saved_query_can_be_planned() {
    let (_dir, session) = demo_session(40).await;
    for stop in demo::TOUR {
        let query = SavedQuery::parse(stop.name, Path::new(stop.name), stop.text.to_string()).unwrap();
        assert!(query.description.is_some(), "{} has no @desc", stop.name);
        for params in [query.sample_params(), query.bind(&[]).unwrap()] {
            if let Err(error) = session.check(stop.text, &params).await {
                panic!("{}", screen(&error, stop.text, Some(stop.name), false));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_topics_hold_what_they_promise() {
    let (_dir, session) = demo_session(400).await;
    let one = async |sql: &str| csv(&session, sql).await.join("/");
    assert_eq!(one("SELECT count(DISTINCT id), min(id), max(id) FROM orders").await, "400,1,400");
    // Four records that are no orders, and four that are there twice.
    assert_eq!(one("SELECT count(*) FROM errors('orders')").await, "4");
    assert_eq!(one("SELECT count(*) FROM orders").await, "408");
    assert_eq!(one("SELECT count(*) FROM errors('payments')").await, "4");
    // The first half was written before the schema had a channel: its default stands in.
    assert_eq!(one("SELECT DISTINCT channel FROM orders WHERE id <= 200").await, "web");
    assert_eq!(
        one("SELECT count(DISTINCT channel), count(DISTINCT _schema_id) FROM orders WHERE id > 200").await,
        "3,1"
    );
    assert_eq!(one("SELECT count(DISTINCT _schema_id) FROM orders WHERE id IS NOT NULL").await, "2");
    // What an order costs is what its items cost.
    let sums = "SELECT count(*) FROM (SELECT id, amount, unnest(items) AS i FROM (SELECT DISTINCT ON (id) * FROM orders \
                WHERE _error IS NULL)) GROUP BY id, amount HAVING sum(i.quantity * i.price) <> amount";
    assert_eq!(one(sums).await, "");
    // Everything but the poison is text of one key; tombstones are there, and keys that were left with a value.
    assert_eq!(one("SELECT count(*) > 0 FROM customers WHERE _value IS NULL").await, "true");
    assert_eq!(one("SELECT count(DISTINCT _key) FROM customers").await, "12");
    assert_eq!(one("SELECT count(*) FROM payments p LEFT JOIN orders o ON o.id = p.order_id WHERE p._error IS NULL AND o.id IS NULL").await, "0");
    assert_eq!(one("SELECT max(_timestamp) <= now() FROM orders").await, "true");
    assert_eq!(one("SELECT count(*) > 0 FROM (SELECT _timestamp < lag(_timestamp) OVER (PARTITION BY _partition ORDER BY _offset) AS late FROM orders) WHERE late").await, "true");
}

/// Exit code, standard output and standard error of `weir demo` in `dir`.
fn weir_demo(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    set_up::run(&mut set_up::weir(dir, &[&["demo"], arguments].concat()))
}

#[test]
fn the_demo_runs_again_and_again() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".local/share/weir/demo");
    let first_line = |text: &str| text.lines().next().unwrap_or("").to_string();
    let (code, tour, talk) = weir_demo(home.path(), &["--size", "40"]);
    assert_eq!(code, 0, "{talk}");
    let made = format!("made sample topics with 40 orders in {} (", folder.display());
    assert!(first_line(&talk).starts_with(&made), "{talk}");
    let (code, again, talk) = weir_demo(home.path(), &["--size", "40"]);
    assert_eq!((code, again), (0, tour), "{talk}");
    assert_eq!(first_line(&talk), format!("the sample topics are in {}", folder.display()));
    let (code, _, talk) = weir_demo(home.path(), &["--size", "41", "--quiet"]);
    assert_eq!((code, talk.as_str()), (0, ""));
    // Nothing but the demo's own topics is ever touched.
    std::fs::remove_file(folder.join("demo.json")).unwrap();
    let (code, out, talk) = weir_demo(home.path(), &["--dir", folder.to_str().unwrap()]);
    let screen = format!(
        "error: {} holds other topics, such as clicks\nhint: name an empty or new folder with --dir DIR\n",
        folder.display()
    );
    assert_eq!((code, out, talk), (2, String::new(), screen));
    let (code, _, talk) = weir_demo(home.path(), &["-b", "127.0.0.1:1"]);
    assert_eq!(code, 2);
    assert_eq!(talk, "error: the demo fills a local log, not a cluster\nhint: leave -b out\n");
}

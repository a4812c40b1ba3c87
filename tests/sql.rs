//! Runs every file below `tests/sql` on topics in memory and compares what comes with the answers written in it.
//!
//! Answers are `--> ` comments under each statement. `UPDATE=1 cargo test --test sql` writes them anew. Tags, under the
//! statement they belong to:
//!
//! ```sql
//! --@ param n INT = 5              the statement's parameter
//! --@ receipt                      the answer ends with what was read
//! --@ produce t 0 key value        afterwards a record is put into partition 0 of t; \xNN is a byte, NULL no key or value
//! ```
//! `{dir}` in a statement is a temporary folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use weir::config::{Cluster, Config};
use weir::connect::{Connector, NewRecord, memory::Memory};
use weir::front::demo;
use weir::front::saved::SavedQuery;
use weir::front::show::{Outcome, Output};
use weir::render::{Look, Renderer, error::screen};
use weir::session::Session;
use weir::session::engine::Engine;
use weir::session::response::{Receipt, Response};
use weir::sql::params::{ParamType, Params};
use weir::sql::split::split;

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

/// One statement of a file and the lines under it.
struct Block {
    statement: String,
    /// The statement as it stands in the file with all before it, up to the end of its last line.
    text: String,
    tags: Vec<String>,
    /// Comments and blank lines between this statement's answer and the next statement.
    rest: String,
}

/// The lines before the first statement, and the statements.
fn blocks(text: &str) -> (String, Vec<Block>) {
    let pieces = split(text).unwrap();
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |n| n + 1);
    let line_end = |at: usize| text[at..].find('\n').map_or(text.len(), |n| at + n + 1);
    let mut blocks = Vec::new();
    for (i, piece) in pieces.iter().enumerate() {
        let after = line_end(piece.span.end);
        let until = pieces.get(i + 1).map_or(text.len(), |next| line_start(next.span.start));
        assert!(until >= after, "two statements on one line: {}", &text[piece.span.start..piece.span.end]);
        let lines: Vec<&str> = text[after..until].split_inclusive('\n').collect();
        blocks.push(Block {
            statement: text[piece.span.start..piece.span.end].to_string(),
            text: text[line_start(piece.span.start)..after].to_string(),
            tags: lines.iter().filter_map(|l| l.strip_prefix("--@ ")).map(|l| l.trim_end().to_string()).collect(),
            rest: lines.iter().filter(|l| !l.starts_with("--@") && !l.starts_with("-->")).copied().collect(),
        });
    }
    let first = pieces.first().map_or(text.len(), |p| line_start(p.span.start));
    (text[..first].to_string(), blocks)
}

async fn memory() -> Session {
    let connector: Arc<dyn Connector> = Arc::new(Memory::new());
    let mut config = Config::new(Cluster::Memory);
    config.threads = 2;
    Session::new(Engine::with_connector(config, connector).unwrap())
}

/// The whole file with the answers that come now.
async fn run_file(text: &str) -> String {
    let session = memory().await;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    let (mut out, blocks) = blocks(text);
    for block in blocks {
        out.push_str(&block.text);
        let mut params = Params::new();
        let mut with_receipt = false;
        for tag in &block.tags {
            writeln!(out, "--@ {tag}").unwrap();
            match tag.split_once(' ') {
                Some(("param", declared)) => param(declared, &mut params),
                Some(("produce", _)) => {}
                None if tag == "receipt" => with_receipt = true,
                _ => panic!("there is no tag {tag}"),
            }
        }
        let statement = block.statement.replace("{dir}", folder);
        let answer = answer(&session, &statement, &params, with_receipt).await.replace(folder, "{dir}");
        for line in answer.lines() {
            writeln!(out, "{}", format!("--> {line}").trim_end()).unwrap();
        }
        for tag in &block.tags {
            let Some(record) = tag.strip_prefix("produce ") else { continue };
            if let Err(error) = produce(session.engine().connector().as_ref(), record).await {
                writeln!(out, "--> not produced: {error}").unwrap();
            }
        }
        out.push_str(&block.rest);
    }
    out
}

/// `name TYPE = value`.
fn param(declared: &str, params: &mut Params) {
    let (head, value) = declared.split_once(" = ").unwrap();
    let (name, r#type) = head.split_once(' ').unwrap();
    params.insert(name.to_string(), ParamType::by_name(r#type).unwrap().parse(value).unwrap());
}

/// `topic partition key value`.
async fn produce(connector: &dyn Connector, record: &str) -> weir::error::Result<()> {
    let [topic, partition, key, value] = record.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
    let mut writer = connector.writer(topic).await?;
    let record = NewRecord {
        partition: Some(partition.parse().unwrap()),
        key: bytes(key),
        value: bytes(value),
        headers: Vec::new(),
        timestamp_ms: Some(1_700_000_000_000),
    };
    writer.append(vec![record]).await?;
    writer.commit().await.map(|_| ())
}

fn bytes(text: &str) -> Option<Bytes> {
    if text == "NULL" {
        return None;
    }
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once("\\x") {
        out.extend_from_slice(before.as_bytes());
        let (hex, after) = escape.split_at(2);
        out.push(u8::from_str_radix(hex, 16).unwrap());
        rest = after;
    }
    out.extend_from_slice(rest.as_bytes());
    Some(out.into())
}

async fn answer(session: &Session, statement: &str, params: &Params, with_receipt: bool) -> String {
    let mut out = String::new();
    let mut table = Vec::new();
    let mut renderer: Option<Renderer> = None;
    let mut responses = session.execute(statement, params);
    while let Some(response) = responses.next().await {
        match response {
            Ok(Response::Begin { .. }) => {}
            Ok(Response::Schema(schema)) => renderer = Some(Renderer::new(schema, Look::default())),
            Ok(Response::Rows(batch)) => renderer.as_mut().unwrap().rows(&batch, &mut table).unwrap(),
            Ok(Response::Receipt(receipt)) => {
                if let Some(mut renderer) = renderer.take() {
                    renderer.finish(&mut table).unwrap();
                }
                out.push_str(&String::from_utf8(std::mem::take(&mut table)).unwrap());
                if with_receipt {
                    out.push_str(&counts(&receipt));
                }
                if let Some(why) = receipt.incomplete {
                    writeln!(out, "incomplete: {why}").unwrap();
                }
            }
            Ok(Response::Notice(notice)) => {
                writeln!(out, "notice: {}", notice.message).unwrap();
                if let Some(hint) = notice.hint {
                    writeln!(out, "hint: {hint}").unwrap();
                }
            }
            Ok(Response::Done { message }) => writeln!(out, "{message}").unwrap(),
            Err(error) => out.push_str(&screen(&error, statement, None, false)),
        }
    }
    out
}

/// What was read, without anything that differs from run to run.
fn counts(receipt: &Receipt) -> String {
    let mut out = format!("receipt: {} rows\n", receipt.rows);
    for topic in &receipt.topics {
        write!(
            out,
            "receipt: {}: scanned {} of {}, partitions {} of {}, decoded {}",
            topic.topic, topic.scanned, topic.in_range, topic.partitions_read, topic.partitions, topic.decoded
        )
        .unwrap();
        for (name, n) in [("tombstones", topic.tombstones), ("undecodable", topic.undecodable)] {
            if let Some(n) = n.filter(|n| *n > 0) {
                write!(out, ", {name} {n}").unwrap();
            }
        }
        out.push('\n');
    }
    out
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_gives_its_answers() {
    let update = std::env::var_os("UPDATE").is_some();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = files();
    assert!(!files.is_empty());
    let mut failures = String::new();
    for path in &files {
        let expected = std::fs::read_to_string(path).unwrap();
        let name = path.strip_prefix(root).unwrap().display();
        // A file that panics must not hide the others.
        let text = expected.clone();
        let got = match tokio::spawn(async move { run_file(&text).await }).await {
            Ok(got) => got,
            Err(e) => {
                writeln!(failures, "{name}: {e}").unwrap();
                continue;
            }
        };
        if got == expected {
            continue;
        }
        if update {
            std::fs::write(path, got).unwrap();
            continue;
        }
        let (expected, got): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
        let at = expected.iter().zip(&got).take_while(|(a, b)| a == b).count();
        let from = |lines: &[&str]| lines.iter().skip(at).take(8).map(|l| format!("    {l}\n")).collect::<String>();
        writeln!(failures, "{name}:{}: expected\n{}  but got\n{}", at + 1, from(&expected), from(&got)).unwrap();
    }
    assert!(failures.is_empty(), "\n{failures}UPDATE=1 rewrites the answers; then read the difference\n");
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

/// Exit code, standard output and standard error of `weir demo` in `dir`, with nothing of the caller's environment.
fn weir_demo(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_weir"));
    command
        .arg("demo")
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .env("HOME", dir)
        .stdin(std::process::Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
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

//! The binary from outside: whole screens, exit codes, and the server over a real connection.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod set_up;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use set_up::server::Server;
use set_up::{PATIENCE, folder, run, signal, weir};

/// Asserts that `arguments` are refused: `code`, nothing on standard output, exactly `screen` on standard error.
#[track_caller]
fn refused(dir: &Path, arguments: &[&str], code: i32, screen: &str) {
    assert_eq!(run(&mut weir(dir, arguments)), (code, String::new(), screen.to_string()), "{arguments:?}");
}

const TOP: (&str, &str) = (
    "queries/top_customers.sql",
    "-- @desc Biggest customers by paid amount\n-- @param since INTERVAL = '1 hour' -- how far back\n-- @param n INT = 10\nSELECT 1;\n",
);

#[test]
fn help_shows_every_way_in_and_three_examples() {
    let dir = folder(&[]);
    let (code, long, stderr) = run(&mut weir(dir.path(), &["--help"]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    for line in [
        "Usage: weir [OPTIONS] [COMMAND]",
        "  run    Run a saved query",
        "  check  Parse and plan SQL files without running them",
        "  serve  Answer queries over HTTP",
        "  -c, --command <SQL>",
        "  -f, --file <FILE>",
        "  -b, --bootstrap <HOST:PORT>",
        "      --registry <URL>",
        "  -X <NAME=VALUE>",
        "      --properties <FILE>",
        "  weir run top_customers since='7 days' n=5 --ndjson > top.ndjson",
    ] {
        assert!(long.lines().any(|l| l.trim_end() == line), "{line:?} is not in\n{long}");
    }
    let examples = long.split("Examples:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    assert_eq!(examples.lines().filter(|l| l.starts_with("  weir")).count(), 3);
    let (_, short, _) = run(&mut weir(dir.path(), &["-h"]));
    assert!(short.lines().count() < long.lines().count() / 2 && !short.contains("Examples"));
}

#[test]
fn wrong_flags_exit_2_with_the_nearest() {
    let dir = folder(&[]);
    refused(
        dir.path(),
        &["--formt", "csv"],
        2,
        "error: unexpected argument '--formt' found\n\n  tip: a similar argument exists: '--format'\n\nUsage: weir --format <FORMAT>\n\nFor more information, try '--help'.\n",
    );
    refused(
        dir.path(),
        &["runn", "x"],
        2,
        "error: unrecognized subcommand 'runn'\n\n  tip: a similar subcommand exists: 'run'\n\nUsage: weir [OPTIONS] [COMMAND]\n\nFor more information, try '--help'.\n",
    );
    refused(
        dir.path(),
        &["--timeout", "soon"],
        2,
        "error: invalid value 'soon' for '--timeout <DURATION>': write a time such as 30s, '5 minutes' or 1h\n\nFor more information, try '--help'.\n",
    );
    refused(
        dir.path(),
        &["-c", "x", "--set", "on_eror=skip"],
        2,
        "error: there is no setting \"on_eror\"\nhint: did you mean \"on_error\"?\n",
    );
}

#[test]
fn wrong_properties_exit_2_with_their_place_and_without_secrets() {
    let dir = folder(&[
        ("client.properties", "# made by hand\nbootstrap.servers=kafka:9092\nsasl.pasword=hunter2\n"),
        ("jaas.properties", "sasl.jaas.config=x.PlainLoginModule required username=\"u\" password=\"hunter2;\n"),
        ("store.properties", "bootstrap.servers=kafka:9092\nssl.truststore.location=/etc/trust.jks\n"),
    ]);
    refused(
        dir.path(),
        &["-X", "bootstrap.server=kafka:9092", "-c", "SELECT 1"],
        2,
        "error: -X bootstrap.server: there is no property \"bootstrap.server\"\nhint: did you mean \"bootstrap.servers\"?\n",
    );
    refused(
        dir.path(),
        &["-b", "kafka:99999", "-c", "SELECT 1"],
        2,
        "error: -b: broker \"kafka:99999\" has no port from 1 to 65535\nhint: write HOST:PORT, several separated by commas\n",
    );
    refused(
        dir.path(),
        &["--properties", "client.properties", "-c", "SELECT 1"],
        2,
        "error: client.properties:3: there is no property \"sasl.pasword\"\nhint: did you mean \"sasl.password\"?\n",
    );
    refused(
        dir.path(),
        &["--properties", "jaas.properties", "-c", "SELECT 1"],
        2,
        "error: jaas.properties:1: sasl.jaas.config cannot be read: the value of password has no closing quote\n",
    );
    refused(
        dir.path(),
        &["--properties", "store.properties", "-c", "SELECT 1"],
        2,
        "error: store.properties:2: ssl.truststore.location is not a PEM file: /etc/trust.jks\n  The certificates to trust are read from PEM files only.\nhint: convert it with: keytool -list -rfc -keystore /etc/trust.jks > ca.pem; then set ssl.ca.location=ca.pem\n",
    );
    refused(
        dir.path(),
        &["-b", "kafka:9092", "--data", "d", "-c", "SELECT 1"],
        2,
        "error: --data and a broker were both given\nhint: --data is for the local log, -b for Kafka: give one of them\n",
    );
}

#[test]
fn wrong_parameters_are_refused_before_anything_is_opened() {
    let dir = folder(&[TOP]);
    // Nobody listens there: an attempt to connect would be another error and another code.
    let cluster = ["-b", "127.0.0.1:1"];
    let with = |arguments: &[&'static str]| [cluster.as_slice(), arguments].concat();
    refused(
        dir.path(),
        &with(&["run", "top_customers", "n=ten"]),
        2,
        "error: parameter n expects INT, got 'ten'\nhint: a whole number from -2147483648 to 2147483647\n",
    );
    refused(
        dir.path(),
        &with(&["run", "top_customers", "sinc=1h"]),
        2,
        "error: top_customers has no parameter sinc\nhint: did you mean since?\n",
    );
    refused(
        dir.path(),
        &with(&["run", "top_customrs"]),
        2,
        &format!(
            "error: there is no query \"top_customrs\" in {}\nhint: did you mean \"top_customers\"?\n",
            dir.path().canonicalize().unwrap().join("queries").display()
        ),
    );
    refused(
        dir.path(),
        &with(&["run", "top_customers", "ten"]),
        2,
        "error: \"ten\" is no parameter\nhint: write NAME=VALUE, as in n=5\n",
    );
    refused(
        dir.path(),
        &with(&["-c", "SELECT :n", "--param", "n:INT=ten"]),
        2,
        "error: parameter n expects INT, got 'ten'\nhint: a whole number from -2147483648 to 2147483647\n",
    );
    assert!(!dir.path().join(".local").exists(), "no local log was made");
}

#[test]
fn missing_and_malformed_files_exit_2_with_their_place() {
    let dir = folder(&[("bad.sql", "-- @param n INTT = 5\nSELECT :n\n")]);
    std::fs::write(dir.path().join("bytes.sql"), b"SELECT 1;\n-- \xff\n").unwrap();
    refused(
        dir.path(),
        &["-f", "none.sql"],
        2,
        "error: cannot read none.sql: No such file or directory (os error 2)\n",
    );
    refused(dir.path(), &["check", "nowhere"], 2, "error: there is no file or folder nowhere\n");
    refused(dir.path(), &["-f", "bytes.sql"], 2, "error: bytes.sql:2:4: the text is not UTF-8\n");
    refused(
        dir.path(),
        &["-f", "bad.sql"],
        2,
        "error: parameter n has the unknown type INTT\n  --> bad.sql:1:13\n1 | -- @param n INTT = 5\n  |             ^^^^\nhint: did you mean INT?\n",
    );
}

#[test]
fn check_reports_every_file() {
    let dir = folder(&[
        TOP,
        ("queries/a.sql", "-- @param n INTT\nSELECT 1\n"),
        ("queries/deep/b.sql", "-- @param d DATE = soon\nSELECT 1\n"),
    ]);
    let (code, stdout, stderr) = run(&mut weir(dir.path(), &["check", "queries"]));
    assert_eq!((code, stdout.as_str()), (2, ""));
    let expected = "error: parameter n has the unknown type INTT
  --> queries/a.sql:1:13
1 | -- @param n INTT
  |             ^^^^
hint: did you mean INT?
error: the default of parameter d is not DATE: soon
  --> queries/deep/b.sql:1:20
1 | -- @param d DATE = soon
  |                    ^^^^
hint: a date such as 2026-11-01
checked 3 files, 2 failed
";
    assert_eq!(stderr, expected);
}

#[test]
fn saved_queries_are_listed_from_below_too() {
    let dir = folder(&[TOP, ("queries/tour/one.sql", "SELECT 1\n"), ("deep/down/x", "")]);
    let expected = "top_customers: Biggest customers by paid amount
    since INTERVAL = '1 hour' -- how far back
    n INT = 10
tour/one
";
    let (code, stdout, stderr) = run(&mut weir(&dir.path().join("deep/down"), &["run", "--list"]));
    assert_eq!((code, stdout.as_str(), stderr.as_str()), (0, expected, ""));
    let empty = folder(&[]);
    refused(empty.path(), &["run", "--list", "--queries", "gone"], 2, "error: there is no folder gone\n");
}

#[test]
fn kcats_file_is_read_when_asked_for_by_name() {
    let dir = folder(&[("kcat.conf", "metadata.broker.list=kafka:9092\nsasl.usrname=u\n")]);
    let mut ignored = weir(dir.path(), &["-c", "SELECT 1", "--param", "n:INT=ten"]);
    let (_, _, stderr) = run(ignored.env("KCAT_CONFIG", "kcat.conf"));
    assert!(stderr.starts_with("error: parameter n"), "{stderr}");
    let mut asked = weir(dir.path(), &["-c", "SELECT 1", "--properties", "KCAT_CONFIG"]);
    let (code, _, stderr) = run(asked.env("KCAT_CONFIG", "kcat.conf"));
    let screen = "error: kcat.conf:2: there is no property \"sasl.usrname\"\nhint: did you mean \"sasl.username\"?\n";
    assert_eq!((code, stderr.as_str()), (2, screen));
}

#[test]
fn the_environment_is_used_and_said() {
    let dir = folder(&[]);
    let mut command = weir(dir.path(), &["-c", "SELECT 1", "--param", "n:INT=ten"]);
    let (code, _, stderr) = run(command.env("KAFKA_BROKERS", "127.0.0.1:1,"));
    assert_eq!(code, 2);
    assert_eq!(
        stderr,
        "error: $KAFKA_BROKERS: broker \"\" has no host\nhint: write HOST:PORT, several separated by commas\n"
    );
}

async fn answer(request: reqwest::RequestBuilder) -> (u16, serde_json::Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}

#[tokio::test]
async fn requests_that_cannot_run_are_refused_as_json() {
    let server = Server::start(&["--max-body", "100"], None);
    let (status, body) = answer(server.get("/health")).await;
    assert_eq!((status, body["status"].as_str()), (200, Some("ok")));
    let long = "x".repeat(200);
    for (request, status, message) in [
        (server.get("/nothing"), 404, "there is nothing at this path"),
        (server.get("/query"), 405, "this path does not take this method"),
        (
            server.post("{\"sql\": 1}"),
            400,
            "the body is not a query: invalid type: integer `1`, expected a string at line 1 column 9",
        ),
        (server.post("{\"sql\":\"\",\"frmat\":\"csv\"}"), 400, "a query has no member \"frmat\""),
        (
            server.post("{\"sql\":\"\",\"params\":{\"n\":{\"type\":\"INT\",\"value\":\"ten\"}}}"),
            400,
            "parameter n expects INT, got \"ten\"",
        ),
        (server.post("{\"sql\":\"\",\"settings\":{\"on_error\":\"explode\"}}"), 400, "on_error cannot be 'explode'"),
        (server.post("SELECT 1").header("accept", "image/png"), 406, "the answer cannot be image/png"),
        (
            server.post("SELECT 1").header("origin", "http://evil.example"),
            403,
            "this request comes from another web page",
        ),
        (server.post(&long), 413, "the body is larger than 100 bytes"),
    ] {
        let (got, body) = answer(request).await;
        assert_eq!((got, body["error"]["message"].as_str()), (status, Some(message)));
        assert!(body["error"]["kind"].is_string());
    }
    assert_eq!(server.stop(), 0);
}

#[tokio::test]
async fn a_server_with_a_token_asks_for_it() {
    let server = Server::start(&[], Some("s3cret"));
    assert_eq!(answer(server.get("/health")).await.0, 200);
    let (status, body) = answer(server.post("SELECT 1")).await;
    assert_eq!((status, body["error"]["message"].as_str()), (401, Some("this server asks for a bearer token")));
    assert_eq!(answer(server.get("/metrics")).await.0, 401);
    let metrics = server.get("/metrics").bearer_auth("s3cret").send().await.unwrap();
    assert_eq!(metrics.status(), 200);
    assert!(metrics.text().await.unwrap().contains("weir_queries_running 0\n"));
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_server_beyond_this_machine_needs_a_token() {
    let dir = folder(&[]);
    refused(
        dir.path(),
        &["serve", "--listen", "0.0.0.0:0"],
        2,
        "error: 0.0.0.0:0 can be reached from other machines, and there is no token\nhint: set WEIR_TOKEN (or --token), or listen on 127.0.0.1\n",
    );
}

#[test]
fn standard_input_is_a_script() {
    let dir = folder(&[]);
    let mut command = weir(dir.path(), &[]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"-- @param n INTT\nSELECT 1;\n").unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert!(stderr.starts_with("error: parameter n has the unknown type INTT\n  --> stdin:1:13\n"), "{stderr}");
}

#[test]
fn after_an_error_a_script_stops_or_goes_on_with_the_next_statement() {
    let text = "SELECT 1 AS n;\nSELECT nosuch;\nSELECT 2 AS n;\n";
    let dir = folder(&[("a.sql", text), ("torn.sql", "SELECT 3;\nSELECT 'open\n")]);
    let screen = "error: there is no column \"nosuch\"\n  --> a.sql:2:8\n2 | SELECT nosuch;\n  |        ^^^^^^\n";
    let plain = ["-q", "--format", "csv"];
    let stopped = run(&mut weir(dir.path(), &[&plain[..], &["-f", "a.sql", "-c", "SELECT 4 AS n"]].concat()));
    assert_eq!(stopped, (1, "n\n1\n".to_string(), screen.to_string()));
    let on = ["--on-error", "continue", "-f", "a.sql", "-f", "torn.sql", "-c", "SELECT 4 AS n"];
    let (code, rows, talk) = run(&mut weir(dir.path(), &[&plain[..], &on].concat()));
    assert_eq!((code, rows.as_str()), (1, "n\n1\nn\n2\nn\n4\n"));
    // A text that is not made of statements is one error.
    let torn = talk.strip_prefix(screen).unwrap();
    assert!(torn.contains("  --> torn.sql:2:") && torn.matches("error:").count() == 1, "{talk}");
    let mut piped = weir(dir.path(), &[&plain[..], &["--on-error", "continue"]].concat());
    let (code, rows, _) = run(piped.stdin(std::fs::File::open(dir.path().join("a.sql")).unwrap()));
    assert_eq!((code, rows.as_str()), (1, "n\n1\nn\n2\n"));
}

#[test]
fn parameters_without_a_type_have_the_one_they_are_written_in() {
    let dir = folder(&[]);
    let sql = "SELECT v FROM (VALUES (1.5), (2.5), (3.5)) AS t (v) WHERE v > $least AND $on AND $word <> '1' \
               ORDER BY v LIMIT $n";
    let mut arguments = vec!["-q", "--format", "csv", "-c", sql];
    for param in ["least=1.7", "on=true", "word=one", "n=1"] {
        arguments.extend(["--param", param]);
    }
    assert_eq!(run(&mut weir(dir.path(), &arguments)), (0, "v\n2.5\n".to_string(), String::new()));
    let sql = "SELECT arrow_typeof($a) AS a, arrow_typeof($b) AS b, arrow_typeof($c) AS c, arrow_typeof($d) AS d";
    let mut arguments = vec!["-q", "--format", "ndjson", "-c", sql];
    for param in ["a=-5", "b=0.50", "c=false", "d=007"] {
        arguments.extend(["--param", param]);
    }
    let types = "{\"a\":\"Int64\",\"b\":\"Float64\",\"c\":\"Boolean\",\"d\":\"Utf8\"}\n";
    assert_eq!(run(&mut weir(dir.path(), &arguments)), (0, types.to_string(), String::new()));
}

#[test]
fn ctrl_c_stops_a_script_with_130_and_keeps_the_rows() {
    let dir = folder(&[]);
    let endless = "SELECT value FROM generate_series(1, 1000000000000)";
    let arguments = ["--format", "csv", "--on-error", "continue", "-c", endless, "-c", "SELECT 'after'"];
    let mut child = weir(dir.path(), &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut rows = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line != "value\n1\n" {
        assert_ne!(rows.read_line(&mut line).unwrap(), 0, "{line}");
    }
    signal("-INT", child.id());
    rows.read_to_string(&mut line).unwrap();
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!line.contains("after"));
    let count: String = talk.chars().filter(char::is_ascii_digit).collect();
    assert!(talk.starts_with("cancelled; partial result: ") && talk.lines().count() == 1, "{talk}");
    assert_eq!(count, (line.lines().count() - 1).to_string());
}

#[test]
fn a_statement_out_of_time_exits_with_124() {
    let dir = folder(&[]);
    let endless = "SELECT count(*) FROM generate_series(1, 1000000000000)";
    let screen = format!(
        "error: the statement took longer than 50 ms\n1 | {endless}\n  | ^\nhint: SET timeout_ms = 0 removes the limit\n"
    );
    refused(dir.path(), &["--timeout", "50ms", "-c", endless], 124, &screen);
}

#[test]
fn a_reader_that_has_enough_ends_a_script_in_silence() {
    let dir = folder(&[]);
    let mut child = weir(dir.path(), &["--format", "csv", "-c", ENDLESS, "-c", "SELECT nosuch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((line.as_str(), output.status.code(), output.stderr.as_slice()), ("value\n", Some(0), &b""[..]));
}

/// An answer as it came over the wire.
struct Raw {
    head: String,
    body: Vec<u8>,
    /// Nothing when the connection broke off.
    trailers: Option<Vec<(String, serde_json::Value)>>,
}

impl Raw {
    /// Reads one chunked answer to its end.
    fn read(stream: &mut BufReader<TcpStream>) -> Raw {
        let (mut head, mut body) = (String::new(), Vec::new());
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).unwrap() == 0 {
                return Raw { head, body, trailers: None };
            }
        }
        loop {
            let mut size = String::new();
            if stream.read_line(&mut size).unwrap_or(0) == 0 {
                return Raw { head, body, trailers: None };
            }
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            if size == 0 {
                break;
            }
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).unwrap();
            body.extend_from_slice(&chunk[..size]);
        }
        let mut trailers = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            trailers.push((name.to_string(), serde_json::from_str(value).unwrap()));
        }
        Raw { head, body, trailers: Some(trailers) }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Sends a query and leaves the answer unread.
fn ask(server: &Server, headers: &str, body: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = body.len();
    write!(stream, "POST /query HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n{body}")
        .unwrap();
    BufReader::new(stream)
}

const CSV: &str = "accept: text/csv\r\n";
const CSV_AND_TRAILERS: &str = "accept: text/csv\r\nte: trailers\r\n";
const ENDLESS: &str = "SELECT value FROM generate_series(1, 1000000000000)";

#[tokio::test]
async fn answers_of_rows_only_carry_their_receipts_as_trailers() {
    let server = Server::start(&["--limit", "3"], None);
    let read = |headers: &str, sql: &str| Raw::read(&mut ask(&server, headers, sql));
    let two = "SELECT value AS n FROM generate_series(1, 2); SELECT 7 AS n";
    let plain = read(CSV, two);
    assert_eq!((plain.text(), plain.trailers.as_deref()), ("n\n1\n2\n\nn\n7\n", Some(&[][..])));
    assert!(plain.head.contains("x-weir-receipt: omitted\r\n"));
    let told = read(CSV_AND_TRAILERS, two);
    assert_eq!(told.text(), plain.text());
    let rows: Vec<_> = told.trailers.unwrap().iter().map(|(name, r)| (name.clone(), r["rows"].as_u64())).collect();
    assert_eq!(rows, [("weir-receipt".to_string(), Some(2)), ("weir-receipt".to_string(), Some(1))]);
    let arrow = read("accept: application/vnd.apache.arrow.stream\r\nte: trailers\r\n", "SELECT 7 AS n");
    assert_eq!(arrow.trailers.unwrap()[0].1["rows"], 1);

    // What is cut says so, or breaks off.
    let cut = read(CSV_AND_TRAILERS, ENDLESS);
    assert_eq!(cut.text(), "value\n1\n2\n3\n");
    assert_eq!(cut.trailers.unwrap()[0].1["incomplete"], "cut after 3 rows (max_rows)");
    let broad = read(CSV, "SELECT repeat('x', 100000) AS x FROM generate_series(1, 4)");
    assert!(broad.trailers.is_none() && broad.body.len() <= 2 + 3 * 100_001);
    let (status, body) = answer(server.post(ENDLESS).header("accept", "text/csv")).await;
    assert_eq!(status, 413);
    assert_eq!(body["error"]["message"], "the result is not whole: cut after 3 rows (max_rows)");

    // As does what fails after rows.
    let failing = "SELECT 7 AS n; SELECT nosuch";
    let failed = read(CSV_AND_TRAILERS, failing);
    let trailers = failed.trailers.unwrap();
    let names: Vec<&str> = trailers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["weir-receipt", "weir-error"]);
    assert_eq!(trailers[1].1["message"], "there is no column \"nosuch\"");
    assert_eq!(answer(server.post(failing).header("accept", "text/csv")).await.0, 400);
    assert_eq!(server.stop(), 0);
}

#[tokio::test]
async fn a_query_that_needs_too_much_memory_fails_alone() {
    let server = Server::start(&["--memory", "1MiB"], None);
    let join =
        "SELECT count(*) FROM generate_series(1, 200000) a JOIN generate_series(1, 200000) b ON a.value = b.value";
    let (status, body) = answer(server.post(join)).await;
    assert_eq!((status, body["error"]["kind"].as_str()), (413, Some("limit")));
    assert_eq!(body["error"]["message"], "the query needs more memory than it may use");
    assert_eq!(body["error"]["hint"], "raise --memory, or filter or aggregate earlier");
    assert_eq!(server.post("SELECT 1").send().await.unwrap().status(), 200);
    assert_eq!(server.stop(), 0);
}

#[tokio::test]
async fn a_client_that_goes_away_stops_its_query() {
    let server = Server::start(&["--max-queries", "1"], None);
    // In the middle of its rows, and before the first.
    let mut reading = ask(&server, "", ENDLESS);
    reading.fill_buf().unwrap();
    drop(reading);
    let cancelled = async |count: u32| {
        let line = format!("weir_queries_total{{outcome=\"cancelled\"}} {count}\n");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
            if metrics.contains(&line) && metrics.contains("weir_queries_running 0\n") {
                break;
            }
            assert!(Instant::now() < deadline, "{metrics}");
        }
    };
    cancelled(1).await;
    let waiting = ask(&server, "", "SELECT count(*) FROM generate_series(1, 1000000000000)");
    let deadline = Instant::now() + PATIENCE;
    while !server.get("/metrics").send().await.unwrap().text().await.unwrap().contains("weir_queries_running 1\n") {
        assert!(Instant::now() < deadline);
    }
    drop(waiting);
    cancelled(2).await;
    assert_eq!(server.post("SELECT 1").send().await.unwrap().status(), 200);
    assert_eq!(server.stop(), 0);
}

/// Waits until the server takes no more connections.
fn closed(server: &Server) {
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(server.address()).is_ok() {
        assert!(Instant::now() < deadline, "still listening");
    }
}

#[test]
fn a_server_that_is_stopped_lets_its_queries_end() {
    let server = Server::start(&["--grace", "20s"], None);
    // More than the connection can hold, so that the query runs as long as nobody reads.
    let mut stream = ask(&server, CSV, "SELECT repeat('x', 20000) AS x FROM generate_series(1, 2000)");
    stream.fill_buf().unwrap();
    server.terminate();
    closed(&server);
    let answer = Raw::read(&mut stream);
    assert_eq!((answer.body.len(), answer.trailers.as_deref()), (2 + 2000 * 20_001, Some(&[][..])));
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn queries_that_do_not_end_in_time_are_stopped_with_the_server() {
    let server = Server::start(&["--grace", "0s"], None);
    let mut stream = ask(&server, "", ENDLESS);
    stream.fill_buf().unwrap();
    server.terminate();
    closed(&server);
    let answer = Raw::read(&mut stream);
    let last: serde_json::Value = serde_json::from_str(answer.text().lines().last().unwrap()).unwrap();
    assert_eq!(last["error"]["message"], "the server is stopping");
    assert!(last["error"]["detail"].as_str().unwrap().starts_with("The answer has the first "), "{last}");
    assert_eq!(server.exit_code(), 0);
}

#[test]
fn inferred_columns_are_told_once_per_topic_on_standard_error_alone() {
    let dir = folder(&[(
        "make.sql",
        "CREATE STREAM seed (n INT) WITH (kafka_topic = 'numbers', value_format = 'json', partitions = 1);\n\
         INSERT INTO seed SELECT value AS n FROM generate_series(1, 3);\nDROP STREAM seed;\n",
    )]);
    assert_eq!(run(&mut weir(dir.path(), &["--data", "d", "-f", "make.sql"])).0, 0);
    let sql = "SELECT n FROM numbers ORDER BY n; SELECT sum(n) AS s FROM numbers LAST 2";
    let data = "n\n1\n2\n3\ns\n5\n".to_string();
    let note = "note: numbers: columns inferred from 3 records; DESCRIBE numbers shows them\n".to_string();
    let arguments = ["--data", "d", "--csv", "--set", "timing=off", "-c", sql];
    assert_eq!(run(&mut weir(dir.path(), &arguments)), (0, data.clone(), note));
    assert_eq!(run(&mut weir(dir.path(), &[&arguments[..], &["-q"]].concat())), (0, data, String::new()));
}

#[test]
fn a_login_without_a_mechanism_says_which_there_are() {
    let dir = folder(&[]);
    let arguments = ["-b", "127.0.0.1:1", "-X", "security.protocol=sasl_plaintext", "-c", "SHOW TOPICS"];
    let screen = "error: the SASL mechanism is not one that weir has\n  No provider for SASL mechanism GSSAPI\n\
                  hint: set sasl.mechanism to PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER\n";
    refused(dir.path(), &arguments, 2, screen);
}

#[test]
fn results_go_to_arrow_files() {
    let dir = folder(&[]);
    let sql = "COPY (SELECT value AS n, 'x' AS s FROM generate_series(1, 3)) TO 'out.arrow'";
    assert_eq!(run(&mut weir(dir.path(), &["-q", "-c", sql])).0, 0);
    let file = std::fs::File::open(dir.path().join("out.arrow")).unwrap();
    let reader = datafusion::arrow::ipc::reader::FileReader::try_new(file, None).unwrap();
    let names: Vec<String> = reader.schema().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["n", "s"]);
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 3);
}

#[test]
fn what_a_scan_has_open_counts_as_memory() {
    let make = "CREATE STREAM t (s VARCHAR) WITH (value_format = 'json', partitions = 1); \
                INSERT INTO t SELECT repeat('x', 500000) FROM generate_series(1, 6)";
    let dir = folder(&[]);
    assert_eq!(run(&mut weir(dir.path(), &["--data", "d", "-q", "-c", make])).0, 0);
    let read = |memory: &str| {
        let arguments = ["--data", "d", "-q", "--csv", "--memory", memory, "-c", "SELECT count(s) AS n FROM t"];
        run(&mut weir(dir.path(), &arguments))
    };
    assert_eq!(read("64MiB"), (0, "n\n6\n".to_string(), String::new()));
    let (code, rows, talk) = read("1MiB");
    assert_eq!((code, rows.as_str()), (1, ""));
    assert!(talk.starts_with("error: the query needs more memory than it may use\n"), "{talk}");
}

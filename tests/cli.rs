//! The binary from outside: whole screens, exit codes, and the server over a real connection.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// `weir` in `dir`, with nothing of the caller's environment.
fn weir(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(arguments).current_dir(dir).env_clear().env("HOME", dir).stdin(Stdio::null());
    command
}

/// Exit code, standard output and standard error.
fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Asserts that `arguments` are refused: `code`, nothing on standard output, exactly `screen` on standard error.
#[track_caller]
fn refused(dir: &Path, arguments: &[&str], code: i32, screen: &str) {
    assert_eq!(run(&mut weir(dir, arguments)), (code, String::new(), screen.to_string()), "{arguments:?}");
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
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

/// A server of its own on a free port; killed when dropped.
struct Server {
    child: Child,
    url: String,
    client: reqwest::Client,
    _dir: TempDir,
}

impl Server {
    fn start(arguments: &[&str], token: Option<&str>) -> Server {
        let dir = folder(&[]);
        let mut command = weir(dir.path(), &[&["serve", "--listen", "127.0.0.1:0"], arguments].concat());
        if let Some(token) = token {
            command.env("WEIR_TOKEN", token);
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).trim().to_string();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        Server { child, url, client, _dir: dir }
    }

    fn post(&self, body: &str) -> reqwest::RequestBuilder {
        let json = body.starts_with('{');
        let media = if json { "application/json" } else { "text/plain" };
        self.client.post(format!("{}/query", self.url)).header("content-type", media).body(body.to_string())
    }

    fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// Asks the server to stop and waits for its exit code.
    fn stop(mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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

//! The listeners that want TLS or a login: what is written over each is read back, and what is wrong is told by phase.

use std::process::Command;
use std::time::{Duration, Instant};

use weir::connect::kafka::Kafka;
use weir::connect::{Connector, Isolation};

use super::{broker, client, make, read_all, values, write};

/// host:port of the listener `WEIR_TEST_KAFKA_<name>`.
fn listener(name: &str) -> String {
    std::env::var(format!("WEIR_TEST_KAFKA_{name}")).expect("the broker's listeners are not named: use tests/kafka/run")
}

/// The path of a file that the broker was started with.
fn file(name: &str) -> String {
    let folder = std::env::var("WEIR_TEST_KAFKA_FILES").expect("the broker's files are not named: use tests/kafka/run");
    format!("{folder}/{name}")
}

type Pairs = Vec<(&'static str, String)>;

fn at(bootstrap: &str, protocol: &str) -> Pairs {
    vec![("bootstrap.servers", bootstrap.to_string()), ("security.protocol", protocol.to_string())]
}

fn and<const N: usize>(mut pairs: Pairs, more: [(&'static str, &str); N]) -> Pairs {
    pairs.extend(more.map(|(name, value)| (name, value.to_string())));
    pairs
}

fn login(pairs: Pairs, mechanism: &str, password: &str) -> Pairs {
    and(pairs, [("sasl.mechanism", mechanism), ("sasl.username", "weir"), ("sasl.password", password)])
}

/// As `SSL`, trusting the authority of the run.
fn trusting(bootstrap: &str, protocol: &str) -> Pairs {
    and(at(bootstrap, protocol), [("ssl.ca.location", &file("ca.pem"))])
}

fn connect(pairs: &Pairs) -> Kafka {
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    client(&pairs)
}

const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

#[tokio::test]
async fn every_listener_is_read_and_written() {
    let (certificate, key) = (file("client.pem"), file("client.key"));
    let client = [("ssl.certificate.location", certificate.as_str()), ("ssl.key.location", key.as_str())];
    let mut cases = vec![
        ("ssl".to_string(), trusting(&listener("SSL"), "ssl")),
        ("mtls".to_string(), and(trusting(&listener("MTLS"), "ssl"), client)),
    ];
    for mechanism in MECHANISMS {
        cases.push((format!("sasl-{mechanism}"), login(at(&listener("SASL"), "sasl_plaintext"), mechanism, "right")));
        let over_tls = trusting(&listener("SASL_SSL"), "sasl_ssl");
        cases.push((format!("sasl-ssl-{mechanism}"), login(over_tls, mechanism, "right")));
    }
    for (topic, pairs) in cases {
        let kafka = connect(&pairs);
        make(&kafka, &topic, 2, &[]).await;
        write(&kafka, &topic, 1, &["a", "b", "c"]).await;
        let got = read_all(&kafka, &topic, Isolation::ReadCommitted).await;
        assert_eq!(values(&got), ["a", "b", "c"], "{topic}");
    }
}

#[tokio::test]
async fn keys_and_certificates_can_be_given_as_text() {
    let text = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    let pairs = and(
        at(&listener("MTLS"), "ssl"),
        [
            ("ssl.ca.pem", &*text("ca.pem")),
            ("ssl.certificate.pem", &*text("client.pem")),
            ("ssl.key.pem", &*text("client.key")),
        ],
    );
    connect(&pairs).topics().await.unwrap();
}

/// What is wrong, the properties, the sentence (one of several, a line each), and a word of the next step.
type Wrong = (&'static str, Pairs, String, &'static str);

/// What a plaintext client is told at a TLS port: a broker sends an alert and hangs up, and whether the alert still
/// arrives is a matter of luck.
fn expects_tls(at: &str) -> String {
    format!(
        "{at} expects TLS on this port (TLS)\n{at} closed the connection during the greeting: it may expect TLS (TLS)"
    )
}

fn wrong_tls() -> Vec<Wrong> {
    let (plain, ssl, mtls) = (broker(), listener("SSL"), listener("MTLS"));
    // librdkafka has the same words for both.
    let untrusted = "shows a certificate that cannot be trusted under this name (TLS)";
    let unknown = |at: &str| format!("{at} {untrusted}\n{at} shows a certificate that no known authority signed (TLS)");
    let elsewhere = ssl.replace("127.0.0.1", "localhost");
    vec![
        (
            "another authority",
            and(at(&ssl, "ssl"), [("ssl.ca.location", &file("other-ca.pem"))]),
            unknown(&ssl),
            "ssl.ca.location",
        ),
        ("no authority", at(&ssl, "ssl"), unknown(&ssl), "ssl.ca.location"),
        (
            "another host name",
            and(trusting(&elsewhere, "ssl"), [("broker.address.family", "v4")]),
            format!("{elsewhere} {untrusted}\n{elsewhere} shows a certificate made for another name (TLS)"),
            "host name",
        ),
        (
            "no client certificate",
            trusting(&mtls, "ssl"),
            format!("{mtls} wants a client certificate that it trusts (TLS)"),
            "ssl.certificate.location",
        ),
        (
            "a client certificate that another authority signed",
            and(
                trusting(&mtls, "ssl"),
                [("ssl.certificate.location", &*file("other-ca.pem")), ("ssl.key.location", &*file("other-ca.key"))],
            ),
            format!("{mtls} wants a client certificate that it trusts (TLS)"),
            "ssl.certificate.location",
        ),
        (
            "TLS to plaintext",
            trusting(&plain, "ssl"),
            format!("{plain} does not speak TLS on this port (TLS)"),
            "plaintext",
        ),
        ("plaintext to TLS", at(&ssl, "plaintext"), expects_tls(&ssl), "security.protocol=ssl"),
    ]
}

fn wrong_logins() -> Vec<Wrong> {
    let (sasl, sasl_ssl, oauth) = (listener("SASL"), listener("SASL_SSL"), listener("OAUTH"));
    let mut cases = vec![
        (
            "no login",
            at(&sasl, "plaintext"),
            format!("{sasl} closed the connection right after the greeting: it may expect a login (SASL)"),
            "security.protocol=sasl_plaintext",
        ),
        (
            "a login without TLS",
            login(at(&sasl_ssl, "sasl_plaintext"), "PLAIN", "right"),
            expects_tls(&sasl_ssl),
            "sasl_ssl",
        ),
        (
            "a mechanism that is not offered",
            login(at(&oauth, "sasl_plaintext"), "SCRAM-SHA-256", "right"),
            format!("{oauth} does not offer the chosen SASL mechanism (SASL)"),
            "sasl.mechanism",
        ),
    ];
    for mechanism in MECHANISMS {
        for (at, pairs) in [(&sasl, at(&sasl, "sasl_plaintext")), (&sasl_ssl, trusting(&sasl_ssl, "sasl_ssl"))] {
            let message = format!("{at} refused the user name or password (SASL)");
            cases.push((mechanism, login(pairs, mechanism, "hunter2"), message, "sasl.password"));
        }
    }
    cases
}

#[tokio::test]
async fn wrong_security_is_told_by_phase() {
    let cases = wrong_tls().into_iter().chain(wrong_logins());
    futures::future::join_all(cases.map(|(what, pairs, message, step)| async move {
        let started = Instant::now();
        let error = connect(&pairs).topics().await.unwrap_err();
        let said = error.message();
        assert!(message.lines().any(|m| m == said), "{what}: {said:?} is not {message:?}: {:?}", error.detail());
        assert!(error.hint().is_some_and(|hint| hint.contains(step)), "{what}: {:?}", error.hint());
        assert!(started.elapsed() < Duration::from_secs(8), "{what}: {:?}", started.elapsed());
        assert!(!format!("{error:?}").contains("hunter2"), "{what}: a password is repeated");
    }))
    .await;
}

#[test]
fn wrong_security_exits_3_with_a_sentence_and_a_step() {
    let home = tempfile::tempdir().unwrap();
    let no_certificate = wrong_tls().swap_remove(3);
    let wrong_password = wrong_logins().pop().unwrap();
    for (what, pairs, message, step) in [no_certificate, wrong_password] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        command.current_dir(home.path()).env_clear().env("HOME", home.path());
        for (name, value) in &pairs {
            command.arg("-X").arg(format!("{name}={value}"));
        }
        let out = command.args(["-c", "SHOW TOPICS"]).output().unwrap();
        let screen = String::from_utf8(out.stderr).unwrap();
        assert_eq!((out.status.code(), out.stdout.as_slice()), (Some(3), &b""[..]), "{what}: {screen}");
        assert_eq!(screen.lines().next(), Some(format!("error: {message}").as_str()), "{what}");
        assert!(screen.lines().any(|l| l.starts_with("hint: ") && l.contains(step)), "{what}: {screen}");
        assert!(!screen.contains("hunter2"), "{what}: {screen}");
    }
}

#[tokio::test]
async fn a_token_that_nobody_signed_is_a_login_for_reading() {
    if super::through_librdkafka() {
        // librdkafka wants its tokens from the program, which has none.
        return;
    }
    let pairs = and(
        at(&listener("OAUTH"), "sasl_plaintext"),
        [
            ("sasl.mechanism", "OAUTHBEARER"),
            ("enable.sasl.oauthbearer.unsecure.jwt", "true"),
            ("sasl.oauthbearer.config", "principal=weir"),
        ],
    );
    let kafka = connect(&pairs);
    make(&super::kafka(), "by-token", 1, &[]).await;
    write(&super::kafka(), "by-token", 0, &["a"]).await;
    let got = read_all(&kafka, "by-token", Isolation::ReadCommitted).await;
    assert_eq!(values(&got), ["a"]);
}

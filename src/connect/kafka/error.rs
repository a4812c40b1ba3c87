//! What librdkafka's codes and log lines mean: one sentence naming host and phase, and the next step. Pure.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::cause::{self, Cause, Failure};
use crate::error::{Error, Kind};

/// What is known of the cluster besides the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum History {
    /// It never answered: the properties may be wrong.
    #[default]
    New,
    /// It answered before: a connection that is closed is just that.
    Worked,
}

/// The error that `lines` of one client amount to: the one that got furthest, the latest of equals.
///
/// With no line at all it says that `brokers` did not answer.
pub(super) fn diagnose<'a>(lines: impl IntoIterator<Item = &'a str>, brokers: &str, history: History) -> Error {
    let worst = lines.into_iter().map(|line| read_line(line, brokers, history)).max_by_key(|failure| failure.cause);
    worst.map_or_else(|| cause::silence(brokers), |failure| failure.error())
}

/// Takes a line like `[thrd:HOST/bootstrap]: HOST/bootstrap: REASON (after 3ms in state CONNECT)` apart.
fn split_line(line: &str) -> (String, String, Option<Moment>) {
    let line = match line.strip_prefix("[thrd:").and_then(|rest| rest.split_once("]: ")) {
        Some((_, rest)) => rest,
        None => line,
    };
    let line = line.strip_prefix("GroupCoordinator: ").unwrap_or(line);
    let (name, reason) = line.split_once(": ").unwrap_or(("", line));
    let host = name.rsplit("://").next().unwrap_or(name);
    let host = host.rsplit_once('/').map_or(host, |(host, _)| host);
    let (reason, moment) = match reason.rsplit_once(" (after ") {
        Some((reason, moment)) => (reason, read_moment(moment)),
        None => (reason, None),
    };
    (host.to_string(), reason.to_string(), moment)
}

/// In which state of the connection something happened, and how long that state had lasted.
#[derive(Debug, PartialEq, Eq)]
enum Moment {
    /// Before versions were exchanged.
    Greeting,
    /// Within [`AT_ONCE_MS`] after the connection was up.
    JustUp,
    Later,
}

/// A broker that wants a login hangs up this soon after the greeting.
const AT_ONCE_MS: u64 = 300;

/// Reads `3ms in state CONNECT, 4 identical error(s) suppressed)`.
fn read_moment(text: &str) -> Option<Moment> {
    let (millis, state) = text.split_once("ms in state ")?;
    Some(match millis.parse::<u64>() {
        Ok(_) if state.starts_with("APIVERSION_QUERY") => Moment::Greeting,
        Ok(millis) if state.starts_with("UP") && millis < AT_ONCE_MS => Moment::JustUp,
        _ => Moment::Later,
    })
}

fn read_line(line: &str, brokers: &str, history: History) -> Failure {
    let (host, reason, moment) = split_line(line);
    let host = if host.is_empty() { brokers.to_string() } else { host };
    let has = |needle: &str| reason.contains(needle);
    let hung_up = has("isconnected") || has("onnection reset");
    let early = hung_up && history == History::New && matches!(moment, Some(Moment::Greeting | Moment::JustUp));
    let cause = if has("SASL") || has("Authentication failed") && !has("broker might require") {
        sasl(&reason)
    } else if has("SSL handshake failed") || has("certificate") || has("ssl.") {
        tls(&reason)
    } else if has("might be caused by") || has("broker might require") || has("Invalid response size") {
        greeting(&reason)
    } else if early {
        if moment == Some(Moment::JustUp) { Cause::HungUpAfterGreeting } else { Cause::HungUpInGreeting }
    } else if has("Failed to resolve") {
        Cause::unresolved(&host, brokers)
    } else {
        tcp(&reason)
    };
    Failure { cause, host, reason }
}

fn sasl(reason: &str) -> Cause {
    if reason.contains("broker might require SASL") {
        return greeting(reason);
    }
    if reason.contains("mechanism") && (reason.contains("upported") || reason.contains("not enabled")) {
        return Cause::NoSuchMechanism;
    }
    Cause::WrongPassword
}

fn tls(reason: &str) -> Cause {
    if reason.contains("PLAINTEXT") || reason.contains("wrong version number") {
        Cause::NotTls
    } else if reason.contains("mismatch") {
        Cause::OtherName
    } else if reason.contains("verify failed") || reason.contains("could not be verified") {
        // librdkafka has the same words for an unknown authority and for a certificate made out to someone else.
        Cause::Untrusted
    } else if reason.contains("certificate required") || reason.contains("bad certificate") {
        Cause::WantsCertificate
    } else {
        Cause::Handshake
    }
}

fn greeting(reason: &str) -> Cause {
    if let Some(size) = reason.split("Invalid response size ").nth(1) {
        let digits: String = size.chars().take_while(char::is_ascii_digit).collect();
        return Cause::of_size(digits.parse::<u32>().unwrap_or(0).to_be_bytes());
    }
    if reason.contains("broker might require") { Cause::HungUpAfterGreeting } else { Cause::HungUpInGreeting }
}

fn tcp(reason: &str) -> Cause {
    if reason.contains("Connection refused") {
        Cause::Refused
    } else if reason.contains("timed out") {
        Cause::TimedOut
    } else if reason.starts_with("Connect to") || reason.contains("unreachable") {
        Cause::Unreachable
    } else if reason.contains("isconnected") || reason.contains("onnection reset") {
        Cause::Closed
    } else {
        Cause::Other
    }
}

/// The error for a code that an operation on `what` (`topic "orders"`) ended with; the broker's own words go into
/// the detail.
pub(super) fn of_code(code: RDKafkaErrorCode, what: &str) -> Error {
    use RDKafkaErrorCode as Code;
    let detail = words(code);
    let error = match code {
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicId => {
            Error::connect(format!("{what} is not there, or was deleted meanwhile"))
                .with_hint("SHOW TOPICS lists what is there")
        }
        Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => {
            Error::connect(format!("we are not allowed to use {what} (authorisation)")).with_hint(
                "ask for the ACLs: DESCRIBE and READ to query, WRITE and a transactional id prefix \"weir-\" to insert",
            )
        }
        Code::TopicAlreadyExists => Error::new(Kind::Sql, format!("{what} is already there")),
        Code::InvalidTopic => Error::new(Kind::Sql, format!("{what} is not a legal name"))
            .with_hint("letters, digits, '.', '_' and '-', at most 249 of them"),
        Code::InvalidConfig | Code::InvalidPartitions | Code::InvalidReplicationFactor | Code::PolicyViolation => {
            Error::new(Kind::Sql, format!("the cluster does not accept the settings of {what}"))
        }
        Code::MessageSizeTooLarge => Error::data(format!("a record is larger than {what} takes"))
            .with_hint("raise max.message.bytes of the topic and message.max.bytes of the client"),
        Code::InvalidRecord => Error::data(format!("{what} refused a record"))
            .with_hint("a compacted topic takes no record without a key; timestamps must be near the broker's clock"),
        Code::OperationTimedOut | Code::RequestTimedOut | Code::MessageTimedOut | Code::BrokerTransportFailure => {
            Error::connect(format!("{what}: the cluster did not answer in time")).with_hint("try again")
        }
        Code::ProducerFenced | Code::InvalidProducerEpoch => {
            Error::connect(format!("the transaction on {what} was taken over or timed out"))
                .with_hint("try again; transaction.timeout.ms is how long one may take")
        }
        Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend => {
            Error::connect(format!("{what} has too few live replicas to write to"))
                .with_hint("wait for its brokers to return")
        }
        _ => Error::connect(format!("{what}: {detail}")),
    };
    error.with_detail(detail)
}

/// The code in librdkafka's words: `Broker: Unknown topic or partition`.
pub(super) fn words(code: RDKafkaErrorCode) -> String {
    let text = code.to_string();
    match text.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')) {
        Some((words, _)) => words.to_string(),
        None => text,
    }
}

/// Like [`of_code`] for the errors that rdkafka's calls return.
pub(super) fn of_kafka(error: &KafkaError, what: &str) -> Error {
    match error.rdkafka_error_code() {
        Some(code) => of_code(code, what),
        None => Error::connect(format!("{what}: {error}")),
    }
}

/// The error for a client that could not be made: always the configuration's fault, and never repeating a secret.
pub(super) fn of_config(error: KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, reason, name, _) => {
            let secret = ["password", "secret", "pem", "jaas", "token", "key"].iter().any(|word| name.contains(word));
            if reason.contains("No such configuration property") {
                Error::usage(format!("there is no Kafka client property \"{name}\""))
            } else if secret {
                Error::usage(format!("the Kafka client property \"{name}\" has a value it cannot hold"))
            } else {
                Error::usage(format!("the Kafka client property \"{name}\" has a value it cannot hold"))
                    .with_detail(reason)
            }
        }
        KafkaError::ClientCreation(reason) if reason.starts_with("No provider for SASL mechanism") => {
            // librdkafka goes on to say how to build it with others.
            let detail = reason.split(':').next().unwrap_or_default().to_string();
            Error::usage("the SASL mechanism is not one that weir has")
                .with_detail(detail)
                .with_hint("set sasl.mechanism to PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER")
        }
        KafkaError::ClientCreation(reason) => Error::usage("the Kafka client properties do not fit together")
            .with_detail(reason)
            .with_hint("check the paths and the ssl.* and sasl.* properties"),
        other => Error::usage(format!("the Kafka client cannot be made: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as librdkafka 2.12 writes them, the sentence they become, and a word of the step that is suggested.
    const RECORDED: &[(&str, &str, &str)] = &[
        (
            "[thrd:127.0.0.1:1/bootstrap]: 127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)",
            "nothing listens at 127.0.0.1:1 (TCP: connection refused)",
            "port",
        ),
        (
            "kafka.example:9092/bootstrap: Failed to resolve 'kafka.example:9092': Name or service not known (after 3ms in state CONNECT)",
            "the host name \"kafka.example\" cannot be resolved (DNS)",
            "spelling",
        ),
        (
            "inner-7:9092/7: Failed to resolve 'inner-7:9092': Name or service not known (after 3ms in state CONNECT)",
            "the host name \"inner-7\" cannot be resolved (DNS)",
            "advertised.listeners",
        ),
        (
            "sasl_plaintext://127.0.0.1:9092/bootstrap: SASL authentication error: Authentication failed: Invalid username or password (after 304ms in state AUTH_REQ)",
            "127.0.0.1:9092 refused the user name or password (SASL)",
            "sasl.password",
        ),
        (
            "sasl_plaintext://h:9092/bootstrap: SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: SCRAM-SHA-512 (after 1ms in state AUTH_HANDSHAKE)",
            "h:9092 does not offer the chosen SASL mechanism (SASL)",
            "sasl.mechanism",
        ),
        (
            "ssl://h:9092/bootstrap: SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener? (after 1ms in state SSL_HANDSHAKE)",
            "h:9092 does not speak TLS on this port (TLS)",
            "plaintext",
        ),
        (
            "ssl://h:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified, verify that ssl.ca.location is correctly configured or root CA certificates are installed (install ca-certificates package) (after 7ms in state SSL_HANDSHAKE)",
            "h:9093 shows a certificate that cannot be trusted under this name (TLS)",
            "ssl.ca.location",
        ),
        (
            "ssl://h:9094/bootstrap: Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate: SSL alert number 42 (after 3ms in state APIVERSION_QUERY)",
            "h:9094 wants a client certificate that it trusts (TLS)",
            "ssl.key.location",
        ),
        (
            "h:9093/bootstrap: Disconnected: requesting ApiVersion: might be caused by incorrect security.protocol configuration (connecting to a SSL listener?) or broker version is < 0.10 (see api.version.request) (after 2ms in state APIVERSION_QUERY)",
            "h:9093 closed the connection during the greeting: it may expect TLS (TLS)",
            "security.protocol",
        ),
        (
            "h:9093/bootstrap: Receive failed: Invalid response size 352518912 (0..100000000): increase receive.message.max.bytes (after 2ms in state APIVERSION_QUERY)",
            "h:9093 expects TLS on this port (TLS)",
            "sasl_ssl",
        ),
        (
            "h:8080/bootstrap: Receive failed: Invalid response size 1213486160 (0..100000000): increase receive.message.max.bytes (after 2ms in state APIVERSION_QUERY)",
            "h:8080 is not a Kafka broker",
            "another service",
        ),
        (
            "h:9092/bootstrap: Disconnected: verify that security.protocol is correctly configured, broker might require SASL authentication (after 304ms in state UP)",
            "h:9092 closed the connection right after the greeting: it may expect a login (SASL)",
            "user name",
        ),
        (
            "[::1]:9092/bootstrap: Connection setup timed out in state CONNECT (after 30029ms in state CONNECT)",
            "[::1]:9092 does not answer (TCP: timed out)",
            "firewall",
        ),
        (
            "h:9093/bootstrap: Disconnected (after 0ms in state APIVERSION_QUERY)",
            "h:9093 closed the connection during the greeting: it may expect TLS (TLS)",
            "security.protocol",
        ),
        (
            "h:9092/bootstrap: Disconnected (after 4ms in state UP, 2 identical error(s) suppressed)",
            "h:9092 closed the connection right after the greeting: it may expect a login (SASL)",
            "user name",
        ),
        (
            "GroupCoordinator: h:9092: Disconnected (after 1203ms in state UP)",
            "h:9092 closed the connection (TCP)",
            "running",
        ),
    ];

    #[test]
    fn recorded_lines_become_sentences() {
        for (line, sentence, step) in RECORDED {
            let error = diagnose([*line], "kafka.example:9092", History::New);
            assert_eq!(error.message(), *sentence, "{line}");
            assert_eq!(error.kind(), Kind::Connect);
            assert!(error.hint().is_some_and(|hint| hint.contains(step)), "{line}: {:?}", error.hint());
        }
    }

    #[test]
    fn the_failure_that_got_furthest_is_told() {
        let refused =
            "b:1/bootstrap: Connect to ipv4#10.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)";
        let login = "sasl_plaintext://a:1/bootstrap: SASL authentication error: Authentication failed (after 4ms in state AUTH_REQ)";
        for lines in [[refused, login], [login, refused]] {
            assert_eq!(
                diagnose(lines, "a:1,b:1", History::New).message(),
                "a:1 refused the user name or password (SASL)"
            );
        }
    }

    #[test]
    fn a_cluster_that_answered_before_is_not_said_to_expect_a_login() {
        let line = "h:9092/1: Disconnected (after 4ms in state UP)";
        assert_eq!(diagnose([line], "h:9092", History::Worked).message(), "h:9092 closed the connection (TCP)");
    }

    #[test]
    fn silence_is_named_too() {
        assert_eq!(diagnose([], "a:1", History::New).message(), "a:1 did not answer in time (TCP)");
    }
}

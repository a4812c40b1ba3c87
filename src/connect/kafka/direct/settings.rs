//! What the direct reader understands of librdkafka's properties. What it does not understand is a reason to read
//! through librdkafka instead, never a reason to ignore a wish.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;

use super::sasl::Login;
use super::tls;

/// `host:port` as brokers are named.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Address {
    /// A name or an address, without brackets.
    pub(super) host: String,
    /// The port.
    pub(super) port: u16,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Address { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl Address {
    /// Reads one entry of a bootstrap list: `host`, `host:port`, `[v6]:port`, each perhaps after `protocol://`.
    fn parse(entry: &str) -> Option<Address> {
        let entry = entry.trim();
        let entry = entry.split_once("://").map_or(entry, |(_, rest)| rest).trim_end_matches('/');
        if let Some(rest) = entry.strip_prefix('[') {
            let (host, rest) = rest.split_once(']')?;
            let port = match rest.strip_prefix(':') {
                Some(port) => port.parse().ok()?,
                None => DEFAULT_PORT,
            };
            return Some(Address { host: host.to_string(), port });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, port.parse().ok()?),
            _ => (entry, DEFAULT_PORT),
        };
        (!host.is_empty()).then(|| Address { host: host.to_string(), port })
    }
}

const DEFAULT_PORT: u16 = 9092;

/// How brokers are reached.
#[derive(Clone)]
pub(super) struct Settings {
    /// Whom to ask first.
    pub(super) bootstrap: Vec<Address>,
    /// The bootstrap list as given, for errors.
    pub(super) brokers: String,
    /// How we call ourselves.
    pub(super) client_id: String,
    /// Where we are, for reading from a near replica.
    pub(super) rack: Option<String>,
    /// TLS, if any.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// A login, if any.
    pub(super) login: Option<Login>,
    /// Most bytes of one partition in an answer, unless a single batch is larger.
    pub(super) partition_bytes: i32,
    /// Most bytes of an answer, unless a single batch is larger.
    pub(super) answer_bytes: i32,
    /// How long a broker may take to accept a connection.
    pub(super) connect_timeout: Duration,
    /// How long a broker may take to answer a question.
    pub(super) answer_timeout: Duration,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("brokers", &self.brokers).finish_non_exhaustive()
    }
}

/// Why the direct reader cannot serve: a property and what about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unable(pub(super) String);

/// Properties of security that are understood here.
const UNDERSTOOD: &[&str] = &[
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.key.location",
    "ssl.key.pem",
    "ssl.endpoint.identification.algorithm",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "sasl.oauthbearer.config",
    "enable.sasl.oauthbearer.unsecure.jwt",
    // Of Kerberos, without any meaning for other mechanisms.
    "sasl.kerberos.service.name",
    "sasl.kerberos.principal",
    "sasl.kerberos.kinit.cmd",
    "sasl.kerberos.keytab",
    "sasl.kerberos.min.time.before.relogin",
];

impl Settings {
    /// The settings that `given` amounts to, `client_id` being the name we go by.
    ///
    /// # Errors
    /// A property that only librdkafka can serve.
    pub(super) fn new(given: &BTreeMap<String, String>, client_id: String) -> Result<Settings, Unable> {
        let get = |name: &str| given.get(name).map(String::as_str).filter(|v| !v.is_empty());
        for name in given.keys() {
            let security = name.starts_with("ssl.") || name.starts_with("sasl.");
            if security && !UNDERSTOOD.contains(&name.as_str()) {
                return Err(Unable(name.clone()));
            }
        }
        let brokers = get("bootstrap.servers").or(get("metadata.broker.list")).unwrap_or_default().to_string();
        let bootstrap: Option<Vec<Address>> = brokers.split(',').map(Address::parse).collect();
        let Some(bootstrap) = bootstrap else { return Err(Unable("bootstrap.servers".into())) };
        let protocol = get("security.protocol").unwrap_or("plaintext").to_ascii_lowercase();
        let (secure, login) = match protocol.as_str() {
            "plaintext" => (false, false),
            "ssl" => (true, false),
            "sasl_plaintext" => (false, true),
            "sasl_ssl" => (true, true),
            other => return Err(Unable(format!("security.protocol={other}"))),
        };
        let millis = |name: &str, most: u64| {
            let given = get(name).and_then(|v| v.parse::<u64>().ok());
            given.map_or(Duration::from_millis(most), Duration::from_millis)
        };
        let most = |names: &[&str]| {
            let given = names.iter().find_map(|name| get(name)?.parse::<i32>().ok());
            given.filter(|bytes| *bytes > 0).unwrap_or(i32::MAX)
        };
        Ok(Settings {
            bootstrap,
            brokers,
            client_id,
            rack: get("client.rack").map(ToString::to_string),
            tls: if secure { Some(tls::config(&get)?) } else { None },
            login: if login { Some(Login::new(&get)?) } else { None },
            partition_bytes: most(&["fetch.message.max.bytes", "max.partition.fetch.bytes"]),
            answer_bytes: most(&["fetch.max.bytes"]),
            connect_timeout: millis("socket.connection.setup.timeout.ms", 10_000),
            answer_timeout: millis("socket.timeout.ms", 10_000),
        })
    }
}

/// The text of a property that may be given in place (`….pem`) or as a file (`….location`).
pub(super) fn text<'a>(get: &impl Fn(&str) -> Option<&'a str>, name: &str) -> Result<Option<Vec<u8>>, Unable> {
    if let Some(text) = get(&format!("{name}.pem")) {
        return Ok(Some(text.as_bytes().to_vec()));
    }
    let location = format!("{name}.location");
    match get(&location) {
        None => Ok(None),
        Some(path) => std::fs::read(Path::new(path)).map(Some).map_err(|_| Unable(location)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> Result<Settings, Unable> {
        Settings::new(&pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(), "weir-1".into())
    }

    #[test]
    fn bootstrap_lists_are_read_as_librdkafka_reads_them() {
        let list = "a:1, b ,[::1]:3,PLAINTEXT://c:4/,::1";
        let read: Vec<String> =
            settings(&[("bootstrap.servers", list)]).unwrap().bootstrap.iter().map(ToString::to_string).collect();
        assert_eq!(read, ["a:1", "b:9092", "[::1]:3", "c:4", "[::1]:9092"]);
        assert!(settings(&[("bootstrap.servers", "a:no")]).is_err());
    }

    #[test]
    fn what_is_not_understood_is_named_and_leads_elsewhere() {
        let base = ("bootstrap.servers", "h:1");
        let reason = |pairs: &[(&str, &str)]| settings(&[&[base], pairs].concat()).err().map(|e| e.0);
        assert_eq!(reason(&[("ssl.key.password", "x")]), Some("ssl.key.password".into()));
        assert_eq!(reason(&[("security.protocol", "SASL_SSL")]), Some("sasl.mechanism=GSSAPI".into()));
        assert_eq!(reason(&[("fetch.message.max.bytes", "1")]), None);
        let plain = [
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.username", "u"),
            ("sasl.password", "hunter2"),
        ];
        let settings = settings(&[&[base], &plain[..]].concat()).unwrap();
        assert!(settings.login.is_some() && settings.tls.is_none());
        assert!(!format!("{settings:?}").contains("hunter2"));
    }
}

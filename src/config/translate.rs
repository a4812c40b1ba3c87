//! One property at a time into what weir starts with: librdkafka's names, registry settings, session settings. Knows both
//! vocabularies; reads no file and no environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::RegistryConfig;
use super::properties::parse_jaas;
use super::settings::{SETTINGS, Settings};
use crate::error::{Error, Kind, Result, nearest};

/// Which reader reads from Kafka: `direct`, which is also what is taken when nothing is said, or `librdkafka`.
pub const READER: &str = "weir.reader";

/// Names suggested for slips; every one is understood.
const KNOWN: &[&str] = &[
    "bootstrap.servers",
    "metadata.broker.list",
    "security.protocol",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.username",
    "sasl.password",
    "sasl.jaas.config",
    "sasl.kerberos.service.name",
    "sasl.oauthbearer.config",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.key.location",
    "ssl.key.pem",
    "ssl.key.password",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
    "ssl.endpoint.identification.algorithm",
    "enable.ssl.certificate.verification",
    "client.id",
    "client.dns.lookup",
    "client.rack",
    "debug",
    "socket.timeout.ms",
    "isolation.level",
    READER,
    "schema.registry.url",
    "schema.registry.basic.auth.user.info",
    "schema.registry.bearer.auth.token",
    "schema.registry.ssl.ca.location",
    "basic.auth.user.info",
    "basic.auth.credentials.source",
];

/// Properties that mean nothing to a reader that joins no group and decodes by schema; said once, then ignored.
const IGNORED: &[&str] = &[
    "group.id",
    "group.instance.id",
    "auto.offset.reset",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.commit.interval.ms",
    "ssl.truststore.password",
    "ssl.protocol",
    "ssl.enabled.protocols",
];

/// What properties add up to so far.
#[derive(Debug, Default)]
pub struct Translation {
    /// librdkafka's properties.
    pub kafka: BTreeMap<String, String>,
    /// Session settings that have a Kafka name.
    pub settings: BTreeMap<&'static str, String>,
    /// Names that were set and mean nothing here.
    pub ignored: Vec<String>,
    registry_urls: Vec<String>,
    registry_user_info: Option<String>,
    registry_bearer: Option<String>,
    registry_ca: Option<PathBuf>,
    registry_inherits_sasl: bool,
}

/// Whether a name that nobody knows is an error (typed by hand) or only noted (found in a file made for other clients).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strictness {
    /// Refuse it.
    Refuse,
    /// Note it, unless it looks like a slip.
    Note,
}

/// Whether the value of `name` must never be shown.
pub fn is_secret(name: &str) -> bool {
    ["password", "secret", "jaas", "user.info", "token", ".pem", "keystore.key", "oauthbearer.config"]
        .iter()
        .any(|part| name.contains(part))
}

impl Translation {
    /// Takes in all properties of one source. Properties that only make sense together (a store and its type) are looked
    /// at together. `origin` says where a property was written, for errors.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`], beginning with the property's origin; never with a secret in it.
    pub fn apply(&mut self, properties: &[(String, String, String)], strictness: Strictness) -> Result<()> {
        let source: BTreeMap<&str, &str> = properties.iter().map(|(n, v, _)| (n.as_str(), v.as_str())).collect();
        for (name, value, origin) in properties {
            self.one(name, value, &source, strictness).map_err(|e| located(&e, origin))?;
        }
        Ok(())
    }

    fn one(&mut self, name: &str, value: &str, source: &BTreeMap<&str, &str>, strictness: Strictness) -> Result<()> {
        if let Some(setting) = SETTINGS.iter().find(|s| !s.kafka_name.is_empty() && s.kafka_name == name) {
            Settings::default().set(setting.name, value).map_err(|e| e.with_kind(Kind::Usage))?;
            self.settings.insert(setting.name, value.to_string());
            return Ok(());
        }
        if self.registry(name, value)? {
            return Ok(());
        }
        match name {
            "bootstrap.servers" | "metadata.broker.list" => {
                check_servers(value)?;
                self.kafka.insert("bootstrap.servers".into(), value.into());
            }
            "sasl.jaas.config" => self.jaas(value, source)?,
            "sasl.mechanisms" => self.set("sasl.mechanism", value)?,
            "security.protocol" => self.set(name, &value.to_lowercase())?,
            "ssl.truststore.location" => self.truststore(value, source.get("ssl.truststore.type").copied())?,
            "ssl.truststore.certificates" => self.set("ssl.ca.pem", value)?,
            "ssl.keystore.location" => self.keystore(value, source.get("ssl.keystore.type").copied())?,
            "ssl.keystore.key" => self.set("ssl.key.pem", value)?,
            "ssl.keystore.certificate.chain" => self.set("ssl.certificate.pem", value)?,
            "ssl.truststore.type" | "ssl.keystore.type" => {}
            READER => match value {
                "direct" | "librdkafka" => drop(self.kafka.insert(name.into(), value.into())),
                _ => {
                    let error = Error::usage(format!("property {READER} does not take this value"));
                    return Err(error.with_hint("it is direct or librdkafka"));
                }
            },
            "ssl.endpoint.identification.algorithm" => {
                self.set(name, if value.is_empty() { "none" } else { value })?;
            }
            _ if IGNORED.contains(&name) || name.ends_with(".serializer") || name.ends_with(".deserializer") => {
                self.ignored.push(name.to_string());
            }
            _ if knows(name) => self.set(name, value)?,
            _ => return self.unknown(name, strictness),
        }
        Ok(())
    }

    /// Sets one librdkafka property after asking librdkafka whether it takes the value.
    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if let Err(KafkaError::ClientConfig(_, reason, _, _)) =
            ClientConfig::new().set(name, value).create_native_config().map(|_| ())
        {
            let error = Error::usage(format!("property {name} does not take this value"));
            return Err(if is_secret(name) { error } else { error.with_detail(reason.trim().to_string()) });
        }
        self.kafka.insert(name.into(), value.into());
        Ok(())
    }

    fn unknown(&mut self, name: &str, strictness: Strictness) -> Result<()> {
        match (nearest(name, KNOWN.iter().copied()), strictness) {
            (Some(near), _) => {
                Err(Error::usage(format!("there is no property \"{name}\""))
                    .with_hint(format!("did you mean \"{near}\"?")))
            }
            (None, Strictness::Refuse) => Err(Error::usage(format!("there is no property \"{name}\""))
                .with_hint("the names are those of librdkafka's CONFIGURATION.md and of Java's clients")),
            (None, Strictness::Note) => {
                self.ignored.push(name.to_string());
                Ok(())
            }
        }
    }

    fn jaas(&mut self, value: &str, source: &BTreeMap<&str, &str>) -> Result<()> {
        let jaas = parse_jaas(value).map_err(|e| Error::usage(format!("sasl.jaas.config cannot be read: {e}")))?;
        match jaas.module.as_str() {
            "PlainLoginModule" if !source.contains_key("sasl.mechanism") => {
                self.kafka.entry("sasl.mechanism".into()).or_insert_with(|| "PLAIN".into());
            }
            "PlainLoginModule" | "ScramLoginModule" => {}
            other => {
                return Err(Error::usage(format!("sasl.jaas.config names {other}, which weir cannot use"))
                    .with_hint("PlainLoginModule and ScramLoginModule are understood"));
            }
        }
        for (option, property) in [("username", "sasl.username"), ("password", "sasl.password")] {
            let found = jaas.options.iter().find(|(name, _)| name == option);
            let (_, value) = found.ok_or_else(|| Error::usage(format!("sasl.jaas.config has no {option}")))?;
            self.kafka.insert(property.into(), value.clone());
        }
        Ok(())
    }

    fn truststore(&mut self, path: &str, declared: Option<&str>) -> Result<()> {
        let hint = match store_type(path, declared) {
            Store::Pem => return self.set("ssl.ca.location", path),
            Store::Pkcs12 => format!("openssl pkcs12 -in {path} -nokeys -out ca.pem"),
            Store::Jks => format!("keytool -list -rfc -keystore {path} > ca.pem"),
        };
        Err(Error::usage(format!("ssl.truststore.location is not a PEM file: {path}"))
            .with_detail("The certificates to trust are read from PEM files only.")
            .with_hint(format!("convert it with: {hint}; then set ssl.ca.location=ca.pem")))
    }

    fn keystore(&mut self, path: &str, declared: Option<&str>) -> Result<()> {
        match store_type(path, declared) {
            Store::Pem => {
                self.set("ssl.certificate.location", path)?;
                self.set("ssl.key.location", path)
            }
            Store::Pkcs12 => self.set("ssl.keystore.location", path),
            Store::Jks => Err(Error::usage(format!("ssl.keystore.location is a JKS file: {path}"))
                .with_detail("A client's key is read from PKCS#12 or PEM files only.")
                .with_hint(format!(
                    "convert it with: keytool -importkeystore -srckeystore {path} -destkeystore client.p12 -deststoretype \
                     PKCS12; then set ssl.keystore.location=client.p12"
                ))),
        }
    }

    /// Takes `name` when it speaks of the registry.
    fn registry(&mut self, name: &str, value: &str) -> Result<bool> {
        match name.strip_prefix("schema.registry.").unwrap_or(name) {
            "url" if name != "url" => self.registry_urls = registry_urls(value)?,
            "basic.auth.user.info" => {
                if !value.contains(':') {
                    return Err(Error::usage(format!("{name} is not user:password")));
                }
                self.registry_user_info = Some(value.to_string());
            }
            "basic.auth.credentials.source" => match value.to_ascii_uppercase().as_str() {
                "SASL_INHERIT" => self.registry_inherits_sasl = true,
                "USER_INFO" | "URL" => self.registry_inherits_sasl = false,
                _ => {
                    return Err(Error::usage(format!("{name} cannot be '{value}'"))
                        .with_hint("one of: USER_INFO, URL, SASL_INHERIT"));
                }
            },
            "bearer.auth.token" => self.registry_bearer = Some(value.to_string()),
            "bearer.auth.credentials.source" if name != "bearer.auth.credentials.source" => {}
            "ssl.ca.location" if name != "ssl.ca.location" => self.registry_ca = Some(value.into()),
            "ssl.truststore.location" if name != "ssl.truststore.location" => match store_type(value, None) {
                Store::Pem => self.registry_ca = Some(value.into()),
                Store::Pkcs12 | Store::Jks => {
                    return Err(Error::usage(format!("{name} is not a PEM file: {value}"))
                        .with_hint(format!("convert it with: keytool -list -rfc -keystore {value} > ca.pem")));
                }
            },
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The registry that the properties name, if any.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`]: credentials are to come from SASL and there are none.
    pub fn registry_config(&self) -> Result<Option<RegistryConfig>> {
        if self.registry_urls.is_empty() {
            return Ok(None);
        }
        let mut basic = self.registry_user_info.clone();
        if self.registry_inherits_sasl {
            match (self.kafka.get("sasl.username"), self.kafka.get("sasl.password")) {
                (Some(user), Some(password)) => basic = Some(format!("{user}:{password}")),
                _ => {
                    return Err(Error::usage(
                        "basic.auth.credentials.source is SASL_INHERIT and there is no SASL user",
                    ));
                }
            }
        }
        let mut basic = basic.and_then(|b| b.split_once(':').map(|(u, p)| (u.to_string(), p.to_string())));
        let mut urls = Vec::new();
        for url in &self.registry_urls {
            let (bare, in_url) = without_user_info(url);
            let in_url = in_url.as_deref().and_then(|b| b.split_once(':'));
            basic = basic.or(in_url.map(|(user, password)| (percent_decoded(user), percent_decoded(password))));
            urls.push(bare);
        }
        Ok(Some(RegistryConfig::Http {
            urls,
            basic,
            bearer: self.registry_bearer.clone(),
            ca_file: self.registry_ca.clone(),
        }))
    }
}

/// The same error, its message led by where the property was written.
fn located(error: &Error, origin: &str) -> Error {
    let mut located = Error::new(error.kind(), format!("{origin}: {}", error.message()));
    if let Some(detail) = error.detail() {
        located = located.with_detail(detail);
    }
    if let Some(hint) = error.hint() {
        located = located.with_hint(hint);
    }
    located
}

/// Whether librdkafka has a property of this name, whatever its value.
fn knows(name: &str) -> bool {
    let probe = ClientConfig::new().set(name, "").create_native_config().map(|_| ());
    !matches!(probe, Err(KafkaError::ClientConfig(RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN, ..)))
}

enum Store {
    Pem,
    Pkcs12,
    Jks,
}

/// What kind of store a file is, by its declared type, else by its name; Java's default is JKS.
fn store_type(path: &str, declared: Option<&str>) -> Store {
    let extension = path.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase()).unwrap_or_default();
    match declared.map(str::to_ascii_uppercase).as_deref() {
        Some("PEM") => Store::Pem,
        Some("PKCS12") => Store::Pkcs12,
        Some("JKS") => Store::Jks,
        _ => match extension.as_str() {
            "pem" | "crt" | "cer" | "cert" => Store::Pem,
            "p12" | "pfx" | "pkcs12" => Store::Pkcs12,
            _ => Store::Jks,
        },
    }
}

/// Checks a comma-separated list of brokers: `host`, `host:port`, `[::1]:port`, each with an optional `PROTOCOL://`.
fn check_servers(list: &str) -> Result<()> {
    let fail = |server: &str, what: &str| {
        Err(Error::usage(format!("broker \"{server}\" {what}"))
            .with_hint("write HOST:PORT, several separated by commas"))
    };
    for server in list.split(',').map(str::trim) {
        let address = match server.split_once("://") {
            Some((protocol, _)) if protocol.to_ascii_lowercase().starts_with("http") => {
                return fail(server, "is a web address, not a broker");
            }
            Some((_, address)) => address,
            None => server,
        };
        let after_v6 = address.strip_prefix('[').and_then(|a| a.split_once(']'));
        let (host, port) = match after_v6 {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            None => address.rsplit_once(':').map_or((address, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() || host.contains(char::is_whitespace) || (after_v6.is_none() && host.contains(':')) {
            return fail(server, "has no host");
        }
        if port.is_some_and(|p| p.parse::<u16>().ok().filter(|p| *p > 0).is_none()) {
            return fail(server, "has no port from 1 to 65535");
        }
    }
    Ok(())
}

fn registry_urls(list: &str) -> Result<Vec<String>> {
    let mut urls = Vec::new();
    for url in list.split(',').map(str::trim) {
        let (bare, _) = without_user_info(url);
        let rest = bare.strip_prefix("http://").or_else(|| bare.strip_prefix("https://"));
        if rest.is_none_or(|r| r.is_empty() || r.starts_with(['/', ':']) || r.contains(char::is_whitespace)) {
            return Err(Error::usage(format!("\"{bare}\" is not the address of a schema registry"))
                .with_hint("write http://HOST:PORT or https://HOST:PORT"));
        }
        urls.push(url.trim_end_matches('/').to_string());
    }
    Ok(urls)
}

/// `url` without `user:password@`, and those.
fn without_user_info(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_string(), None) };
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    match authority.rsplit_once('@') {
        Some((user_info, host)) => (format!("{scheme}://{host}{path}"), Some(user_info.to_string())),
        None => (url.to_string(), None),
    }
}

/// `text` with `%3A` and its like as what they stand for; as it is when that is no text.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|hex| byte == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let code = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(code.unwrap_or(byte));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translate(list: &[(&str, &str)]) -> Result<Translation> {
        let mut translation = Translation::default();
        let properties: Vec<_> =
            list.iter().map(|(n, v)| ((*n).to_string(), (*v).to_string(), "f:1".to_string())).collect();
        translation.apply(&properties, Strictness::Note)?;
        Ok(translation)
    }

    #[test]
    fn java_names_become_librdkafkas() {
        let t = translate(&[
            ("bootstrap.servers", "a:9092,b:9092"),
            ("security.protocol", "SASL_SSL"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.jaas.config", "x.ScramLoginModule required username=\"u\" password=\"p w\";"),
            ("ssl.truststore.location", "/etc/ca.crt"),
            ("ssl.truststore.type", "PEM"),
            ("ssl.endpoint.identification.algorithm", ""),
            ("key.deserializer", "org.apache.X"),
            ("isolation.level", "read_uncommitted"),
            ("made.up.by.someone", "x"),
        ])
        .unwrap();
        let kafka: Vec<(&str, &str)> = t.kafka.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(
            kafka,
            [
                ("bootstrap.servers", "a:9092,b:9092"),
                ("sasl.mechanism", "SCRAM-SHA-512"),
                ("sasl.password", "p w"),
                ("sasl.username", "u"),
                ("security.protocol", "sasl_ssl"),
                ("ssl.ca.location", "/etc/ca.crt"),
                ("ssl.endpoint.identification.algorithm", "none"),
            ]
        );
        assert_eq!(t.settings["isolation"], "read_uncommitted");
        assert_eq!(t.ignored, ["key.deserializer", "made.up.by.someone"]);
    }

    #[test]
    fn stores_that_cannot_be_read_come_with_the_conversion() {
        let error = translate(&[("ssl.truststore.location", "t.jks")]).unwrap_err();
        assert_eq!(error.message(), "f:1: ssl.truststore.location is not a PEM file: t.jks");
        assert_eq!(
            error.hint(),
            Some("convert it with: keytool -list -rfc -keystore t.jks > ca.pem; then set ssl.ca.location=ca.pem")
        );
        let error = translate(&[("ssl.truststore.location", "t"), ("ssl.truststore.type", "PKCS12")]).unwrap_err();
        assert!(error.hint().unwrap().starts_with("convert it with: openssl pkcs12 -in t -nokeys -out ca.pem"));
        assert!(translate(&[("ssl.keystore.location", "k.jks")]).is_err());
        assert_eq!(translate(&[("ssl.keystore.location", "k.p12")]).unwrap().kafka["ssl.keystore.location"], "k.p12");
    }

    #[test]
    fn the_registry_takes_its_share() {
        let t = translate(&[
            ("schema.registry.url", "http://a:8081/, https://u:p@b"),
            ("schema.registry.ssl.truststore.location", "ca.pem"),
        ]);
        let expected = RegistryConfig::Http {
            urls: vec!["http://a:8081".into(), "https://b".into()],
            basic: Some(("u".into(), "p".into())),
            bearer: None,
            ca_file: Some("ca.pem".into()),
        };
        assert_eq!(t.unwrap().registry_config().unwrap(), Some(expected));
        let t = translate(&[("basic.auth.user.info", "k:s:t"), ("schema.registry.url", "http://a")]).unwrap();
        let Some(RegistryConfig::Http { basic, .. }) = t.registry_config().unwrap() else { panic!("a registry") };
        assert_eq!(basic, Some(("k".into(), "s:t".into())));
        let t = translate(&[("schema.registry.url", "http://me%40corp:100%25%zz%C3%BC+%+1@a")]).unwrap();
        let Some(RegistryConfig::Http { basic, .. }) = t.registry_config().unwrap() else { panic!("a registry") };
        assert_eq!(basic, Some(("me@corp".into(), "100%%zzü+%+1".into())));
        assert!(translate(&[("schema.registry.url", "kafka:9092")]).is_err());
    }

    #[test]
    fn slips_are_refused_even_in_files() {
        let error = translate(&[("sasl.pasword", "hunter2")]).unwrap_err();
        assert_eq!(error.message(), "f:1: there is no property \"sasl.pasword\"");
        assert_eq!(error.hint(), Some("did you mean \"sasl.password\"?"));
        let error = translate(&[("security.protocol", "telepathy")]).unwrap_err();
        assert_eq!(error.message(), "f:1: property security.protocol does not take this value");
        let error = translate(&[("isolation.level", "read_some")]).unwrap_err();
        assert_eq!((error.message(), error.kind()), ("f:1: isolation cannot be 'read_some'", Kind::Usage));
    }

    #[test]
    fn secrets_stay_out_of_errors() {
        for (name, value) in [
            ("sasl.jaas.config", "x.PlainLoginModule required username=u password=\"hunter2"),
            ("schema.registry.url", "ftp://u:hunter2@host"),
            ("basic.auth.user.info", "hunter2"),
        ] {
            let error = translate(&[(name, value)]).unwrap_err();
            let all = format!("{error:?}");
            assert!(!all.contains("hunter2"), "{all}");
        }
    }

    #[test]
    fn broker_lists() {
        for good in ["a", "a:9092", "a:1,b:2", "[::1]:9092", "PLAINTEXT://a:9092"] {
            check_servers(good).unwrap();
        }
        for bad in ["", "a:", "a:90922", ":9092", "http://a:80", "a:1,,b:2", "a b:1", "::1"] {
            assert!(check_servers(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_known_name_is_understood() {
        for name in KNOWN {
            let known = knows(name)
                || name.starts_with("schema.registry.")
                || name.starts_with("basic.auth.")
                || name.starts_with("ssl.truststore.")
                || ["ssl.keystore.type", "sasl.jaas.config", READER].contains(name);
            assert!(known, "{name}");
        }
    }
}

//! Why a broker cannot be talked to: one sentence naming host and phase, and the next step. Pure, and the same whoever
//! found it out.

use crate::error::Error;

/// What went wrong with a connection, in the order of how far it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// Something without a name here.
    Other,
    /// Nobody listens on the port.
    Refused,
    /// No answer.
    TimedOut,
    /// No way there.
    Unreachable,
    /// A connection that worked was closed.
    Closed,
    /// The name in the bootstrap list has no address.
    UnresolvedBootstrap,
    /// A name that the cluster advertises has no address.
    UnresolvedAdvertised,
    /// The answer to the greeting was a TLS record.
    ExpectsTls,
    /// The answer to the greeting was something else.
    NotKafka,
    /// Closed instead of an answer to the greeting.
    HungUpInGreeting,
    /// Closed right after the greeting.
    HungUpAfterGreeting,
    /// The other side does not speak TLS.
    NotTls,
    /// The handshake failed for a reason without a name here.
    Handshake,
    /// The certificate is for another name.
    OtherName,
    /// The certificate's authority is not known, or the certificate is for another name.
    Untrusted,
    /// The certificate's authority is not known.
    UnknownAuthority,
    /// The broker wants to see a certificate.
    WantsCertificate,
    /// The broker does not have the mechanism.
    NoSuchMechanism,
    /// The broker refused who we say we are.
    WrongPassword,
}

impl Cause {
    /// What the first four bytes of an answer that is not one to the greeting tell.
    pub(super) fn of_size(bytes: [u8; 4]) -> Cause {
        match bytes {
            [0x15 | 0x16, 3, ..] => Cause::ExpectsTls,
            _ => Cause::NotKafka,
        }
    }

    /// A name without an address; whether it is ours or the cluster's depends on `brokers`, the bootstrap list.
    pub(super) fn unresolved(host: &str, brokers: &str) -> Cause {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        if brokers.contains(name) { Cause::UnresolvedBootstrap } else { Cause::UnresolvedAdvertised }
    }

    /// The sentence after the host's name, and the next step. The two about names are whole sentences of their own.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Cause::Other => ("failed", "check the broker's log, then try again"),
            Cause::Refused => ("", "check the port, and that the broker is running"),
            Cause::TimedOut => ("does not answer (TCP: timed out)", "check host, port and firewall"),
            Cause::Unreachable => ("cannot be reached (TCP)", "check host, port and network"),
            Cause::Closed => ("closed the connection (TCP)", "check that the broker is running, then try again"),
            Cause::UnresolvedBootstrap => ("", "check the spelling of the host name, or use an address"),
            Cause::UnresolvedAdvertised => (
                "",
                "the cluster advertises this name to its clients: make it resolvable here, or change advertised.listeners",
            ),
            Cause::ExpectsTls => (
                "expects TLS on this port (TLS)",
                "use security.protocol=ssl or sasl_ssl, or the port of the plaintext listener",
            ),
            Cause::NotKafka => ("is not a Kafka broker", "check the port: another service answers there"),
            Cause::HungUpInGreeting => (
                "closed the connection during the greeting: it may expect TLS (TLS)",
                "use security.protocol=ssl or sasl_ssl, or check that this is a broker's port",
            ),
            Cause::HungUpAfterGreeting => (
                "closed the connection right after the greeting: it may expect a login (SASL)",
                "set security.protocol=sasl_plaintext or sasl_ssl, with user name and password",
            ),
            Cause::NotTls => (
                "does not speak TLS on this port (TLS)",
                "use security.protocol=plaintext or sasl_plaintext, or the port of the TLS listener",
            ),
            Cause::Handshake => {
                ("did not complete the TLS handshake (TLS)", "check security.protocol and the ssl.* properties")
            }
            Cause::OtherName => (
                "shows a certificate made for another name (TLS)",
                "connect by a host name that the certificate is made out to, or set ssl.endpoint.identification.algorithm=none",
            ),
            Cause::Untrusted => (
                "shows a certificate that cannot be trusted under this name (TLS)",
                "set ssl.ca.location to the certificate of the authority that signed it, and use a host name that it is made out to",
            ),
            Cause::UnknownAuthority => (
                "shows a certificate that no known authority signed (TLS)",
                "set ssl.ca.location to the certificate of the authority that signed it",
            ),
            Cause::WantsCertificate => {
                // Java's alert is the same for no certificate and for one that it does not trust.
                (
                    "wants a client certificate that it trusts (TLS)",
                    "set ssl.certificate.location and ssl.key.location, signed by an authority that the broker trusts",
                )
            }
            Cause::NoSuchMechanism => {
                ("does not offer the chosen SASL mechanism (SASL)", "set sasl.mechanism to one that the broker names")
            }
            Cause::WrongPassword => {
                ("refused the user name or password (SASL)", "check sasl.username, sasl.password and sasl.mechanism")
            }
        }
    }
}

/// One failure to talk to one broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// What it was.
    pub(super) cause: Cause,
    /// `host:port`.
    pub(super) host: String,
    /// In the words of the system, the library or the broker.
    pub(super) reason: String,
}

impl Failure {
    /// The failure as an error, its reason as the detail.
    pub(super) fn error(self) -> Error {
        let Failure { cause, host, reason } = self;
        let (words, hint) = cause.words();
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
        let message = match cause {
            Cause::UnresolvedBootstrap | Cause::UnresolvedAdvertised => {
                format!("the host name \"{name}\" cannot be resolved (DNS)")
            }
            Cause::Refused => format!("nothing listens at {host} (TCP: connection refused)"),
            Cause::Other => format!("{host} failed: {reason}"),
            _ => format!("{host} {words}"),
        };
        Error::connect(message).with_detail(reason).with_hint(hint)
    }
}

/// The error when nobody of `brokers` said anything at all.
pub(super) fn silence(brokers: &str) -> Error {
    Error::connect(format!("{brokers} did not answer in time (TCP)"))
        .with_hint("check host, port and firewall, or try again")
}

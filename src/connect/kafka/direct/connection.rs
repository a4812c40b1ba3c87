//! One connection to one broker: greeting, login, and requests with their answers in order. Blocking, never for longer
//! than a deadline, and looking up now and then whether anyone still waits.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiKey, ApiVersionsRequest, RequestHeader, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Encodable, HeaderVersion, StrBytes};

use super::answer::{self, Answer, Versions};
use super::sasl::Login;
use super::settings::{Address, Settings};
use super::tls;
use crate::connect::kafka::cause::{Cause, Failure};

/// How long to sleep in a read before looking up.
const LOOK_UP: Duration = Duration::from_millis(50);
/// A response may be as large as the largest batch and what is said about it.
const MOST_BYTES: usize = (512 << 20) + (1 << 20);
/// A response up to this size gets its room at once; a larger one as it comes.
const TRUSTED_BYTES: usize = 16 << 20;
/// The first version of a broker that writes record batches of format 2 supports these.
const UNSUPPORTED_VERSION: i16 = 35;

/// Why a connection is of no more use.
#[derive(Debug)]
pub(super) enum Broken {
    /// It failed.
    Failed(Failure),
    /// Nobody waits any more.
    Unheard,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Broken::Failed(failure)
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<tls::Stream>),
}

/// A connection on which a broker has answered.
pub(super) struct Connection {
    stream: Stream,
    at: String,
    client_id: StrBytes,
    versions: Vec<Versions>,
    correlation: i32,
    timeout: Duration,
    /// Whether a request was sent whose answer was not read to its end.
    owed: bool,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("at", &self.at).finish_non_exhaustive()
    }
}

/// A request that was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    correlation: i32,
    flexible_header: bool,
    flexible: bool,
}

impl Connection {
    /// Connects to `at`, greets and logs in.
    ///
    /// # Errors
    /// What failed, and in which phase.
    pub(super) fn open(at: &Address, settings: &Settings) -> Result<Connection, Failure> {
        let named = at.to_string();
        let fail = |cause: Cause, reason: String| Failure { cause, host: named.clone(), reason };
        let socket = dial(at, settings)?;
        let prepared = socket
            .set_nodelay(true)
            .and_then(|()| socket.set_read_timeout(Some(settings.connect_timeout)))
            .and_then(|()| socket.set_write_timeout(Some(settings.answer_timeout)));
        prepared.map_err(|e| fail(Cause::Other, e.to_string()))?;
        let stream = match &settings.tls {
            None => Stream::Plain(socket),
            Some(config) => {
                let shaken = tls::connect(config, &at.host, socket);
                Stream::Tls(Box::new(shaken.map_err(|(cause, reason)| fail(cause, reason))?))
            }
        };
        let mut connection = Connection {
            stream,
            at: named.clone(),
            client_id: StrBytes::from_string(settings.client_id.clone()),
            versions: Vec::new(),
            correlation: 0,
            timeout: settings.answer_timeout,
            owed: false,
        };
        let looking_up = connection.socket().set_read_timeout(Some(LOOK_UP));
        looking_up.map_err(|e| fail(Cause::Other, e.to_string()))?;
        connection.greet()?;
        if let Some(login) = &settings.login {
            connection.log_in(login)?;
        }
        Ok(connection)
    }

    /// Whether every answer was read: only then the connection can serve somebody else.
    pub(super) fn is_idle(&self) -> bool {
        !self.owed
    }

    /// Whether the other side has not closed it meanwhile.
    pub(super) fn is_alive(&self) -> bool {
        let socket = self.socket();
        if socket.set_nonblocking(true).is_err() {
            return false;
        }
        let peeked = socket.peek(&mut [0]);
        let restored = socket.set_nonblocking(false).is_ok();
        restored
            && match peeked {
                // TLS may have sent tickets; nothing else is sent without being asked.
                Ok(read) => read > 0 && matches!(self.stream, Stream::Tls(_)),
                Err(e) => e.kind() == io::ErrorKind::WouldBlock,
            }
    }

    /// The greatest version of `api` that both sides know, ours being `ours`; `None` when there is none.
    pub(super) fn version(&self, api: ApiKey, ours: (i16, i16)) -> Option<i16> {
        let theirs = self.versions.iter().find(|v| v.api == api as i16)?;
        let best = theirs.max.min(ours.1);
        (best >= theirs.min && best >= ours.0).then_some(best)
    }

    /// A failure of this connection.
    pub(super) fn failure(&self, cause: Cause, reason: impl Into<String>) -> Failure {
        Failure { cause, host: self.at.clone(), reason: reason.into() }
    }

    fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(stream) => &stream.sock,
        }
    }

    /// Sends a request.
    pub(super) fn send<R: Encodable + HeaderVersion>(
        &mut self,
        api: ApiKey,
        version: i16,
        request: &R,
    ) -> Result<Sent, Failure> {
        self.correlation = self.correlation.wrapping_add(1);
        let header_version = R::header_version(version);
        let header = RequestHeader::default()
            .with_request_api_key(api as i16)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(self.client_id.clone()));
        let mut frame = BytesMut::with_capacity(512);
        frame.put_i32(0);
        let encoded = header.encode(&mut frame, header_version).and_then(|()| request.encode(&mut frame, version));
        encoded.map_err(|e| self.failure(Cause::Other, format!("a request could not be written: {e}")))?;
        let length = i32::try_from(frame.len() - 4)
            .map_err(|_| self.failure(Cause::Other, "a request is too large".to_string()))?;
        if let Some(prefix) = frame.first_chunk_mut::<4>() {
            *prefix = length.to_be_bytes();
        }
        self.owed = true;
        let written = match &mut self.stream {
            Stream::Plain(socket) => socket.write_all(&frame),
            Stream::Tls(stream) => stream.write_all(&frame).and_then(|()| stream.flush()),
        };
        written.map_err(|e| self.lost(&e))?;
        // The header of an answer to ApiVersions stays as it always was (KIP-511).
        let flexible = header_version >= 2;
        Ok(Sent { correlation: self.correlation, flexible_header: flexible && api != ApiKey::ApiVersions, flexible })
    }

    /// Reads the answer to the oldest request that was not answered yet, which must be `sent`; waits no longer than
    /// `wait` beyond the time that an answer may take, and only as long as `heard`.
    pub(super) fn receive(&mut self, sent: Sent, wait: Duration, heard: &dyn Fn() -> bool) -> Result<Answer, Broken> {
        let mut clock = Clock { deadline: Instant::now() + self.timeout + wait, heard };
        let mut prefix = Vec::with_capacity(4);
        self.fill(&mut prefix, 4, &mut clock)?;
        let size = <[u8; 4]>::try_from(prefix.as_slice()).unwrap_or_default();
        let length = usize::try_from(i32::from_be_bytes(size)).unwrap_or(usize::MAX);
        if length > MOST_BYTES {
            let reason = format!("an answer of {} bytes", u32::from_be_bytes(size));
            return Err(self.failure(Cause::of_size(size), reason).into());
        }
        let mut body = Vec::with_capacity(length.min(TRUSTED_BYTES));
        self.fill(&mut body, length, &mut clock)?;
        self.owed = false;
        let mut answer = Answer::new(Bytes::from(body), sent.flexible_header);
        let answered = answer.int();
        let headed = answer.tags();
        if answered != Some(sent.correlation) || headed.is_none() {
            return Err(self.failure(Cause::NotKafka, "an answer to another question").into());
        }
        Ok(answer.with_flexible(sent.flexible))
    }

    /// Reads until `into` holds `length` bytes.
    fn fill(&mut self, into: &mut Vec<u8>, length: usize, clock: &mut Clock<'_>) -> Result<(), Broken> {
        while into.len() < length {
            let missing = (length - into.len()) as u64;
            let before = into.len();
            let read = match &mut self.stream {
                Stream::Plain(socket) => socket.take(missing).read_to_end(into),
                Stream::Tls(stream) => stream.as_mut().take(missing).read_to_end(into),
            };
            if into.len() == length {
                break;
            }
            match read {
                Ok(_) => return Err(self.lost(&io::ErrorKind::UnexpectedEof.into()).into()),
                Err(e) if is_pause(&e) => {
                    if into.len() > before {
                        clock.deadline = clock.deadline.max(Instant::now() + self.timeout);
                    }
                    if !(clock.heard)() {
                        return Err(Broken::Unheard);
                    }
                    if Instant::now() >= clock.deadline {
                        return Err(self.failure(Cause::TimedOut, "no answer in time").into());
                    }
                }
                Err(e) => return Err(self.lost(&e).into()),
            }
        }
        Ok(())
    }

    /// A failure of reading or writing.
    fn lost(&self, error: &io::Error) -> Failure {
        let tls = matches!(self.stream, Stream::Tls(_));
        if tls && error.get_ref().is_some() {
            let (cause, reason) = tls::of_io(error);
            // TLS 1.3 tells about certificates with the first answer only.
            let cause = if cause == Cause::NotTls { Cause::Closed } else { cause };
            return self.failure(cause, reason);
        }
        self.failure(Cause::Closed, error.to_string())
    }

    /// One question and its answer.
    pub(super) fn ask<R: Encodable + HeaderVersion>(
        &mut self,
        api: ApiKey,
        version: i16,
        request: &R,
    ) -> Result<Answer, Failure> {
        let sent = self.send(api, version, request)?;
        match self.receive(sent, Duration::ZERO, &|| true) {
            Ok(answer) => Ok(answer),
            Err(Broken::Failed(failure)) => Err(failure),
            Err(Broken::Unheard) => Err(self.failure(Cause::Other, "nobody waited")),
        }
    }

    fn greet(&mut self) -> Result<(), Failure> {
        let request = ApiVersionsRequest::default()
            .with_client_software_name(StrBytes::from_static_str("weir"))
            .with_client_software_version(StrBytes::from_static_str(env!("CARGO_PKG_VERSION")));
        for version in [3, 0] {
            let answer = self.ask(ApiKey::ApiVersions, version, &request).map_err(hung_up_in_greeting)?;
            // A broker that does not know version 3 answers in version 0.
            let read = answer::api_versions(answer.clone(), version).or(answer::api_versions(answer, 0));
            let (code, versions) = read.ok_or_else(|| self.failure(Cause::NotKafka, "an answer of another form"))?;
            if code != UNSUPPORTED_VERSION {
                self.versions = versions;
                return Ok(());
            }
        }
        Err(self.failure(Cause::NotKafka, "it does not say what it supports"))
    }

    fn log_in(&mut self, login: &Login) -> Result<(), Failure> {
        let mechanism = StrBytes::from_static_str(login.mechanism());
        let request = SaslHandshakeRequest::default().with_mechanism(mechanism);
        let answer = self.ask(ApiKey::SaslHandshake, 1, &request)?;
        let (code, offered) = answer::handshake(answer).ok_or_else(|| self.failure(Cause::NotKafka, "SASL"))?;
        if code != 0 {
            let reason = format!("it offers {}, not {}", offered.join(", "), login.mechanism());
            return Err(self.failure(Cause::NoSuchMechanism, reason));
        }
        let version = self.version(ApiKey::SaslAuthenticate, (0, 2)).unwrap_or(0);
        let at = self.at.clone();
        login.run(
            |message| {
                let request = SaslAuthenticateRequest::default().with_auth_bytes(message.into());
                let answer = self.ask(ApiKey::SaslAuthenticate, version, &request)?;
                let read = answer::authenticate(answer).ok_or_else(|| self.failure(Cause::NotKafka, "SASL"))?;
                let (code, words, bytes) = read;
                if code != 0 {
                    return Err(self.failure(Cause::WrongPassword, words));
                }
                Ok(bytes.to_vec())
            },
            |refusal| Failure { cause: Cause::WrongPassword, host: at.clone(), reason: refusal },
        )
    }
}

struct Clock<'a> {
    deadline: Instant,
    heard: &'a dyn Fn() -> bool,
}

/// A broker that speaks TLS closes the connection when it is greeted without.
fn hung_up_in_greeting(failure: Failure) -> Failure {
    let cause = if failure.cause == Cause::Closed { Cause::HungUpInGreeting } else { failure.cause };
    Failure { cause, ..failure }
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// Connects to the first address of `at` that accepts.
fn dial(at: &Address, settings: &Settings) -> Result<TcpStream, Failure> {
    let fail = |cause: Cause, reason: String| Failure { cause, host: at.to_string(), reason };
    let addresses = (at.host.as_str(), at.port).to_socket_addrs();
    let addresses =
        addresses.map_err(|e| fail(Cause::unresolved(&at.to_string(), &settings.brokers), e.to_string()))?;
    let mut last = fail(Cause::unresolved(&at.to_string(), &settings.brokers), "no address".into());
    for address in addresses {
        match TcpStream::connect_timeout(&address, settings.connect_timeout) {
            Ok(socket) => return Ok(socket),
            Err(e) => {
                let cause = match e.kind() {
                    io::ErrorKind::ConnectionRefused => Cause::Refused,
                    io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Cause::TimedOut,
                    _ => Cause::Unreachable,
                };
                last = fail(cause, e.to_string());
            }
        }
    }
    Err(last)
}

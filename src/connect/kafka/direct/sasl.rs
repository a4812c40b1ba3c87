//! Logging in: PLAIN, SCRAM-SHA-256 and -512 (RFC 5802), and OAUTHBEARER with an unsecured token (RFC 7628), as
//! exchanges of messages. Knows nothing of the connection they go over.

use std::num::NonZeroU32;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SecureRandom as _;
use ring::{digest, hmac, pbkdf2};

use super::settings::Unable;

/// How we say who we are.
#[derive(Clone)]
pub(super) struct Login {
    mechanism: Mechanism,
    user: String,
    password: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Scram256,
    Scram512,
    /// `user` holds what the token claims.
    Bearer,
}

/// What the other side said that it may not say; never repeats a secret.
pub(super) type Refusal = String;

/// A server may not make us work longer than this for one login.
const MOST_ITERATIONS: u32 = 1_000_000;

impl Login {
    /// The login that the `sasl.*` properties ask for.
    ///
    /// # Errors
    /// A mechanism that only librdkafka may know.
    pub(super) fn new<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Result<Login, Unable> {
        let named = get("sasl.mechanism").or(get("sasl.mechanisms")).unwrap_or("GSSAPI").to_ascii_uppercase();
        let mechanism = match named.as_str() {
            "PLAIN" => Mechanism::Plain,
            "SCRAM-SHA-256" => Mechanism::Scram256,
            "SCRAM-SHA-512" => Mechanism::Scram512,
            "OAUTHBEARER" if get("enable.sasl.oauthbearer.unsecure.jwt") == Some("true") => {
                let claims = get("sasl.oauthbearer.config").unwrap_or_default().to_string();
                return Ok(Login { mechanism: Mechanism::Bearer, user: claims, password: String::new() });
            }
            other => return Err(Unable(format!("sasl.mechanism={other}"))),
        };
        let (Some(user), Some(password)) = (get("sasl.username"), get("sasl.password")) else {
            return Err(Unable("sasl.username and sasl.password".into()));
        };
        Ok(Login { mechanism, user: user.to_string(), password: password.to_string() })
    }

    /// The mechanism under its registered name.
    pub(super) fn mechanism(&self) -> &'static str {
        match self.mechanism {
            Mechanism::Plain => "PLAIN",
            Mechanism::Scram256 => "SCRAM-SHA-256",
            Mechanism::Scram512 => "SCRAM-SHA-512",
            Mechanism::Bearer => "OAUTHBEARER",
        }
    }

    /// Goes through the login; `ask` sends a message and gives the answer to it.
    ///
    /// # Errors
    /// Those of `ask`; an answer that does not fit, by `refuse`.
    pub(super) fn run<E>(
        &self,
        mut ask: impl FnMut(Vec<u8>) -> Result<Vec<u8>, E>,
        refuse: impl Fn(Refusal) -> E,
    ) -> Result<(), E> {
        match self.mechanism {
            Mechanism::Plain => {
                ask([b"\0", self.user.as_bytes(), b"\0", self.password.as_bytes()].concat())?;
            }
            Mechanism::Bearer => {
                ask(format!("n,,\u{1}auth=Bearer {}\u{1}\u{1}", token(&self.user)).into_bytes())?;
            }
            Mechanism::Scram256 | Mechanism::Scram512 => {
                let scram = Scram::new(self, nonce().map_err(&refuse)?);
                let first = ask(scram.first())?;
                let (last, expected) = scram.last(&first).map_err(&refuse)?;
                let answer = ask(last)?;
                check_signature(&answer, &expected).map_err(&refuse)?;
            }
        }
        Ok(())
    }
}

fn nonce() -> Result<String, Refusal> {
    let mut bytes = [0_u8; 24];
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(|_| "the system gave no random bytes".to_string())?;
    Ok(STANDARD.encode(bytes))
}

/// One SCRAM exchange, by the names of RFC 5802.
struct Scram<'a> {
    login: &'a Login,
    nonce: String,
}

impl<'a> Scram<'a> {
    fn new(login: &'a Login, nonce: String) -> Self {
        Scram { login, nonce }
    }

    fn bare(&self) -> String {
        format!("n={},r={}", self.login.user.replace('=', "=3D").replace(',', "=2C"), self.nonce)
    }

    fn first(&self) -> Vec<u8> {
        format!("n,,{}", self.bare()).into_bytes()
    }

    /// The second message, and the signature that the server must answer with.
    fn last(&self, server_first: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
        let text = std::str::from_utf8(server_first).map_err(|_| "a challenge that is not text".to_string())?;
        let part = |name: &str| {
            let value = text.split(',').find_map(|p| p.strip_prefix(name)?.strip_prefix('='));
            value.ok_or_else(|| format!("a challenge without {name}"))
        };
        let nonce = part("r")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("a challenge for somebody else".into());
        }
        let salt = STANDARD.decode(part("s")?).map_err(|_| "a salt that is not base64".to_string())?;
        let rounds = part("i")?.parse::<NonZeroU32>().ok().filter(|n| n.get() <= MOST_ITERATIONS);
        let rounds = rounds.ok_or_else(|| "an impossible number of iterations".to_string())?;
        let (derive, mac, hash) = match self.login.mechanism {
            Mechanism::Scram512 => (pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512, &digest::SHA512),
            _ => (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256),
        };
        let mut salted = vec![0; hash.output_len()];
        pbkdf2::derive(derive, rounds, &salt, self.login.password.as_bytes(), &mut salted);
        let salted = hmac::Key::new(mac, &salted);
        let client_key = hmac::sign(&salted, b"Client Key");
        let stored_key = digest::digest(hash, client_key.as_ref());
        let without_proof = format!("c=biws,r={nonce}");
        let all = format!("{},{text},{without_proof}", self.bare());
        let signature = hmac::sign(&hmac::Key::new(mac, stored_key.as_ref()), all.as_bytes());
        let proof: Vec<u8> = client_key.as_ref().iter().zip(signature.as_ref()).map(|(k, s)| k ^ s).collect();
        let server_key = hmac::sign(&salted, b"Server Key");
        let expected = hmac::sign(&hmac::Key::new(mac, server_key.as_ref()), all.as_bytes());
        let message = format!("{without_proof},p={}", STANDARD.encode(proof));
        Ok((message.into_bytes(), expected.as_ref().to_vec()))
    }
}

/// The server proves that it knows the password too.
fn check_signature(answer: &[u8], expected: &[u8]) -> Result<(), Refusal> {
    let text = std::str::from_utf8(answer).unwrap_or_default();
    let given = text.split(',').find_map(|p| p.strip_prefix("v=")).and_then(|v| STANDARD.decode(v).ok());
    if given.as_deref() == Some(expected) {
        return Ok(());
    }
    Err("the broker does not know the password itself".into())
}

/// A token that nobody signed, from `principal=… scope=… lifeSeconds=… principalClaimName=…` as librdkafka takes it.
fn token(config: &str) -> String {
    let part = |name: &str| config.split_whitespace().find_map(|p| p.strip_prefix(name)?.strip_prefix('='));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let life = part("lifeSeconds").and_then(|v| v.parse::<u64>().ok()).unwrap_or(3_600);
    let mut claims = serde_json::Map::new();
    claims.insert(part("principalClaimName").unwrap_or("sub").into(), part("principal").unwrap_or_default().into());
    claims.insert("iat".into(), now.into());
    claims.insert("exp".into(), now.saturating_add(life).into());
    if let Some(scope) = part("scope") {
        let scopes: Vec<&str> = scope.split(',').collect();
        claims.insert(part("scopeClaimName").unwrap_or("scope").into(), scopes.into());
    }
    let claims = serde_json::Value::Object(claims).to_string();
    format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(mechanism: Mechanism) -> Login {
        Login { mechanism, user: "user".into(), password: "pencil".into() }
    }

    /// The example of RFC 7677, section 3.
    #[test]
    fn scram_answers_as_the_rfc_does() {
        let login = login(Mechanism::Scram256);
        let scram = Scram::new(&login, "rOprNGfwEbeRWgbNEkqO".into());
        assert_eq!(scram.first(), b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenge = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (last, expected) = scram.last(challenge).unwrap();
        assert_eq!(
            String::from_utf8(last).unwrap(),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        check_signature(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", &expected).unwrap();
        assert!(check_signature(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", &expected).is_err());
        assert!(check_signature(b"e=other-error", &expected).is_err());
    }

    #[test]
    fn challenges_that_do_not_fit_are_refused() {
        let login = login(Mechanism::Scram512);
        let scram = Scram::new(&login, "abc".into());
        for challenge in [
            "",
            "r=abc,s=AA==,i=4096",
            "r=xyz1,s=AA==,i=4096",
            "r=abc1,s=*,i=4096",
            "r=abc1,s=AA==,i=0",
            "r=abc1,s=AA==,i=99999999",
            "r=abc1,i=4096",
        ] {
            assert!(scram.last(challenge.as_bytes()).is_err(), "{challenge}");
        }
        assert!(scram.last(b"r=abc1,s=AA==,i=4096").is_ok());
    }

    #[test]
    fn names_are_escaped() {
        let login = Login { user: "a=b,c".into(), ..login(Mechanism::Scram256) };
        assert_eq!(Scram::new(&login, "n".into()).bare(), "n=a=3Db=2Cc,r=n");
    }

    #[test]
    fn plain_says_it_in_one_message() {
        let mut said = Vec::new();
        login(Mechanism::Plain)
            .run(
                |message| {
                    said.push(message);
                    Ok(Vec::new())
                },
                |refusal| refusal,
            )
            .unwrap();
        assert_eq!(said, [b"\0user\0pencil".to_vec()]);
    }
}

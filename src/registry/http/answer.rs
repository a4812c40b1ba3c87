//! What a registry's answer means: found, not there, refused, or failed in a way that another URL may do better. Pure.

use reqwest::StatusCode;
use serde_json::Value;

use crate::error::{Error, Kind};

/// The part of a message that is shown, at most, when it is not the registry's own.
const SHOWN_CHARS: usize = 200;

/// One answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// What was asked for.
    Found(Value),
    /// The registry has no such id, subject or version.
    Missing,
    /// The registry will not do it; nor will another URL.
    Refused(Error),
    /// This URL could not do it now, or is no registry's.
    Failed(Error),
}

/// What was sent to show who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credentials {
    /// Nothing.
    None,
    /// User and password.
    Password,
    /// A token.
    Token,
}

/// Reads the answer of `url` to `path`. `redirect` is where a redirect leads, without credentials.
pub(super) fn read(
    url: &str,
    path: &str,
    status: StatusCode,
    redirect: Option<&str>,
    body: &[u8],
    credentials: Credentials,
) -> Answer {
    let json = serde_json::from_slice::<Value>(body).ok();
    let code = json.as_ref().and_then(|b| b.get("error_code")).and_then(Value::as_i64);
    let words = words(json.as_ref(), body);
    let said = |error: Error| if words.is_empty() { error } else { error.with_detail(words.clone()) };
    if status.is_success() {
        return match json {
            Some(value) => Answer::Found(value),
            None => Answer::Failed(
                said(Error::connect(format!("the registry {url} answered {path} with something that is not JSON")))
                    .with_hint("is this the registry's URL?"),
            ),
        };
    }
    if status.is_redirection() {
        let to = redirect.map(|to| format!(" to {to}")).unwrap_or_default();
        return Answer::Failed(
            Error::connect(format!("the registry {url} redirects {path}{to} ({status})"))
                .with_hint("name the address it redirects to as the registry's URL"),
        );
    }
    let refused = || said(Error::connect(format!("the registry {url} refused {path}: {status}")));
    match status {
        // 40401 subject, 40402 version, 40403 schema and their like; 404 alone is a path that the registry does not have.
        StatusCode::NOT_FOUND if code.is_some_and(|code| (40400..40500).contains(&code)) => Answer::Missing,
        StatusCode::NOT_FOUND => Answer::Failed(
            said(Error::connect(format!("{url} has no registry: it answered {path} with {status}")))
                .with_hint("check the path of the registry's URL, such as /apis/ccompat/v7"),
        ),
        StatusCode::UNAUTHORIZED => Answer::Refused(said(unauthorised(url, credentials))),
        StatusCode::FORBIDDEN => Answer::Refused(
            said(Error::connect(format!("the registry {url} does not allow us {path} ({status})")))
                .with_hint("ask for the right to read the subject, or to write it for an INSERT"),
        ),
        StatusCode::CONFLICT => Answer::Refused(
            refused().with_kind(Kind::Data).with_hint("the schema is not compatible with the subject's"),
        ),
        StatusCode::UNPROCESSABLE_ENTITY => Answer::Refused(
            refused().with_kind(Kind::Data).with_hint("the registry does not take this schema, subject or version"),
        ),
        _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            Answer::Failed(refused().with_hint("look at the registry's log, then try again"))
        }
        _ => Answer::Refused(refused()),
    }
}

fn unauthorised(url: &str, credentials: Credentials) -> Error {
    let (message, hint) = match credentials {
        Credentials::None => (
            format!("the registry {url} wants a user and password, or a token"),
            "set schema.registry.basic.auth.user.info=USER:PASSWORD or schema.registry.bearer.auth.token",
        ),
        Credentials::Password => {
            (format!("the registry {url} refused the user or password"), "check schema.registry.basic.auth.user.info")
        }
        Credentials::Token => {
            (format!("the registry {url} refused the token"), "check schema.registry.bearer.auth.token")
        }
    };
    Error::connect(message).with_hint(hint)
}

/// The registry's own message, or the first line of what else it said.
fn words(json: Option<&Value>, body: &[u8]) -> String {
    if let Some(json) = json {
        return json.get("message").and_then(Value::as_str).unwrap_or_default().to_string();
    }
    let text = String::from_utf8_lossy(body.get(..4 * SHOWN_CHARS).unwrap_or(body)).into_owned();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect()
}

/// The error for a request that got no answer.
pub(super) fn unreachable(url: &str, error: &reqwest::Error) -> Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let phase = if error.is_timeout() {
        return Error::connect(format!("the registry {url} did not answer in time"))
            .with_hint("check --registry, and that the registry runs");
    } else if error.is_connect() {
        "cannot be reached"
    } else {
        "broke off"
    };
    Error::connect(format!("the registry {url} {phase}: {cause}"))
        .with_hint("check --registry, and that the registry runs")
}

//! Who may ask. Knows headers only.
//!
//! With a token: every request must carry it. Without one the server listens on this machine only, and still refuses what
//! a web page in the same machine's browser could send: a request of another origin, or one under a name that somebody
//! else made point here.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::encode;
use crate::error::Error;

/// The rule of one server.
#[derive(Debug)]
pub struct Access {
    token: Option<Vec<u8>>,
}

/// A request turned away.
#[derive(Debug)]
pub struct Refused {
    status: StatusCode,
    error: Error,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = encode::refusal(&self.error, "", Some(self.status));
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = axum::http::HeaderValue::from_static("Bearer realm=\"weir\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

impl Access {
    /// Asks for `token`, when there is one.
    pub fn new(token: Option<&str>) -> Self {
        Access { token: token.map(|t| t.as_bytes().to_vec()) }
    }

    /// Lets a request with these headers pass or not.
    ///
    /// # Errors
    /// What to answer instead.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let text = |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
        let Some(token) = &self.token else {
            return from_this_machine(text(header::HOST), text(header::ORIGIN));
        };
        let sent = text(header::AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        match sent {
            Some(sent) if same(sent.as_bytes(), token) => Ok(()),
            Some(_) => Err(refused(StatusCode::UNAUTHORIZED, "this is not the token")),
            None => Err(refused(StatusCode::UNAUTHORIZED, "this server asks for a bearer token")),
        }
    }
}

fn refused(status: StatusCode, message: &str) -> Refused {
    let error = Error::usage(message);
    Refused {
        status,
        error: if status == StatusCode::UNAUTHORIZED {
            error.with_hint("send the header Authorization: Bearer TOKEN")
        } else {
            error.with_hint("start the server with a token to take requests from elsewhere")
        },
    }
}

fn from_this_machine(host: Option<&str>, origin: Option<&str>) -> Result<(), Refused> {
    let Some(host) = host else { return Ok(()) };
    let name = host.strip_prefix('[').map_or_else(
        || host.rsplit_once(':').map_or(host, |(name, _)| name),
        |v6| v6.split_once(']').map_or(v6, |(name, _)| name),
    );
    let local = name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok();
    if !local {
        return Err(refused(StatusCode::FORBIDDEN, "without a token only requests to localhost are answered"));
    }
    let other = origin.is_some_and(|o| o.split_once("://").is_none_or(|(_, authority)| authority != host));
    if other { Err(refused(StatusCode::FORBIDDEN, "this request comes from another web page")) } else { Ok(()) }
}

/// Whether the two are equal, in a time that depends on their lengths only.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0_u8, |all, (x, y)| all | (x ^ y));
    a.len() == b.len() && std::hint::black_box(differing) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(access: &Access, list: &[(&'static str, &'static str)]) -> u16 {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.insert(*name, value.parse().unwrap());
        }
        access.check(&headers).map_or_else(|r| r.status.as_u16(), |()| 200)
    }

    #[test]
    fn a_token_must_match_whole() {
        let access = Access::new(Some("secret"));
        for (header, expected) in [
            ("Bearer secret", 200),
            ("bearer secret", 200),
            ("Bearer secre", 401),
            ("Bearer secrets", 401),
            ("Bearer ", 401),
            ("Basic secret", 401),
            ("secret", 401),
        ] {
            assert_eq!(status(&access, &[("authorization", header)]), expected, "{header}");
        }
        assert_eq!(status(&access, &[]), 401);
    }

    #[test]
    fn without_a_token_web_pages_are_kept_out() {
        let access = Access::new(None);
        for (list, expected) in [
            (vec![("host", "127.0.0.1:8088")], 200),
            (vec![("host", "localhost:8088"), ("origin", "http://localhost:8088")], 200),
            (vec![("host", "[::1]:8088")], 200),
            (vec![("host", "localhost:8088"), ("origin", "http://evil.example")], 403),
            (vec![("host", "localhost:8088"), ("origin", "null")], 403),
            (vec![("host", "evil.example:8088")], 403),
        ] {
            assert_eq!(status(&access, &list), expected, "{list:?}");
        }
    }
}

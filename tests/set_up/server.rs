//! `weir serve` on a free port of this machine.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use super::{PATIENCE, folder, signal, weir};

/// A server; killed when dropped.
pub struct Server {
    child: Child,
    url: String,
    client: reqwest::Client,
    /// Its folder, when it is its own.
    dir: Option<TempDir>,
}

impl Server {
    /// On an empty local log of its own.
    pub fn start(arguments: &[&str], token: Option<&str>) -> Server {
        let dir = folder(&[]);
        let mut server = Server::start_in(dir.path(), arguments, token);
        server.dir = Some(dir);
        server
    }

    /// With `dir` as its folder and home.
    pub fn start_in(dir: &Path, arguments: &[&str], token: Option<&str>) -> Server {
        let mut command = weir(dir, &[&["serve", "--listen", "127.0.0.1:0"], arguments].concat());
        if let Some(token) = token {
            command.env("WEIR_TOKEN", token);
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}")).trim().to_string();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
        Server { child, url, client, dir: None }
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// A query: JSON when it begins with a brace, else SQL.
    pub fn post(&self, body: &str) -> reqwest::RequestBuilder {
        let json = body.starts_with('{');
        let media = if json { "application/json" } else { "text/plain" };
        self.client.post(format!("{}/query", self.url)).header("content-type", media).body(body.to_string())
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    /// Asks the server to stop.
    pub fn terminate(&self) {
        signal("-TERM", self.child.id());
    }

    /// Its exit code, once it has ended.
    pub fn exit_code(mut self) -> i32 {
        self.child.wait().unwrap().code().unwrap()
    }

    /// Asks the server to stop and waits for its exit code.
    pub fn stop(self) -> i32 {
        self.terminate();
        self.exit_code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

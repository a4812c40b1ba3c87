//! What the tests of the binary start from: `weir` with nothing of the caller's environment, folders, a server, a terminal.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

pub mod server;
pub mod terminal;

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// The binary under test.
pub const WEIR: &str = env!("CARGO_BIN_EXE_weir");

/// The longest that anything may take to appear.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// All that `weir` sees of the environment; its files are below `home`.
pub fn environment(home: &Path) -> Vec<(&'static str, OsString)> {
    vec![
        ("HOME", home.into()),
        ("XDG_STATE_HOME", home.join("state").into()),
        ("PATH", std::env::var_os("PATH").unwrap_or_default()),
        ("LANG", "C.UTF-8".into()),
    ]
}

/// `weir` in `dir`, without standard input.
pub fn weir(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(WEIR);
    command.args(arguments).current_dir(dir).env_clear().envs(environment(dir)).stdin(Stdio::null());
    command
}

/// Exit code, standard output and standard error.
pub fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A folder with these files in it.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

/// Sends a signal, such as `-INT`, to one process.
pub fn signal(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

//! A pseudo-terminal with a screen that can be read.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::{PATIENCE, WEIR, environment};

pub const TAB: &str = "\t";
pub const ENTER: &str = "\r";
pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const UP: &str = "\x1b[A";
pub const RIGHT: &str = "\x1b[C";
pub const BACKSPACE: &str = "\x7f";

/// Rows and columns.
pub fn size(rows: u16, cols: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

/// A shell in a terminal.
pub struct Terminal {
    pub master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    pub screen: vt100::Parser,
    pub raw: Vec<u8>,
}

impl Terminal {
    /// Starts `weir` on an empty local log in `home`, with its history there too.
    pub fn start(home: &Path) -> Terminal {
        Terminal::start_with(home, &[])
    }

    pub fn start_with(home: &Path, variables: &[(&str, &str)]) -> Terminal {
        let mut command = CommandBuilder::new(WEIR);
        command.arg("--data");
        command.arg(home.join("data"));
        Terminal::spawn(home, command, variables)
    }

    /// Runs `command` in a terminal, with `home` as its folder and home.
    pub fn spawn(home: &Path, mut command: CommandBuilder, variables: &[(&str, &str)]) -> Terminal {
        let pty = native_pty_system().openpty(size(30, 100)).expect("a pseudo-terminal");
        command.env_clear();
        command.env("TERM", "xterm-256color");
        for (name, value) in environment(home) {
            command.env(name, value);
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        command.cwd(home);
        let child = pty.slave.spawn_command(command).expect("weir starts");
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        let keys = pty.master.take_writer().expect("a writer");
        // Bounded: a flood of rows waits for the test as it would for a person's terminal.
        let (sender, output) = sync_channel(16);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A closed pseudo-terminal is an error on Linux: either way it is over.
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        let screen = vt100::Parser::new(30, 100, 1000);
        Terminal { master: pty.master, keys, child, output, screen, raw: Vec::new() }
    }

    pub fn send(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
        self.keys.flush().expect("the terminal takes keys");
    }

    pub fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// The line the cursor is on, up to the cursor.
    pub fn cursor_line(&self) -> String {
        let (row, column) = self.screen.screen().cursor_position();
        let rows: Vec<String> = self.screen.screen().rows(0, column).collect();
        rows.get(usize::from(row)).cloned().unwrap_or_default()
    }

    /// Waits until the screen is as `wanted` says.
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&Terminal) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(self) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) if Instant::now() > deadline => panic!("no {what} in {PATIENCE:?}; the screen:\n{}", self.text()),
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.raw.extend_from_slice(&bytes);
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {what} in {PATIENCE:?}; the screen:\n{}", self.text()),
                Err(RecvTimeoutError::Disconnected) if wanted(self) => return,
                Err(RecvTimeoutError::Disconnected) => panic!("weir ended before {what}; the screen:\n{}", self.text()),
            }
        }
    }

    pub fn wait_for(&mut self, text: &str) {
        self.wait(&format!("{text:?}"), |terminal| terminal.text().contains(text));
    }

    /// Waits until the cursor stands behind `text` on its line.
    pub fn wait_at(&mut self, text: &str) {
        self.wait(&format!("cursor behind {text:?}"), |terminal| terminal.cursor_line().trim_end() == text.trim_end());
    }

    /// Waits for an empty prompt after `text`.
    pub fn wait_for_prompt_after(&mut self, text: &str) {
        self.wait(&format!("prompt after {text:?}"), |terminal| {
            terminal.text().rfind(text).is_some_and(|at| terminal.text()[at..].trim_end().ends_with("\nweir>"))
        });
    }

    /// Runs statements and waits for the prompt after `end`.
    pub fn run_to(&mut self, text: &str, end: &str) {
        self.send(text);
        self.send(ENTER);
        self.wait_for_prompt_after(end);
    }

    /// Presses Tab until the line is `wanted`: names are fetched in the background.
    pub fn tab_to(&mut self, wanted: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.cursor_line().trim_end() != wanted.trim_end() {
            assert!(Instant::now() < deadline, "no {wanted:?}; the screen:\n{}", self.text());
            self.send(TAB);
            while let Ok(bytes) = self.output.recv_timeout(Duration::from_millis(200)) {
                self.screen.process(&bytes);
                self.raw.extend_from_slice(&bytes);
            }
        }
    }

    /// Leaves by Ctrl-D and gives the exit code.
    pub fn leave(mut self) -> u32 {
        self.send(CTRL_D);
        self.exit_code()
    }

    pub fn exit_code(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        // The reader thread ends when the last process on the terminal has.
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.screen.process(&bytes),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("weir does not end; the screen:\n{}", self.text()),
            }
        }
        self.child.wait().expect("weir has ended").exit_code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Only what this test started; it may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

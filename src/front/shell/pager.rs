//! A sink for the terminal that shows a result through a pager when it is larger than the screen.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::render::value::columns;

/// What is shown when neither `WEIR_PAGER` nor `PAGER` says otherwise: with colour, only when needed.
const DEFAULT: &str = "less";
/// Its flags for a table, whose lines are worth something only as wholes, and for anything else.
const FLAGS: [&str; 2] = ["-SRFX", "-RFX"];
/// Bytes held back at most before the pager is started.
const HELD: usize = 1 << 20;

/// Holds a result back until [`flush`](Write::flush), which ends it: what fits the screen is written to `screen`, the rest
/// goes through the pager, and `flush` returns when the person leaves that.
#[derive(Debug)]
pub struct Pager<W: Write> {
    screen: W,
    rows: usize,
    width: usize,
    command: Option<String>,
    held: Vec<u8>,
    child: Option<(Child, Option<ChildStdin>)>,
}

impl<W: Write> Pager<W> {
    /// A pager for a terminal of `rows` lines and `width` columns. `command` is a shell command, `None` the default.
    pub fn new(screen: W, rows: usize, width: usize, command: Option<String>) -> Self {
        Pager { screen, rows, width, command, held: Vec::new(), child: None }
    }

    /// The command that the environment asks for: `WEIR_PAGER`, else `PAGER`.
    pub fn from_environment() -> Option<String> {
        std::env::var("WEIR_PAGER").or_else(|_| std::env::var("PAGER")).ok()
    }

    fn is_large(&self) -> bool {
        let text = String::from_utf8_lossy(&self.held);
        let widths = text.lines().map(|line| columns(&bare(line)));
        if self.is_table() && widths.clone().any(|columns| columns > self.width) {
            return true;
        }
        // Text wraps. The receipt and the prompt want their lines too.
        widths.map(|columns| columns.div_ceil(self.width.max(1)).max(1)).sum::<usize>() + 2 > self.rows
    }

    fn is_table(&self) -> bool {
        self.held.starts_with("┌".as_bytes()) || self.held.starts_with(b"|")
    }

    fn start(&mut self) -> io::Result<bool> {
        let mut command = match self.command.as_deref().map(str::trim) {
            Some("") => return Ok(false),
            Some(words) => {
                let mut command = Command::new("sh");
                command.arg("-c").arg(words);
                command
            }
            None => {
                let [table, text] = FLAGS;
                let mut command = Command::new(DEFAULT);
                command.arg(if self.is_table() { table } else { text });
                command
            }
        };
        match command.stdin(Stdio::piped()).spawn() {
            Ok(mut child) => {
                let stdin = child.stdin.take();
                self.child = Some((child, stdin));
                Ok(true)
            }
            // No pager on this machine: the screen has to do.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.child {
            Some((_, Some(stdin))) => stdin.write_all(bytes),
            _ => self.screen.write_all(bytes),
        }
    }

    fn feed_held(&mut self) -> io::Result<()> {
        let held = std::mem::take(&mut self.held);
        let fed = self.feed(&held);
        self.held = held;
        fed
    }

    fn end(&mut self) -> io::Result<()> {
        let Some((mut child, stdin)) = self.child.take() else { return Ok(()) };
        drop(stdin);
        let status = child.wait()?;
        // The shell's word for a command that is not there: nothing was shown.
        if status.code() == Some(127) { self.screen.write_all(&self.held) } else { Ok(()) }
    }
}

impl<W: Write> Write for Pager<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.child.is_some() {
            self.feed(bytes)?;
            return Ok(bytes.len());
        }
        self.held.extend_from_slice(bytes);
        if self.held.len() > HELD && self.is_large() {
            self.start()?;
            self.feed_held()?;
            self.held.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.child.is_none() && !self.held.is_empty() {
            if self.is_large() {
                self.start()?;
            }
            match self.feed_held() {
                // The person left before the end: no reason to stop anything.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe && self.child.is_some() => {}
                fed => fed?,
            }
        }
        let ended = self.end();
        self.held.clear();
        ended?;
        self.screen.flush()
    }
}

/// `line` without escape sequences for colour.
fn bare(line: &str) -> String {
    let mut parts = line.split("\x1b[");
    let mut text = parts.next().unwrap_or("").to_string();
    for part in parts {
        text.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(command: &str, text: &str) -> String {
        let mut screen = Vec::new();
        let mut pager = Pager::new(&mut screen, 10, 20, Some(command.to_string()));
        pager.write_all(text.as_bytes()).unwrap();
        pager.flush().unwrap();
        String::from_utf8(screen).unwrap()
    }

    #[test]
    fn what_fits_goes_to_the_screen() {
        assert_eq!(shown("exit 1", "a\nb\n"), "a\nb\n");
        let colored = "\x1b[2mNULL\x1b[0m and sixteen wide\n";
        assert_eq!(shown("exit 1", &colored.replace(" wide", "")), colored.replace(" wide", ""));
    }

    #[test]
    fn what_is_taller_or_wider_goes_to_the_pager() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seen");
        for text in
            ["line\n".repeat(9), format!("| {} |", "x".repeat(17)), format!("┌{}┐", "─".repeat(19)), "x".repeat(161)]
        {
            assert_eq!(shown(&format!("cat > '{}'", file.display()), &text), "");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn long_text_wraps_on_the_screen() {
        let text = format!("name │ {}\n", "word ".repeat(20));
        assert_eq!(shown("exit 1", &text), text);
    }

    #[test]
    fn without_a_pager_the_screen_has_to_do() {
        let text = "line\n".repeat(50);
        assert_eq!(shown("", &text), text);
        assert_eq!(shown("surely-no-such-pager 2> /dev/null", &text), text);
    }

    #[test]
    fn leaving_the_pager_early_is_no_error() {
        assert_eq!(shown("exit 0", &"line\n".repeat(100_000)), "");
    }
}

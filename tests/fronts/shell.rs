//! The shell in a terminal: `\o` takes the rows, `\i` gives it one statement after the other, and what it says goes to a file.

use portable_pty::CommandBuilder;

use super::inside::Ran;
use super::printed::{data, talk, timeless};
use super::{Place, Reference, changed, difference, parts};
use crate::set_up::WEIR;
use crate::set_up::terminal::{ENTER, Terminal};

/// How many statements of a file went through the shell, and how many cannot: it binds no parameters.
#[derive(Debug, Default)]
pub struct Counts {
    pub ran: usize,
    pub with_parameters: usize,
}

/// Runs a whole file.
pub async fn run(place: &Place, reference: &Reference) -> Result<Counts, String> {
    let mut failures = String::new();
    let mut counts = Counts::default();
    for part in parts(&reference.all) {
        let (with, without): (Vec<&Ran>, Vec<&Ran>) = part.iter().partition(|ran| !ran.block.params.is_empty());
        counts.ran += without.len();
        counts.with_parameters += with.len();
        failures.extend(run_part(place, &reference.place, &without));
        place.produce(part).await;
    }
    if failures.is_empty() { Ok(counts) } else { Err(failures) }
}

fn run_part(place: &Place, before: &Place, part: &[&Ran]) -> Option<String> {
    let (mut rows, mut said) = (String::new(), "results go to rows\n".to_string());
    let mut keys = format!("\\o rows{ENTER}");
    for (i, ran) in part.iter().enumerate() {
        let name = format!("{i}.sql");
        let text = place.typed(&ran.block.text);
        std::fs::write(place.home.join(&name), &text).unwrap();
        keys.push_str(&format!("\\i {name}{ENTER}"));
        rows.push_str(&data(ran));
        said.push_str(&talk(ran, &text, ran.block.at, &name));
    }
    keys.push_str(&format!("\\o{ENTER}\\q{ENTER}"));
    said.push_str("wrote rows\n");
    // Standard error is a file here, so that a shell has to start the shell.
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "exec \"$0\" \"$@\" 2> talk", WEIR, "--quiet", "--threads", "2", "--data"]);
    command.arg(&place.data);
    for (name, value) in part.first().map(|ran| changed(&ran.settings)).unwrap_or_default() {
        command.args(["--set".to_string(), format!("{name}={value}")]);
    }
    let mut terminal = Terminal::spawn(&place.home, command, &[("NO_COLOR", "1")]);
    terminal.wait_at("weir> ");
    terminal.send(&keys);
    let code = terminal.exit_code();
    let read = |name: &str| place.anywhere(&std::fs::read_to_string(place.home.join(name)).unwrap());
    let found = [
        difference("the shell's rows", &before.anywhere(&rows), &read("rows")),
        difference("the shell's talk", &before.anywhere(&timeless(&said)), &timeless(&read("talk"))),
        (code != 0).then(|| format!("the shell's exit code is {code}\n")),
    ];
    found.into_iter().flatten().reduce(|a, b| a + &b)
}

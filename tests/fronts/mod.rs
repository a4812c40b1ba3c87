//! The same SQL files through every front: in process, scripts, the shell, the server.

pub mod file;
pub mod inside;
pub mod printed;
pub mod script;
pub mod server;
pub mod shell;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use inside::Ran;
use weir::config::settings::{SETTINGS, Settings};
use weir::connect::local::Local;
use weir::connect::memory::Memory;

/// Where one front runs one file. The names of all fronts are of one length, so that places in texts that name its folder
/// are the same.
pub struct Place {
    /// What `{dir}` stands for.
    folder: PathBuf,
    /// The local log.
    data: PathBuf,
    /// Where the front is started.
    home: PathBuf,
}

impl Place {
    /// The place called by one letter below `root`.
    pub fn new(root: &Path, letter: char) -> Place {
        let at = |what: &str| root.join(format!("{letter}-{what}"));
        let place = Place { folder: at("files"), data: at("data"), home: at("home") };
        for folder in [&place.folder, &place.home] {
            std::fs::create_dir(folder).unwrap();
        }
        place
    }

    /// `text` as it is typed here.
    fn typed(&self, text: &str) -> String {
        text.replace("{dir}", self.folder.to_str().unwrap())
    }

    /// What was said here, as it would have been said at any place.
    fn anywhere(&self, said: &str) -> String {
        said.replace(self.folder.to_str().unwrap(), "{dir}").replace(self.data.to_str().unwrap(), "{data}")
    }

    /// Puts the records that follow the last statement of `part` into the local log, which nobody else may have open.
    async fn produce(&self, part: &[Ran]) {
        let records = part.last().map_or(&[][..], |ran| &ran.block.records);
        if records.is_empty() {
            return;
        }
        let log = Local::open(&self.data).unwrap();
        for record in records {
            file::produce(&log, record).await.unwrap();
        }
    }
}

/// A file that ran in process on a local log: what fronts are compared with.
pub struct Reference {
    place: Place,
    all: Vec<Ran>,
}

impl Reference {
    /// Runs `text` on topics in memory and on a local log at `place`, which must answer the same. Returns the text with its
    /// answers too.
    pub async fn run(text: &str, place: Place) -> (String, Reference, Option<String>) {
        let (answers, _) = inside::run(text, &place, Arc::new(Memory::new())).await;
        let local = Local::open(&place.data).unwrap();
        let (again, all) = inside::run(text, &place, Arc::new(local)).await;
        let names = [
            ("the local log {data}", "memory"),
            ("local {data}", "memory"),
            ("beside {data}", "beside memory"),
            ("reader=local", "reader=memory"),
        ];
        let again = names.iter().fold(again, |text, (local, memory)| text.replace(local, memory));
        let found = difference("on a local log", &narrow(&answers), &narrow(&again));
        (answers, Reference { place, all }, found)
    }

    /// How many statements the file has.
    pub fn len(&self) -> usize {
        self.all.len()
    }
}

/// Without the widths of tables, which follow from the length of names.
fn narrow(answers: &str) -> String {
    let mut last = '\n';
    answers.chars().filter(|c| std::mem::replace(&mut last, *c) != *c || !matches!(c, ' ' | '─')).collect()
}

/// The parts of a file between which records are put into topics, which takes a log that no front has open.
fn parts(ran: &[Ran]) -> impl Iterator<Item = &[Ran]> {
    ran.split_inclusive(|ran| !ran.block.records.is_empty())
}

/// What a front has to be told when it starts in the middle of a file.
fn changed(settings: &Settings) -> Vec<(&'static str, String)> {
    let values = SETTINGS.iter().map(|s| (s.name, settings.get(s.name).to_string(), s.default));
    values.filter(|(_, value, default)| value != default).map(|(name, value, _)| (name, value)).collect()
}

/// The first place where two texts differ, if they do.
pub fn difference(what: &str, expected: &str, got: &str) -> Option<String> {
    if expected == got {
        return None;
    }
    let (expected, got): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let at = expected.iter().zip(&got).take_while(|(a, b)| a == b).count();
    let from = |lines: &[&str]| lines.iter().skip(at).take(8).map(|l| format!("    {l}\n")).collect::<String>();
    let mut said = String::new();
    writeln!(said, "{what}:{}: expected\n{}  but got\n{}", at + 1, from(&expected), from(&got)).unwrap();
    Some(said)
}

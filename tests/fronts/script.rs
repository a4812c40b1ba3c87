//! `weir --on-error continue -f FILE …`: a part of a file is one process.

use std::fmt::Write as _;

use super::inside::Ran;
use super::printed::{data, talk, timeless};
use super::{Place, Reference, changed, difference, parts};
use crate::set_up;

/// A file of statements with the same parameters, and where each starts.
struct Item<'a> {
    name: String,
    text: String,
    statements: Vec<(usize, &'a Ran)>,
}

/// Runs a whole file; returns how many statements ran.
pub async fn run(place: &Place, reference: &Reference) -> Result<usize, String> {
    let mut failures = String::new();
    let mut count = 0;
    for part in parts(&reference.all) {
        count += part.len();
        failures.extend(run_part(place, &reference.place, part));
        place.produce(part).await;
    }
    if failures.is_empty() { Ok(count) } else { Err(failures) }
}

fn run_part(place: &Place, before: &Place, part: &[Ran]) -> Option<String> {
    let items = items(place, part);
    let mut arguments: Vec<String> = ["--threads", "2", "--on-error", "continue", "--data"].map(String::from).into();
    arguments.push(place.data.display().to_string());
    for (name, value) in part.first().map(|ran| changed(&ran.settings)).unwrap_or_default() {
        arguments.extend(["--set".to_string(), format!("{name}={value}")]);
    }
    let (mut rows, mut said, mut code) = (String::new(), String::new(), 0);
    for item in &items {
        std::fs::write(place.home.join(&item.name), &item.text).unwrap();
        arguments.extend(["-f".to_string(), item.name.clone()]);
        for (at, ran) in &item.statements {
            rows.push_str(&data(ran));
            said.push_str(&talk(ran, &item.text, *at, &item.name));
            if code == 0 {
                code = ran.error.as_ref().map_or(0, |e| e.kind().exit_code());
            }
        }
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (exit, out, err) = set_up::run(&mut set_up::weir(&place.home, &arguments));
    let (expected, got) = (before.anywhere(&timeless(&said)), place.anywhere(&timeless(&err)));
    let exit = (exit != code).then(|| format!("the script's exit code is {exit}, not {code}\n"));
    let found = [
        difference("the script's rows", &before.anywhere(&rows), &place.anywhere(&out)),
        difference("the script's talk", &expected, &got),
        exit,
    ];
    found.into_iter().flatten().reduce(|a, b| a + &b)
}

/// The files of a part. A statement with parameters has one of its own, whose header declares them.
fn items<'a>(place: &Place, part: &'a [Ran]) -> Vec<Item<'a>> {
    let mut items: Vec<Item<'a>> = Vec::new();
    let mut shared = false;
    for ran in part {
        let alone = !ran.block.params.is_empty();
        if alone || !shared {
            let mut text = String::new();
            for param in &ran.block.params {
                let value = param.value.replace('\'', "''");
                writeln!(text, "-- @param {} {} = '{value}'", param.name, param.r#type).unwrap();
            }
            items.push(Item { name: format!("{}.sql", items.len()), text, statements: Vec::new() });
        }
        shared = !alone;
        let item = items.last_mut().unwrap();
        item.statements.push((item.text.len() + ran.block.at, ran));
        item.text.push_str(&place.typed(&ran.block.text));
        item.text.push_str(&ran.block.rest);
    }
    items
}

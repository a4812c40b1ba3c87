//! One program for all targets: `WEIR_FUZZ` names the one that libFuzzer drives.

#![no_main]

mod seeds;
mod targets;

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use targets::{TARGETS, Target};

static TARGET: OnceLock<Target> = OnceLock::new();

/// Finds the target and, when `WEIR_FUZZ_SEEDS` names a folder, writes its seeds there.
fn begin() {
    let name = std::env::var("WEIR_FUZZ").expect("WEIR_FUZZ names no target");
    let (_, target) = TARGETS.iter().find(|(n, _)| *n == name).expect("there is no such target");
    if let Ok(folder) = std::env::var("WEIR_FUZZ_SEEDS") {
        for (number, seed) in seeds::of(&name).iter().enumerate() {
            std::fs::write(format!("{folder}/seed-{number}"), seed).expect("a seed cannot be written");
        }
    }
    TARGET.set(*target).expect("begun twice");
}

fuzz_target!(init: begin(), |data: &[u8]| {
    if let Some(target) = TARGET.get() {
        target(data);
    }
});

//! The fuzz targets as ordinary tests: every seed, and seeds with damage done to them. `fuzz/run` goes further, guided by
//! what the code does with its input.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../fuzz/src/seeds.rs"]
mod seeds;
#[path = "../fuzz/src/targets.rs"]
mod targets;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

/// What is done to a seed.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    /// Bytes that numbers go wrong at.
    Put(Index, &'static [u8]),
    Cut(Index),
    Drop(Index, u8),
    Repeat(Index, u8),
    /// The end of another seed.
    Graft(Index, Index, Index),
}

const EDGES: &[&[u8]] = &[
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xfe\xff\xff\xff\x0f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\0",
    b"{{{{[[[[",
    b"((((((((",
    b"99999999999999999999",
    b"\xf0\x9f\x98\x80",
    b"'\"\\",
];

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        (at(), prop::sample::select(EDGES)).prop_map(|(at, bytes)| Damage::Put(at, bytes)),
        at().prop_map(Damage::Cut),
        (at(), any::<u8>()).prop_map(|(at, count)| Damage::Drop(at, count)),
        (at(), any::<u8>()).prop_map(|(at, count)| Damage::Repeat(at, count)),
        (at(), at(), at()).prop_map(|(at, seed, from)| Damage::Graft(at, seed, from)),
    ]
}

fn apply(input: &mut Vec<u8>, damage: &Damage, seeds: &[Vec<u8>]) {
    let within = |at: &Index| at.index(input.len() + 1);
    let reach = |from: usize, count: u8| input.len().min(from + usize::from(count));
    match damage {
        Damage::Flip(at, bits) => {
            let at = within(at);
            if let Some(byte) = input.get_mut(at) {
                *byte ^= bits;
            }
        }
        Damage::Put(at, bytes) => {
            let at = within(at);
            input.splice(at..at, bytes.iter().copied());
        }
        Damage::Cut(at) => input.truncate(within(at)),
        Damage::Drop(at, count) => {
            let from = within(at);
            let to = reach(from, *count);
            input.drain(from..to);
        }
        Damage::Repeat(at, count) => {
            let from = within(at);
            let again = input[from..reach(from, *count)].repeat(3);
            input.splice(from..from, again);
        }
        Damage::Graft(at, seed, from) => {
            let at = within(at);
            let other = seed.get(seeds);
            input.truncate(at);
            input.extend_from_slice(&other[from.index(other.len() + 1)..]);
        }
    }
}

/// All seeds of a target, and `cases` damaged ones.
fn try_target(name: &str, cases: u32) {
    let (_, target) = targets::TARGETS.iter().find(|(n, _)| *n == name).unwrap();
    let seeds = seeds::of(name);
    assert!(!seeds.is_empty());
    seeds.iter().for_each(|seed| target(seed));
    let inputs = (any::<Index>(), prop::collection::vec(damage(), 1..6)).prop_map(|(seed, damages)| {
        let mut input = seed.get(&seeds).clone();
        damages.iter().for_each(|damage| apply(&mut input, damage, &seeds));
        input
    });
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let tried = TestRunner::new(config).run(&inputs, |input| {
        target(&input);
        Ok(())
    });
    tried.unwrap();
}

#[test]
fn every_target_is_tried_below() {
    let here = include_str!("fuzz.rs");
    for (name, _) in targets::TARGETS {
        assert!(here.contains(&format!("try_target({name:?}, ")), "{name} is not tried");
    }
}

#[test]
fn batches() {
    try_target("batches", 2000);
}

#[test]
fn compressed_data() {
    try_target("compress", 1000);
}

#[test]
fn segment_files() {
    try_target("segments", 200);
}

#[test]
fn avro_records() {
    try_target("avro", 500);
}

#[test]
fn avro_schemas() {
    try_target("avro_schema", 500);
}

#[test]
fn json_records() {
    try_target("json", 500);
}

#[test]
fn json_schemas() {
    try_target("json_schema", 500);
}

#[test]
fn primitive_records() {
    try_target("primitive", 300);
}

#[test]
fn statements() {
    try_target("sql", 300);
}

#[test]
fn property_files() {
    try_target("properties", 500);
}

#[test]
fn parameters_and_saved_queries() {
    try_target("params", 1000);
}

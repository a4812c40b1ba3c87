//! What can be checked of this repository by program: levels of the modules, files, documents, licences.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use weir::bounded::column::METAS;
use weir::config::settings::SETTINGS;
use weir::front::saved::SavedQuery;

/// The architecture: a module uses only modules of lower levels, and itself.
const LEVELS: &[(&str, u8)] = &[
    ("error", 0),
    ("figure", 0),
    ("types", 1),
    ("sql", 1),
    ("config", 1),
    ("function", 2),
    ("connect", 2),
    ("registry", 3),
    ("format", 4),
    ("catalog", 5),
    ("bounded", 6),
    ("session", 7),
    ("render", 8),
    ("front", 9),
];

/// Licences that ask for nothing but a notice.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Crates under another licence: name, licence, why that is fine.
const OTHER_LICENCES: &[(&str, &str, &str)] = &[(
    "tiny-keccak",
    "CC0-1.0",
    "public domain; only a build-time hash of const-random, nothing of it is in the binary",
)];

const NO_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "core", "misc"];
const NO_CALLS: &[&str] = &["todo!", "unimplemented!", "dbg!"];
const NO_MARKS: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];
const MOST_LINES: usize = 800;

struct File {
    /// From the root, with `/`.
    path: String,
    text: String,
}

impl File {
    /// The text without the tests at its end.
    fn shipped(&self) -> &str {
        shipped(&self.text)
    }

    /// `connect` of `src/connect/kafka/mod.rs` and `error` of `src/error.rs`; none for the crate's own two files.
    fn module(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let first = inside.split('/').next()?;
        match first {
            "lib.rs" | "main.rs" => None,
            _ => Some(first.strip_suffix(".rs").unwrap_or(first)),
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` with this extension, sorted.
fn files(folder: &str, extension: &str) -> Vec<File> {
    fn walk(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), extension, &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| File {
            text: fs::read_to_string(&path).unwrap(),
            path: path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/"),
        })
        .collect()
}

fn sources() -> Vec<File> {
    let found = files("src", "rs");
    assert!(found.len() > 30, "only {} source files were found", found.len());
    found
}

/// All Rust there is: the crate, its tests, its benches, its fuzz targets.
fn rust() -> Vec<File> {
    let mut found = sources();
    found.extend(files("tests", "rs"));
    found.extend(files("benches", "rs"));
    found.extend(files("fuzz/src", "rs"));
    assert!(found.iter().any(|f| f.path == "tests/tidy.rs"), "this file was not found");
    found
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Fails with every finding at once.
fn none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// `text` up to its module of tests.
fn shipped(text: &str) -> &str {
    match text.find("\n#[cfg(test)]\nmod tests {") {
        Some(end) => &text[..end],
        None => text,
    }
}

/// `text` with comments and the insides of literals blanked, lines kept.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let joined = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
        let end = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['"', ..] | ['b' | 'c', '"', ..] if !joined => quoted(rest, rest.iter().position(|c| *c == '"').unwrap()),
            ['"', ..] => quoted(rest, 0),
            ['r', '"' | '#', ..] | ['b' | 'c', 'r', '"' | '#', ..] if !joined => raw(rest),
            ['\'', '\\', ..] => rest.iter().skip(3).position(|c| *c == '\'').map_or(1, |n| n + 4),
            ['\'', _, '\'', ..] => 3,
            _ => 0,
        };
        if end == 0 {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(rest[..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at += end;
        }
    }
    out
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted(rest: &[char], open: usize) -> usize {
    let mut at = open + 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a raw string; 0 when this is something else, a raw identifier say.
fn raw(rest: &[char]) -> usize {
    let start = rest.iter().position(|c| *c == 'r').unwrap() + 1;
    let hashes = rest[start..].iter().take_while(|c| **c == '#').count();
    let open = start + hashes;
    if rest.get(open) != Some(&'"') {
        return 0;
    }
    (open + 1..rest.len())
        .find(|at| rest[*at] == '"' && rest[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes)
        .map_or(rest.len(), |close| close + 1 + hashes)
}

/// Every path behind `crate::` in `code`, down to its first two names: `session::response`; groups are taken apart.
fn uses(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        for path in expand(rest) {
            found.insert(path.split("::").take(2).collect::<Vec<_>>().join("::"));
        }
    }
    found
}

/// The paths that start at the head of `text`, of `a::b` or of `{a::b, c::{d, e}}`.
fn expand(text: &str) -> Vec<String> {
    let text = text.trim_start();
    let Some(inside) = text.strip_prefix('{') else {
        let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let rest = &text[name.len()..];
        return match rest.strip_prefix("::") {
            Some(rest) if !name.is_empty() => expand(rest).iter().map(|p| format!("{name}::{p}")).collect(),
            _ => vec![name],
        };
    };
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                if !inside[start..at].trim().is_empty() {
                    found.extend(expand(&inside[start..at]));
                }
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found
}

fn level(module: &str) -> Option<u8> {
    LEVELS.iter().find(|(name, _)| *name == module).map(|(_, level)| *level)
}

#[test]
fn modules_use_only_lower_levels() {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    let mut edges = 0;
    for file in sources() {
        let Some(module) = file.module() else { continue };
        seen.insert(module.to_string());
        let Some(own) = level(module) else {
            findings.push(format!("{}: {module} has no level; give it one in tests/tidy.rs", file.path));
            continue;
        };
        for path in uses(&code(&file.text)) {
            let target = path.split("::").next().unwrap();
            edges += 1;
            if target == module || level(target).is_some_and(|l| l < own) {
                continue;
            }
            findings.push(format!("{}: {module} may not use crate::{path}", file.path));
        }
    }
    for (module, _) in LEVELS {
        if !seen.contains(*module) {
            findings.push(format!("{module} has a level but no file"));
        }
    }
    assert!(edges > 100, "only {edges} uses were found");
    none(findings);
}

#[test]
fn no_path_goes_round_the_levels() {
    let mut findings = Vec::new();
    for file in sources() {
        let Some(module) = file.module() else { continue };
        let text = code(file.shipped());
        if text.contains("super::super::") {
            findings.push(format!("{}: super::super:: hides what is used; write crate::", file.path));
        }
        let top = file.path == format!("src/{module}.rs") || file.path == format!("src/{module}/mod.rs");
        if top && text.contains("super::") {
            findings.push(format!("{}: super:: is the whole crate here; write crate::", file.path));
        }
    }
    none(findings);
}

#[test]
fn every_file_says_what_it_holds() {
    let silent =
        rust().into_iter().filter(|f| !f.text.starts_with("//! ") || f.text.lines().next().unwrap().len() < 20);
    none(silent.map(|f| format!("{}: its first line is no //! that says what it holds", f.path)).collect());
}

#[test]
fn no_file_is_long() {
    let long = rust().into_iter().map(|f| (f.shipped().lines().count(), f)).filter(|(lines, _)| *lines > MOST_LINES);
    none(long.map(|(lines, f)| format!("{}: {lines} lines; split it by concept", f.path)).collect());
}

#[test]
fn nothing_is_left_for_later() {
    let mut findings = Vec::new();
    for file in rust() {
        if file.path == "tests/tidy.rs" {
            continue;
        }
        for (n, (line, code)) in file.text.lines().zip(code(&file.text).lines()).enumerate() {
            let call = NO_CALLS.iter().find(|c| code.contains(**c));
            let mark = NO_MARKS.iter().find(|m| line.split(|c: char| !c.is_alphanumeric()).any(|w| w == **m));
            if let Some(what) = call.or(mark) {
                findings.push(format!("{}:{}: {what}", file.path, n + 1));
            }
        }
        if code(&file.text).contains("#[ignore") {
            findings.push(format!("{}: an ignored test", file.path));
        }
    }
    none(findings);
}

#[test]
fn names_say_something() {
    let bad = rust().into_iter().filter(|f| {
        let mut parts = f.path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part));
        parts.any(|part| NO_NAMES.contains(&part))
    });
    none(bad.map(|f| format!("{}: name it after its concept", f.path)).collect());
}

#[test]
fn the_readme_has_every_setting() {
    let readme = read("README.md");
    let missing = SETTINGS
        .iter()
        .map(|s| format!("| `{}` | `{}` | {} |", s.name, s.default, s.doc))
        .filter(|row| !readme.lines().any(|line| line == row));
    none(missing.map(|row| format!("README.md has no line: {row}")).collect());
}

#[test]
fn the_readme_has_every_metadata_column() {
    let readme = read("README.md");
    let missing = METAS
        .iter()
        .map(|(_, name, doc)| format!("| `{name}` | {doc} |"))
        .filter(|row| !readme.lines().any(|l| l == row));
    none(missing.map(|row| format!("README.md has no line: {row}")).collect());
}

#[test]
fn the_map_has_every_module() {
    let map = read("ARCHITECTURE.md");
    let missing = LEVELS.iter().filter(|(module, _)| {
        !map.contains(&format!("`src/{module}/`")) && !map.contains(&format!("`src/{module}.rs`"))
    });
    none(missing.map(|(module, _)| format!("ARCHITECTURE.md says nothing of src/{module}")).collect());
}

#[test]
fn documents_name_files_and_tests_that_exist() {
    let mut findings = Vec::new();
    let mut named = 0;
    for document in ["README.md", "ARCHITECTURE.md"] {
        for quoted in read(document).split('`').skip(1).step_by(2) {
            let path = quoted.split("::").next().unwrap();
            let is_path =
                ["src/", "tests/", "benches/", "queries/", "fuzz/"].iter().any(|folder| path.starts_with(folder));
            if !is_path || path.contains([' ', '*', '<', '{']) {
                continue;
            }
            named += 1;
            if !root().join(path).exists() {
                findings.push(format!("{document}: there is no {path}"));
            } else if let Some((_, test)) = quoted.split_once("::")
                && !read(path).contains(&format!("fn {test}("))
            {
                findings.push(format!("{document}: there is no {test} in {path}"));
            }
        }
    }
    assert!(named > 20, "only {named} paths were found in the documents");
    none(findings);
}

#[test]
fn saved_queries_describe_themselves() {
    let queries = files("queries", "sql");
    assert!(!queries.is_empty(), "there are no saved queries");
    let mut findings = Vec::new();
    for file in queries {
        match SavedQuery::parse("query", Path::new(&file.path), file.text) {
            Ok(query) if query.description.as_deref().is_some_and(|d| !d.is_empty()) => {
                let silent = query.params.iter().filter(|p| p.description.is_none());
                findings.extend(silent.map(|p| format!("{}: parameter {} has no description", file.path, p.name)));
            }
            Ok(_) => findings.push(format!("{}: no @desc in its header", file.path)),
            Err(e) => findings.push(format!("{}: {}", file.path, e.message())),
        }
    }
    none(findings);
}

/// One crate of the dependency graph.
struct Package {
    name: String,
    version: String,
    licence: String,
}

/// The crates that this machine's build uses, tests' among them: what `cargo test` itself has fetched.
fn packages() -> Vec<Package> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|l| l.strip_prefix("host: ")).expect("rustc -vV names the host");
    let out = Command::new(cargo)
        .args(["metadata", "--locked", "--offline", "--format-version", "1", "--filter-platform", host])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&out.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let text = |package: &serde_json::Value, key: &str| package[key].as_str().unwrap_or_default().to_string();
    let found: Vec<Package> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| Package { name: text(p, "name"), version: text(p, "version"), licence: text(p, "license") })
        .collect();
    assert!(found.len() > 100, "only {} packages were found", found.len());
    found
}

/// Whether an SPDX expression lets us use a crate under `LICENCES` alone. `/` is the old way to write OR.
fn permitted(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let permitted = any_of(&words, &mut at);
    permitted == Some(true) && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize) -> Option<bool> {
    let mut permitted = all_of(words, at)?;
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        permitted |= all_of(words, at)?;
    }
    Some(permitted)
}

fn all_of(words: &[&str], at: &mut usize) -> Option<bool> {
    let mut permitted = licence(words, at)?;
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        permitted &= licence(words, at)?;
    }
    Some(permitted)
}

/// A licence or an expression in brackets; none when the words make no sense.
fn licence(words: &[&str], at: &mut usize) -> Option<bool> {
    let word = *words.get(*at)?;
    *at += 1;
    match word {
        "(" => {
            let permitted = any_of(words, at)?;
            *at += 1;
            (words.get(*at - 1) == Some(&")")).then_some(permitted)
        }
        ")" | "OR" | "AND" | "WITH" => None,
        name if words.get(*at) == Some(&"WITH") => {
            let exception = *words.get(*at + 1)?;
            *at += 2;
            Some(LICENCES.contains(&format!("{name} WITH {exception}").as_str()))
        }
        name => Some(LICENCES.contains(&name)),
    }
}

#[test]
fn every_crate_has_a_permissive_licence() {
    let mut findings = Vec::new();
    let mut excused = BTreeSet::new();
    for package in packages() {
        let other =
            OTHER_LICENCES.iter().find(|(name, licence, _)| *name == package.name && *licence == package.licence);
        match other {
            Some((name, ..)) => {
                excused.insert(*name);
            }
            None if permitted(&package.licence) => {}
            None => findings.push(format!("{} {}: licence {:?}", package.name, package.version, package.licence)),
        }
    }
    let unused = OTHER_LICENCES.iter().filter(|(name, ..)| !excused.contains(name));
    findings.extend(unused.map(|(name, ..)| format!("{name} is no longer used: take it out of OTHER_LICENCES")));
    none(findings);
}

#[test]
fn the_arrow_crates_are_of_one_major_version() {
    let mut majors: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in packages() {
        if package.name.starts_with("arrow") || package.name == "parquet" {
            let major = package.version.split('.').next().unwrap().to_string();
            majors.entry(major).or_default().push(package.name);
        }
    }
    assert!(majors.values().flatten().count() > 5, "the arrow crates were not found");
    assert_eq!(majors.len(), 1, "{majors:?}");
}

mod the_checker_itself {
    use super::*;

    #[test]
    fn blanks_comments_and_literals_and_keeps_lines() {
        let text = "a // dbg!\n/* x /* y */ z */ b \"c // \\\" d\" 'e' '\\'' r#\"f \" g\"# h<'i>(b'j')\nr#type k";
        let blanked = code(text);
        let words: Vec<&str> = blanked.split_whitespace().collect();
        assert_eq!(words, ["a", "b", "h<'i>(b", ")", "r#type", "k"]);
        assert_eq!(blanked.lines().count(), text.lines().count());
        assert_eq!(code("\"open"), "     ");
        assert_eq!(code("/* open"), "       ");
    }

    #[test]
    fn takes_groups_of_uses_apart() {
        let text = "use crate::{a::b::C, d::{self, e}, f};\nlet x = crate::g::h(crate::i);\nuse crate::j::*;";
        let found: Vec<String> = uses(text).into_iter().collect();
        assert_eq!(found, ["a::b", "d::e", "d::self", "f", "g::h", "i", "j::"]);
        assert!(uses(&code("/// [`crate::session`]\n\"crate::front\"")).is_empty());
    }

    #[test]
    fn counts_lines_up_to_the_tests() {
        assert_eq!(shipped("a\nb\n\n#[cfg(test)]\nmod tests {\n    c\n}\n"), "a\nb\n");
        assert_eq!(shipped("a\n#[cfg(test)]\nmod tests;\nb\n"), "a\n#[cfg(test)]\nmod tests;\nb\n");
    }

    #[test]
    fn reads_licence_expressions() {
        let fine =
            ["MIT", "MIT OR Apache-2.0", "MIT/GPL-3.0", "(MIT OR GPL-2.0) AND Unicode-3.0", "GPL-2.0 OR MIT AND ISC"];
        let not =
            ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT OR", "(MIT", "MIT)", "MIT ISC", "Apache-2.0 WITH Other-exception"];
        assert!(fine.iter().all(|e| permitted(e)), "{:?}", fine.map(permitted));
        assert!(!not.iter().any(|e| permitted(e)), "{:?}", not.map(permitted));
    }
}

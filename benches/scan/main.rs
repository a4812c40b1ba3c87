//! Reading ten million orders: rdkafka's own consumer, weir on the same broker, weir on its local log. `benches/run` starts it.
//!
//! Every figure is of a whole process, from its start to its end: wall time, CPU seconds and peak memory as the system counts
//! them. All cases take turns in each round; the table has the median round by time. Every answer is checked.

mod child;
mod orders;
mod raw;
mod registry;
mod topics;

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};

use child::Cost;
use orders::Expected;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

const AVRO: &str = "orders_avro";
const JSON: &str = "orders_json";

/// One row of the table.
struct Case {
    name: String,
    program: Program,
    check: Check,
    /// The case that is 1.00 for this one, by its place in the list.
    against: Option<usize>,
    costs: Vec<Cost>,
}

enum Program {
    /// This program itself, consuming a topic.
    Raw(&'static str),
    /// weir with this SQL.
    Kafka(String),
    /// weir with this SQL.
    Local(String),
}

/// What the answer must be.
#[derive(Clone, Copy)]
enum Check {
    /// The number of all records.
    Count,
    /// The number of records with [`orders::KEY`].
    Key,
    /// The sum of all quantities.
    Quantity,
    /// Count and sum of amounts by region.
    Regions,
    /// This many rows.
    Rows(usize),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["raw", bootstrap, topic] => raw::consume(bootstrap, topic).map(|n| println!("records\n{n}")),
        [] => measure("10", "3"),
        [millions] => measure(millions, "3"),
        [millions, rounds] => measure(millions, rounds),
        _ => Err("usage: benches/run [MILLIONS [ROUNDS]]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("scan: {e}");
            ExitCode::FAILURE
        }
    }
}

fn measure(millions: &str, rounds: &str) -> Result<()> {
    let bootstrap = std::env::var("WEIR_TEST_KAFKA").map_err(|_| "WEIR_TEST_KAFKA names no broker: use benches/run")?;
    let records = records(millions)?;
    let rounds: usize = rounds.parse().ok().filter(|n| *n > 0).ok_or("ROUNDS is a number from 1")?;
    let dir = tempfile::Builder::new().prefix("weir-bench.").tempdir()?;
    let registry = registry::start()?;
    let expected = Expected::of(records);
    eprintln!("writing {records} orders, twice into Kafka and twice into {}", dir.path().display());
    topics::fill_kafka(&bootstrap, AVRO, records, |order, out| order.avro(registry::SCHEMA_ID, out))?;
    topics::fill_kafka(&bootstrap, JSON, records, orders::Order::json)?;
    topics::fill_local(dir.path(), records)?;
    let mut cases = cases();
    for round in 1..=rounds {
        for case in &mut cases {
            eprintln!("round {round} of {rounds}: {}", case.name);
            let (answer, cost) = child::run(&mut command(&case.program, &bootstrap, &registry, dir.path())?)?;
            expected_answer(case.check, &expected, &answer).map_err(|e| format!("{}: {e}", case.name))?;
            case.costs.push(cost);
        }
    }
    print(&mut cases, records, rounds);
    Ok(())
}

fn records(millions: &str) -> Result<u64> {
    let wrong = "MILLIONS is a number from 0.001 to 1000";
    let millions: f64 = millions.parse().map_err(|_| wrong)?;
    if !(0.001..=1000.0).contains(&millions) {
        return Err(wrong.into());
    }
    Ok((millions * 1_000_000.0).round() as u64)
}

fn cases() -> Vec<Case> {
    let case = |name: &str, program, check, against| Case {
        name: name.to_string(),
        program,
        check,
        against,
        costs: Vec::new(),
    };
    let mut cases = vec![
        case("rdkafka, Avro topic", Program::Raw(AVRO), Check::Count, Some(0)),
        case("rdkafka, JSON topic", Program::Raw(JSON), Check::Count, Some(1)),
    ];
    let groups = |topic| format!("SELECT region, count(*), sum(amount) FROM {topic} GROUP BY region ORDER BY region");
    let key = orders::KEY;
    let queries = [
        ("count(*)", format!("SELECT count(*) FROM {AVRO}"), Check::Count, Some(0)),
        ("key filter", format!("SELECT count(*) FROM {AVRO} WHERE _key = '{key}'"), Check::Key, Some(0)),
        ("narrow projection", format!("SELECT sum(quantity) FROM {AVRO}"), Check::Quantity, Some(0)),
        ("Avro group-by", groups(AVRO), Check::Regions, Some(0)),
        ("JSON group-by", groups(JSON), Check::Regions, Some(1)),
        ("LIMIT 5", format!("SELECT id, customer, amount FROM {AVRO} LIMIT 5"), Check::Rows(5), None),
    ];
    for (name, sql, check, against) in &queries {
        cases.push(case(&format!("Kafka: {name}"), Program::Kafka(sql.clone()), *check, *against));
    }
    for (name, sql, check, against) in &queries {
        cases.push(case(&format!("local log: {name}"), Program::Local(sql.clone()), *check, *against));
    }
    cases.push(case("SELECT 1", Program::Local("SELECT 1".into()), Check::Rows(1), None));
    cases
}

/// A command whose surroundings are the same on every machine: no brokers or settings out of the environment.
fn command(program: &Program, bootstrap: &str, registry: &str, dir: &Path) -> Result<Command> {
    let mut command = match program {
        Program::Raw(_) => Command::new(std::env::current_exe()?),
        Program::Kafka(_) | Program::Local(_) => Command::new(env!("CARGO_BIN_EXE_weir")),
    };
    command.env_clear().env("HOME", dir).env("TMPDIR", dir);
    match program {
        Program::Raw(topic) => command.args(["raw", bootstrap, topic]),
        Program::Kafka(sql) => command.args(["-b", bootstrap, "--registry", registry, "--csv", "-q", "-c", sql]),
        Program::Local(sql) => command.arg("--data").arg(topics::local(dir)).args(["--csv", "-q", "-c", sql]),
    };
    Ok(command)
}

/// Whether the rows under the header are those that were written.
fn expected_answer(check: Check, expected: &Expected, answer: &str) -> Result<()> {
    let rows: Vec<&str> = answer.lines().skip(1).collect();
    let want: Vec<String> = match check {
        Check::Count => vec![expected.records.to_string()],
        Check::Key => vec![expected.with_key.to_string()],
        Check::Quantity => vec![expected.quantity.to_string()],
        Check::Rows(n) if rows.len() == n => return Ok(()),
        Check::Rows(n) => vec![format!("{n} rows")],
        Check::Regions => {
            let close = rows.len() == expected.regions.len()
                && rows.iter().zip(&expected.regions).all(|(row, (region, count, amount))| {
                    let cells: Vec<&str> = row.split(',').collect();
                    matches!(cells.as_slice(), [r, c, a]
                        if r == region && c.parse() == Ok(*count) && a.parse() == Ok(*amount))
                });
            if close {
                return Ok(());
            }
            expected.regions.iter().map(|(region, count, amount)| format!("{region},{count},{amount}")).collect()
        }
    };
    if rows == want { Ok(()) } else { Err(format!("the answer is {rows:?}, it should be {want:?}").into()) }
}

fn print(cases: &mut [Case], records: u64, rounds: usize) {
    let medians: Vec<Cost> = cases
        .iter_mut()
        .map(|case| {
            case.costs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
            case.costs[case.costs.len() / 2]
        })
        .collect();
    println!("{} records of about 190 bytes, 4 partitions, lz4; {}", records, machine());
    println!("median of {rounds}; CPU and memory are the reading process's, the broker's come on top\n");
    println!("| case | seconds | million records/s | against rdkafka | CPU seconds | peak MiB |");
    println!("|---|--:|--:|--:|--:|--:|");
    for (case, cost) in cases.iter().zip(&medians) {
        let (rate, ratio) = match case.against {
            Some(n) => (
                format!("{:.2}", records as f64 / cost.seconds / 1e6),
                format!("{:.2}", medians[n].seconds / cost.seconds),
            ),
            None => ("–".into(), "–".into()),
        };
        let (seconds, cpu, peak) = (cost.seconds, cost.cpu_seconds, cost.peak_bytes >> 20);
        println!("| {} | {seconds:.3} | {rate} | {ratio} | {cpu:.2} | {peak} |", case.name);
    }
}

/// The processor, how many of it, and the memory.
fn machine() -> String {
    let field = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|l| l.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or_else(|| "unknown".to_string(), |(_, value)| value.trim().to_string())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} × {}, {} memory", field("/proc/cpuinfo", "model name"), field("/proc/meminfo", "MemTotal"))
}

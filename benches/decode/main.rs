//! Decoding orders that lie in memory, on one core: `cargo bench --bench decode -- [RECORDS [ROUNDS]]`.
//!
//! All cases take turns in each round, every answer is checked, and the table has each case's best round by CPU time, so
//! that other work on the machine counts little.

mod avro;
mod json;
#[path = "../scan/orders.rs"]
#[expect(dead_code, reason = "what only whole scans need")]
mod orders;

use std::error::Error;
use std::process::ExitCode;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray};
use arrow::datatypes::{DataType, Float64Type};
use weir::format::{ColumnUse, Decoder};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Records of a batch, as fetched batches have them.
const BATCH: usize = 8192;
/// The columns that questions ask for, in both formats' schemas.
pub const REGION: usize = 2;
pub const AMOUNT: usize = 4;

/// What decoding must give.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    rows: usize,
    region_bytes: usize,
    amount: f64,
}

/// One way to decode all records.
pub struct Case {
    name: &'static str,
    run: Box<dyn FnMut() -> Result<Sums>>,
    seconds: f64,
}

impl Case {
    pub fn new(name: &'static str, run: impl FnMut() -> Result<Sums> + 'static) -> Self {
        Case { name, run: Box::new(run), seconds: f64::INFINITY }
    }

    /// A decoder of weir over `batches`; its last columns are region and amount, or one struct of both.
    pub fn of(name: &'static str, mut decoder: Box<dyn Decoder>, batches: &[BinaryViewArray]) -> Self {
        let batches = batches.to_vec();
        Case::new(name, move || {
            let mut sums = Sums::default();
            for batch in &batches {
                let decoded = decoder.decode(batch)?;
                if let Some(error) = decoded.errors.first() {
                    return Err(error.reason.clone().into());
                }
                sums.add(&decoded.columns)?;
            }
            Ok(sums)
        })
    }
}

impl Sums {
    /// Adds the last two columns, or those of the struct that comes last.
    pub fn add(&mut self, columns: &[ArrayRef]) -> Result<()> {
        if let [.., last] = columns
            && let DataType::Struct(_) = last.data_type()
        {
            let children = last.as_struct().columns();
            return self.add(&[children[REGION].clone(), children[AMOUNT].clone()]);
        }
        let [.., region, amount] = columns else { return Err("two columns were expected".into()) };
        self.rows += amount.len() - amount.null_count();
        self.region_bytes += region.as_string::<i32>().value_data().len();
        self.amount += amount.as_primitive::<Float64Type>().values().iter().sum::<f64>();
        Ok(())
    }
}

/// The columns with these places, whole.
pub fn uses(columns: &[usize]) -> Vec<ColumnUse> {
    columns.iter().copied().map(ColumnUse::whole).collect()
}

/// All eight, with those that are summed last.
pub const ALL: [usize; 8] = [0, 1, 3, 5, 6, 7, REGION, AMOUNT];

/// The records in batches.
pub fn batches(records: &[Vec<u8>]) -> Vec<BinaryViewArray> {
    records.chunks(BATCH).map(BinaryViewArray::from_iter_values).collect()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let number = |text: &str| text.parse().ok().filter(|n: &u64| *n > 0).ok_or("RECORDS and ROUNDS are numbers from 1");
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => measure(Ok(500_000), Ok(5), ""),
        [records] => measure(number(records), Ok(5), ""),
        [records, rounds] => measure(number(records), number(rounds), ""),
        [records, rounds, part] => measure(number(records), number(rounds), part),
        _ => Err("usage: cargo bench --bench decode -- [RECORDS [ROUNDS [PART OF A CASE'S NAME]]]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("decode: {e}");
            ExitCode::FAILURE
        }
    }
}

/// What this thread has used so far.
fn cpu_seconds() -> Result<f64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec that lives until the call returns.
    if unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9)
}

fn measure(records: std::result::Result<u64, &str>, rounds: std::result::Result<u64, &str>, part: &str) -> Result<()> {
    let (records, rounds) = (records?, rounds?);
    let regions = orders::Expected::of(records).regions;
    let want = Sums {
        rows: usize::try_from(records)?,
        region_bytes: regions.iter().map(|(region, count, _)| region.len() * *count as usize).sum(),
        amount: regions.iter().map(|(_, _, amount)| amount).sum(),
    };
    let mut cases = json::cases(records)?;
    cases.extend(avro::cases(records)?);
    cases.retain(|case| case.name.contains(part));
    for _ in 0..rounds {
        for case in &mut cases {
            let start = cpu_seconds()?;
            let sums = (case.run)().map_err(|e| format!("{}: {e}", case.name))?;
            case.seconds = case.seconds.min(cpu_seconds()? - start);
            if sums != want {
                return Err(format!("{}: {sums:?}, it should be {want:?}", case.name).into());
            }
        }
    }
    println!("{records} records in batches of {BATCH}, one core, best of {rounds}\n");
    println!("| case | million records per CPU second |");
    println!("|---|--:|");
    for case in &cases {
        println!("| {} | {:.2} |", case.name, records as f64 / case.seconds / 1e6);
    }
    Ok(())
}

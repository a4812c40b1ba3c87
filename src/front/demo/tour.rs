//! The tour: every query of the folder `queries`, with its text and its answer. Knows no data.

use std::path::Path;

use crate::error::Error;
use crate::front::saved::SavedQuery;
use crate::front::script::SourceError;
use crate::front::show::{Outcome, Output, show};
use crate::session::Session;

/// One query of the tour.
#[derive(Debug, Clone, Copy)]
pub struct Stop {
    /// Its name: that of its file.
    pub name: &'static str,
    /// The whole file.
    pub text: &'static str,
}

macro_rules! stops {
    ($($name:literal),* $(,)?) => {
        &[$(Stop { name: $name, text: include_str!(concat!("../../../queries/", $name, ".sql")) }),*]
    };
}

/// The queries in the order of the tour.
pub const TOUR: &[Stop] = stops![
    "newest_orders",
    "revenue_by_region",
    "top_customers",
    "orders_per_minute",
    "find_key",
    "schema_versions",
    "poison",
    "duplicates",
    "late_payments",
    "payments_gap",
    "customer_now",
    "click_funnel",
];

/// Runs every query with its parameters' defaults; names, texts and answers go to `output.data`.
///
/// # Errors
/// A query's error with its text, or a sink that cannot be written.
pub async fn run(session: &Session, output: &mut Output<'_>) -> Result<Outcome, Box<SourceError>> {
    for stop in TOUR {
        let path = format!("queries/{}.sql", stop.name);
        let failed = |error| Box::new(SourceError { error, text: stop.text.to_string(), name: Some(path.clone()) });
        let query = SavedQuery::parse(stop.name, Path::new(&path), stop.text.to_string()).map_err(failed)?;
        let params = query.bind(&[]).map_err(failed)?;
        match introduce(&query, output) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Outcome::Closed),
            Err(e) => return Err(Error::io("writing the tour", e).into()),
        }
        match show(session, &query.text, &params, output).await.map_err(failed)? {
            Outcome::Done => {}
            ended => return Ok(ended),
        }
    }
    Ok(Outcome::Done)
}

fn introduce(query: &SavedQuery, output: &mut Output<'_>) -> std::io::Result<()> {
    let (bold, dim, plain) = if output.color { ("\x1b[1m", "\x1b[2m", "\x1b[0m") } else { ("", "", "") };
    let description = query.description.as_deref().unwrap_or("");
    writeln!(output.data, "\n{bold}{}: {description}{plain}", query.name)?;
    for param in &query.params {
        let about = param.description.as_ref().map_or_else(String::new, |d| format!(" -- {d}"));
        writeln!(output.data, "{dim}  :{}{about}{plain}", param.signature())?;
    }
    let header = |line: &&str| line.trim().is_empty() || line.trim_start().starts_with("--");
    for line in query.text.lines().skip_while(header) {
        writeln!(output.data, "{dim}  {line}{plain}")?;
    }
    writeln!(output.data)?;
    output.data.flush()
}

//! What the server counts. Knows names and numbers.

use std::time::Instant;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::error::{Error, Kind, Result};

/// What [`Metrics::text`] is.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Outcomes = Family<[(&'static str, &'static str); 1], Counter>;

/// The counters of one server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    queries: Outcomes,
    rows: Counter,
    running: Gauge,
    seconds: Histogram,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("weir");
        let queries = Outcomes::default();
        let (rows, running) = (Counter::default(), Gauge::default());
        let seconds = Histogram::new(exponential_buckets(0.001, 4.0, 10));
        registry.register("queries", "Requests that ran, by how they ended", queries.clone());
        registry.register("rows", "Rows handed out", rows.clone());
        registry.register("queries_running", "Requests that run now", running.clone());
        registry.register("query_seconds", "Seconds from request to last row", seconds.clone());
        Metrics { registry, queries, rows, running, seconds }
    }

    /// OpenMetrics text.
    ///
    /// # Errors
    /// [`Kind::Internal`] when a value cannot be written.
    pub fn text(&self) -> Result<String> {
        let mut text = String::new();
        encode(&mut text, &self.registry).map_err(|e| Error::internal("metrics cannot be written").with_source(e))?;
        Ok(text)
    }

    /// Counts a request that was turned away before it ran.
    pub fn turned_away(&self) {
        self.queries.get_or_create(&[("outcome", "busy")]).inc();
    }

    /// Counts a request that starts to run.
    pub fn begin(&self) -> Running {
        self.running.inc();
        Running {
            queries: self.queries.clone(),
            rows: self.rows.clone(),
            running: self.running.clone(),
            seconds: self.seconds.clone(),
            started: Instant::now(),
            // What stands when nobody says otherwise: the client went away.
            outcome: Kind::Cancelled.name(),
        }
    }
}

/// One running request; counted as ended when dropped.
#[derive(Debug)]
pub struct Running {
    queries: Outcomes,
    rows: Counter,
    running: Gauge,
    seconds: Histogram,
    started: Instant,
    outcome: &'static str,
}

impl Running {
    /// Counts rows handed out.
    pub fn rows(&self, rows: usize) {
        self.rows.inc_by(u64::try_from(rows).unwrap_or(u64::MAX));
    }

    /// The request ran to its end.
    pub fn done(&mut self) {
        self.outcome = "ok";
    }

    /// The request ended in an error.
    pub fn failed(&mut self, kind: Kind) {
        self.outcome = kind.name();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.running.dec();
        self.queries.get_or_create(&[("outcome", self.outcome)]).inc();
        self.seconds.observe(self.started.elapsed().as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_counts_once_by_its_outcome() {
        let metrics = Metrics::new();
        let mut first = metrics.begin();
        first.rows(3);
        assert!(metrics.text().unwrap().contains("weir_queries_running 1\n"));
        first.done();
        drop(first);
        drop(metrics.begin());
        let text = metrics.text().unwrap();
        for line in [
            "weir_queries_total{outcome=\"ok\"} 1",
            "weir_queries_total{outcome=\"cancelled\"} 1",
            "weir_rows_total 3",
            "weir_queries_running 0",
            "weir_query_seconds_count 2",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in {text}");
        }
    }
}

//! Predicates to partitions and offsets: what a scan need not read. Only ever narrows; the predicates themselves are still
//! applied to what is read, so pruning may ignore whatever it does not understand.

use std::collections::BTreeSet;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};

use crate::connect::Range;
use crate::types;

/// What the conjunction of a scan's predicates says about where to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Partitions to read; all when `None`.
    pub partitions: Option<BTreeSet<i64>>,
    /// First offset.
    pub min_offset: i64,
    /// Last offset, inclusive.
    pub max_offset: i64,
    /// Earliest timestamp in ms; an upper bound is of no use, since late records may follow.
    pub min_timestamp_ms: Option<i64>,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { partitions: None, min_offset: i64::MIN, max_offset: i64::MAX, min_timestamp_ms: None }
    }
}

impl Bounds {
    /// Reads the predicates, all of which must hold.
    pub fn of(filters: &[Expr]) -> Self {
        let mut bounds = Bounds::default();
        for filter in filters {
            bounds.add(filter);
        }
        bounds
    }

    fn add(&mut self, filter: &Expr) {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                self.add(left);
                self.add(right);
            }
            // Also what the planner makes of a short IN list.
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
                let (mut either, mut other) = (Bounds::default(), Bounds::default());
                either.add(left);
                other.add(right);
                self.narrow(either.or(other));
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                if let (Some(name), Some(value)) = (column(left), literal(right)) {
                    self.compare(name, *op, value);
                } else if let (Some(value), Some(name), Some(op)) = (literal(left), column(right), op.swap()) {
                    self.compare(name, op, value);
                }
            }
            Expr::Between(Between { expr, negated: false, low, high }) => {
                if let Some(name) = column(expr) {
                    if let Some(low) = literal(low) {
                        self.compare(name, Operator::GtEq, low);
                    }
                    if let Some(high) = literal(high) {
                        self.compare(name, Operator::LtEq, high);
                    }
                }
            }
            Expr::InList(InList { expr, list, negated: false }) => {
                let values: Option<Vec<i64>> = list.iter().map(|e| literal(e).and_then(integer)).collect();
                match (column(expr), values) {
                    (Some("_partition"), Some(values)) => self.keep_partitions(&values.into_iter().collect()),
                    (Some("_offset"), Some(values)) => {
                        self.min_offset = self.min_offset.max(values.iter().copied().min().unwrap_or(i64::MAX));
                        self.max_offset = self.max_offset.min(values.iter().copied().max().unwrap_or(i64::MIN));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn compare(&mut self, name: &str, op: Operator, value: &ScalarValue) {
        match name {
            "_partition" if op == Operator::Eq => {
                if let Some(p) = integer(value) {
                    self.keep_partitions(&BTreeSet::from([p]));
                }
            }
            "_offset" => {
                let Some(n) = integer(value) else { return };
                let (min, max) = match op {
                    Operator::Eq => (n, n),
                    Operator::Gt => (n.saturating_add(1), i64::MAX),
                    Operator::GtEq => (n, i64::MAX),
                    Operator::Lt => (i64::MIN, n.saturating_sub(1)),
                    Operator::LtEq => (i64::MIN, n),
                    _ => return,
                };
                self.min_offset = self.min_offset.max(min);
                self.max_offset = self.max_offset.min(max);
            }
            "_timestamp" if matches!(op, Operator::Eq | Operator::Gt | Operator::GtEq) => {
                let Some(ms) = milliseconds(value) else { return };
                self.min_timestamp_ms = Some(self.min_timestamp_ms.map_or(ms, |m| m.max(ms)));
            }
            _ => {}
        }
    }

    /// What holds when either holds, or a little more.
    fn or(self, other: Bounds) -> Bounds {
        Bounds {
            partitions: self.partitions.zip(other.partitions).map(|(a, b)| a.union(&b).copied().collect()),
            min_offset: self.min_offset.min(other.min_offset),
            max_offset: self.max_offset.max(other.max_offset),
            min_timestamp_ms: self.min_timestamp_ms.zip(other.min_timestamp_ms).map(|(a, b)| a.min(b)),
        }
    }

    /// Keeps what both allow.
    fn narrow(&mut self, other: Bounds) {
        if let Some(partitions) = &other.partitions {
            self.keep_partitions(partitions);
        }
        self.min_offset = self.min_offset.max(other.min_offset);
        self.max_offset = self.max_offset.min(other.max_offset);
        self.min_timestamp_ms = self.min_timestamp_ms.max(other.min_timestamp_ms);
    }

    fn keep_partitions(&mut self, wanted: &BTreeSet<i64>) {
        self.partitions = Some(match self.partitions.take() {
            Some(kept) => kept.intersection(wanted).copied().collect(),
            None => wanted.clone(),
        });
    }

    /// The slices of a snapshot that may hold matching records; empty ones are left out.
    pub fn slices(&self, snapshot: &[Range]) -> Vec<Range> {
        snapshot
            .iter()
            .filter(|r| self.partitions.as_ref().is_none_or(|p| p.contains(&i64::from(r.partition))))
            .map(|r| Range {
                partition: r.partition,
                start: r.start.max(self.min_offset),
                end: r.end.min(self.max_offset.saturating_add(1)),
            })
            .filter(|r| r.end > r.start)
            .collect()
    }
}

/// The name of a column, looking through widening casts.
fn column(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Column(Column { name, .. }) => Some(name),
        Expr::Cast(cast) => match cast.field.data_type() {
            DataType::Int64 | DataType::Timestamp(..) => column(&cast.expr),
            _ => None,
        },
        _ => None,
    }
}

fn literal(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value),
        _ => None,
    }
}

fn integer(value: &ScalarValue) -> Option<i64> {
    if !value.data_type().is_integer() {
        return None;
    }
    match value.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(n)) => n,
        _ => None,
    }
}

/// A timestamp in ms, rounded down: the bound may only be too low.
fn milliseconds(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::TimestampSecond(Some(t), _) => t.checked_mul(1000),
        ScalarValue::TimestampMillisecond(Some(t), _) => Some(*t),
        ScalarValue::TimestampMicrosecond(Some(t), _) => Some(t.div_euclid(1000)),
        ScalarValue::TimestampNanosecond(Some(t), _) => Some(t.div_euclid(1_000_000)),
        other => match other.cast_to(&types::timestamp()) {
            Ok(ScalarValue::TimestampMillisecond(t, _)) => t,
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::prelude::{col, lit};

    fn check(filters: &[Expr], expect: &[(i32, i64, i64)]) {
        let snapshot = [Range { partition: 0, start: 5, end: 100 }, Range { partition: 1, start: 0, end: 50 }];
        let slices = Bounds::of(filters).slices(&snapshot);
        let slices: Vec<_> = slices.iter().map(|s| (s.partition, s.start, s.end)).collect();
        assert_eq!(slices, expect);
    }

    #[test]
    fn partitions_and_offsets_narrow() {
        check(&[], &[(0, 5, 100), (1, 0, 50)]);
        check(&[col("_partition").eq(lit(1))], &[(1, 0, 50)]);
        check(&[lit(0_i64).eq(col("_partition")), col("_offset").gt(lit(7_i64))], &[(0, 8, 100)]);
        check(&[col("_offset").between(lit(10), lit(60))], &[(0, 10, 61), (1, 10, 50)]);
        check(&[col("_partition").in_list(vec![lit(0), lit(1)], false).and(col("_partition").eq(lit(2)))], &[]);
        check(&[lit(60_i64).lt_eq(col("_offset"))], &[(0, 60, 100)]);
    }

    #[test]
    fn either_of_two_narrows_to_both() {
        let (p, o) = (|n: i32| col("_partition").eq(lit(n)), |n: i64| col("_offset").eq(lit(n)));
        check(&[p(0).or(p(7))], &[(0, 5, 100)]);
        check(&[o(10).or(o(20)).and(p(1))], &[(1, 10, 21)]);
        check(&[p(0).and(o(10)).or(p(1).and(o(20)))], &[(0, 10, 21), (1, 10, 21)]);
        check(&[p(0).or(col("x").eq(lit(1)))], &[(0, 5, 100), (1, 0, 50)]);
    }

    #[test]
    fn what_it_does_not_understand_narrows_nothing() {
        let both = [(0, 5, 100), (1, 0, 50)];
        check(&[col("_partition").eq(lit(1)).or(col("_offset").eq(lit(3)))], &both);
        check(&[col("_partition").in_list(vec![lit(0)], true), col("_partition").not_eq(lit(1))], &both);
        check(&[col("_offset").lt(lit(3.5))], &both);
    }

    #[test]
    fn only_lower_bounds_of_time_count() {
        let at = |ms| lit(ScalarValue::TimestampMillisecond(Some(ms), Some("+00:00".into())));
        let bounds = Bounds::of(&[col("_timestamp").gt_eq(at(5)), col("_timestamp").lt(at(9))]);
        assert_eq!(bounds.min_timestamp_ms, Some(5));
        assert_eq!(Bounds::of(&[col("_timestamp").lt(at(9))]).min_timestamp_ms, None);
    }
}

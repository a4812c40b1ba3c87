//! A topic, its newest records, or its undecodable records, as a DataFusion table.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, Result as PlanResult, Statistics};
use datafusion::datasource::sink::DataSinkExec;
use datafusion::logical_expr::dml::InsertOp;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use crate::bounded::column::{Columns, Meta, Source};
use crate::bounded::prune::Bounds;
use crate::bounded::rows::{EarlyFilter, RowSpec, uses};
use crate::bounded::scan::{ScanOptions, TopicScan};
use crate::bounded::sink::TopicSink;
use crate::bounded::statement::{ScanCounts, Statement, width};
use crate::bounded::{external, tail};
use crate::catalog::shape::Shape;
use crate::connect::{Range, ReadRequest};
use crate::error::{Error, Result};
use crate::format::ColumnUse;

/// Which records of the topic the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of them.
    All,
    /// The newest n, oldest of them first.
    Last(u64),
    /// Those that cannot be decoded.
    Errors,
}

/// A topic as a table of one statement.
#[derive(Debug)]
pub struct TopicTable {
    topic: Arc<str>,
    shape: Arc<Shape>,
    columns: Columns,
    part: Part,
    statement: Arc<Statement>,
}

impl TopicTable {
    /// A table whose metadata columns are those that the statement mentions.
    pub fn new(topic: Arc<str>, shape: Arc<Shape>, part: Part, mentioned: &[Meta], statement: Arc<Statement>) -> Self {
        let columns = match part {
            Part::Errors => Columns::of_errors(&shape),
            Part::All | Part::Last(_) => Columns::of_topic(&shape, mentioned),
        };
        TopicTable { topic, shape, columns, part, statement }
    }

    /// Its columns and where they come from.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    fn source_of(&self, name: &str) -> Option<Source> {
        let index = self.columns.schema.index_of(name).ok()?;
        self.columns.sources.get(index).copied()
    }

    fn is_early(&self, filter: &Expr) -> bool {
        !filter.is_volatile()
            && !filter.column_refs().is_empty()
            && filter.column_refs().iter().all(|c| self.source_of(&c.name).is_some_and(Source::is_early))
    }

    /// What the chosen records of this table are, given the pushed predicates.
    async fn slices(&self, snapshot: &[Range], filters: &[Expr]) -> Result<(Vec<Range>, Option<tail::Tail>)> {
        if let Part::Last(n) = self.part {
            let found =
                tail::newest(self.statement.connector.as_ref(), &self.topic, snapshot, n, self.statement.isolation)
                    .await?;
            return Ok((found.slices.clone(), Some(found)));
        }
        let bounds = Bounds::of(filters);
        let mut slices = bounds.slices(snapshot);
        if let Some(since) = bounds.min_timestamp_ms
            && !slices.is_empty()
        {
            let starts = self.statement.connector.offsets_at(&self.topic, since).await?;
            for slice in &mut slices {
                match starts.iter().find(|(p, _)| *p == slice.partition) {
                    Some((_, Some(offset))) => slice.start = slice.start.max(*offset),
                    Some((_, None)) => slice.start = slice.end,
                    None => {}
                }
            }
            slices.retain(|s| s.end > s.start);
        }
        Ok((slices, None))
    }

    fn early_filter(&self, session: &dyn Session, filters: &[Expr]) -> PlanResult<Option<EarlyFilter>> {
        if filters.is_empty() {
            return Ok(None);
        }
        let names: BTreeSet<String> = filters.iter().flat_map(Expr::column_refs).map(|c| c.name.clone()).collect();
        let mut fields = Vec::new();
        let mut sources = Vec::new();
        for name in &names {
            if let (Some(source), Ok(field)) = (self.source_of(name), self.columns.schema.field_with_name(name)) {
                fields.push(field.clone());
                sources.push(source);
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let named = DFSchema::try_from(Arc::clone(&schema))?;
        let predicates =
            filters.iter().map(|f| session.create_physical_expr(f.clone(), &named)).collect::<PlanResult<Vec<_>>>()?;
        Ok(Some(EarlyFilter { schema, sources, predicates }))
    }

    /// The columns of one side that must be decoded.
    fn side_uses(&self, key: bool, sources: &[Source]) -> Vec<ColumnUse> {
        let side = if key { &self.shape.key } else { &self.shape.value };
        let whole = sources.iter().any(|s| match s {
            Source::Meta(Meta::Key) => key,
            Source::Meta(Meta::Error | Meta::Field) => true,
            _ => false,
        }) || self.part == Part::Errors;
        let mut wanted: Vec<usize> = sources
            .iter()
            .filter_map(|s| match s {
                Source::Key(i) if key => Some(*i),
                Source::Value(i) if !key => Some(*i),
                _ => None,
            })
            .collect();
        if whole {
            wanted = (0..side.fields.len()).collect();
        }
        wanted.sort_unstable();
        wanted.dedup();
        let paths = self.statement.usage.get().filter(|_| !whole).map(|u| &u.paths);
        uses(&side.fields, &wanted, paths)
    }
}

#[async_trait]
impl TableProvider for TopicTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> PlanResult<Vec<TableProviderFilterPushDown>> {
        Ok(filters
            .iter()
            .map(|f| {
                if self.is_early(f) {
                    TableProviderFilterPushDown::Exact
                } else {
                    TableProviderFilterPushDown::Unsupported
                }
            })
            .collect())
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.columns.sources.len()).collect();
        let mut chosen = projection.cloned().unwrap_or(all);
        let visible = chosen.len();
        let snapshot = self.statement.snapshot(&self.topic).await.map_err(external)?;
        let (slices, tail) = self.slices(&snapshot, filters).await.map_err(external)?;
        let mut sources: Vec<Source> = chosen.iter().filter_map(|i| self.columns.sources.get(*i).copied()).collect();
        let mut fields: Vec<_> = chosen.drain(..).map(|i| Arc::new(self.columns.schema.field(i).clone())).collect();
        if tail.is_some() {
            for (meta, name, data_type) in [
                (Meta::Partition, "_partition", arrow::datatypes::DataType::Int32),
                (Meta::Offset, "_offset", arrow::datatypes::DataType::Int64),
            ] {
                if !sources.contains(&Source::Meta(meta)) {
                    sources.push(Source::Meta(meta));
                    fields.push(Arc::new(arrow::datatypes::Field::new(name, data_type, false)));
                }
            }
        }
        let early = self.early_filter(session, filters)?;
        let mut used = sources.clone();
        used.extend(early.iter().flat_map(|e| e.sources.iter().copied()));
        let spec = Arc::new(RowSpec {
            topic: Arc::clone(&self.topic),
            shape: Arc::clone(&self.shape),
            schema: Arc::new(Schema::new(fields)),
            value_uses: self.side_uses(false, &sources),
            key_uses: self.side_uses(true, &used),
            sources,
            early,
            only_errors: self.part == Part::Errors,
            on_error: self.statement.on_error,
        });
        let in_order = self.statement.usage.get().is_some_and(|u| u.in_order);
        let want = spec.want();
        let counts = self.statement.add_scan(ScanCounts {
            topic: Arc::clone(&self.topic),
            in_range: width(&snapshot),
            partitions: snapshot.len(),
            to_pass: width(&slices),
            slices: slices.clone(),
            sees_values: want.values,
            decodes: spec.decodes_values(),
            inferred: self.shape.sampled(),
            ..ScanCounts::default()
        });
        let request = ReadRequest {
            topic: Arc::clone(&self.topic),
            slices,
            want,
            isolation: self.statement.isolation,
            in_order: in_order || tail.is_some(),
            threads: self.statement.threads,
        };
        let options = ScanOptions {
            request,
            limit: limit.filter(|_| tail.is_none() && self.part == Part::All),
            tail: tail.map(Arc::new),
            early: filters.iter().map(ToString::to_string).collect(),
        };
        let scan: Arc<dyn ExecutionPlan> = Arc::new(TopicScan::new(spec, Arc::clone(&self.statement), counts, options));
        if scan.schema().fields().len() == visible {
            return Ok(scan);
        }
        let schema = scan.schema();
        let keep = schema
            .fields()
            .iter()
            .take(visible)
            .enumerate()
            .map(|(i, f)| (Arc::new(PhysicalColumn::new(f.name(), i)) as Arc<dyn PhysicalExpr>, f.name().clone()));
        Ok(Arc::new(ProjectionExec::try_new(keep.collect::<Vec<_>>(), Arc::clone(&scan))?))
    }

    fn statistics(&self) -> Option<Statistics> {
        let mut statistics = Statistics::new_unknown(&self.columns.schema);
        if let Part::Last(n) = self.part {
            statistics.num_rows = Precision::Inexact(usize::try_from(n).unwrap_or(usize::MAX));
        }
        Some(statistics)
    }

    async fn insert_into(
        &self,
        _: &dyn Session,
        input: Arc<dyn ExecutionPlan>,
        op: InsertOp,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        if op != InsertOp::Append || self.part != Part::All {
            return Err(external(
                Error::sql(format!("records of {} cannot be replaced", self.topic)).with_hint("use INSERT INTO"),
            ));
        }
        let sink = TopicSink::new(
            Arc::clone(&self.topic),
            Arc::clone(&self.shape),
            self.columns.clone(),
            Arc::clone(&self.statement.connector),
            self.statement.registry.clone(),
        );
        Ok(Arc::new(DataSinkExec::new(input, Arc::new(sink), None)))
    }
}

//! The plan node that reads a topic: a bounded set of slices, decoded into just the columns a query uses.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Int32Array, Int64Array, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;
use datafusion::common::Result as PlanResult;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};
use parking_lot::Mutex;

use crate::bounded::external;
use crate::bounded::rows::RowSpec;
use crate::bounded::statement::{ScanCounts, Statement};
use crate::bounded::stream::{Running, Stream, Work};
use crate::bounded::tail::Tail;
use crate::connect::ReadRequest;
use crate::error::{Error, Result};

/// Reads one topic.
#[derive(Debug)]
pub struct TopicScan {
    spec: Arc<RowSpec>,
    statement: Arc<Statement>,
    counts: Arc<ScanCounts>,
    request: ReadRequest,
    limit: Option<usize>,
    tail: Option<Arc<Tail>>,
    early: Vec<String>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
    running: Mutex<Option<(Running, Vec<usize>)>>,
}

/// How a scan is to run, beyond what it makes of records.
#[derive(Debug)]
pub struct ScanOptions {
    /// What to read.
    pub request: ReadRequest,
    /// Stop after this many rows.
    pub limit: Option<usize>,
    /// Deliver just these records, oldest first.
    pub tail: Option<Arc<Tail>>,
    /// The early predicates as text, for EXPLAIN.
    pub early: Vec<String>,
}

impl TopicScan {
    /// A scan that has not started.
    pub fn new(spec: Arc<RowSpec>, statement: Arc<Statement>, counts: Arc<ScanCounts>, options: ScanOptions) -> Self {
        let ScanOptions { request, limit, tail, early } = options;
        let streams = if request.in_order || tail.is_some() { 1 } else { request.threads.max(1) };
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&spec.schema)),
            Partitioning::UnknownPartitioning(streams),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        TopicScan {
            spec,
            statement,
            counts,
            request,
            limit,
            tail,
            early,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            running: Mutex::default(),
        }
    }

    /// Joins the running read, or starts one when this stream has already been part of the last.
    fn join(&self, partition: usize) -> Result<Running> {
        let mut running = self.running.lock();
        if let Some((running, started)) = running.as_mut().filter(|(_, started)| !started.contains(&partition)) {
            started.push(partition);
            return Ok(running.clone());
        }
        let started = Running::start(
            self.statement.connector.read(self.request.clone())?,
            self.request.slices.len(),
            self.limit,
            self.properties.output_partitioning().partition_count(),
        );
        *running = Some((started.clone(), vec![partition]));
        Ok(started)
    }

    /// How many deliveries are opened and decoded at the same time by a single stream whose order matters. Few rows are
    /// had sooner, and more cheaply, without that.
    fn ahead(&self) -> usize {
        let many = self.limit.is_none_or(|limit| limit > self.statement.batch_rows);
        if self.request.in_order && many { self.request.threads.max(1) } else { 1 }
    }
}

impl DisplayAs for TopicScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<String> = self.spec.schema.fields().iter().map(|c| self.column_text(c.name())).collect();
        write!(f, "TopicScan: topic={}, format={}", self.spec.topic, self.spec.shape.value.format.name())?;
        write!(f, ", columns=[{}]", columns.join(", "))?;
        write!(f, ", partitions={} of {}", self.request.slices.len(), self.counts.partitions)?;
        write!(f, ", offsets={} of {}", self.counts.to_pass, self.counts.in_range)?;
        let want = self.request.want;
        let reads: Vec<&str> =
            [(want.positions, "positions"), (want.keys, "keys"), (want.values, "values"), (want.headers, "headers")]
                .iter()
                .filter_map(|(wanted, name)| wanted.then_some(*name))
                .collect();
        write!(f, ", reads=[{}]", reads.join(", "))?;
        write!(f, ", decodes={}", if self.spec.decodes_values() { "values" } else { "nothing" })?;
        if !self.early.is_empty() {
            write!(f, ", before decode: [{}]", self.early.join(", "))?;
        }
        if let Some(limit) = self.limit {
            write!(f, ", limit={limit}")?;
        }
        if let Some(tail) = &self.tail {
            write!(f, ", newest={}", tail.rank.len())?;
        }
        write!(f, ", order={}", if self.request.in_order { "by partition and offset" } else { "any" })?;
        write!(f, ", reader={}", self.statement.connector.reader())
    }
}

impl TopicScan {
    /// A column with the nested parts that are read of it: `customer{name}`.
    fn column_text(&self, name: &str) -> String {
        let paths = self.spec.value_uses.iter().find_map(|u| {
            let field = self.spec.shape.value.fields.get(u.index)?;
            (field.name() == name).then_some(u.paths.as_ref()).flatten()
        });
        match paths {
            None => name.to_string(),
            Some(paths) => {
                let parts: Vec<String> = paths.iter().map(|p| p.join(".")).collect();
                format!("{name}{{{}}}", parts.join(", "))
            }
        }
    }
}

impl ExecutionPlan for TopicScan {
    fn name(&self) -> &'static str {
        "TopicScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> PlanResult<TreeNodeRecursion>,
    ) -> PlanResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> PlanResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> PlanResult<SendableRecordBatchStream> {
        let running = self.join(partition).map_err(external)?;
        let work = Work {
            spec: Arc::clone(&self.spec),
            statement: Arc::clone(&self.statement),
            pool: Arc::clone(context.memory_pool()),
            baseline: BaselineMetrics::new(&self.metrics, partition),
            scanned: MetricBuilder::new(&self.metrics).counter("records_scanned", partition),
            bytes: MetricBuilder::new(&self.metrics).counter("bytes_scanned", partition),
        };
        let stream = Stream::new(running, work, Arc::clone(&self.counts), self.ahead()).map_err(external)?;
        let schema = Arc::clone(&self.spec.schema);
        let batches = futures::stream::unfold(stream, |mut stream| async move {
            stream.next().await.transpose().map(|batch| (batch.map_err(external), stream))
        });
        match &self.tail {
            None => Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches))),
            Some(tail) => {
                let sorted = ranked(batches, Arc::clone(&schema), Arc::clone(tail));
                Ok(Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::once(sorted))))
            }
        }
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// Collects the records of a tail and puts them in their order. The batches carry partition and offset as their last two
/// columns, which are taken off again.
async fn ranked(
    batches: impl futures::Stream<Item = PlanResult<RecordBatch>>,
    schema: SchemaRef,
    tail: Arc<Tail>,
) -> PlanResult<RecordBatch> {
    use futures::TryStreamExt as _;
    let batches: Vec<RecordBatch> = batches.try_collect().await?;
    let all = concat_batches(&schema, &batches)?;
    let (Some(partitions), Some(offsets)) = (
        all.column_by_name("_partition").and_then(|c| c.as_any().downcast_ref::<Int32Array>()),
        all.column_by_name("_offset").and_then(|c| c.as_any().downcast_ref::<Int64Array>()),
    ) else {
        return Err(external(Error::internal("a tail without positions")));
    };
    let mut order: Vec<(usize, u64)> = partitions
        .values()
        .iter()
        .zip(offsets.values())
        .zip(0_u64..)
        .filter_map(|((p, o), row)| tail.rank.get(&(*p, *o)).map(|rank| (*rank, row)))
        .collect();
    order.sort_unstable();
    let order: UInt64Array = order.into_iter().map(|(_, row)| row).collect();
    Ok(take_record_batch(&all, &order)?)
}

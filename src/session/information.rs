//! `information_schema`: DataFusion's, with columns counted from 1 as the standard has it.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::information_schema::InformationSchemaProvider;
use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::common::{Column, Result as PlanResult};
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, lit};

/// The schema's name.
pub const NAME: &str = "information_schema";

/// The schema's tables.
#[derive(Debug)]
pub struct InformationSchema(pub InformationSchemaProvider);

#[async_trait]
impl SchemaProvider for InformationSchema {
    fn table_names(&self) -> Vec<String> {
        self.0.table_names()
    }

    async fn table(&self, name: &str) -> PlanResult<Option<Arc<dyn TableProvider>>> {
        match self.0.table(name).await? {
            Some(table) if name.eq_ignore_ascii_case("columns") => Ok(Some(counted_from_1(table)?)),
            other => Ok(other),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.table_exist(name)
    }
}

/// A view of `columns` whose `ordinal_position` is one more.
fn counted_from_1(columns: Arc<dyn TableProvider>) -> PlanResult<Arc<dyn TableProvider>> {
    const POSITION: &str = "ordinal_position";
    let scan = LogicalPlanBuilder::scan("columns", provider_as_source(columns), None)?;
    let shown: Vec<Expr> = scan
        .schema()
        .iter()
        .map(|(table, field)| {
            let column = Expr::Column(Column::from((table, field)));
            if field.name() == POSITION { (column + lit(1_u64)).alias(POSITION) } else { column }
        })
        .collect();
    Ok(Arc::new(ViewTable::new(scan.project(shown)?.build()?, None)))
}

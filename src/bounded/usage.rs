//! How much of each column a plan needs, and whether the order of rows can be seen in its result.

use std::collections::HashMap;

use datafusion::common::Result;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};

/// What a plan needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Usage {
    /// Per column name: the nested paths used. A column that is used as a whole is not listed.
    pub paths: HashMap<String, Vec<Vec<String>>>,
    /// The rows come out as they are read, without a sort, aggregate or join over them: read in order.
    pub in_order: bool,
}

impl Usage {
    /// Reads an optimised plan.
    ///
    /// # Errors
    /// Only what walking the plan raises.
    pub fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut uses = Uses::default();
        let mut in_order = true;
        plan.apply_with_subqueries(|node| {
            in_order &= matches!(
                node,
                LogicalPlan::Projection(_)
                    | LogicalPlan::Filter(_)
                    | LogicalPlan::Limit(_)
                    | LogicalPlan::TableScan(_)
                    | LogicalPlan::SubqueryAlias(_)
                    | LogicalPlan::Unnest(_)
                    | LogicalPlan::Explain(_)
                    | LogicalPlan::Analyze(_)
                    | LogicalPlan::Dml(_)
            );
            node.apply_expressions(|e| {
                uses.read(e);
                Ok(TreeNodeRecursion::Continue)
            })?;
            if let LogicalPlan::TableScan(scan) = node {
                scan.filters.iter().for_each(|f| uses.read(f));
            }
            if let LogicalPlan::Unnest(unnest) = node {
                unnest.exec_columns.iter().for_each(|c| uses.whole(&c.name));
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        let paths = uses.columns.into_iter().filter_map(|(name, paths)| paths.map(|p| (name, p))).collect();
        Ok(Usage { paths, in_order })
    }
}

/// Per column: the paths used, or `None` for the whole.
#[derive(Default)]
struct Uses {
    columns: HashMap<String, Option<Vec<Vec<String>>>>,
}

impl Uses {
    fn whole(&mut self, name: &str) {
        self.columns.insert(name.to_string(), None);
    }

    fn read(&mut self, expr: &Expr) {
        if let Some((name, path)) = field_path(expr) {
            if let Some(paths) = self.columns.entry(name.to_string()).or_insert_with(|| Some(Vec::new()))
                && !paths.contains(&path)
            {
                paths.push(path);
            }
            return;
        }
        if let Expr::Column(column) = expr {
            self.whole(&column.name);
            return;
        }
        let visited = expr.apply_children(|child| {
            self.read(child);
            Ok(TreeNodeRecursion::Continue)
        });
        debug_assert!(visited.is_ok(), "reading never fails");
    }
}

/// `get_field(get_field(column, 'a'), 'b', 'c')` as the column and `[a, b, c]`.
fn field_path(expr: &Expr) -> Option<(&str, Vec<String>)> {
    let Expr::ScalarFunction(call) = expr else { return None };
    if call.func.name() != "get_field" {
        return None;
    }
    let (base, names) = call.args.split_first()?;
    let names: Option<Vec<String>> = names
        .iter()
        .map(|a| match a {
            Expr::Literal(value, _) => value.try_as_str().flatten().map(ToString::to_string),
            _ => None,
        })
        .collect();
    let names = names?;
    match base {
        Expr::Column(column) => Some((&column.name, names)),
        inner => field_path(inner).map(|(column, mut path)| {
            path.extend(names);
            (column, path)
        }),
    }
}

//! A query's tokens to a plan: names found, case settled, metadata kept out of `*`, parameters bound.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::catalog::TableProvider;
use datafusion::execution::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as PlanStatement;
use sqlparser::ast::{
    self, Ident, JoinConstraint, JoinOperator, ObjectName, Query as SqlQuery, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableFactor, VisitMut, VisitorMut, WildcardAdditionalOptions,
};
use sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::bounded::column::{METAS, Meta, Source, meta_by_name};
use crate::bounded::plan_error::located;
use crate::bounded::statement::Statement;
use crate::bounded::table::TopicTable;
use crate::catalog::definitions::Definitions;
use crate::error::Result;
use crate::session::engine::Engine;
use crate::session::information;
use crate::session::resolve::{Resolver, StatementCatalog};
use crate::session::response::Notice;
use crate::session::suggest::{at_name, suggest};
use crate::sql::ast::Query;
use crate::sql::case::{self, Spellings};
use crate::sql::params::Params;
use crate::sql::split::Places;
use crate::sql::{bind, parser};

/// A query ready to run.
#[derive(Debug)]
pub struct Prepared {
    /// The plan, not yet optimised.
    pub plan: LogicalPlan,
    /// The planner's state that made it, with the statement's catalog.
    pub state: SessionState,
    /// What its scans share.
    pub statement: Arc<Statement>,
    /// Things to tell the person.
    pub notes: Vec<Notice>,
}

/// Plans a query.
///
/// # Errors
/// Syntax, names, types; with their places in the text.
pub async fn prepare(
    engine: &Arc<Engine>,
    definitions: Arc<Definitions>,
    statement: Arc<Statement>,
    query: &Query,
    params: &Params,
    places: &Places<'_>,
    sample_records: u64,
) -> Result<Prepared> {
    let mut tokens = bind::mark(query.tokens.clone());
    let mentioned = mentioned(&tokens);
    let first = parser::parse_query(&tokens, places)?;
    let base = engine.state()?;
    let streams: Vec<String> = definitions.iter().map(|s| s.name.clone()).collect();
    let resolver = Arc::new(Resolver::new(
        Arc::clone(engine),
        definitions,
        Arc::clone(&statement),
        mentioned.clone(),
        sample_records,
    ));
    let mut spellings = Spellings::default();
    let references = base
        .resolve_table_references(&PlanStatement::Statement(Box::new(first.clone())))
        .map_err(|e| located(e, places))?;
    let mut system = false;
    for reference in &references {
        if reference.schema().is_some_and(|s| s.eq_ignore_ascii_case(information::NAME)) {
            system = true;
            continue;
        }
        let name = reference.table();
        if is_table_function(base, &tokens, name) {
            continue;
        }
        let table = resolver.table(name, base).await.map_err(|e| at_name(e, &tokens, name, places))?;
        spellings.add(name);
        add_fields(&mut spellings, &table);
    }
    if !mentioned.is_empty() {
        METAS.iter().for_each(|(_, name, _)| spellings.add(name));
    }
    spellings.add_aliases(&tokens);
    add_table_aliases(&mut spellings, &first);
    let respelt = case::resolve(&mut tokens, &spellings, places)?;
    let mut parsed = if respelt { parser::parse_query(&tokens, places)? } else { first };
    if !mentioned.is_empty() {
        hide_metadata(&mut parsed, &resolver, base).await?;
    }
    name_insert_columns(&mut parsed, &resolver, base).await?;
    name_nested(&mut parsed);
    name_as_typed(&mut parsed);
    dot_into_items(&mut parsed);
    bind::bind(&mut parsed, params, places)?;
    let names = if system { listed(engine, streams).await? } else { Vec::new() };
    let catalog = Arc::new(StatementCatalog::new(Arc::clone(&resolver), base.clone(), names));
    let mut state = SessionStateBuilder::new_from_existing(base.clone())
        .with_catalog_list(catalog)
        .with_runtime_env(engine.runtime()?)
        .build();
    // Gives now() its one meaning for the statement; without it the planner leaves the call in place.
    state.mark_start_execution();
    let plan = state
        .statement_to_plan(PlanStatement::Statement(Box::new(parsed)))
        .await
        .map_err(|e| suggest(located(e, places), &state, &spellings, &tokens, places))?;
    Ok(Prepared { plan, state, statement, notes: resolver.take_notes() })
}

/// Gives an INSERT without a column list the topic's own columns: metadata that its query mentions is not part of them.
async fn name_insert_columns(statement: &mut ast::Statement, resolver: &Resolver, state: &SessionState) -> Result<()> {
    let ast::Statement::Insert(insert) = statement else { return Ok(()) };
    if !insert.columns.is_empty() {
        return Ok(());
    }
    let ast::TableObject::TableName(name) = &insert.table else { return Ok(()) };
    let Some(name) = single(name) else { return Ok(()) };
    let table = resolver.table(&name, state).await?;
    if let Some(topic) = table.downcast_ref::<TopicTable>() {
        let columns = topic.columns();
        let visible =
            columns.schema.fields().iter().zip(&columns.sources).filter(|(_, s)| !matches!(s, Source::Meta(_)));
        insert.columns = visible.map(|(f, _)| ObjectName::from(vec![Ident::with_quote('"', f.name())])).collect();
    }
    Ok(())
}

/// Names `customer.name` in a projection `name`, unless that name is taken there.
fn name_nested(statement: &mut ast::Statement) {
    struct Namer;
    impl VisitorMut for Namer {
        type Break = ();
        fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
            let mut tables: BTreeSet<String> = BTreeSet::new();
            for from in &select.from {
                for factor in std::iter::once(&from.relation).chain(from.joins.iter().map(|j| &j.relation)) {
                    match factor {
                        TableFactor::Table { alias: Some(alias), .. }
                        | TableFactor::Derived { alias: Some(alias), .. } => {
                            tables.insert(alias.name.value.clone());
                        }
                        TableFactor::Table { name, .. } => tables.extend(single(name)),
                        _ => {}
                    }
                }
            }
            let last = |item: &SelectItem| match item {
                SelectItem::UnnamedExpr(ast::Expr::Identifier(name)) => Some(name.value.clone()),
                SelectItem::UnnamedExpr(ast::Expr::CompoundIdentifier(parts)) => parts.last().map(|p| p.value.clone()),
                SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
                _ => None,
            };
            let names: Vec<Option<String>> = select.projection.iter().map(last).collect();
            for (item, name) in select.projection.iter_mut().zip(&names) {
                let SelectItem::UnnamedExpr(ast::Expr::CompoundIdentifier(parts)) = &*item else { continue };
                let depth = usize::from(parts.first().is_some_and(|p| tables.contains(&p.value)));
                let Some(name) = name else { continue };
                if parts.len() > depth + 1 && names.iter().flatten().filter(|n| *n == name).count() == 1 {
                    let expr = ast::Expr::CompoundIdentifier(parts.clone());
                    *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
                }
            }
            ControlFlow::Continue(())
        }
    }
    let walked = statement.visit(&mut Namer);
    debug_assert!(walked.is_continue(), "naming never breaks");
}

/// Names the columns of the result that are neither columns nor named as they were typed: `1 + 1`, `sum(amount)`.
fn name_as_typed(statement: &mut ast::Statement) {
    let ast::Statement::Query(query) = statement else { return };
    let ordered = query.order_by.is_some();
    let mut body = query.body.as_mut();
    // The first SELECT of a UNION names the columns of all.
    let select = loop {
        match body {
            ast::SetExpr::Select(select) => break select,
            ast::SetExpr::Query(inner) => body = inner.body.as_mut(),
            ast::SetExpr::SetOperation { left, .. } => body = left.as_mut(),
            _ => return,
        }
    };
    let typed = |item: &SelectItem| match item {
        SelectItem::UnnamedExpr(ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_)) => None,
        // One call may give many columns.
        SelectItem::UnnamedExpr(ast::Expr::Function(call)) if call.name.to_string().eq_ignore_ascii_case("unnest") => {
            None
        }
        SelectItem::UnnamedExpr(expr) => Some(expr.to_string()),
        _ => None,
    };
    if ordered && select.distinct.is_some() {
        // The planner does not find what a DISTINCT is ordered by behind a name.
        return;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for item in &mut select.projection {
        let Some(mut name) = typed(item) else { continue };
        let SelectItem::UnnamedExpr(expr) = &*item else { continue };
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count > 1 {
            name = format!("{name}_{count}");
        }
        *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias: Ident::with_quote('"', name) };
    }
}

/// Lets a field's name stand behind an item: `items[1].price` means `items[1]['price']`, which is all the planner reads.
fn dot_into_items(statement: &mut ast::Statement) {
    struct Dots;
    impl VisitorMut for Dots {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &mut ast::Expr) -> ControlFlow<()> {
            let ast::Expr::CompoundFieldAccess { access_chain, .. } = expr else { return ControlFlow::Continue(()) };
            for access in access_chain {
                if let ast::AccessExpr::Dot(field) = access
                    && let ast::Expr::Identifier(name) = field
                {
                    let value = ast::Value::SingleQuotedString(name.value.clone());
                    *field = ast::Expr::Value(ast::ValueWithSpan { value, span: name.span });
                }
            }
            ControlFlow::Continue(())
        }
    }
    let walked = statement.visit(&mut Dots);
    debug_assert!(walked.is_continue(), "rewriting never breaks");
}

/// The metadata columns that the tokens name.
fn mentioned(tokens: &[TokenWithSpan]) -> Vec<Meta> {
    let mut found: Vec<Meta> = Vec::new();
    for token in tokens {
        if let Token::Word(word) = &token.token
            && let Some(meta) = meta_by_name(&word.value)
            && !found.contains(&meta)
        {
            found.push(meta);
        }
    }
    found
}

/// What information_schema lists: topics that are not book-keeping, and streams of other names.
async fn listed(engine: &Engine, streams: Vec<String>) -> Result<Vec<String>> {
    let topics = engine.topics().await?;
    let mut names: Vec<String> = topics.iter().filter(|t| !t.internal).map(|t| t.name.to_string()).collect();
    names.extend(streams);
    names.sort();
    names.dedup();
    Ok(names)
}

/// Whether `name` is called: `generate_series(1, 10)`.
fn is_table_function(state: &SessionState, tokens: &[TokenWithSpan], name: &str) -> bool {
    let called = tokens.windows(2).any(|pair| {
        matches!(pair, [TokenWithSpan { token: Token::Word(w), .. }, TokenWithSpan { token: Token::LParen, .. }] if w.value == name)
    });
    called && state.table_functions().contains_key(&name.to_lowercase())
}

fn add_fields(spellings: &mut Spellings, table: &Arc<dyn TableProvider>) {
    fn add(spellings: &mut Spellings, field: &Field) {
        spellings.add(field.name());
        nested(spellings, field.data_type());
    }
    fn nested(spellings: &mut Spellings, data_type: &DataType) {
        match data_type {
            DataType::Struct(fields) => fields.iter().for_each(|f| add(spellings, f)),
            DataType::List(item) | DataType::LargeList(item) => nested(spellings, item.data_type()),
            _ => {}
        }
    }
    table.schema().fields().iter().for_each(|f| add(spellings, f));
}

/// Adds the names that FROM clauses and WITH clauses give.
fn add_table_aliases(spellings: &mut Spellings, statement: &ast::Statement) {
    struct Aliases<'a>(&'a mut Spellings);
    impl ast::Visitor for Aliases<'_> {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            let alias = match factor {
                TableFactor::Table { alias, .. }
                | TableFactor::Derived { alias, .. }
                | TableFactor::UNNEST { alias, .. } => alias.as_ref(),
                _ => None,
            };
            if let Some(alias) = alias {
                self.0.add(&alias.name.value);
                alias.columns.iter().for_each(|c| self.0.add(&c.name.value));
            }
            ControlFlow::Continue(())
        }
        fn pre_visit_query(&mut self, query: &SqlQuery) -> ControlFlow<()> {
            for cte in query.with.iter().flat_map(|w| &w.cte_tables) {
                self.0.add(&cte.alias.name.value);
                cte.alias.columns.iter().for_each(|c| self.0.add(&c.name.value));
            }
            ControlFlow::Continue(())
        }
    }
    let walked = ast::Visit::visit(statement, &mut Aliases(spellings));
    debug_assert!(walked.is_continue(), "collecting names never breaks");
}

/// Rewrites `*` so that mentioned metadata columns are not part of it: `t.* EXCEPT (_key)` for every topic of its FROM.
async fn hide_metadata(statement: &mut ast::Statement, resolver: &Resolver, state: &SessionState) -> Result<()> {
    struct Names(BTreeSet<String>);
    impl ast::Visitor for Names {
        type Break = ();
        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
            self.0.extend(single(name));
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(BTreeSet::new());
    let walked = ast::Visit::visit(statement, &mut names);
    debug_assert!(walked.is_continue(), "collecting names never breaks");
    let mut hidden = Hidden { tables: Vec::new() };
    for name in names.0 {
        // A name that is no table is a common table expression; those show what they select.
        let Ok(table) = resolver.table(&name, state).await else { continue };
        let metas: Vec<String> = match table.downcast_ref::<TopicTable>() {
            Some(topic) if !name.starts_with("errors('") => {
                let columns = topic.columns();
                let fields = columns.schema.fields().iter().zip(&columns.sources);
                fields.filter(|(_, s)| matches!(s, Source::Meta(_))).map(|(f, _)| f.name().clone()).collect()
            }
            _ => Vec::new(),
        };
        hidden.tables.push((name, metas));
    }
    let walked = statement.visit(&mut hidden);
    debug_assert!(walked.is_continue(), "rewriting never breaks");
    Ok(())
}

/// Tables of the statement and their metadata columns.
struct Hidden {
    tables: Vec<(String, Vec<String>)>,
}

impl Hidden {
    fn metas(&self, factor: &TableFactor) -> Option<(Ident, &[String])> {
        let TableFactor::Table { name, alias, .. } = factor else {
            return match factor {
                TableFactor::Derived { alias: Some(alias), .. } => Some((alias.name.clone(), &[])),
                _ => None,
            };
        };
        let table = single(name)?;
        let metas = self.tables.iter().find(|(n, _)| *n == table).map_or(&[][..], |(_, m)| m.as_slice());
        let shown = alias.as_ref().map_or_else(|| Ident::with_quote('"', &table), |a| a.name.clone());
        Some((shown, metas))
    }
}

impl VisitorMut for Hidden {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        // Each relation of FROM with its metadata columns and the columns that a USING in front of it merges.
        let mut relations: Vec<(Ident, Vec<String>)> = Vec::new();
        for from in &select.from {
            let joins = from.joins.iter().map(|j| (&j.relation, merged(&j.join_operator)));
            for (factor, merged) in std::iter::once((&from.relation, Vec::new())).chain(joins) {
                let Some((name, metas)) = self.metas(factor) else { return ControlFlow::Continue(()) };
                relations.push((name, metas.iter().cloned().chain(merged).collect()));
            }
        }
        let mut projection = Vec::with_capacity(select.projection.len());
        for item in std::mem::take(&mut select.projection) {
            match item {
                SelectItem::Wildcard(options) if options.opt_except.is_none() && options.opt_exclude.is_none() => {
                    for (name, except) in &relations {
                        projection.push(wildcard(name.clone(), except, &options));
                    }
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options)
                    if options.opt_except.is_none() && options.opt_exclude.is_none() =>
                {
                    let wanted = single(&name);
                    let found = relations.iter().find(|(n, _)| Some(&n.value) == wanted.as_ref());
                    let metas = found.map_or(&[][..], |(_, m)| m.as_slice());
                    match found {
                        Some((ident, _)) => projection.push(wildcard(ident.clone(), metas, &options)),
                        None => projection.push(SelectItem::QualifiedWildcard(
                            SelectItemQualifiedWildcardKind::ObjectName(name),
                            options,
                        )),
                    }
                }
                other => projection.push(other),
            }
        }
        select.projection = projection;
        ControlFlow::Continue(())
    }
}

fn merged(join: &JoinOperator) -> Vec<String> {
    let constraint = match join {
        JoinOperator::Join(c)
        | JoinOperator::Inner(c)
        | JoinOperator::Left(c)
        | JoinOperator::LeftOuter(c)
        | JoinOperator::Right(c)
        | JoinOperator::RightOuter(c)
        | JoinOperator::FullOuter(c) => c,
        _ => return Vec::new(),
    };
    match constraint {
        JoinConstraint::Using(columns) => columns.iter().filter_map(single).collect(),
        _ => Vec::new(),
    }
}

fn wildcard(name: Ident, except: &[String], options: &WildcardAdditionalOptions) -> SelectItem {
    let mut options = options.clone();
    let mut names = except.iter().map(|m| Ident::with_quote('"', m));
    if let Some(first_element) = names.next() {
        options.opt_except = Some(ast::ExceptSelectItem { first_element, additional_elements: names.collect() });
    }
    SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(ObjectName::from(vec![name])), options)
}

fn single(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [part] => part.as_ident().map(|i| i.value.clone()),
        _ => None,
    }
}

/// Whether a query surely reads no table: it has no FROM, JOIN or INTO. Lets `SELECT 1` answer without asking the cluster.
pub fn names_no_table(query: &Query) -> bool {
    use sqlparser::keywords::Keyword;
    !query.tokens.iter().any(|t| {
        matches!(&t.token, Token::Word(w) if matches!(w.keyword, Keyword::FROM | Keyword::JOIN | Keyword::INTO | Keyword::TABLE))
    })
}

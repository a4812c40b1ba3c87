//! Names after FROM to tables: declared streams, topics, files, and the forms of [`crate::sql::relation`].

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::information_schema::InformationSchemaProvider;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::Result as PlanResult;
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::csv::CsvFormat;
use datafusion::datasource::file_format::json::JsonFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::execution::SessionState;
use parking_lot::Mutex;

use crate::bounded::column::Meta;
use crate::bounded::external;
use crate::bounded::statement::Statement;
use crate::bounded::table::{Part, TopicTable};
use crate::catalog::definitions::Definitions;
use crate::catalog::shape::Shape;
use crate::error::{Error, Result, nearest};
use crate::session::engine::Engine;
use crate::session::information::{self, InformationSchema};
use crate::session::response::Notice;
use crate::sql::relation::Relation;

/// How the names of files end that can be read as tables.
pub const FILE_KINDS: &[&str] = &["csv", "tsv", "json", "ndjson", "jsonl", "parquet"];

/// Finds the tables of one statement.
#[derive(Debug)]
pub struct Resolver {
    engine: Arc<Engine>,
    definitions: Arc<Definitions>,
    statement: Arc<Statement>,
    mentioned: Vec<Meta>,
    sample_records: u64,
    found: Mutex<Vec<(String, Arc<dyn TableProvider>)>>,
    notes: Mutex<Vec<Notice>>,
}

impl Resolver {
    /// A resolver for one statement, which mentions the given metadata columns.
    pub fn new(
        engine: Arc<Engine>,
        definitions: Arc<Definitions>,
        statement: Arc<Statement>,
        mentioned: Vec<Meta>,
        sample_records: u64,
    ) -> Self {
        Resolver {
            engine,
            definitions,
            statement,
            mentioned,
            sample_records,
            found: Mutex::default(),
            notes: Mutex::default(),
        }
    }

    /// Things to tell the person about the tables found.
    pub fn take_notes(&self) -> Vec<Notice> {
        std::mem::take(&mut self.notes.lock())
    }

    /// The table that a relation name of a rewritten query means. The same name gives the same table.
    ///
    /// # Errors
    /// No such topic, stream or file; the nearest name is suggested.
    pub async fn table(&self, name: &str, state: &SessionState) -> Result<Arc<dyn TableProvider>> {
        if let Some((_, table)) = self.found.lock().iter().find(|(n, _)| n == name) {
            return Ok(Arc::clone(table));
        }
        let table: Arc<dyn TableProvider> = match Relation::parse(name) {
            Relation::Named(name) => match self.topic(name, Part::All).await {
                Ok(table) => table,
                Err(e) if is_file(name) || self.engine.config().files && Path::new(name).is_file() => {
                    self.file(name, state).await.map_err(|f| if Path::new(name).exists() { f } else { pick(e, f) })?
                }
                Err(e) => return Err(e),
            },
            Relation::Last(name, n) => self.topic(name, Part::Last(n)).await?,
            Relation::Errors(name) => self.topic(name, Part::Errors).await?,
        };
        self.found.lock().push((name.to_string(), Arc::clone(&table)));
        Ok(table)
    }

    async fn topic(&self, name: &str, part: Part) -> Result<Arc<dyn TableProvider>> {
        let (topic, shape) = self.find(name).await?;
        for note in [&shape.key.note, &shape.value.note].into_iter().flatten() {
            self.notes.lock().push(Notice::new(format!("{topic}: {note}")));
        }
        // The columns of errors('topic') are always the same.
        if let (Some(sampled), Part::All | Part::Last(_)) = (shape.sampled(), part) {
            let message = format!("{topic}: columns inferred from {sampled}; DESCRIBE {topic} shows them");
            self.notes.lock().push(Notice { about: Some(topic.to_string()), ..Notice::new(message) });
        }
        Ok(Arc::new(TopicTable::new(topic, shape, part, &self.mentioned, Arc::clone(&self.statement))))
    }

    /// The topic behind a name, and its shape.
    ///
    /// # Errors
    /// No stream and no topic of that name, or several that differ by case alone.
    pub async fn find(&self, name: &str) -> Result<(Arc<str>, Arc<Shape>)> {
        if let Some(stream) = self.definitions.get(name) {
            let shape = self.engine.stream_shape(&stream, self.sample_records).await?;
            return Ok((Arc::clone(&stream.topic), shape));
        }
        let topics = self.engine.topics().await?;
        let topic = match topics.iter().find(|t| &*t.name == name) {
            Some(topic) => topic,
            None => {
                let mut alike = topics.iter().filter(|t| t.name.eq_ignore_ascii_case(name));
                match (alike.next(), alike.next()) {
                    (Some(only), None) => only,
                    (Some(a), Some(b)) => {
                        return Err(Error::sql(format!(
                            "\"{name}\" could be the topic \"{}\" or \"{}\"",
                            a.name, b.name
                        ))
                        .with_hint("write it in its exact case, in double quotes"));
                    }
                    (None, _) => return Err(self.not_found(name, &topics)),
                }
            }
        };
        let shape = self.engine.shape(&topic.name, self.sample_records).await?;
        Ok((Arc::clone(&topic.name), shape))
    }

    fn not_found(&self, name: &str, topics: &[crate::connect::Topic]) -> Error {
        let place = self.engine.place();
        let what = if name.contains('.') { "topic, stream or file" } else { "topic or stream" };
        let error = Error::sql(format!("there is no {what} \"{name}\""));
        let topics = topics.iter().filter(|t| !t.internal).map(|t| &*t.name);
        let streams: Vec<String> = self.definitions.iter().map(|s| s.name.clone()).collect();
        let names: Vec<&str> = topics.chain(streams.iter().map(String::as_str)).collect();
        match nearest(name, names.iter().copied()) {
            Some(near) => error.with_hint(format!("did you mean \"{near}\"?")),
            None if names.is_empty() => {
                error.with_hint(format!("{place} has no topics yet; `weir demo` makes some to try"))
            }
            None => error.with_hint("SHOW TOPICS lists them"),
        }
    }

    async fn file(&self, path: &str, state: &SessionState) -> Result<Arc<dyn TableProvider>> {
        if !self.engine.config().files {
            return Err(Error::sql("files may not be read here").with_hint("start the server with --allow-files"));
        }
        if !Path::new(path).exists() {
            return Err(Error::sql(format!("there is no file '{path}'")));
        }
        let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
        let format: Arc<dyn FileFormat> = match extension.as_str() {
            "csv" => Arc::new(CsvFormat::default()),
            "tsv" => Arc::new(CsvFormat::default().with_delimiter(b'\t')),
            "ndjson" | "jsonl" => Arc::new(JsonFormat::default()),
            "json" => Arc::new(JsonFormat::default().with_newline_delimited(!starts_with_bracket(path))),
            "parquet" => Arc::new(ParquetFormat::default()),
            _ => {
                return Err(Error::sql(format!("'{path}' is not a kind of file weir reads"))
                    .with_hint(".csv, .tsv, .json, .ndjson and .parquet are"));
            }
        };
        let url = ListingTableUrl::parse(path).map_err(super::plan_error)?;
        let options = ListingOptions::new(format).with_file_extension(format!(".{extension}"));
        let config = ListingTableConfig::new(url).with_listing_options(options);
        let config = config.infer_schema(state).await.map_err(|e| {
            let e = super::plan_error(e);
            Error::sql(format!("'{path}' cannot be read as {extension}: {}", e.message()))
        })?;
        Ok(Arc::new(ListingTable::try_new(config).map_err(super::plan_error)?))
    }
}

fn pick(topic: Error, file: Error) -> Error {
    if topic.kind() == crate::error::Kind::Sql { file } else { topic }
}

fn is_file(name: &str) -> bool {
    name.contains('/')
        || Path::new(name).extension().is_some_and(|e| FILE_KINDS.iter().any(|k| e.eq_ignore_ascii_case(k)))
}

/// Whether a JSON file is one array rather than a document a line.
fn starts_with_bracket(path: &str) -> bool {
    use std::io::Read as _;
    let mut start = [0_u8; 64];
    let read = std::fs::File::open(path).and_then(|mut f| f.read(&mut start)).unwrap_or(0);
    start.iter().take(read).find(|b| !b.is_ascii_whitespace()) == Some(&b'[')
}

/// The one catalog, `weir`, with the one schema, `public`, that a statement sees.
#[derive(Debug)]
pub struct StatementCatalog {
    schema: Arc<StatementSchema>,
}

#[derive(Debug)]
struct StatementSchema {
    resolver: Arc<Resolver>,
    state: SessionState,
    names: Vec<String>,
}

impl StatementCatalog {
    /// A catalog over `resolver`; `names` is what information_schema lists.
    pub fn new(resolver: Arc<Resolver>, state: SessionState, names: Vec<String>) -> Self {
        StatementCatalog { schema: Arc::new(StatementSchema { resolver, state, names }) }
    }
}

impl CatalogProviderList for StatementCatalog {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec!["weir".to_string()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == "weir")
            .then(|| Arc::new(StatementCatalog { schema: Arc::clone(&self.schema) }) as Arc<dyn CatalogProvider>)
    }
}

impl CatalogProvider for StatementCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec!["public".to_string()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        if name.eq_ignore_ascii_case(information::NAME) {
            let list = Arc::new(StatementCatalog { schema: Arc::clone(&self.schema) });
            let functions = self.schema.state.table_functions().clone();
            let provider = InformationSchemaProvider::new(list).with_table_functions(functions);
            return Some(Arc::new(InformationSchema(provider)));
        }
        (name == "public").then(|| Arc::clone(&self.schema) as Arc<dyn SchemaProvider>)
    }
}

#[async_trait]
impl SchemaProvider for StatementSchema {
    fn table_names(&self) -> Vec<String> {
        self.names.clone()
    }

    async fn table(&self, name: &str) -> PlanResult<Option<Arc<dyn TableProvider>>> {
        match self.resolver.table(name, &self.state).await {
            Ok(table) => Ok(Some(table)),
            // generate_series(1, 10) is looked up here too before it is called.
            Err(_) if self.state.table_functions().contains_key(&name.to_lowercase()) => Ok(None),
            Err(e) => Err(external(e)),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }
}

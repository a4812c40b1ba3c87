//! COPY (query) TO 'file': a result in a file, whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::writer::FileWriter;
use futures::StreamExt as _;
use parquet::arrow::ArrowWriter;

use crate::bounded::plan_error;
use crate::error::{Error, Result, Span};
use crate::figure::plural;
use crate::session::Session;
use crate::session::response::{Receipt, Response};
use crate::session::run::{Out, send, start};
use crate::sql::ast::Query;
use crate::sql::params::Params;
use crate::sql::split::Places;
use crate::types;

/// Where the result goes.
#[derive(Debug)]
pub struct Target {
    /// The file.
    pub path: String,
    /// Where its name stands in the text.
    pub span: Span,
}

/// Writes a query's result; the file appears under its name when it is complete.
pub async fn copy(
    session: &Session,
    query: &Query,
    params: &Params,
    places: &Places<'_>,
    target: &Target,
    out: &Out,
) -> Result<()> {
    let started = Instant::now();
    if !session.engine().config().files {
        return Err(Error::sql("files may not be written here").with_span(target.span));
    }
    let format = FileFormat::of(&target.path).map_err(|e| e.with_span(target.span))?;
    let (mut rows, running) = start(session, query, params, places, out).await?;
    if let (FileFormat::Csv(_), Some(nested)) =
        (format, rows.schema().fields().iter().find(|f| f.data_type().is_nested()))
    {
        let data_type = types::to_sql(nested.data_type());
        return Err(Error::sql(format!("column \"{}\" is {data_type}, which CSV cannot hold", nested.name()))
            .with_span(target.span)
            .with_hint("select its fields, or write .json or .parquet"));
    }
    let partial = format!("{}.partial", target.path);
    let io = |e| Error::io(format!("cannot write {}", target.path), e);
    let file = BufWriter::new(File::create(&partial).map_err(|e| io(e).with_span(target.span))?);
    let written = async {
        let mut writer = Writer::new(format, file, rows.schema())?;
        let mut count = 0;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(|e| plan_error::located(e, places))?;
            writer.write(&batch)?;
            count += batch.num_rows() as u64;
        }
        writer.finish()?;
        std::fs::rename(&partial, &target.path).map_err(io)?;
        Ok::<u64, Error>(count)
    }
    .await;
    let count = match written {
        Ok(count) => count,
        Err(e) => {
            // The error at hand says more than a left-over that cannot be removed.
            let _ = std::fs::remove_file(&partial);
            return Err(e);
        }
    };
    let message = format!("wrote {} to {}", plural(count, "row"), target.path);
    send(out, Response::Done { message }).await?;
    let receipt = Receipt { rows: count, elapsed: started.elapsed(), topics: running.receipts(), incomplete: None };
    send(out, Response::Receipt(receipt)).await
}

#[derive(Debug, Clone, Copy)]
enum FileFormat {
    Parquet,
    Csv(u8),
    Json,
    Ndjson,
    Arrow,
}

impl FileFormat {
    fn of(path: &str) -> Result<Self> {
        let extension = Path::new(path).extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
        Ok(match extension.as_str() {
            "parquet" => FileFormat::Parquet,
            "csv" => FileFormat::Csv(b','),
            "tsv" => FileFormat::Csv(b'\t'),
            "json" => FileFormat::Json,
            "ndjson" | "jsonl" => FileFormat::Ndjson,
            "arrow" => FileFormat::Arrow,
            _ => {
                return Err(Error::sql(format!("'{path}' does not say what to write"))
                    .with_hint("end its name with .parquet, .csv, .tsv, .json, .ndjson or .arrow"));
            }
        })
    }
}

enum Writer {
    Parquet(Box<ArrowWriter<BufWriter<File>>>),
    Csv(Box<arrow::csv::Writer<BufWriter<File>>>),
    Json(Box<arrow::json::ArrayWriter<BufWriter<File>>>),
    Ndjson(Box<arrow::json::LineDelimitedWriter<BufWriter<File>>>),
    Arrow(Box<FileWriter<BufWriter<File>>>),
}

impl Writer {
    fn new(format: FileFormat, file: BufWriter<File>, schema: SchemaRef) -> Result<Self> {
        Ok(match format {
            FileFormat::Parquet => {
                let properties = parquet::file::properties::WriterProperties::builder()
                    .set_compression(parquet::basic::Compression::ZSTD(parquet::basic::ZstdLevel::default()))
                    .build();
                Writer::Parquet(Box::new(ArrowWriter::try_new(file, schema, Some(properties)).map_err(refused)?))
            }
            FileFormat::Csv(delimiter) => {
                let mut writer =
                    arrow::csv::WriterBuilder::new().with_header(true).with_delimiter(delimiter).build(file);
                writer.write(&RecordBatch::new_empty(schema)).map_err(refused)?;
                Writer::Csv(Box::new(writer))
            }
            FileFormat::Json => Writer::Json(Box::new(
                arrow::json::WriterBuilder::new()
                    .with_explicit_nulls(true)
                    .build::<_, arrow::json::writer::JsonArray>(file),
            )),
            FileFormat::Arrow => Writer::Arrow(Box::new(FileWriter::try_new(file, &schema).map_err(refused)?)),
            FileFormat::Ndjson => Writer::Ndjson(Box::new(
                arrow::json::WriterBuilder::new()
                    .with_explicit_nulls(true)
                    .build::<_, arrow::json::writer::LineDelimited>(file),
            )),
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        match self {
            Writer::Parquet(w) => w.write(batch).map_err(refused),
            Writer::Csv(w) => w.write(batch).map_err(refused),
            Writer::Json(w) => w.write(batch).map_err(refused),
            Writer::Ndjson(w) => w.write(batch).map_err(refused),
            Writer::Arrow(w) => w.write(batch).map_err(refused),
        }
    }

    fn finish(self) -> Result<()> {
        let flush = |mut file: BufWriter<File>| file.flush().map_err(|e| Error::io("cannot finish the file", e));
        match self {
            Writer::Parquet(w) => w.into_inner().map_err(refused).and_then(flush),
            Writer::Csv(w) => flush(w.into_inner()),
            Writer::Json(mut w) => w.finish().map_err(refused).and_then(|()| flush(w.into_inner())),
            Writer::Ndjson(mut w) => w.finish().map_err(refused).and_then(|()| flush(w.into_inner())),
            Writer::Arrow(mut w) => {
                w.finish().map_err(refused)?;
                w.into_inner().map_err(refused).and_then(flush)
            }
        }
    }
}

fn refused(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::sql(format!("the result cannot be written in this format: {error}")).with_source(error)
}

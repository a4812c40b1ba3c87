//! Responses as the bytes of an answer. Knows Arrow, JSON and the session's responses; nothing of connections.
//!
//! **ndjson**, one object per line, told apart by its only member; results follow each other in the order of their statements:
//! ```json
//! {"schema":[{"name":"n","type":"BIGINT"}]}
//! {"row":{"n":1}}
//! {"receipt":{"rows":1,"elapsed_ms":3,"incomplete":null,"topics":[…]}}
//! {"notice":{"message":"…","hint":null}}
//! {"done":"created stream orders"}                     after a COPY a receipt follows
//! {"error":{"kind":"sql","message":"…","detail":null,"hint":null,"span":null}}
//! ```
//! An answer without an error line whose last result has a receipt is whole.
//!
//! **json**, one document: `{"results":[{"schema":[…],"rows":[…],"receipt":{…}},{"done":"…"}],"notices":[…]}`, with `"error"` at the
//! end when a statement failed after rows were sent.
//!
//! **csv** and **arrow** hold rows only; a second result follows after an empty line, or as a second IPC stream. Notices are
//! left out. A client that takes trailers (`TE: trailers`) gets a `weir-receipt` for each result, a receipt as above but for
//! the offsets of each partition, and a `weir-error` when a statement failed after rows were sent. For any other client
//! (header `x-weir-receipt: omitted`) such an error, or rows cut by a limit, has its own status as long as the answer is
//! short, and else breaks the connection off, so that a part is never taken for the whole.

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use datafusion::arrow::ipc::writer::StreamEncoder;
use serde_json::{Value as Json, json};

use super::request::Format;
use crate::error::{Error, Result};
use crate::render::error::position;
use crate::render::value::type_name;
use crate::render::{Format as Shape, Look, Renderer};
use crate::session::response::{Notice, Receipt, TopicReceipt};

/// The trailer with a result's receipt.
pub const RECEIPT: HeaderName = HeaderName::from_static("weir-receipt");
/// The trailer with the error that an answer ends in.
pub const ERROR: HeaderName = HeaderName::from_static("weir-error");

/// Most bytes of all receipts in the trailers of one answer; clients take no trailers without end. Receipts beyond it leave
/// out their topics.
const RECEIPT_BYTES: usize = 8 << 10;

/// Writes one answer.
pub struct Encoder {
    format: Format,
    result: Option<Rows>,
    /// Results begun so far, effects included.
    results: usize,
    /// Rows of the result so far.
    rows: usize,
    notices: Vec<Json>,
    /// What a format that holds rows only says after them.
    trailers: HeaderMap,
}

/// The result that is being written.
enum Rows {
    Text(Renderer),
    Arrow(Box<StreamEncoder>),
    /// None: a statement took effect, and its receipt may follow.
    Effect,
}

impl Encoder {
    /// An answer in `format`.
    pub fn new(format: Format) -> Self {
        Encoder { format, result: None, results: 0, rows: 0, notices: Vec::new(), trailers: HeaderMap::new() }
    }

    /// A result begins.
    ///
    /// # Errors
    /// A schema that the format cannot hold.
    pub fn schema(&mut self, schema: &SchemaRef, out: &mut Vec<u8>) -> Result<()> {
        self.close(None, out)?;
        self.results += 1;
        self.rows = 0;
        let shape = match self.format {
            Format::Arrow => {
                let encoder = StreamEncoder::try_new(schema).map_err(unwritable)?;
                self.result = Some(Rows::Arrow(Box::new(encoder)));
                return Ok(());
            }
            Format::Csv => {
                if self.results > 1 {
                    out.extend_from_slice(b"\n");
                }
                Shape::Csv
            }
            Format::Ndjson => {
                line(out, &json!({"schema": columns(schema)}));
                Shape::Ndjson
            }
            Format::Json => {
                self.begin_element(out);
                out.extend_from_slice(b"{\"schema\":");
                out.extend_from_slice(columns(schema).to_string().as_bytes());
                out.extend_from_slice(b",\"rows\":[");
                Shape::Ndjson
            }
        };
        let look = Look { format: shape, width: None, color: false };
        self.result = Some(Rows::Text(Renderer::new(SchemaRef::clone(schema), look)));
        Ok(())
    }

    /// Rows of the result.
    ///
    /// # Errors
    /// A value that the format cannot hold.
    pub fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<()> {
        match &mut self.result {
            None | Some(Rows::Effect) => return Err(Error::internal("rows came before their schema")),
            Some(Rows::Arrow(encoder)) => {
                for buffer in encoder.encode(batch).map_err(unwritable)? {
                    out.extend_from_slice(&buffer);
                }
            }
            Some(Rows::Text(renderer)) => {
                if self.format == Format::Csv {
                    return renderer.rows(batch, out).map_err(|e| Error::io("cannot write a row", e));
                }
                let mut text = Vec::new();
                renderer.rows(batch, &mut text).map_err(|e| Error::io("cannot write a row", e))?;
                for row in text.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()) {
                    let (before, after): (&[u8], &[u8]) = match self.format {
                        Format::Ndjson => (b"{\"row\":", b"}\n"),
                        _ if self.rows > 0 => (b",\n", b""),
                        _ => (b"\n", b""),
                    };
                    self.rows += 1;
                    out.extend_from_slice(before);
                    out.extend_from_slice(row);
                    out.extend_from_slice(after);
                }
            }
        }
        Ok(())
    }

    /// The result is complete.
    ///
    /// # Errors
    /// The format cannot be closed.
    pub fn receipt(&mut self, receipt: &Receipt, out: &mut Vec<u8>) -> Result<()> {
        self.close(Some(receipt), out)
    }

    /// Something beside the data.
    pub fn notice(&mut self, notice: &Notice, out: &mut Vec<u8>) {
        if notice.about.is_some() {
            // A session here is one request: what it would say once it would say every time.
            return;
        }
        let notice = json!({"message": notice.message, "hint": notice.hint});
        match self.format {
            Format::Ndjson => line(out, &json!({"notice": notice})),
            Format::Json => self.notices.push(notice),
            Format::Csv | Format::Arrow => {}
        }
    }

    /// A statement took effect.
    ///
    /// # Errors
    /// The result before it cannot be closed.
    pub fn done(&mut self, message: &str, out: &mut Vec<u8>) -> Result<()> {
        self.close(None, out)?;
        match self.format {
            Format::Ndjson => line(out, &json!({"done": message})),
            Format::Json => {
                self.results += 1;
                self.begin_element(out);
                out.extend_from_slice(b"{\"done\":");
                out.extend_from_slice(Json::from(message).to_string().as_bytes());
            }
            Format::Csv | Format::Arrow => {}
        }
        self.result = Some(Rows::Effect);
        Ok(())
    }

    /// The answer ends, in `error` when there is one. Returns the trailers that a format without a place for receipts and
    /// errors needs.
    ///
    /// # Errors
    /// The last result cannot be closed.
    pub fn finish(&mut self, error: Option<(&Error, &str)>, out: &mut Vec<u8>) -> Result<HeaderMap> {
        let error = error.map(|(error, sql)| error_json(error, sql));
        match self.format {
            Format::Csv | Format::Arrow => match error {
                // What is unfinished stays so.
                Some(error) => self.trailers.extend(field(&error).map(|value| (ERROR, value))),
                None => self.close(None, out)?,
            },
            Format::Ndjson => {
                self.close(None, out)?;
                if let Some(error) = error {
                    line(out, &json!({"error": error}));
                }
            }
            Format::Json => {
                self.close(None, out)?;
                let begin: &[u8] = if self.results == 0 { b"{\"results\":[" } else { b"" };
                out.extend_from_slice(begin);
                out.extend_from_slice(b"],\"notices\":");
                out.extend_from_slice(Json::Array(std::mem::take(&mut self.notices)).to_string().as_bytes());
                if let Some(error) = error {
                    out.extend_from_slice(b",\"error\":");
                    out.extend_from_slice(error.to_string().as_bytes());
                }
                out.extend_from_slice(b"}\n");
            }
        }
        Ok(std::mem::take(&mut self.trailers))
    }

    fn begin_element(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.results == 1 { b"{\"results\":[" } else { b",\n" });
    }

    fn close(&mut self, receipt: Option<&Receipt>, out: &mut Vec<u8>) -> Result<()> {
        let rows = match self.result.take() {
            None => return Ok(()),
            Some(Rows::Effect) => false,
            Some(Rows::Arrow(encoder)) => {
                for buffer in encoder.finish().map_err(unwritable)? {
                    out.extend_from_slice(&buffer);
                }
                true
            }
            Some(Rows::Text(mut renderer)) => {
                renderer.finish(out).map_err(|e| Error::io("cannot end the rows", e))?;
                true
            }
        };
        match self.format {
            Format::Ndjson => {
                if let Some(receipt) = receipt {
                    line(out, &json!({"receipt": receipt_json(receipt)}));
                }
            }
            Format::Json => {
                out.extend_from_slice(if rows { b"]" } else { b"" });
                if let Some(receipt) = receipt {
                    out.extend_from_slice(b",\"receipt\":");
                    out.extend_from_slice(receipt_json(receipt).to_string().as_bytes());
                }
                out.extend_from_slice(b"}");
            }
            Format::Csv | Format::Arrow => {
                if let Some(value) = receipt.and_then(|r| self.receipt_field(r)) {
                    self.trailers.append(RECEIPT, value);
                }
            }
        }
        Ok(())
    }

    /// A receipt for a trailer, without what has no bound.
    fn receipt_field(&self, receipt: &Receipt) -> Option<HeaderValue> {
        let mut receipt = receipt_json(receipt);
        for topic in receipt.get_mut("topics").and_then(Json::as_array_mut).into_iter().flatten() {
            topic.as_object_mut().map(|topic| topic.shift_remove("offsets"));
        }
        let used: usize = self.trailers.get_all(RECEIPT).iter().map(HeaderValue::len).sum();
        if used + receipt.to_string().len() > RECEIPT_BYTES {
            receipt.as_object_mut().map(|receipt| receipt.shift_remove("topics"));
        }
        field(&receipt)
    }
}

/// JSON as the value of a header field, which is ASCII.
fn field(json: &Json) -> Option<HeaderValue> {
    let mut ascii = String::new();
    for c in json.to_string().chars() {
        match c {
            ' '..='~' => ascii.push(c),
            other => other.encode_utf16(&mut [0; 2]).iter().for_each(|unit| ascii.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    HeaderValue::try_from(ascii).ok()
}

fn line(out: &mut Vec<u8>, value: &Json) {
    out.extend_from_slice(value.to_string().as_bytes());
    out.push(b'\n');
}

fn unwritable(error: arrow::error::ArrowError) -> Error {
    Error::internal(format!("rows cannot be written as Arrow: {error}")).with_source(error)
}

fn columns(schema: &Schema) -> Json {
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| json!({"name": field.name(), "type": type_name(field.data_type())});
    Json::Array(schema.fields().iter().map(column).collect())
}

fn receipt_json(receipt: &Receipt) -> Json {
    json!({
        "rows": receipt.rows,
        "elapsed_ms": u64::try_from(receipt.elapsed.as_millis()).unwrap_or(u64::MAX),
        "incomplete": receipt.incomplete,
        "topics": receipt.topics.iter().map(topic_json).collect::<Vec<_>>(),
    })
}

fn topic_json(topic: &TopicReceipt) -> Json {
    let offset =
        |(partition, first, end): &(i32, i64, i64)| json!({"partition": partition, "start": first, "end": end});
    json!({
        "topic": topic.topic,
        "scanned": topic.scanned,
        "in_range": topic.in_range,
        "partitions_read": topic.partitions_read,
        "partitions": topic.partitions,
        "offsets": topic.offsets.iter().map(offset).collect::<Vec<_>>(),
        "bytes": topic.bytes,
        "tombstones": topic.tombstones,
        "undecodable": topic.undecodable,
        "decoded": topic.decoded,
        "inferred_from": topic.inferred.map(|sampled| json!({"records": sampled.records, "of": sampled.of})),
    })
}

/// An error as JSON; `sql` is the text its span lies in.
fn error_json(error: &Error, sql: &str) -> Json {
    let span = error.span().map(|span| {
        let (line, column) = position(sql, span.start);
        json!({"start": span.start, "end": span.end, "line": line, "column": column})
    });
    json!({
        "kind": error.kind().name(),
        "message": error.message(),
        "detail": error.detail(),
        "hint": error.hint(),
        "span": span,
    })
}

/// An answer that is an error and nothing else: `{"error":{…}}` with `status`, or the one that fits its kind.
pub fn refusal(error: &Error, sql: &str, status: Option<StatusCode>) -> Response {
    let mut body = Vec::new();
    line(&mut body, &json!({"error": error_json(error, sql)}));
    let status = status.unwrap_or_else(|| super::status(error.kind()));
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field};

    use super::*;
    use crate::error::Span;

    fn batch() -> RecordBatch {
        let schema = Schema::new(vec![Field::new("n", DataType::Int64, true), Field::new("s", DataType::Utf8, true)]);
        let n = Int64Array::from(vec![Some(1), None]);
        let s = StringArray::from(vec!["a\nb", "c,d"]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(n), Arc::new(s)]).unwrap()
    }

    /// Two results around an effect, then an error when `failed`.
    fn answer(format: Format, failed: bool) -> (Vec<u8>, HeaderMap) {
        let (mut encoder, mut out) = (Encoder::new(format), Vec::new());
        let receipt = Receipt { rows: 2, elapsed: Duration::from_millis(3), ..Receipt::default() };
        encoder.schema(&batch().schema(), &mut out).unwrap();
        encoder.rows(&batch(), &mut out).unwrap();
        encoder.receipt(&receipt, &mut out).unwrap();
        encoder.notice(&Notice::new("mind"), &mut out);
        encoder.done("made it", &mut out).unwrap();
        encoder.schema(&batch().schema(), &mut out).unwrap();
        let error = Error::sql("nö").with_span(Span::new(9, 10));
        let trailers = encoder.finish(failed.then_some((&error, "SELECT\n  x")), &mut out).unwrap();
        (out, trailers)
    }

    fn text(format: Format, failed: bool) -> String {
        String::from_utf8(answer(format, failed).0).unwrap()
    }

    const RECEIPT_TEXT: &str = r#"{"rows":2,"elapsed_ms":3,"incomplete":null,"topics":[]}"#;
    const SCHEMA: &str = r#"[{"name":"n","type":"BIGINT"},{"name":"s","type":"VARCHAR"}]"#;

    #[test]
    fn ndjson_lines_have_one_member_each() {
        let expected = [
            format!(r#"{{"schema":{SCHEMA}}}"#),
            r#"{"row":{"n":1,"s":"a\nb"}}"#.to_string(),
            r#"{"row":{"n":null,"s":"c,d"}}"#.to_string(),
            format!(r#"{{"receipt":{RECEIPT_TEXT}}}"#),
            r#"{"notice":{"message":"mind","hint":null}}"#.to_string(),
            r#"{"done":"made it"}"#.to_string(),
            format!(r#"{{"schema":{SCHEMA}}}"#),
            r#"{"error":{"kind":"sql","message":"nö","detail":null,"hint":null,"span":{"start":9,"end":10,"line":2,"column":3}}}"#.to_string(),
        ];
        let text = text(Format::Ndjson, true);
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_columns_were_inferred_from_is_in_the_receipt_and_not_in_a_notice_of_every_answer() {
        let (mut encoder, mut out) = (Encoder::new(Format::Ndjson), Vec::new());
        encoder.notice(&Notice { about: Some("t".into()), ..Notice::new("t: columns inferred") }, &mut out);
        encoder.schema(&batch().schema(), &mut out).unwrap();
        let inferred = Some(crate::catalog::shape::Sampled { records: 200, of: 1204 });
        let topics = vec![TopicReceipt { inferred, ..TopicReceipt::default() }, TopicReceipt::default()];
        encoder.receipt(&Receipt { topics, ..Receipt::default() }, &mut out).unwrap();
        let lines: Vec<Json> =
            String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        let topics = &lines[1]["receipt"]["topics"];
        assert_eq!(topics[0]["inferred_from"], json!({"records": 200, "of": 1204}));
        assert_eq!(topics[1]["inferred_from"], Json::Null);
    }

    #[test]
    fn json_is_one_document_whatever_happens() {
        for failed in [false, true] {
            let document: Json = serde_json::from_str(&text(Format::Json, failed)).unwrap();
            let results = document["results"].as_array().unwrap();
            assert_eq!(results.len(), 3);
            assert_eq!(results[0]["rows"], json!([{"n": 1, "s": "a\nb"}, {"n": null, "s": "c,d"}]));
            assert_eq!(results[0]["receipt"]["rows"], 2);
            assert_eq!(results[1], json!({"done": "made it"}));
            assert_eq!(document["notices"][0]["message"], "mind");
            assert_eq!(document.get("error").is_some(), failed);
        }
        let mut out = Vec::new();
        Encoder::new(Format::Json).finish(None, &mut out).unwrap();
        assert_eq!(out, b"{\"results\":[],\"notices\":[]}\n");
    }

    #[test]
    fn csv_separates_results_and_cannot_show_errors() {
        assert_eq!(text(Format::Csv, false), "n,s\n1,\"a\nb\"\n,\"c,d\"\n\nn,s\n");
        let trailers = answer(Format::Csv, true).1;
        assert_eq!(trailers[RECEIPT], RECEIPT_TEXT);
        let error = r#"{"kind":"sql","message":"n\u00f6","detail":null,"hint":null,"span":{"start":9,"end":10,"line":2,"column":3}}"#;
        assert_eq!(trailers[ERROR], error);
    }

    #[test]
    fn receipts_in_trailers_have_a_bound() {
        let topic = TopicReceipt { topic: "t".into(), offsets: vec![(0, 1, 2)], ..TopicReceipt::default() };
        let mut encoder = Encoder::new(Format::Csv);
        let receipt = Receipt { topics: vec![topic; 16], ..Receipt::default() };
        for _ in 0..4 {
            encoder.done("wrote it", &mut Vec::new()).unwrap();
            encoder.receipt(&receipt, &mut Vec::new()).unwrap();
        }
        let trailers = encoder.finish(None, &mut Vec::new()).unwrap();
        let lines: Vec<Json> =
            trailers.get_all(RECEIPT).iter().map(|v| serde_json::from_slice(v.as_bytes()).unwrap()).collect();
        let topics: Vec<usize> = lines.iter().map(|r| r["topics"].as_array().map_or(0, Vec::len)).collect();
        assert_eq!(topics, [16, 16, 16, 0]);
        assert!(lines[0]["topics"][0].get("offsets").is_none());
    }

    #[test]
    fn a_receipt_may_follow_an_effect() {
        let told = |format| {
            let (mut encoder, mut out) = (Encoder::new(format), Vec::new());
            encoder.done("wrote 1 row", &mut out).unwrap();
            encoder.receipt(&Receipt { rows: 1, ..Receipt::default() }, &mut out).unwrap();
            encoder.finish(None, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let receipt = RECEIPT_TEXT.replace("2,\"el", "1,\"el").replace(":3,", ":0,");
        let expected = format!("{{\"done\":\"wrote 1 row\"}}\n{{\"receipt\":{receipt}}}\n");
        assert_eq!(told(Format::Ndjson), expected);
        let expected = format!("{{\"results\":[{{\"done\":\"wrote 1 row\",\"receipt\":{receipt}}}],\"notices\":[]}}\n");
        assert_eq!(told(Format::Json), expected);
    }

    #[test]
    fn arrow_streams_read_back() {
        use datafusion::arrow::ipc::reader::StreamReader;
        let (bytes, trailers) = answer(Format::Arrow, false);
        assert_eq!(trailers[RECEIPT], RECEIPT_TEXT);
        let mut rest = std::io::Cursor::new(bytes);
        let first: Vec<_> = StreamReader::try_new(&mut rest, None).unwrap().map(Result::unwrap).collect();
        assert_eq!(first, [batch()]);
        let second = StreamReader::try_new(&mut rest, None).unwrap();
        assert_eq!((second.schema(), second.count()), (batch().schema(), 0));
    }
}

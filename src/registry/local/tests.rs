//! Tests against a topic that is a list in memory.

use bytes::Bytes;
use parking_lot::Mutex as Lock;

use super::*;
use crate::connect::{RawRecords, RecordStream, Topic, Writer};

/// Keys and values; `None` while the topic is not there.
type Log = Option<Vec<(Bytes, Option<Bytes>)>>;

/// One topic with one partition.
#[derive(Debug, Default)]
struct OneTopic {
    log: Arc<Lock<Log>>,
    /// Reads stop before they have reached their end.
    breaks_off: Lock<bool>,
}

impl OneTopic {
    fn hold(&self, log: Vec<(&'static str, Option<&'static str>)>) {
        let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
        *self.log.lock() = Some(log.into_iter().map(|(key, value)| (bytes(key), value.map(bytes))).collect());
    }
}

struct Appender {
    log: Arc<Lock<Log>>,
    pending: Vec<NewRecord>,
}

#[async_trait]
impl Writer for Appender {
    async fn append(&mut self, records: Vec<NewRecord>) -> Result<()> {
        self.pending.extend(records);
        Ok(())
    }
    async fn commit(self: Box<Self>) -> Result<u64> {
        let mut log = self.log.lock();
        let log = log.as_mut().unwrap();
        log.extend(self.pending.into_iter().map(|r| (r.key.unwrap(), r.value)));
        Ok(1)
    }
    async fn abort(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Connector for OneTopic {
    fn kind(&self) -> &'static str {
        "memory"
    }
    fn location(&self) -> String {
        "memory".into()
    }
    async fn topics(&self) -> Result<Vec<Topic>> {
        Ok(Vec::new())
    }
    async fn topic(&self, name: &str) -> Result<Option<Topic>> {
        Ok(self.log.lock().as_ref().map(|_| Topic { name: name.into(), partitions: 1, internal: true }))
    }
    async fn topic_config(&self, _: &str) -> Result<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }
    async fn ranges(&self, _: &str, _: Isolation) -> Result<Vec<Range>> {
        let end = self.log.lock().as_ref().map_or(0, Vec::len);
        Ok(vec![Range { partition: 0, start: 0, end: i64::try_from(end).unwrap() }])
    }
    async fn offsets_at(&self, _: &str, _: i64) -> Result<Vec<(i32, Option<i64>)>> {
        Ok(Vec::new())
    }
    fn read(&self, request: ReadRequest) -> Result<RecordStream> {
        let slice = request.slices[0];
        let at = |offset: i64| usize::try_from(offset).unwrap();
        let log = self.log.lock();
        let rows = &log.as_ref().unwrap()[at(slice.start)..at(slice.end)];
        let mut records = RawRecords::counted(0, rows.len(), 0);
        records.keys = Some(rows.iter().map(|(key, _)| Some(key.as_ref())).collect());
        records.values = Some(rows.iter().map(|(_, value)| value.as_deref()).collect());
        let (send, events) = async_channel::bounded(2);
        send.try_send(Ok(Event::Records(records).into())).unwrap();
        if !*self.breaks_off.lock() {
            send.try_send(Ok(Event::End { partition: 0 }.into())).unwrap();
        }
        Ok(RecordStream::new(events))
    }
    async fn writer(&self, _: &str) -> Result<Box<dyn Writer>> {
        Ok(Box::new(Appender { log: Arc::clone(&self.log), pending: Vec::new() }))
    }
    async fn create_topic(&self, topic: NewTopic) -> Result<()> {
        assert_eq!((topic.name.as_str(), topic.partitions), (TOPIC, 1));
        assert_eq!(topic.config.get("cleanup.policy").map(String::as_str), Some("compact"));
        *self.log.lock() = Some(Vec::new());
        Ok(())
    }
    async fn delete_topic(&self, _: &str) -> Result<()> {
        *self.log.lock() = None;
        Ok(())
    }
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

const ID: &str = r#"{"name":"id","type":"long"}"#;

#[tokio::test]
async fn ids_and_versions_grow_and_are_found_again() {
    let connector = Arc::new(OneTopic::default());
    let registry = Beside::new(Arc::clone(&connector) as Arc<dyn Connector>);
    assert!(registry.subjects().await.unwrap().is_empty());
    let first = record(ID);
    assert_eq!(registry.register("a", SchemaType::Avro, &first).await.unwrap(), 1);
    assert_eq!(registry.register("a", SchemaType::Avro, &first).await.unwrap(), 1);
    let second = record(&format!(r#"{ID},{{"name":"n","type":["null","string"],"default":null}}"#));
    assert_eq!(registry.register("a", SchemaType::Avro, &second).await.unwrap(), 2);
    assert_eq!(registry.register("b", SchemaType::Avro, &first).await.unwrap(), 1);
    assert_eq!(registry.register("c", SchemaType::Json, "{}").await.unwrap(), 3);
    // Another process sees the same.
    let other = Beside::new(connector);
    assert_eq!(other.versions("a").await.unwrap(), [1, 2]);
    assert_eq!(other.latest("a").await.unwrap().unwrap().schema.text.as_ref(), second);
    assert_eq!(other.version("a", 1).await.unwrap().unwrap().schema.id, 1);
    assert_eq!(other.by_id(3).await.unwrap().unwrap().schema_type, SchemaType::Json);
    assert_eq!(other.by_id(4).await.unwrap(), None);
    assert_eq!(other.subjects().await.unwrap(), ["a", "b", "c"]);
    assert_eq!(other.register("d", SchemaType::Avro, "\"int\"").await.unwrap(), 4);
    assert_eq!(registry.by_id(4).await.unwrap().unwrap().text.as_ref(), "\"int\"");
}

#[tokio::test]
async fn what_cannot_read_old_records_is_refused() {
    let registry = Beside::new(Arc::new(OneTopic::default()));
    registry.register("a", SchemaType::Avro, &record(ID)).await.unwrap();
    let required = record(&format!(r#"{ID},{{"name":"x","type":"int"}}"#));
    let error = registry.register("a", SchemaType::Avro, &required).await.unwrap_err();
    assert_eq!(error.message(), "the schema is not compatible with the latest version under a");
    assert!(registry.register("new", SchemaType::Avro, "{nonsense").await.is_err());
    assert_eq!(registry.versions("a").await.unwrap(), [1]);
    assert_eq!(registry.subjects().await.unwrap(), ["a"]);
}

#[tokio::test]
async fn a_deleted_subject_leaves_its_ids_behind() {
    let registry = Beside::new(Arc::new(OneTopic::default()));
    registry.delete_subject("a").await.unwrap();
    registry.register("a", SchemaType::Avro, "\"int\"").await.unwrap();
    registry.delete_subject("a").await.unwrap();
    assert_eq!(registry.latest("a").await.unwrap(), None);
    assert!(registry.subjects().await.unwrap().is_empty());
    assert!(registry.by_id(1).await.unwrap().is_some());
    assert_eq!(registry.register("a", SchemaType::Avro, "\"string\"").await.unwrap(), 2);
    assert_eq!(registry.versions("a").await.unwrap(), [2]);
}

#[tokio::test]
async fn records_of_other_registries_are_read_and_nonsense_is_left_alone() {
    let connector = Arc::new(OneTopic::default());
    let log: Vec<(&str, Option<&str>)> = vec![
        (r#"{"keytype":"NOOP","magic":0}"#, None),
        ("not json", Some("{}")),
        (
            r#"{"keytype":"SCHEMA","subject":"base","version":1,"magic":1}"#,
            Some(
                r#"{"subject":"base","version":1,"id":5,"md5":"x","schema":"{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"A\"]}","deleted":false}"#,
            ),
        ),
        (
            r#"{"keytype":"SCHEMA","subject":"top","version":3,"magic":1}"#,
            Some(r#"{"subject":"top","version":3,"id":6,"references":[],"schema":"\"long\""}"#),
        ),
        (r#"{"keytype":"SCHEMA","subject":"hard","version":1,"magic":1}"#, Some(r#"{"id":9,"schema":"\"int\""}"#)),
        (r#"{"keytype":"SCHEMA","subject":"hard","version":1,"magic":1}"#, None),
    ];
    connector.hold(log);
    let registry = Beside::new(Arc::clone(&connector) as Arc<dyn Connector>);
    let top = registry.latest("top").await.unwrap().unwrap();
    assert_eq!((top.version, top.schema.id), (3, 6));
    assert_eq!(registry.subjects().await.unwrap(), ["base", "top"]);
    assert_eq!(registry.register("x", SchemaType::Avro, "\"float\"").await.unwrap(), 10);
    // A topic that was deleted and made again starts over.
    connector.delete_topic(TOPIC).await.unwrap();
    assert!(registry.subjects().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_subject_deleted_by_another_registry_is_gone_up_to_that_version() {
    let connector = Arc::new(OneTopic::default());
    connector.hold(vec![
        (r#"{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}"#, Some(r#"{"id":1,"schema":"\"int\""}"#)),
        (r#"{"keytype":"SCHEMA","subject":"a","version":2,"magic":1}"#, Some(r#"{"id":2,"schema":"\"long\""}"#)),
        (r#"{"keytype":"SCHEMA","subject":"b","version":1,"magic":1}"#, Some(r#"{"id":1,"schema":"\"int\""}"#)),
        (r#"{"keytype":"DELETE_SUBJECT","subject":"a","magic":0}"#, Some(r#"{"subject":"a","version":2}"#)),
        (r#"{"keytype":"DELETE_SUBJECT","subject":"never","magic":0}"#, Some(r#"{"subject":"never","version":9}"#)),
        (r#"{"keytype":"DELETE_SUBJECT","subject":"b","magic":0}"#, None),
        (r#"{"keytype":"DELETE_SUBJECT","subject":"b","magic":0}"#, Some("nonsense")),
    ]);
    let registry = Beside::new(Arc::clone(&connector) as Arc<dyn Connector>);
    assert_eq!(registry.subjects().await.unwrap(), ["b"]);
    assert_eq!(registry.latest("a").await.unwrap(), None);
    assert!(registry.by_id(2).await.unwrap().is_some(), "its records are still there");
    // Made again, it goes on counting.
    assert_eq!(registry.register("a", SchemaType::Avro, "\"string\"").await.unwrap(), 3);
    assert_eq!(registry.versions("a").await.unwrap(), [3]);
}

#[tokio::test]
async fn white_space_and_the_order_of_attributes_make_no_new_version() {
    let registry = Beside::new(Arc::new(OneTopic::default()));
    let avro = r#"{"type":"record","name":"R","doc":"d","fields":[{"name":"id","type":"long","default":0},{"name":"b","type":["null","int"],"default":null}]}"#;
    let same = r#"{ "name": "R", "type": "record", "doc": "d",
        "fields": [{"default": 0, "type": {"type": "long"}, "name": "id"}, {"name":"b","default":null,"type":[{"type":"null"},"int"]}] }"#;
    assert_eq!(registry.register("a", SchemaType::Avro, avro).await.unwrap(), 1);
    assert_eq!(registry.register("a", SchemaType::Avro, same).await.unwrap(), 1);
    assert_eq!(registry.register("b", SchemaType::Avro, same).await.unwrap(), 1);
    assert_eq!(registry.versions("a").await.unwrap(), [1]);
    assert_eq!(registry.by_id(1).await.unwrap().unwrap().text.as_ref(), avro, "as it was registered first");
    // The order of symbols or fields, a doc, a default: all of these matter.
    for other in [avro.replace("\"d\"", "\"e\""), avro.replace(":0}", ":1}"), avro.replace(",\"default\":0", "")] {
        let id = registry.register("a", SchemaType::Avro, &other).await.unwrap();
        assert_eq!(registry.register("a", SchemaType::Avro, &other).await.unwrap(), id);
    }
    assert_eq!(registry.versions("a").await.unwrap(), [1, 2, 3, 4]);
    assert_eq!(registry.register("j", SchemaType::Json, r#"{"type":"string"}"#).await.unwrap(), 5);
    assert_eq!(registry.register("j", SchemaType::Json, "{ \"type\" : \"string\" }").await.unwrap(), 5);
    assert_eq!(registry.register("j", SchemaType::Json, "\"string\"").await.unwrap(), 6, "not the same in JSON Schema");
    assert_eq!(registry.register("p", SchemaType::Protobuf, "message A {}").await.unwrap(), 7);
    assert_eq!(registry.register("p", SchemaType::Protobuf, "message  A {}").await.unwrap(), 8);
}

#[tokio::test]
async fn a_read_that_breaks_off_is_an_error_and_loses_nothing() {
    let connector = Arc::new(OneTopic::default());
    let registry = Beside::new(Arc::clone(&connector) as Arc<dyn Connector>);
    registry.register("a", SchemaType::Avro, "\"int\"").await.unwrap();
    *connector.breaks_off.lock() = true;
    let other = Beside::new(Arc::clone(&connector) as Arc<dyn Connector>);
    let error = other.latest("a").await.unwrap_err();
    assert_eq!(error.message(), "reading _schemas broke off before offset 1");
    assert_eq!(other.register("b", SchemaType::Avro, "\"long\"").await.unwrap_err().message(), error.message());
    *connector.breaks_off.lock() = false;
    assert_eq!(other.register("b", SchemaType::Avro, "\"long\"").await.unwrap(), 2);
    assert_eq!(other.subjects().await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn the_highest_id_of_all_leaves_none_to_give() {
    let connector = Arc::new(OneTopic::default());
    connector.hold(vec![
        (r#"{"keytype":"SCHEMA","subject":"a","version":1}"#, Some(r#"{"id":2147483647,"schema":"\"int\""}"#)),
        (r#"{"keytype":"SCHEMA","subject":"b","version":2147483647}"#, Some(r#"{"id":7,"schema":"\"int\""}"#)),
        (r#"{"keytype":"SCHEMA","subject":"x","version":1}"#, Some(r#"{"id":8,"schemaType":"XSD","schema":"<x/>"}"#)),
    ]);
    let registry = Beside::new(connector);
    let message = |what: &str| format!("_schemas has no {what} left to give: something wrote the highest one there");
    let error = registry.register("c", SchemaType::Avro, "\"long\"").await.unwrap_err();
    assert_eq!(error.message(), message("ids"));
    let error = registry.register("b", SchemaType::Avro, "[\"int\"]").await.unwrap_err();
    assert_eq!(error.message(), message("ids"));
    let error = registry.register("b", SchemaType::Json, "{}").await.unwrap_err();
    assert_eq!(error.message(), message("ids"));
    assert_eq!(registry.by_id(8).await.unwrap(), None, "a language nobody here knows");
}

//! Kafka: the connector and what it is made of. Knows bytes and offsets, never formats or SQL.
//!
//! `direct` reads, and asks for metadata and offsets, over sockets of our own. Everything else goes through librdkafka,
//! and so does reading where `direct` cannot serve: `client` turns properties into clients, `admin` asks the cluster,
//! `source` reads (`queue` borrows records from librdkafka, `columns` copies them into batches), `sink` writes. `cause`
//! has the sentences for what goes wrong, `error` finds them in librdkafka's words.

mod admin;
mod cause;
mod client;
mod columns;
mod direct;
mod error;
mod queue;
mod sink;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Connector, Isolation, NewTopic, Range, ReadRequest, RecordStream, Topic, Writer};
pub use crate::config::translate::READER;
use crate::error::{Error, Result};
use admin::Desk;
use client::Properties;
use direct::Direct;

/// How long a read bears silence while its client reports trouble.
const PATIENCE: Duration = Duration::from_secs(30);

/// A Kafka cluster. Nothing connects before the first question.
#[derive(Debug)]
pub struct Kafka {
    properties: Properties,
    desk: Arc<Desk>,
    /// What reads, or why librdkafka has to.
    direct: std::result::Result<Direct, String>,
    patience: Duration,
}

impl Kafka {
    /// A cluster reached with these properties, under librdkafka's names; `bootstrap.servers` is needed. Security
    /// properties pass through. Makes no network call.
    ///
    /// # Errors
    /// [`crate::error::Kind::Usage`]: no brokers, an unknown property, or a value it cannot hold. Values of secrets
    /// are not repeated.
    pub fn new(mut properties: BTreeMap<String, String>) -> Result<Kafka> {
        let reader = properties.remove(READER);
        let properties = Properties::new(properties)?;
        let direct = match reader.as_deref() {
            None | Some("direct") => Direct::new(properties.given(), properties.client_id()),
            Some("librdkafka") => Err(format!("{READER}=librdkafka")),
            Some(other) => return Err(Error::usage(format!("{READER} cannot be \"{other}\""))),
        };
        Ok(Kafka { desk: Arc::new(Desk::new(properties.clone())), properties, direct, patience: PATIENCE })
    }

    /// Sets how long a read goes on without a record while brokers are lost, before it ends with an error; 30 s at
    /// first.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Kafka {
        self.patience = patience;
        self
    }

    /// Runs a question, which may wait for the cluster, off the async threads.
    async fn ask<T: Send + 'static>(&self, question: impl FnOnce(&Desk) -> Result<T> + Send + 'static) -> Result<T> {
        let desk = Arc::clone(&self.desk);
        aside(move || question(&desk)).await
    }
}

async fn aside<T: Send + 'static>(question: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let answer = tokio::task::spawn_blocking(question).await;
    answer.map_err(|e| Error::internal(format!("a question to the cluster was lost: {e}")))?
}

#[async_trait]
impl Connector for Kafka {
    fn kind(&self) -> &'static str {
        "kafka"
    }

    fn location(&self) -> String {
        self.properties.brokers()
    }

    fn reader(&self) -> String {
        match &self.direct {
            Ok(_) => "kafka (direct)".into(),
            Err(why) => format!("kafka (librdkafka, because of {why})"),
        }
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        match self.direct.clone() {
            Ok(direct) => aside(move || direct.topics()).await,
            Err(_) => self.ask(Desk::topics).await,
        }
    }

    async fn topic(&self, name: &str) -> Result<Option<Topic>> {
        let name = name.to_string();
        let Ok(direct) = self.direct.clone() else { return self.ask(move |desk| desk.topic(&name)).await };
        self.ask(move |desk| {
            let topic = if admin::is_legal_name(&name) { direct.topic(&name)? } else { None };
            desk.remember(&name, topic.as_ref());
            Ok(topic)
        })
        .await
    }

    async fn topic_config(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let name = name.to_string();
        self.ask(move |desk| desk.topic_config(&name)).await
    }

    async fn ranges(&self, topic: &str, isolation: Isolation) -> Result<Vec<Range>> {
        let topic = topic.to_string();
        match self.direct.clone() {
            Ok(direct) => aside(move || direct.ranges(&topic, isolation)).await,
            Err(_) => self.ask(move |desk| desk.ranges(&topic, isolation)).await,
        }
    }

    async fn offsets_at(&self, topic: &str, timestamp_ms: i64) -> Result<Vec<(i32, Option<i64>)>> {
        let topic = topic.to_string();
        match self.direct.clone() {
            Ok(direct) => aside(move || direct.offsets_at(&topic, timestamp_ms)).await,
            Err(_) => self.ask(move |desk| desk.offsets_at(&topic, timestamp_ms)).await,
        }
    }

    /// A partition past what the cluster last said of the topic is refused here; a topic nobody asked for before, or
    /// that is gone by now, is an error in the stream.
    fn read(&self, request: ReadRequest) -> Result<RecordStream> {
        if let Some(partitions) = self.desk.known_partitions(&request.topic)
            && let Some(slice) = request.slices.iter().find(|s| s.partition >= partitions)
        {
            return Err(Error::sql(format!("topic \"{}\" has no partition {}", request.topic, slice.partition)));
        }
        match &self.direct {
            Ok(direct) => direct.read(request, self.patience),
            Err(_) => source::start(&self.properties, request, self.patience),
        }
    }

    async fn writer(&self, topic: &str) -> Result<Box<dyn Writer>> {
        let name = topic.to_string();
        let topic = self.ask(move |desk| desk.existing(&name)).await?;
        Ok(Box::new(sink::KafkaWriter::new(self.properties.clone(), Arc::clone(&self.desk), topic)))
    }

    async fn create_topic(&self, topic: NewTopic) -> Result<()> {
        self.ask(move |desk| desk.create_topic(&topic)).await
    }

    async fn delete_topic(&self, name: &str) -> Result<()> {
        let name = name.to_string();
        self.ask(move |desk| desk.delete_topic(&name)).await
    }
}

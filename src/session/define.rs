//! CREATE STREAM and DROP STREAM.

use crate::catalog::definitions::Stream;
use crate::connect::NewTopic;
use crate::error::{Error, Kind, Result, nearest};
use crate::figure::plural;
use crate::session::Session;
use crate::session::response::Response;
use crate::session::run::{Out, send};
use crate::sql::ast::{CreateStream, Name};

/// The properties that name the topic, and its partitions.
const TOPIC: &[&str] = &["kafka_topic", "topic"];
const PARTITIONS: &[&str] = &["partitions"];

/// Declares a stream; makes its topic when that is missing.
pub async fn create(session: &Session, create: &CreateStream, text: &str, out: &Out) -> Result<()> {
    let engine = session.engine();
    if !engine.config().writes {
        return Err(Error::sql("streams cannot be created here: writing is off").with_hint("start without --read-only"));
    }
    let stream = Stream::new(create, text)?;
    let definitions = engine.definitions().await?;
    if let Some(there) = definitions.get(&stream.name) {
        if create.if_not_exists {
            return send(out, Response::Done { message: format!("stream {} was there already", there.name) }).await;
        }
        if !create.or_replace {
            return Err(Error::sql(format!("stream {} is there already", there.name))
                .with_span(create.name.span)
                .with_hint("use CREATE OR REPLACE STREAM, or DROP STREAM first"));
        }
    }
    stream.shape(None)?;
    let exists = engine.connector().topic(&stream.topic).await?;
    let made = match (&exists, stream.partitions) {
        (None, partitions) if !stream.columns.is_empty() || partitions.is_some() => {
            let partitions = partitions.unwrap_or(1);
            let topic = NewTopic { name: stream.topic.to_string(), partitions, replicas: -1, ..NewTopic::default() };
            engine.connector().create_topic(topic).await.map_err(|e| at_property(e, create))?;
            format!(", topic {} made with {}", stream.topic, counted(partitions))
        }
        (None, _) => {
            let error = Error::sql(format!("there is no topic {}", stream.topic)).with_span(create.place_of(TOPIC));
            let topics = engine.topics().await?;
            return Err(match nearest(&stream.topic, topics.iter().map(|t| &*t.name)) {
                Some(near) => error.with_hint(format!("did you mean {near}?")),
                None => error.with_hint("declare columns and a value_format to make it"),
            });
        }
        (Some(topic), Some(wanted)) if topic.partitions != wanted => {
            return Err(Error::sql(format!("topic {} has {}, not {wanted}", topic.name, counted(topic.partitions)))
                .with_span(create.place_of(PARTITIONS))
                .with_hint("leave partitions out, or name another topic"));
        }
        (Some(topic), _) => format!(" over topic {}", topic.name),
    };
    engine.define(text).await?;
    send(out, Response::Done { message: format!("created stream {}{made}", stream.name) }).await
}

/// Forgets a stream, and its topic when asked.
pub async fn drop_stream(session: &Session, name: &Name, if_exists: bool, delete_topic: bool, out: &Out) -> Result<()> {
    let engine = session.engine();
    if !engine.config().writes {
        return Err(Error::sql("streams cannot be dropped here: writing is off").with_hint("start without --read-only"));
    }
    let definitions = engine.definitions().await?;
    let Some(stream) = definitions.get(&name.value) else {
        if if_exists {
            return send(out, Response::Done { message: format!("there was no stream {}", name.value) }).await;
        }
        let error = Error::sql(format!("there is no stream {}", name.value)).with_span(name.span);
        let names: Vec<&str> = definitions.iter().map(|s| s.name.as_str()).collect();
        return Err(match nearest(&name.value, names) {
            Some(near) => error.with_hint(format!("did you mean {near}?")),
            None => error.with_hint("SHOW STREAMS lists them; a topic without a declaration is not a stream"),
        });
    };
    engine.define(&format!("DROP STREAM \"{}\"", stream.name.replace('"', "\"\""))).await?;
    let mut message = format!("dropped stream {}", stream.name);
    if delete_topic {
        engine.connector().delete_topic(&stream.topic).await?;
        if let Some(registry) = engine.registry() {
            for suffix in ["key", "value"] {
                registry.delete_subject(&format!("{}-{suffix}", stream.topic)).await?;
            }
        }
        engine.forget();
        message.push_str(&format!(" and deleted topic {}", stream.topic));
    }
    send(out, Response::Done { message }).await
}

fn counted(partitions: i32) -> String {
    plural(u64::try_from(partitions).unwrap_or_default(), "partition")
}

/// A topic that cannot be made, at the property that says so.
fn at_property(error: Error, create: &CreateStream) -> Error {
    let about = if error.message().contains("partition") { PARTITIONS } else { TOPIC };
    match (error.kind(), error.span()) {
        (Kind::Sql | Kind::Usage, None) => error.with_span(create.place_of(about)),
        _ => error,
    }
}

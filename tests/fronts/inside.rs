//! In process: a session and nothing else.

use std::fmt::Write as _;
use std::sync::Arc;

use futures::StreamExt as _;
use weir::config::settings::Settings;
use weir::config::{Cluster, Config};
use weir::connect::Connector;
use weir::error::Error;
use weir::render::{Look, Renderer, error::screen};
use weir::session::Session;
use weir::session::engine::Engine;
use weir::session::response::{Receipt, Response};

use super::Place;
use super::file::{Block, blocks, produce};

/// A statement and what came of it.
pub struct Ran {
    pub block: Block,
    /// The settings that it ran with.
    pub settings: Settings,
    pub responses: Vec<Response>,
    pub error: Option<Error>,
}

/// Runs a whole file. Returns it with the answers that come now, and its statements.
pub async fn run(text: &str, place: &Place, connector: Arc<dyn Connector>) -> (String, Vec<Ran>) {
    let mut config = Config::new(Cluster::Memory);
    config.threads = 2;
    let session = Session::new(Engine::with_connector(config, connector).unwrap());
    let (mut out, blocks) = blocks(text);
    let mut all = Vec::new();
    for block in blocks {
        out.push_str(&block.text);
        block.tags.iter().for_each(|tag| writeln!(out, "--@ {tag}").unwrap());
        let settings = session.settings();
        let statement = place.typed(&block.statement);
        let mut ran = Ran { block, settings, responses: Vec::new(), error: None };
        let mut responses = session.execute(&statement, &ran.block.bound());
        while let Some(response) = responses.next().await {
            match response {
                Ok(response) => ran.responses.push(response),
                Err(error) => ran.error = Some(error),
            }
        }
        for line in place.anywhere(&answer(&ran, &statement)).lines() {
            writeln!(out, "{}", format!("--> {line}").trim_end()).unwrap();
        }
        for record in &ran.block.records {
            produce(session.engine().connector().as_ref(), record).await.unwrap();
        }
        out.push_str(&ran.block.rest);
        all.push(ran);
    }
    (out, all)
}

fn answer(ran: &Ran, statement: &str) -> String {
    let mut out = String::new();
    let mut table = Vec::new();
    let mut renderer: Option<Renderer> = None;
    for response in &ran.responses {
        match response {
            Response::Begin { .. } => {}
            Response::Schema(schema) => renderer = Some(Renderer::new(Arc::clone(schema), Look::default())),
            Response::Rows(batch) => renderer.as_mut().unwrap().rows(batch, &mut table).unwrap(),
            Response::Receipt(receipt) => {
                if let Some(mut renderer) = renderer.take() {
                    renderer.finish(&mut table).unwrap();
                }
                out.push_str(&String::from_utf8(std::mem::take(&mut table)).unwrap());
                if ran.block.receipt {
                    out.push_str(&counts(receipt));
                }
                if let Some(why) = &receipt.incomplete {
                    writeln!(out, "incomplete: {why}").unwrap();
                }
            }
            Response::Notice(notice) => {
                writeln!(out, "notice: {}", notice.message).unwrap();
                if let Some(hint) = &notice.hint {
                    writeln!(out, "hint: {hint}").unwrap();
                }
            }
            Response::Done { message } => writeln!(out, "{message}").unwrap(),
        }
    }
    if let Some(error) = &ran.error {
        out.push_str(&screen(error, statement, None, false));
    }
    out
}

/// What was read, without anything that differs from run to run.
fn counts(receipt: &Receipt) -> String {
    let mut out = format!("receipt: {} rows\n", receipt.rows);
    for topic in &receipt.topics {
        write!(
            out,
            "receipt: {}: scanned {} of {}, partitions {} of {}, decoded {}",
            topic.topic, topic.scanned, topic.in_range, topic.partitions_read, topic.partitions, topic.decoded
        )
        .unwrap();
        for (name, n) in [("tombstones", topic.tombstones), ("undecodable", topic.undecodable)] {
            if let Some(n) = n.filter(|n| *n > 0) {
                write!(out, ", {name} {n}").unwrap();
            }
        }
        out.push('\n');
    }
    out
}
